"""Copies in another order: transposed, and reversed."""

from __future__ import annotations

from math import prod

import numpy as np

from .compiled import kernel
from .gate import fast_moves
from .places import bits, u64

# Rows of this many elements are written at a time: what is read with them stays in the cache,
# even where rows lie a power of two apart, so that few of them fit in it at once.
_STRIP = 16
_LINE = 64  # bytes that come into the cache together
LARGE = 1 << 14  # fewer elements fit in the cache in any order


def in_rows(x):
    """A copy of x in C order.

    NumPy writes whole rows, for which it reads an element each from as many lines of memory as a
    row is long, and these lines are gone when the next row needs them. Strips of rows do better.
    """
    if x.size < LARGE or x.__class__ is not np.ndarray or x.flags.c_contiguous:
        return x.copy("C")
    n = x.shape[-1]
    strip = 1 if n <= 8 else 8 if n < 2 * _STRIP else _STRIP
    near = abs(x.strides[-1]) < _LINE or x.itemsize not in x.strides
    if near or n == 1 or x.size // (n // strip) < 1024:
        return x.copy("C")
    out = np.empty(x.shape, x.dtype)
    for i in range(0, n, strip):
        out[..., i : i + strip] = x[..., i : i + strip]
    return out


@kernel
def _place_columns(x, out, start):
    """out[i, start + j] = x[i, j]"""
    for i in range(x.shape[0]):
        row, target = x[i], out[i, start : start + x.shape[1]]
        for j in range(len(row)):
            target[j] = row[j]


def joined(arrays, dim):
    """Arrays one after the other along ``dim``, if pieces of rows are short; else None.

    NumPy copies each piece by a call of its own.
    """
    first = arrays[0]
    if not dim or first.size < LARGE:
        return None
    inner = prod(first.shape[dim + 1 :])
    size = first.shape[dim] * inner
    same = all(fast_moves(a, work=LARGE) and a.dtype is first.dtype for a in arrays)
    if not same or not 1 < size <= 64:
        return None
    widths = [a.shape[dim] for a in arrays]
    shape = (*first.shape[:dim], sum(widths), *first.shape[dim + 1 :])
    out, start = np.empty(shape, first.dtype), 0
    flat = bits(out).reshape(-1, shape[dim] * inner)
    for a, n in zip(arrays, widths, strict=True):
        _place_columns(bits(a).reshape(-1, n * inner), flat, start)
        start += n * inner
    return out


@kernel
def _reverse(x, out):
    """out[i, j] = x[i, n - 1 - j]"""
    last = u64(x.shape[1] - 1)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[i, j] = x[i, last - u64(j)]


def reversed_rows(x):
    """The last dimension in reverse order; None where NumPy does it."""
    if not x.ndim or x.shape[-1] < 8 or not fast_moves(x, work=x.size):
        return None
    out = np.empty(x.shape, x.dtype)
    n = x.shape[-1]
    _reverse(bits(x).reshape(-1, n), bits(out).reshape(-1, n))
    return out
