"""Memory shared with other libraries; mirrors ``torch.utils.dlpack``."""

from ..interop import from_dlpack, to_dlpack
from ..left_out import explain_all

__all__ = ["from_dlpack", "to_dlpack"]

explain_all(__name__)
