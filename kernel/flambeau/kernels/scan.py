"""Running sums and products along a dimension of (before, n, after), in double precision."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .gate import SMALL, fast
from .places import around

f32, f64 = np.float32, np.float64


@kernel(regroup=False)
def _sums(x, out):
    """Running sums of rows."""
    for a in range(x.shape[0]):
        total = f64(0)
        for b in range(x.shape[1]):
            total += f64(x[a, b])
            out[a, b] = f32(total)


@kernel(regroup=False)
def _sums_back(x, out):
    """Running sums of rows, from their ends."""
    last = x.shape[1] - 1
    for a in range(x.shape[0]):
        total = f64(0)
        for b in range(x.shape[1]):
            total += f64(x[a, last - b])
            out[a, last - b] = f32(total)


@kernel(regroup=False)
def _sums_down(x, out, back):
    """Running sums along the middle dimension, a row of them at a time."""
    last = x.shape[1] - 1
    total = np.empty(x.shape[2], f64)
    for a in range(x.shape[0]):
        total[:] = 0
        for b in range(x.shape[1]):
            k = last - b if back else b
            for c in range(len(total)):
                total[c] += f64(x[a, k, c])
                out[a, k, c] = f32(total[c])


@kernel(regroup=False)
def _products(x, out):
    """Running products of rows."""
    for a in range(x.shape[0]):
        total = f64(1)
        for b in range(x.shape[1]):
            total *= f64(x[a, b])
            out[a, b] = f32(total)


@kernel(regroup=False)
def _products_down(x, out):
    """Running products along the middle dimension, a row of them at a time."""
    total = np.empty(x.shape[2], f64)
    for a in range(x.shape[0]):
        total[:] = 1
        for b in range(x.shape[1]):
            for c in range(len(total)):
                total[c] *= f64(x[a, b, c])
                out[a, b, c] = f32(total[c])


def _serves(x, dim):
    return x.size >= SMALL and fast(x) and -x.ndim <= dim < x.ndim


def running_sum(x, dim, back=False):
    """The sum of each element and those before it (``back``: after it); None where it is NumPy's.

    As PyTorch does, it adds up in float64.
    """
    if not _serves(x, dim):
        return None
    out = np.empty(x.shape, x.dtype)
    given, made = around(x, dim % x.ndim), around(out, dim % x.ndim)
    if given.shape[2] == 1:
        run = _sums_back if back else _sums
        run(given.reshape(given.shape[:2]), made.reshape(given.shape[:2]))
    else:
        _sums_down(given, made, back)
    return out


def running_product(x, dim):
    """The product of each element and those before it; None where it is NumPy's."""
    if not _serves(x, dim):
        return None
    out = np.empty(x.shape, x.dtype)
    given, made = around(x, dim % x.ndim), around(out, dim % x.ndim)
    if given.shape[2] == 1:
        _products(given.reshape(given.shape[:2]), made.reshape(given.shape[:2]))
    else:
        _products_down(given, made)
    return out
