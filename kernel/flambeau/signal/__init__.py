"""Signal processing; mirrors ``torch.signal``."""

from ..left_out import explain_all
from . import windows

__all__ = ["windows"]

explain_all(__name__)
