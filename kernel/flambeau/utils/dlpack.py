"""Memory shared with other libraries; mirrors ``torch.utils.dlpack``."""

from ..interop import from_dlpack, to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]
