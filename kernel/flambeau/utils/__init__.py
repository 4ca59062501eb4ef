"""Helpers around training; mirrors ``torch.utils``. Each is imported when it is first touched."""

from ..left_out import explains

__all__ = ["checkpoint", "data", "dlpack", "hooks"]

__getattr__ = explains(__name__)
