"""Reading, writing and adding along a dimension where an index says.

Loops that only move elements see them as bits, so that one loop serves all types of a size. Indices
come as unsigned numbers: a negative one is then too large, like any other that does not fit. Each
loop looks at a row of indices before it follows them, and says whether they fit.
"""

from __future__ import annotations

from math import prod

import numpy as np

from .compiled import kernel
from .gate import fast, fast_moves

u64 = np.uint64
_TOGETHER = 512
_MANY = 1 << 14  # fewer elements NumPy takes sooner
# By size in bytes.
_UNSIGNED = {4: np.dtype(np.uint32), 8: np.dtype(np.uint64)}


def bits(x):
    """The same memory as unsigned integers of the same size."""
    return x.view(_UNSIGNED[x.itemsize])


def largest(index):
    """The largest index, where a negative one counts as too large for anything."""
    return bits(index).max()


def around(x, dim):
    """x as (before, n, after); a view, as x lies in C order."""
    shape = x.shape
    return x.reshape(prod(shape[:dim]), shape[dim], prod(shape[dim + 1 :]))


@kernel
def _fit(row, n):
    """Whether all indices of a row are below n."""
    top = u64(0)
    for c in range(len(row)):
        top = max(top, row[c])
    return top < n


# An index tensor along a dimension of x: element c of a row of it stands in the flat x at
# start + index * stride + c * step, where start grows by ``block`` after so many ``rows`` (`_way`).
# Rows are looked at together until there are _TOGETHER elements of them.


