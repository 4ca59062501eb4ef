"""Python's operators on tensors, each an operation of the registry."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..subclasses import PLAIN, Overridden, dispatch, involved, overrides
from ..tensor import Tensor
from .apply import NUMBERS
from .index import getitem, setitem
from .registry import FUNCTIONS, OPS, SPACES, InPlace, Op
from .short import apply_number, apply_one, apply_two, apply_written

_OPERAND = (Tensor, np.number, np.bool_)


def _fits(value: Any) -> bool:
    return isinstance(value, _OPERAND) or (value.__class__ in NUMBERS and value is not None)


def _operand(value: Any) -> Any:
    """What stands beside a tensor: an array of NumPy's becomes a tensor on the same memory."""
    if isinstance(value, np.ndarray):
        return FUNCTIONS["from_numpy"](value)
    return value if _fits(value) or overrides(type(value)) else NotImplemented


def _binary(symbol: str, name: str, params: tuple[Any, ...] = (), inplace: bool = False) -> None:
    """Defines ``x symbol y`` and ``y symbol x``, and ``x symbol= y`` where it is asked for."""
    op, twin = OPS[name], SPACES["Tensor"].get(f"{name}_")

    def forward(self: Tensor, other: Any) -> Any:
        kind = other.__class__
        try:
            if kind is float or kind is int:
                return apply_number(op, self, other, params)
            if kind is not Tensor and (other := _operand(other)) is NotImplemented:
                return NotImplemented
            return apply_two(op, self, other, params)
        except Overridden:
            return dispatch(op, (self, other), {})

    def reflected(self: Tensor, other: Any) -> Any:
        if not isinstance(self, Tensor):
            raise TypeError(f"__r{symbol}__ is a method of Tensor, not of {type(self).__name__}")
        kind = other.__class__
        try:
            if kind is float or kind is int:
                return apply_number(op, self, other, params, True)
            if (other := _operand(other)) is NotImplemented:
                return NotImplemented
            return apply_two(op, other, self, params)
        except Overridden:
            return dispatch(op, (other, self), {})

    def written(self: Tensor, other: Any) -> Any:
        if other.__class__ is not Tensor and (other := _operand(other)) is NotImplemented:
            return NotImplemented
        try:
            return apply_written(op, (self, other), params)
        except Overridden:
            return dispatch(twin, (self, other), {})

    setattr(Tensor, f"__{symbol}__", forward)
    setattr(Tensor, f"__r{symbol}__", reflected)
    if inplace:
        setattr(Tensor, f"__i{symbol}__", written)


def _compare(symbol: str) -> None:
    op = OPS[symbol]

    def compared(self: Tensor, other: Any) -> Any:
        kind = other.__class__
        try:
            if kind is float or kind is int:
                return apply_number(op, self, other)
            if kind is not Tensor and (other := _operand(other)) is NotImplemented:
                return NotImplemented
            return apply_two(op, self, other)
        except Overridden:
            return dispatch(op, (self, other), {})

    setattr(Tensor, f"__{symbol}__", compared)


def _unary(symbol: str) -> None:
    op = OPS[symbol]

    def changed(self: Tensor) -> Any:
        try:
            return apply_one(op, self)
        except Overridden:
            return dispatch(op, (self,), {})

    setattr(Tensor, f"__{symbol}__", changed)


def _write_item(self: Tensor, key: Any, value: Any) -> None:
    if self.__class__ not in PLAIN and involved((self, value)):
        dispatch(_write_item, (self, key, value), {})
    else:
        setitem(self, key, value)


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


# Symbol, operation, and the plain arguments that complete it.
_BINARY: list[tuple[str, str, tuple[Any, ...]]] = [
    ("add", "add", (1,)),
    ("sub", "sub", (1,)),
    ("mul", "mul", ()),
    ("truediv", "div", (None,)),
    ("floordiv", "floor_divide", ()),
    ("mod", "remainder", ()),
    ("pow", "pow", ()),
    ("and", "bitwise_and", ()),
    ("or", "bitwise_or", ()),
    ("xor", "bitwise_xor", ()),
    ("lshift", "bitwise_left_shift", ()),
    ("rshift", "bitwise_right_shift", ()),
]
_METHODS = {
    "__pos__": lambda self: self,
    "__invert__": _invert,
    "__getitem__": getitem,
    "__setitem__": _write_item,
    "__iter__": _rows,
}


def attach() -> None:
    """Puts operations and operators on `Tensor`, once all are registered."""
    for name, thing in _METHODS.items():
        thing.__name__ = name
    for name, thing in {**SPACES["Tensor"], **_METHODS}.items():
        setattr(Tensor, name, thing.as_method() if isinstance(thing, (Op, InPlace)) else thing)
    for symbol, name, params in _BINARY:
        _binary(symbol, name, params, inplace=True)
    for old in ("__div__", "__rdiv__", "__idiv__"):  # as Python 2 had it
        setattr(Tensor, old, getattr(Tensor, old.replace("div", "truediv")))
    _binary("matmul", "matmul")
    for symbol in ("lt", "le", "gt", "ge", "eq", "ne"):
        _compare(symbol)
    for symbol in ("neg", "abs"):
        _unary(symbol)
