"""The named tuples that operations with several results give; mirrors ``torch.return_types``."""

from . import ops as _ops  # noqa: F401  (they make the types)
from .left_out import explain_all
from .ops.sort import RESULTS as _RESULTS

globals().update(_RESULTS)
__all__ = sorted(_RESULTS)

explain_all(__name__)
