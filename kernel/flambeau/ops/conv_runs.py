"""Convolutions of few channels by matrix products: filters times what each of their places meets.

What a place meets, for all windows of an image, is one run of memory (kernels/planes.py), so the
columns of the product are copied in long runs. They have a few entries too many, where a line ends
and the next begins; those are left out in the end.
"""

from __future__ import annotations

import numpy as np

from ..kernels import planes, scratch

_RUN = 1 << 17  # numbers in one block of columns: about what stays in the cache


class Runs:
    """The runs of a convolution, and blocks of images."""

    def __init__(self, s):
        self.lattice, self.at, self.before, self.stride = s.planes()
        depth, height, width = s.out
        self.size = ((depth - 1) * self.lattice[1] + height - 1) * self.lattice[2] + width
        self.places = len(self.at)

    def blocks(self, batch):
        """Slices of the batch whose columns stay in the cache."""
        step = max(1, _RUN // (self.places * self.size))
        return [slice(i, i + step) for i in range(0, batch, step)]

    def columns(self, x):
        """x as (N, places, length)."""
        found = scratch("rows", len(x), self.places, self.size)
        planes.runs(x, found, self.lattice, self.at, self.before, self.stride)
        return found

    def opened(self, y):
        """y as (N, O, length), zeros where no window begins."""
        found = scratch("y", len(y), y.shape[1], self.size)
        planes.open_runs(y, found, self.lattice)
        return found


def convolve(x, weight, bias, s, out):
    """Fills out with the convolution of x (N, C, D, H, W)."""
    runs, count = Runs(s), len(weight)
    kernel = weight.reshape(count, -1)
    for images in runs.blocks(len(x)):
        columns = runs.columns(x[images])
        made = np.matmul(kernel, columns, out=scratch("made", len(columns), count, runs.size))
        planes.close_runs(made, bias, out[images], runs.lattice)


def input_gradient(y, weight, s, out):
    """Fills out with the gradient of x; y is that of the output, (N, O, OD, OH, OW)."""
    runs, count = Runs(s), len(weight)
    kernel = weight.reshape(count, -1).T
    for images in runs.blocks(len(y)):
        opened = runs.opened(y[images])
        made = scratch("rows", len(opened), runs.places, runs.size)
        np.matmul(kernel, opened, out=made)
        planes.back_from_runs(made, out[images], runs.lattice, runs.at, runs.before, runs.stride)


def weight_gradient(y, x, s, out):
    """Adds the gradient of the weight to out; y is that of the output."""
    runs = Runs(s)
    flat = out.reshape(len(out), -1).T
    for images in runs.blocks(len(x)):
        opened = runs.opened(y[images])
        flat += np.matmul(runs.columns(x[images]), opened.swapaxes(1, 2)).sum(0)
