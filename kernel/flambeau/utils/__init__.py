"""Helpers around training; mirrors ``torch.utils``."""

from ..left_out import explains
from . import checkpoint, data, dlpack, hooks

__all__ = ["checkpoint", "data", "dlpack", "hooks"]

__getattr__ = explains(__name__)