@kernel
def _gather(x, index, out, n, rows, block, stride, step):
    """Reads x where the index says."""
    start, left = u64(0), rows
    together = max(_TOGETHER // index.shape[1], 1)
    for r in range(len(index)):
        if r % together == 0 and not _fit(index[r : r + together].ravel(), n):
            return False
        for c in range(index.shape[1]):
            out[r, c] = x[start + index[r, c] * stride + u64(c) * step]
        left -= 1
        if left == 0:
            start, left = start + block, rows
    return True


@kernel
def _scatter(out, index, src, n, rows, block, stride, step):
    """Writes src where the index says."""
    start, left = u64(0), rows
    together = max(_TOGETHER // index.shape[1], 1)
    for r in range(len(index)):
        if r % together == 0 and not _fit(index[r : r + together].ravel(), n):
            return False
        for c in range(index.shape[1]):
            out[start + index[r, c] * stride + u64(c) * step] = src[r, c]
        left -= 1
        if left == 0:
            start, left = start + block, rows
    return True


@kernel
def _scatter_number(out, index, value, n, rows, block, stride, step):
    """Writes a number where the index says."""
    start, left = u64(0), rows
    together = max(_TOGETHER // index.shape[1], 1)
    for r in range(len(index)):
        if r % together == 0 and not _fit(index[r : r + together].ravel(), n):
            return False
        for c in range(index.shape[1]):
            out[start + index[r, c] * stride + u64(c) * step] = value
        left -= 1
        if left == 0:
            start, left = start + block, rows
    return True


@kernel
def _scatter_add(out, index, src, n, rows, block, stride, step):
    """Adds src where the index says."""
    start, left = u64(0), rows
    together = max(_TOGETHER // index.shape[1], 1)
    for r in range(len(index)):
        if r % together == 0 and not _fit(index[r : r + together].ravel(), n):
            return False
        for c in range(index.shape[1]):
            out[start + index[r, c] * stride + u64(c) * step] += src[r, c]
        left -= 1
        if left == 0:
            start, left = start + block, rows
    return True


def _way(x, index, dim):
    """The index as rows, and how they lead into x; None unless x is as large but for ``dim``."""
    a, b = x.shape, index.shape
    if len(a) != len(b) or a[:dim] != b[:dim] or a[dim + 1 :] != b[dim + 1 :]:
        return None
    n, stride = a[dim], prod(a[dim + 1 :])
    width, rows, step = (stride, b[dim], 1) if stride > 1 else (b[dim], 1, 0)
    return index.view(u64).reshape(-1, width), (
        u64(n),
        rows,
        u64(n * stride),
        u64(stride),
        u64(step),
    )


# A vector of places along a dimension


@kernel
def _take(x, places, out):
    """out[a, b] = x[a, places[b]]"""
    for a in range(len(x)):
        for b in range(len(places)):
            out[a, b] = x[a, places[b]]


@kernel
def _add_columns(out, places, src):
    """out[a, places[b]] += src[a, b]"""
    for a in range(len(src)):
        for b in range(len(places)):
            out[a, places[b]] += src[a, b]


@kernel
def _add_rows(out, places, src):
    """out[a, places[b], c] += src[a, b, c]"""
    for a in range(len(src)):
        for b in range(len(places)):
            total, row = out[a, places[b]], src[a, b]
            for c in range(len(row)):
                total[c] += row[c]


@kernel
def _write_columns(out, places, src):
    """out[a, places[b]] = src[a, b]"""
    for a in range(len(src)):
        for b in range(len(places)):
            out[a, places[b]] = src[a, b]


@kernel
def _write_rows(out, places, src):
    """out[a, places[b], c] = src[a, b, c]"""
    for a in range(len(src)):
        for b in range(len(places)):
            target, row = out[a, places[b]], src[a, b]
            for c in range(len(row)):
                target[c] = row[c]


def _counted(places, n):
    """Places counted from 0, where those below it count from the end; None if one does not fit."""
    if not places.size:
        return places.view(u64)
    if places.view(u64).max() < n:
        return places.view(u64)
    fit = -n <= places.min() and places.max() < n
    return (places % n).view(u64) if fit else None


# What the operations call. Each gives None, or False, where the plain formula must do it: because
# the arrays are small or of another kind, or to find fault with an index.


def gathered(x, index, dim):
    """What `gather` reads of x, for an index as large as x but for ``dim``."""
    way = fast_moves(x, index, work=index.size) and _way(x, index, dim)
    if not way:
        return None
    out = np.empty(index.shape, x.dtype)
    rows, where = way
    return (
        out if _gather(bits(x).reshape(-1), rows, bits(out).reshape(rows.shape), *where) else None
    )


def scattered(out, index, src, dim):
    """Writes src (as large as the index, or a number) into ``out`` where `gather` would read."""
    way = fast_moves(out, index, work=index.size) and _way(out, index, dim)
    if not way:
        return False
    rows, where = way
    if getattr(src, "dtype", out.dtype) is not out.dtype:
        return False
    if not getattr(src, "ndim", 0):
        number = bits(np.array(src, out.dtype))[()]
        return _scatter_number(bits(out).reshape(-1), rows, number, *where)
    if src.shape != index.shape or not src.flags.c_contiguous:
        return False
    return _scatter(bits(out).reshape(-1), rows, bits(src).reshape(rows.shape), *where)


def scatter_added(out, index, src, dim):
    """Adds src, as large as the index, into ``out`` where `gather` would read."""
    if not fast(src, out) or src.shape != index.shape:
        return False
    way = fast_moves(out, index, work=index.size) and _way(out, index, dim)
    if not way:
        return False
    rows, where = way
    return _scatter_add(out.reshape(-1), rows, src.reshape(rows.shape), *where)


def taken(x, places, dim):
    """The elements of the last dimension at a vector of places."""
    if not 0 < dim == x.ndim - 1 or not fast_moves(x, places, work=x.size, small=_MANY):
        return None
    places = _counted(places, x.shape[-1])
    if places is None:
        return None
    out = np.empty((*x.shape[:-1], len(places)), x.dtype)
    _take(bits(x).reshape(-1, x.shape[-1]), places, bits(out).reshape(-1, len(places)))
    return out


def added_at(out, places, src, dim):
    """Adds the slices of src along ``dim`` to those of ``out`` at a vector of places."""
    if not (fast(src) and fast_moves(out, places, work=src.size) and fast(out, small=0)):
        return False
    places = _counted(places, out.shape[dim])
    if places is None:
        return False
    if dim == out.ndim - 1:
        _add_columns(out.reshape(-1, out.shape[-1]), places, src.reshape(-1, len(places)))
    else:
        _add_rows(around(out, dim), places, around(src, dim))
    return True


def written_at(out, places, src, dim):
    """Writes the slices of src along ``dim`` over those of ``out`` at a vector of places."""
    if not fast_moves(out, places, work=src.size, small=_MANY) or src.dtype is not out.dtype:
        return False
    places = _counted(places, out.shape[dim])
    if places is None or not src.flags.c_contiguous:
        return False
    target, given = bits(out), bits(src)
    if dim == out.ndim - 1:
        _write_columns(target.reshape(-1, out.shape[-1]), places, given.reshape(-1, len(places)))
    else:
        _write_rows(around(target, dim), places, around(given, dim))
    return True
