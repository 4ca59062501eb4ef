"""Convolutions of stride 1 with 3x3 or 5x5 filters, by Winograd's method (kernels/winograd.py).

A few lines of tiles at a time (what fits the cache) are brought to the points, multiplied by the
filters in 36 matrix products, and brought back. Sums run over at most 64 channels at once: that
keeps the rounding error within four times that of sums over whole windows.
"""

from __future__ import annotations

import numpy as np

from ..kernels import scratch, winograd

_TILES = 128  # in one block
_CHANNELS = 64  # in one sum
_LEAST = 12  # with fewer channels or filters, bringing tiles to the points costs too much


def serves(plan):
    """Whether the method fits a convolution, and saves two multiplications in five or more."""
    if plan.n != 2 or plan.groups != 1 or {*plan.stride, *plan.dilation} != {1}:
        return False
    if plan.kernel not in ((3, 3), (5, 5)) or min(plan.channels, plan.filters) < _LEAST:
        return False
    if max(map(max, plan.pads)) >= plan.kernel[0]:
        return False
    m = 7 - plan.kernel[0]
    return all(_saves(size, m, plan) for size in (plan.out, plan.size))


def _saves(size, m, plan):
    rows, tiles = (-(-length // m) for length in size)
    return 36 * rows * tiles <= 0.6 * plan.kernel[0] ** 2 * size[0] * size[1]


def convolve(x, weight, bias, before, size):
    """The convolution of x with ``before`` = (top, left) zeros around it, cut to ``size``."""
    count, channels, k, _ = weight.shape
    m = 7 - k
    rows, tiles = (-(-length // m) for length in size)
    filters = scratch("filters", 6, 6, channels, count)
    winograd.filters(weight, filters)
    filters = filters.reshape(36, channels, count)
    bias = np.zeros(count, np.float32) if bias is None else bias
    out = np.empty((len(x), count, *size), np.float32)
    for images, blocks in _blocks(len(x), rows, tiles, _TILES):
        spread = _spread(x[images], before, rows, tiles, k)
        for first, lines in blocks:
            at_points = scratch("at points", 6, 6, lines, tiles * channels)
            winograd.inputs(spread, at_points, first, rows)
            products = _products(at_points.reshape(36, -1, channels), filters)
            products = products.reshape(6, 6, lines, tiles * count)
            winograd.outputs(products, bias, out[images], first, rows, m)
    return out


def weight_gradient(y, x, w_shape, before):
    """The gradient of `convolve` with respect to the weight; y is that of its output."""
    count, channels, k, _ = w_shape
    m = 7 - k
    rows, tiles = (-(-length // m) for length in y.shape[2:])
    part, total = scratch("part", 36, channels, count), scratch("total", 36, channels, count)
    total[...] = 0
    # Where there are many filters, the sum of the blocks is the longer the fewer they are.
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
    out = np.empty(w_shape, np.float32)
    winograd.back_to_filters(total.reshape(6, 6, channels, count), out)
    return out


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
