"""What tests of numerical programs need; mirrors ``torch.testing``."""

from ..left_out import explains
from .close import assert_allclose, assert_close
from .make import make_tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

__getattr__ = explains(__name__)
