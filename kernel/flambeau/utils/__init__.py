"""Helpers around training; mirrors ``torch.utils``."""

from . import data, dlpack

__all__ = ["data", "dlpack"]
