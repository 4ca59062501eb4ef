"""Convolutions by one matrix product for each run of windows, laid out as rows of a matrix.

With its channels last, a window is a few runs of memory, and ``rows @ filters`` is the order in
which a matrix product is fastest. All settings are for three dimensions: an image has a D of 1.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ..kernels import last, scratch

_RUN = 1 << 18  # numbers in a run of rows: about what stays in the cache


class Rows:
    """The windows of a convolution in runs; ``before`` says how many zeros stand before x."""

    def __init__(self, kernel, out, before, full, stride, dilation, channels):
        self.kernel, self.out, self.before, self.full = kernel, out, before, full
        self.channels = channels
        self.stride = (*stride[:2], stride[2] * channels)
        self.dilation = (*dilation[:2], dilation[2] * channels)
        joined = dilation[2] == 1 or kernel[2] == 1
        pieces = (1, kernel[2] * channels) if joined else (kernel[2], channels)
        self.shape = (out[2], *kernel[:2], *pieces)  # of the windows of a line
        self.size = prod(kernel) * channels  # of a row
        self.lines = out[0] * out[1]  # of an image
        self.places = prod(out)

    def blocks(self, batch):
        """Slices of the batch, each with its runs: the first of some lines, how many."""
        most = max(1, _RUN // (self.size * self.out[2]))
        images = max(1, most // self.lines)
        for i in range(0, batch, images):
            total = min(images, batch - i) * self.lines
            yield (
                slice(i, i + images),
                [(first, min(most, total - first)) for first in range(0, total, most)],
            )

    def windows(self, x):
        """A function (first line, lines) that gives the windows of x (N, C, D, H, W) as rows."""
        whole = scratch("x", len(x), *self.full, self.channels)
        last.to_last(x, whole, self.before)
        flat = whole.reshape(len(x), *self.full[:2], -1)

        def rows(first, lines):
            found = scratch("rows", lines, *self.shape)
            last.gather(flat, found, first, self.out[:2], self.stride, self.dilation)
            return found.reshape(-1, self.size)

        return rows


def convolve(x, weight, bias, rows, out):
    """Fills out (N, O, places) with the convolution of x (N, C, D, H, W), for one group."""
    count = len(weight)
    matrix = scratch("filters", rows.size // rows.channels, rows.channels, count)
    last.filters_last(weight.reshape(*weight.shape[:2], -1), matrix)
    matrix = matrix.reshape(-1, count)
    bias = np.zeros(count, np.float32) if bias is None else bias
    for images, runs in rows.blocks(len(x)):
        windows = rows.windows(x[images])
        for first, lines in runs:
            made = scratch("made", lines * rows.out[2], count)
            np.matmul(windows(first, lines), matrix, out=made)
            last.rows_to_first(made, bias, out[images], first * rows.out[2])


def weight_gradient(y, x, rows, out):
    """Fills out (O, C, kernel places) with the gradient of the weight; y is (N, O, places)."""
    total = 0
    count = y.shape[1]
    for images, runs in rows.blocks(len(x)):
        windows = rows.windows(x[images])
        for first, lines in runs:
            total += windows(first, lines).T @ _as_rows(y[images], first, lines, rows)
    last.filters_first(total.reshape(-1, rows.channels, count), out)


def input_gradient(y, weight, rows, out):
    """Fills out (N, C, D, H, W) with the gradient of the input; y is (N, O, places)."""
    count, channels = weight.shape[:2]
    matrix = scratch("filters", rows.size // channels, channels, count)
    last.filters_last(weight.reshape(count, channels, -1), matrix)
    matrix = matrix.reshape(-1, count).T
    for images, runs in rows.blocks(len(y)):
        part = y[images]
        whole = scratch("x", len(part), *rows.full, channels)
        whole[...] = 0
        flat = whole.reshape(len(part), *rows.full[:2], -1)
        for first, lines in runs:
            made = scratch("rows", lines, *rows.shape)
            np.matmul(_as_rows(part, first, lines, rows), matrix, out=made.reshape(-1, rows.size))
            last.scatter(made, flat, first, rows.out[:2], rows.stride, rows.dilation)
        last.to_first(whole, np.zeros(channels, np.float32), out[images], rows.before)


def _as_rows(y, first, lines, rows):
    found = scratch("y", lines * rows.out[2], y.shape[1])
    last.first_to_rows(y, found, first * rows.out[2])
    return found
