"""The table of rules, and what rules have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...ops import registry
from ...ops.registry import OPS
from ...tensor import Tensor

RULES: dict[str, Callable[..., Any]] = {}


def rule(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a rule for operations of these names."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def decomposed(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a rule that says it in other operations, on the slices themselves.

    The function is called with the operation's inputs and plain arguments; None where it does not
    apply.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
            from ..batched import batched, unwrap

            pairs = zip(values, flags, strict=True)
            made = function(*(batched(v, level) if f else v for v, f in pairs), *params)
            return None if made is None else unwrap(made, level)

        RULES.update(dict.fromkeys(names, run))
        return function

    return register


def run(op: Any, inputs: Any, params: Any = ()) -> Any:
    """Runs an operation, through whatever modes are on."""
    return registry.apply(op, tuple(inputs), tuple(params))


def rank(value: Any, flag: bool) -> int:
    """The number of dimensions of a slice; 0 for a number."""
    return value.array.ndim - flag if isinstance(value, Tensor) else 0


def line_up(value: Any, flag: bool, ndim: int) -> Any:
    """Slices with dimensions of size 1 in front, so that they have ``ndim`` of them."""
    if not flag or value.array.ndim == ndim + 1:
        return value
    missing = (1,) * (ndim + 1 - value.array.ndim)
    size, *rest = value.array.shape
    return OPS["reshape"](value, (size, *missing, *rest))


def repeated(value: Any, flag: bool, size: int) -> Any:
    """A tensor with slices, whether it had them or all are the same."""
    if flag or not isinstance(value, Tensor):
        return value
    return OPS["expand"](OPS["unsqueeze"](value, 0), (size, *value.array.shape))


def all_repeated(size: int, values: Any, flags: Any) -> list[Any]:
    """All tensors with slices."""
    return [repeated(v, f, size) for v, f in zip(values, flags, strict=True)]


def fold(value: Tensor) -> Tensor:
    """The slices' first dimension and that of the slices made one."""
    a, b, *rest = value.array.shape
    return OPS["reshape"](value, (a * b, *rest))


def unfold(value: Tensor, size: int) -> Tensor:
    """The opposite of `fold`."""
    n, *rest = value.array.shape
    return OPS["reshape"](value, (size, n // size if size else 0, *rest))
