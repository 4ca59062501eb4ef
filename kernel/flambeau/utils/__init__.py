"""Helpers around training; mirrors ``torch.utils``."""

from . import data

__all__ = ["data"]
