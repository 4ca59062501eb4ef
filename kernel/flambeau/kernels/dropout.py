"""Dropout: what stays is told by 16 random bits an element."""

from __future__ import annotations

from .compiled import kernel
from .numbers import f32


@kernel(regroup=False)
def dropout(x, bits, out, kept, limit, scale):
    """x · scale where the bits reach the limit, 0 elsewhere; and where they do."""
    for i in range(len(x)):
        stays, v = bits[i] >= limit, x[i] * scale
        kept[i] = stays
        out[i] = v if stays else f32(0)


@kernel(regroup=False)
def dropout_slope(g, kept, gx, scale):
    """g · scale where the element stayed."""
    for i in range(len(g)):
        v = g[i] * scale
        gx[i] = v if kept[i] else f32(0)
