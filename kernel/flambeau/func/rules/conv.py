"""Convolutions, pooling and normalization: slices are folded into the batch or the channels."""

from __future__ import annotations

from typing import Any

from ...ops.registry import OPS
from .table import RULES, decomposed, fold, rank, repeated, rule, run, unfold


def _channels(value: Any) -> Any:
    """(slices, N, C, ...) as (N, slices · C, ...)."""
    moved = OPS["transpose"](value, 0, 1)
    n, a, c, *rest = moved.array.shape
    return OPS["reshape"](moved, (n, a * c, *rest))


def _slices(value: Any, size: int) -> Any:
    """The opposite of `_channels`."""
    n, c, *rest = value.array.shape
    return OPS["transpose"](OPS["reshape"](value, (n, size, c // size, *rest)), 0, 1)


@rule(*(f"conv{way}{n}d" for way in ("", "_transpose") for n in (1, 2, 3)))
def convolution(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    """Slices of the input are more of its batch; slices of the weight are groups of channels."""
    x, weight, bias = values
    spatial = int(op.name[-2])
    alone = rank(x, flags[0]) == spatial + 1
    if not alone and rank(x, flags[0]) != spatial + 2:
        return None
    if not flags[1] and not flags[2]:
        return (
            run(op, values, params)
            if alone
            else unfold(run(op, (fold(x), *values[1:]), params), size)
        )
    x, weight = repeated(x, flags[0], size), repeated(weight, flags[1], size)
    bias = None if bias is None else OPS["reshape"](repeated(bias, flags[2], size), (-1,))
    x = OPS["unsqueeze"](x, 1) if alone else x
    names = dict(zip(op.param_names, params, strict=True))
    names["groups"] *= size
    made = _slices(run(op, (_channels(x), fold(weight), bias), names.values()), size)
    return OPS["squeeze"](made, 1) if alone else made


@rule(*(f"{kind}{n}d" for kind in ("max_pool", "avg_pool", "adaptive_avg_pool") for n in (1, 2, 3)))
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    (x,), spatial = values, int(op.name[-2])
    if rank(x, True) == spatial + 1:
        return run(op, values, params)
    return unfold(run(op, (fold(x),), params), size) if rank(x, True) == spatial + 2 else None


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


@rule("layer_norm", "rms_norm")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    if flags[0] and not any(flags[1:]):
        return run(op, values, params)
    return RULES["layer_norm of slices"](
        op, size, (*values, None)[:3], (*flags, False)[:3], (op, *params), level
    )


@decomposed("layer_norm of slices")
def _(x: Any, weight: Any, bias: Any, op: Any, shape: Any, eps: Any) -> Any:
    bare = (x, *(None,) * (op.count - 1))
    return _affine(run(op, bare, (shape, eps)), weight, bias)


@rule("group_norm")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    if flags[0] and not any(flags[1:]):
        return unfold(run(op, (fold(values[0]), *values[1:]), params), size)
    return RULES["group_norm of slices"](op, size, values, flags, (op, *params), level)


def _per_channel(t: Any, ndim: int) -> Any:
    return None if t is None else OPS["reshape"](t, (-1, *(1,) * (ndim - 2)))


@decomposed("group_norm of slices")
def _(x: Any, weight: Any, bias: Any, op: Any, groups: Any, eps: Any) -> Any:
    made = run(op, (x, None, None), (groups, eps))
    return _affine(made, _per_channel(weight, x.ndim), _per_channel(bias, x.ndim))


@decomposed("batch_norm_eval")
def _(x: Any, weight: Any, bias: Any, mean: Any, var: Any, eps: Any) -> Any:
    scale = OPS["rsqrt"](_per_channel(var, x.ndim) + eps)
    made = (x - _per_channel(mean, x.ndim)) * scale
    return _affine(made, _per_channel(weight, x.ndim), _per_channel(bias, x.ndim))


@rule("batch_norm")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    x, weight, bias, mean, var = values
    if mean is not None or var is not None or not flags[0]:
        return None
    if any(flags[1:]) or weight is not None or bias is not None:
        return RULES["batch_norm of slices"](op, size, values[:3], flags[:3], (op, *params), level)
    return _slices(run(op, (_channels(x), None, None, None, None), params), size)


@decomposed("batch_norm of slices")
def _(x: Any, weight: Any, bias: Any, op: Any, momentum: Any, eps: Any) -> Any:
    made = run(op, (x, None, None, None, None), (momentum, eps))
    return _affine(made, _per_channel(weight, x.ndim), _per_channel(bias, x.ndim))


@rule("cross_entropy", "nll_loss")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    """Each slice is more of the batch; the mean is over the targets that are not ignored."""
    x, target, weight = values
    names = dict(zip(op.param_names, params, strict=True))
    x, target = repeated(x, flags[0], size), repeated(target, flags[1], size)
    alone = x.array.ndim == 2
    if weight is not None or names.get("smoothing") or target.array.dtype.kind != "i":
        return None
    if target.array.ndim != x.array.ndim - 1:
        return None
    reduction, names["reduction"] = names["reduction"], "none"
    pair = (x, target) if alone else (fold(x), fold(target))
    made = run(op, (*pair, None), names.values())
    made = made if alone else unfold(made, size)
    if reduction == "none":
        return made
    counted = OPS["cast"](target != names["ignore_index"], made.array.dtype)
    dims = tuple(range(1, made.array.ndim))
    if dims:
        made, counted = made.sum(dims), counted.sum(dims)
    return made / counted if reduction == "mean" else made
