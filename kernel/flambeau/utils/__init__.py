"""Helpers around training; mirrors ``torch.utils``."""

from . import checkpoint, data, dlpack

__all__ = ["checkpoint", "data", "dlpack"]
