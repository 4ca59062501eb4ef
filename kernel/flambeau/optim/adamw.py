"""`AdamW` under the name of PyTorch's file."""

from .adam import AdamW

__all__ = ["AdamW"]
