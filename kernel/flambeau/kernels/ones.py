"""Sums of small arrays, as products with ones: BLAS is through before NumPy's ``sum`` has begun."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy import ndarray

from .gate import SMALL

_FLOAT32 = np.dtype(np.float32)


@lru_cache(256)
def _ones(n: int) -> np.ndarray:
    return np.ones(n, np.float32)


def small_sum(x: Any, dim: Any, keepdim: bool) -> Any:
    """``x.sum(dim, keepdims=keepdim)`` of few float32s over all, the last dimension or the first of two.

    None where it is not that: NumPy does it then.
    """
    if (
        x.__class__ is not ndarray
        or not 0 < x.size < SMALL
        or x.dtype is not _FLOAT32
        or not x.flags.c_contiguous
    ):
        return None
    shape, ndim = x.shape, x.ndim
    if ndim == 2:  # the usual case, without a word too many
        if dim == 1 or dim == -1:
            sums = x.dot(_ones(shape[1]))
            return sums[:, None] if keepdim else sums
        if dim == 0:
            sums = _ones(shape[0]).dot(x)
            return sums[None] if keepdim else sums
    if dim is None or (ndim == 1 and (dim == 0 or dim == -1)):
        sums = (x if ndim == 1 else x.ravel()).dot(_ones(x.size))
        return sums.reshape((1,) * ndim) if keepdim else sums
    if ndim > 2 and dim == -1:
        sums = x.reshape(-1, shape[-1]).dot(_ones(shape[-1]))
        return sums.reshape((*shape[:-1], 1) if keepdim else shape[:-1])
    return None
