"""Convolutions of stride 1 with 3x3 or 5x5 filters, by Winograd's method (kernels/winograd.py).

A few lines of tiles at a time (what fits the cache) are brought to the points, multiplied by the
filters in 36 matrix products, and brought back. Sums run over at most 32 channels at once: that
keeps the rounding error within four times that of sums over whole windows.
"""

from __future__ import annotations

import numpy as np

from ..kernels import scratch, winograd

_TILES = 128  # in one block
_CHANNELS = 32  # in one sum
_LEAST = 12  # with fewer channels or filters, bringing tiles to the points costs too much


def serves(kernel, pads, sizes, channels, filters):
    """Whether the method fits, and saves two multiplications in five or more for all ``sizes``."""
    if kernel not in ((3, 3), (5, 5)) or min(channels, filters) < _LEAST:
        return False
    if max(map(max, pads)) >= kernel[0]:
        return False
    m = 7 - kernel[0]
    return all(
        36 * -(-height // m) * -(-width // m) <= 0.6 * kernel[0] ** 2 * height * width
        for height, width in sizes
    )


def filters_at_points(weight):
    """G w Gᵀ of filters (O, C, k, k), as (36, C, O)."""
    count, channels = weight.shape[:2]
    found = scratch("filters", 6, 6, channels, count)
    winograd.filters(weight, found)
    return found.reshape(36, channels, count)


def convolve(x, filters, k, bias, before, out):
    """Fills out (N, O, H, W) with the convolution of x with ``before`` = (top, left) zeros."""
    channels, count = filters.shape[1:]
    m = 7 - k
    rows, tiles = (-(-length // m) for length in out.shape[2:])
    for images, blocks in _blocks(len(x), rows, tiles, _TILES):
        spread = _spread(x[images], before, rows, tiles, k)
        for first, lines in blocks:
            at_points = scratch("at points", 6, 6, lines, tiles * channels)
            winograd.inputs(spread, at_points, first, rows)
            products = _products(at_points.reshape(36, -1, channels), filters)
            products = products.reshape(6, 6, lines, tiles * count)
            winograd.outputs(products, bias, out[images], first, rows, m)


def weight_gradient(y, x, before, out):
    """Fills out with the gradient of `convolve`'s weight (O, C, k, k); y is that of its output."""
    count, channels, k, _ = out.shape
    m = 7 - k
    rows, tiles = (-(-length // m) for length in y.shape[2:])
    part, total = scratch("part", 36, channels, count), scratch("total", 36, channels, count)
    total[...] = 0
    # Where there are many filters, adding up the blocks is the less work the fewer they are.
    most = max(_TILES, min(channels * count // 32, 512))
    for images, blocks in _blocks(len(x), rows, tiles, most):
        spread = _spread(x[images], before, rows, tiles, k)
        spread_y = scratch("y", len(spread), m * rows, m, tiles, count)
        winograd.spread_out(y[images], 0, 0, spread_y)
        for first, lines in blocks:
            at_points = scratch("at points", 6, 6, lines, tiles * channels)
            winograd.inputs(spread, at_points, first, rows)
            y_at_points = scratch("y at points", 6, 6, lines, tiles * count)
            winograd.backs(spread_y, y_at_points, first, rows)
            total += np.matmul(
                at_points.reshape(36, -1, channels).swapaxes(1, 2),
                y_at_points.reshape(36, -1, count),
                out=part,
            )
    winograd.back_to_filters(total.reshape(6, 6, channels, count), out)


def _blocks(batch, rows, tiles, most):
    """Slices of the batch, each with its blocks: the first of some lines of tiles, how many."""
    images = max(1, most // (rows * tiles))
    lines = max(1, most // tiles)
    for i in range(0, batch, images):
        total = min(images, batch - i) * rows
        yield (
            slice(i, i + images),
            [(first, min(lines, total - first)) for first in range(0, total, lines)],
        )


def _spread(x, before, rows, tiles, k):
    m = 7 - k
    wide = tiles + (k - 1 + m - 1) // m
    spread = scratch("x", len(x), m * rows + k - 1, m, wide, x.shape[1])
    winograd.spread_out(x, *before, spread)
    return spread


def _products(a, b):
    """a @ b for each of the 36 points, in sums over some of the channels."""
    shape = (36, a.shape[1], b.shape[2])
    out = np.matmul(a[:, :, :_CHANNELS], b[:, :_CHANNELS], out=scratch("products", *shape))
    for i in range(_CHANNELS, b.shape[1], _CHANNELS):
        some = slice(i, i + _CHANNELS)
        out += np.matmul(a[:, :, some], b[:, some], out=scratch("more products", *shape))
    return out
