"""`Variable`: the old name of a tensor in a graph."""

from __future__ import annotations

from typing import Any

from ..left_out import explain_all
from ..tensor import Tensor


class _Kind(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, Tensor)


class Variable(metaclass=_Kind):
    """``Variable(tensor)`` is the tensor itself, with ``requires_grad`` set as said."""

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        """A tensor over the same memory, outside the graph."""
        if data is None:
            return Tensor(0)
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        made = data.detach()
        return made.requires_grad_() if requires_grad else made


explain_all(__name__)
