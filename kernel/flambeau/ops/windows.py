"""Sliding windows over the last dimensions, for convolution and pooling."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np


def each(value, n, name):
    """A setting for each of ``n`` dimensions: a number stands for all."""
    if isinstance(value, (int, np.integer)):
        return (int(value),) * n
    value = tuple(int(v) for v in value)
    if len(value) == 1:
        return value * n
    if len(value) != n:
        raise RuntimeError(f"{name} must be one number or {n}, got {value}")
    return value


@lru_cache(maxsize=1024)
def taps(kernel, stride, dilation, out):
    """For each position in the kernel, the slices of the input that it meets."""
    return [
        (
            ...,
            *(
                slice(k * d, k * d + s * (o - 1) + 1, s)
                for k, s, d, o in zip(at, stride, dilation, out, strict=True)
            ),
        )
        for at in product(*map(range, kernel))
    ]


def padded(xp, x, pads, value=0):
    """x with (before, after) more entries in each of its last dimensions; itself where none."""
    if not any(map(any, pads)):
        return x
    lead = x.ndim - len(pads)
    shape = [n + lo + hi for n, (lo, hi) in zip(x.shape[lead:], pads, strict=True)]
    out = (xp.zeros if value == 0 else xp.empty)((*x.shape[:lead], *shape), x.dtype)
    if value != 0:
        out[...] = value
    out[inside(pads, x.shape[lead:])] = x
    return out


def inside(pads, sizes):
    """Where the input lies in its padded copy."""
    return (..., *(slice(lo, lo + n) for n, (lo, _) in zip(sizes, pads, strict=True)))


def windows(xp, x, kernel, stride, dilation, out):
    """A view of all windows: (..., *kernel, *out), without a copy."""
    n = len(kernel)
    lead, steps = x.shape[:-n], x.strides[-n:]
    strides = (
        *x.strides[:-n],
        *(s * d for s, d in zip(steps, dilation, strict=True)),
        *(s * t for s, t in zip(steps, stride, strict=True)),
    )
    return xp.lib.stride_tricks.as_strided(x, (*lead, *kernel, *out), strides)
