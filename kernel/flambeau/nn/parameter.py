"""`Parameter`: a tensor that a module learns."""

from __future__ import annotations

from ..tensor import Tensor, _fill


class Parameter(Tensor):
    """A tensor that a module registers when it is assigned to it; mirrors ``nn.Parameter``.

    It shares the memory of ``data``, and wants gradients unless told otherwise.
    """

    __slots__ = ()

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        if data is None:
            data = Tensor()
        if not isinstance(data, Tensor):
            raise TypeError(f"a Parameter is made of a Tensor, not of {type(data).__name__}")
        _fill(self, data.array)
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that a module registers as a buffer when it is assigned; mirrors ``nn.Buffer``."""

    __slots__ = ("persistent",)

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        _fill(self, (Tensor() if data is None else data).array)
        self.persistent = persistent
