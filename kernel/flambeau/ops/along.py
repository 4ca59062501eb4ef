"""Index tensors along a dimension: checked, and followed to read, to write and to add."""

from __future__ import annotations

from functools import lru_cache
from math import prod

import numpy as np

from ..kernels import SMALL, places
from ..kernels.places import largest

_INDICES = frozenset((np.dtype(np.int64), np.dtype(np.int32)))


def check_index(xp, x, index, dim, name):
    """IndexError or RuntimeError, as PyTorch has it, for an index that does not fit x."""
    if not index.size:
        return
    if index.dtype not in _INDICES:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index, got {index.dtype}")
    if max(x.ndim, 1) != max(index.ndim, 1):
        raise RuntimeError(
            "Index tensor must have the same number of dimensions as input tensor: "
            f"{index.ndim} and {x.ndim}"
        )
    if xp is np:
        n = x.shape[dim] if x.ndim else 1
        if largest(index) >= n:  # so are negative numbers read thus
            low, high = index.min(), index.max()
            wrong = low if low < 0 else high
            raise RuntimeError(f"index {wrong} is out of bounds for dimension {dim} with size {n}")


def places_of(xp, shape, index, dim):
    """Where along ``dim`` an index tensor points, as an index: its own entry, and all others'."""
    at = list((_numbers if index.size < SMALL else _numbers.__wrapped__)(xp, index.shape))
    at[dim] = index
    return tuple(at)


@lru_cache(64)
def _numbers(xp, shape):
    """The number of each entry along each dimension, shaped to go with the others."""
    ndim = len(shape)
    return [xp.arange(n).reshape([-1 if i == j else 1 for j in range(ndim)])
            for i, n in enumerate(shape)]  # fmt: skip


def flat_places(shape, index, dim):
    """Where along ``dim`` an index points, counted in an array of that shape in C order."""
    find = _offsets if index.size < SMALL else _offsets.__wrapped__
    stride, offsets = find(shape, index.shape, dim)
    return (index if stride == 1 else index * stride) + offsets


@lru_cache(64)
def _offsets(shape, index_shape, dim):
    """How far apart entries along ``dim`` are, and where those numbered 0 are."""
    offsets, stride, found = np.zeros((), np.int64), 1, 1
    for i in range(len(shape) - 1, -1, -1):
        if i == dim:
            found = np.int64(stride) if stride > 1 else 1
        else:
            line = np.arange(index_shape[i]) * stride
            offsets = offsets + line.reshape(-1, *(1,) * (len(shape) - 1 - i))
        stride *= shape[i]
    if prod(index_shape) < SMALL:  # small arrays of one shape are added faster than stretched ones
        offsets = np.ascontiguousarray(np.broadcast_to(offsets, index_shape))
    return found, offsets


def read_along(xp, x, index, dim):
    """What stands along ``dim`` where an index says that fits."""
    if xp is np and x.flags.c_contiguous:
        return x.reshape(-1).take(flat_places(x.shape, index, dim))
    return x[places_of(xp, x.shape, index, dim)]


def add_along(xp, x, index, dim, values):
    """Adds values, as large as the index, to x in C order; False where that takes another way."""
    if xp is np and index.size < SMALL:
        np.add.at(x.reshape(-1), flat_places(x.shape, index, dim), values)
        return True
    return places.scatter_added(x, index, values, dim)


def write_along(xp, x, index, dim, values):
    """Writes values along ``dim`` where an index says that fits."""
    if xp is np and x.flags.c_contiguous:
        x.reshape(-1)[flat_places(x.shape, index, dim)] = values
    else:
        x[places_of(xp, x.shape, index, dim)] = values
