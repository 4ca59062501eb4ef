"""Python's operators on tensors, each an operation of the registry."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor
from .apply import NUMBERS, apply, apply_inplace
from .index import getitem, setitem
from .registry import OPS, SPACES

_OPERAND = (Tensor, np.number, np.bool_)


def _fits(value: Any) -> bool:
    return isinstance(value, _OPERAND) or (value.__class__ in NUMBERS and value is not None)


def _binary(symbol: str, name: str, params: tuple[Any, ...] = (), inplace: bool = False) -> None:
    """Defines ``x symbol y`` and ``y symbol x``, and ``x symbol= y`` where it is asked for."""
    op = OPS[name]

    def forward(self: Tensor, other: Any) -> Any:
        return apply(op, (self, other), params) if _fits(other) else NotImplemented

    def reflected(self: Tensor, other: Any) -> Any:
        return apply(op, (other, self), params) if _fits(other) else NotImplemented

    def written(self: Tensor, other: Any) -> Any:
        return apply_inplace(op, (self, other), params) if _fits(other) else NotImplemented

    setattr(Tensor, f"__{symbol}__", forward)
    setattr(Tensor, f"__r{symbol}__", reflected)
    if inplace:
        setattr(Tensor, f"__i{symbol}__", written)


def _compare(symbol: str, name: str, otherwise: Any = NotImplemented) -> None:
    op = OPS[name]

    def compared(self: Tensor, other: Any) -> Any:
        return apply(op, (self, other)) if _fits(other) else otherwise

    setattr(Tensor, f"__{symbol}__", compared)


def _unary(symbol: str, name: str) -> None:
    op = OPS[name]
    setattr(Tensor, f"__{symbol}__", lambda self: apply(op, (self,)))


def _invert(self: Tensor) -> Tensor:
    if self.array.dtype.kind not in "biu":
        raise TypeError(
            "~ (operator.invert) is only implemented on integer and Boolean-type tensors"
        )
    return OPS["bitwise_not"](self)


def _rows(self: Tensor) -> Any:
    """Iterates over the first dimension."""
    if self.ndim == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(OPS["unbind"](self, 0))


def attach() -> None:
    """Puts operations and operators on `Tensor`, once all are registered."""
    for name, thing in SPACES["Tensor"].items():
        setattr(Tensor, name, thing)
    _binary("add", "add", (1,), inplace=True)
    _binary("sub", "sub", (1,), inplace=True)
    _binary("mul", "mul", inplace=True)
    _binary("truediv", "div", (None,), inplace=True)
    _binary("floordiv", "floor_divide", inplace=True)
    _binary("mod", "remainder", inplace=True)
    _binary("pow", "pow", inplace=True)
    _binary("matmul", "matmul")
    _binary("and", "bitwise_and", inplace=True)
    _binary("or", "bitwise_or", inplace=True)
    _binary("xor", "bitwise_xor", inplace=True)
    _binary("lshift", "bitwise_left_shift", inplace=True)
    _binary("rshift", "bitwise_right_shift", inplace=True)
    for symbol in ("lt", "le", "gt", "ge", "eq", "ne"):
        _compare(symbol, symbol)
    for symbol, name in (("neg", "neg"), ("abs", "abs")):
        _unary(symbol, name)
    for name, method in (
        ("__invert__", _invert),
        ("__pos__", lambda self: self),
        ("__getitem__", getitem),
        ("__setitem__", setitem),
        ("__iter__", _rows),
    ):
        setattr(Tensor, name, method)
