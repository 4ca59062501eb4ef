"""Operations that rearrange: the slices' dimension keeps its place in front."""

from __future__ import annotations

from typing import Any

from ...ops.registry import OPS
from ...ops.shape import at_dim
from .reduce import moved
from .table import all_repeated, line_up, rule, run


def _size(params: Any) -> tuple[int, ...]:
    (shape,) = params
    return tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)


@rule("reshape", "view")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    if not all(isinstance(n, int) for n in _size(params)):
        return None
    shape, (x,) = _size(params), values
    if -1 in shape and x.array.size == 0:
        return None
    return run(op, values, ((size, *shape),))


@rule("expand")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    shape = _size(params)
    return run(
        op,
        (line_up(values[0], True, max(len(shape), values[0].array.ndim - 1)),),
        ((size, *shape),),
    )


@rule("permute")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    return run(op, values, ((0, *moved(_size(params), values[0].array.ndim - 1)),))


@rule("t")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    ndim = values[0].array.ndim - 1
    if ndim > 2:
        return None
    return run(OPS["transpose"], values, (1, 2)) if ndim == 2 else OPS["alias"](values[0])


@rule("squeeze")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    (x,), (dim,) = values, params
    shape = x.array.shape[1:]
    if not shape:
        return OPS["alias"](x)
    if dim is None:
        dim = tuple(i for i, n in enumerate(shape) if n == 1)
    return run(op, values, (moved(dim, len(shape)),))


@rule("unsqueeze")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    return run(op, values, (at_dim(params[0], values[0].array.ndim) + 1,))


@rule("repeat")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    times = _size(params)
    if len(times) < values[0].array.ndim - 1:
        return None
    return run(op, (line_up(values[0], True, len(times)),), ((1, *times),))


@rule("tril", "triu")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    return run(op, values, params) if values[0].array.ndim > 2 else None


@rule("pad_constant")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    pad = params[0]
    return run(op, values, params) if len(pad) // 2 < values[0].array.ndim else None


@rule("diagonal_put")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    shape, offset, dim1, dim2 = params
    n = len(shape)
    return run(op, values, ((size, *shape), offset, moved(dim1, n), moved(dim2, n)))


@rule("cat")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    values = all_repeated(size, values, flags)
    if len({v.array.ndim for v in values}) > 1 or values[0].array.ndim == 1:
        return None
    return run(op, values, (moved(params[0], values[0].array.ndim - 1), *params[1:]))


@rule("stack")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    values = all_repeated(size, values, flags)
    return run(op, values, (at_dim(params[0], values[0].array.ndim) + 1, *params[1:]))
