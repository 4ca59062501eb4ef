"""Elementwise operations with broadcasting: the slices' dimension is lined up at the front."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops.registry import OPS
from ...tensor import Tensor
from .table import RULES, decomposed, line_up, rank, repeated, rule, run

# Families whose operations all work element by element, but for those named below.
_FAMILIES = (
    "elementwise", "activation", "compare", "pairs", "special", "bessel", "polynomials",
    "arithmetic", "complex", "dropout",
)  # fmt: skip
_OTHERS = {
    "prelu", "softmax", "log_softmax", "all", "any", "count_nonzero", "isin", "complex",
    "as_complex", "view_as_complex", "view_as_real", "glu", "equal", "rrelu",
}  # fmt: skip
_MORE = (
    "cast", "alias", "clone", "contiguous", "complex", "as_complex", "view_as_real",
    "view_as_complex", "masked_softmax",
)  # fmt: skip


def elementwise(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    """Slices of fewer dimensions get some of size 1, so that they broadcast as they should."""
    ranks = [rank(v, f) for v, f in zip(values, flags, strict=True)]
    ndim = max(ranks)
    if len(values) > 1:
        values = _in_common_type(op, values, flags, ranks)
    return run(op, [line_up(v, f, ndim) for v, f in zip(values, flags, strict=True)], params)


def _in_common_type(op: Any, values: Any, flags: Any, ranks: list[int]) -> Any:
    """A slice of no dimensions has little say in the type of a result: it is cast before it has.

    As a row of slices it would have dimensions, and more say.
    """
    tensors = [v for v in values if isinstance(v, Tensor)]
    if op.promote is None or len({t.array.dtype for t in tensors}) < 2 or 0 not in ranks:
        return values
    samples = [
        np.ones((1,) * r, v.array.dtype) if isinstance(v, Tensor) else v
        for v, r in zip(values, ranks, strict=True)
    ]
    typed = op.promote(samples)
    return [
        OPS["cast"](v, t.dtype) if isinstance(v, Tensor) and v.array.dtype != t.dtype else v
        for v, t in zip(values, typed, strict=True)
    ]


for _op in list(OPS.values()):
    _family = _op.source_function.__module__.rpartition(".")[2]
    _fits = (_family in _FAMILIES and _op.name not in _OTHERS) or _op.name in _MORE
    _fits &= not {"dim", "dims", "keepdim", "axis"} & set(_op.param_names)
    if _fits and not _op.variadic and _op.outputs == 1:
        RULES[_op.name] = elementwise


@rule("dropout", "alpha_dropout")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    p, dims = params
    return run(op, values, (p, None if dims is None else dims + 1))


@rule("copy")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    x, y = values
    x = repeated(x, flags[0], size)
    if flags[1]:
        y = line_up(y, True, max(x.array.ndim - 1, rank(y, True)))
    return run(op, (x, y))


@decomposed("masked_fill")
def _(x: Any, mask: Any, value: Any) -> Any:
    if isinstance(value, Tensor) and (value.ndim or value.dtype != x.dtype):
        return None
    return OPS["where"](mask, value, x) if mask.dtype.name == "bool" else None


@decomposed("prelu")
def _(x: Any, weight: Any) -> Any:
    if weight.numel() > 1:
        weight = weight.reshape((-1,) + (1,) * (x.ndim - 2))
    return OPS["where"](x > 0, x, x * weight.reshape(()) if weight.numel() == 1 else x * weight)


def _reduced(values: Any, reduction: str) -> Any:
    return values if reduction == "none" else getattr(values, reduction)()


@decomposed("mse_loss")
def _(x: Any, y: Any, reduction: str) -> Any:
    return _reduced(OPS["square"](x - y), reduction)


@decomposed("l1_loss")
def _(x: Any, y: Any, reduction: str) -> Any:
    return _reduced(OPS["abs"](x - y), reduction)


def _loss(name: str) -> None:
    """A loss of elements: its sum or mean is taken of the slices."""

    def split(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
        reduction, *others = params
        pair = [repeated(v, f, size) for v, f in zip(values[:2], flags[:2], strict=True)]
        known = (True, True, *flags[2:])
        made = elementwise(op, size, (*pair, *values[2:]), known, ("none", *others), level)
        if reduction == "none" or made.array.ndim == 1:
            return made
        dims = tuple(range(1, made.array.ndim))
        return OPS["sum" if reduction == "sum" else "mean"](made, dims)

    RULES[name] = split


for _name in ("huber_loss", "smooth_l1_loss", "binary_cross_entropy", "kl_div"):
    _loss(_name)
