"""Indexing: an index on the slices' dimension comes first."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops.registry import OPS
from ..batched import Stand, arange
from .reduce import moved
from .table import all_repeated, line_up, rank, repeated, rule, run


@rule("slice")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    return run(op, values, ((slice(None), *params[0]),))


@rule("select_op", "select")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    return run(OPS["select_op"], values, ((slice(None), *params[0]),))


@rule("slice_put")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    shape, index = params
    return run(op, values, ((size, *shape), (slice(None), *index)))


def _picks(entry: Any) -> bool:
    """Whether an entry of an index is an array, or counts as one for NumPy."""
    return hasattr(entry, "dtype") or isinstance(entry, (bool, int))


def _together(at: Any) -> bool:
    """Whether the arrays of an index stand side by side: else NumPy moves what they give."""
    places = [i for i, entry in enumerate(at) if _picks(entry)]
    return not places or places[-1] - places[0] == len(places) - 1


def _simple(at: Any) -> bool:
    return _together(at) and not any(isinstance(e, Stand) for e in at)


def index(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    """x[at] for every slice; arrays that differ between slices are lined up with its number."""
    (x,), (at,) = values, params
    if flags[0] and _simple(at):
        return run(op, values, ((slice(None), *at),))
    found = _numbered(at, size, level, x)
    if found is None:
        return None
    return run(op, (repeated(x, flags[0], size),), (found,))


def _numbered(at: Any, size: int, level: Any, like: Any) -> Any:
    """An index with the number of the slice in front; None if that is not right."""
    arrays = [e for e in at if _picks(e)]
    if any(not hasattr(e, "dtype") or e.dtype == bool for e in arrays):
        return None
    if not arrays or not all(_picks(e) for e in at[: len(arrays)]):
        return None  # what they give would stand in another place
    mine = [isinstance(e, Stand) and e.level is level for e in at]
    if any(isinstance(e, Stand) and not m for e, m in zip(at, mine, strict=True)):
        return None
    ndim = max(e.ndim for e in arrays)
    found = [line_up(e.value, True, ndim).array if m else e for e, m in zip(at, mine, strict=True)]
    if any(isinstance(e, Stand) for e in found):
        return None
    return (arange(size, like).reshape((size,) + (1,) * ndim), *found)


index.of_stands = True  # type: ignore[attr-defined]
rule("index", "index_select")(index)


@rule("index_add_new")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    (x,), (shape, at) = values, params
    if flags[0] and _simple(at):
        return run(op, values, ((size, *shape), (slice(None), *at)))
    found = _numbered(at, size, level, x)
    if found is None:
        return None
    return run(op, (repeated(x, flags[0], size),), ((size, *shape), found))


def _put(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    (x, given), (at, *rest) = values, params
    x = repeated(x, flags[0], size)
    if _simple(at):
        found: Any = (slice(None), *at)
    else:
        found = _numbered(at, size, level, x)
    if found is None:
        return None
    if flags[1]:
        sample = np.empty((1,) * (x.array.ndim - 1))
        given = line_up(given, True, max(_reach(sample, at), rank(given, True)))
    return run(op, (x, given), (found, *rest))


def _reach(sample: Any, at: Any) -> int:
    """How many dimensions x[at] has."""
    arrays = [e for e in at if _picks(e) and hasattr(e, "ndim")]
    used = sum((e.ndim if e.dtype == bool else 1) for e in arrays)
    masks = any(e.dtype == bool for e in arrays)
    return sample.ndim - used + (1 if masks else max((e.ndim for e in arrays), default=0))


_put.of_stands = True  # type: ignore[attr-defined]
rule("index_put")(_put)


@rule("gather", "scatter", "scatter_add")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    ndim = rank(values[0], flags[0])
    tensors = [(v, f) for v, f in zip(values, flags, strict=True) if hasattr(v, "array")]
    if not ndim or any(rank(v, f) != ndim for v, f in tensors):
        return None
    return run(op, all_repeated(size, values, flags), (moved(params[0], ndim), *params[1:]))


@rule("embedding")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    x, weight = values
    padding_idx, by_frequency = params
    if by_frequency or (flags[1] and padding_idx is not None):
        return None
    if not flags[1]:
        return run(op, values, params)
    count = weight.array.shape[1]
    start = arange(size, weight) * count
    x = repeated(x, flags[0], size)
    x = x + OPS["alias"](_tensor(start.reshape((size,) + (1,) * (x.array.ndim - 1))))
    return run(op, (x, OPS["reshape"](weight, (size * count, -1))), params)


def _tensor(array: Any) -> Any:
    from ...tensor import wrap

    return wrap(array)
