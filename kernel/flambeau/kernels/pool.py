"""Pooling: windows of two or of two by two, and means of parts."""

from __future__ import annotations

import numpy as np

from .compiled import kernel

f32 = np.float32


@kernel
def _larger(a, b):
    return a if a > b or a != a else b  # NaN if one is NaN


@kernel
def largest_of_two(x, out):
    """out[r, i] is the larger one of x[r, 2i] and x[r, 2i + 1]."""
    for r in range(len(out)):
        line, to = x[r], out[r]
        for i in range(len(to)):
            to[i] = _larger(line[2 * i], line[2 * i + 1])


@kernel
def largest_of_four_back(y, x, out):
    """Each y goes to the first largest entry of x (planes, H, W) in its window of two by two.

    Where that is NaN it goes nowhere.
    """
    lines, wide = y.shape[1], 2 * y.shape[2]
    for plane in range(len(x)):
        out[plane, 2 * lines :] = f32(0)
        for h in range(lines):
            upper, lower, given = x[plane, 2 * h], x[plane, 2 * h + 1], y[plane, h]
            to, below = out[plane, 2 * h], out[plane, 2 * h + 1]
            for i in range(len(given)):
                a, b, c, d = upper[2 * i], upper[2 * i + 1], lower[2 * i], lower[2 * i + 1]
                top, g, none = _larger(_larger(a, b), _larger(c, d)), given[i], f32(0)
                to[2 * i] = g if a == top else none
                to[2 * i + 1] = g if b == top and a != top else none
                below[2 * i] = g if c == top and a != top and b != top else none
                last = d == top and a != top and b != top and c != top
                below[2 * i + 1] = g if last else none
            to[wide:] = f32(0)
            below[wide:] = f32(0)


@kernel
def means(x, out):
    """The mean of each row."""
    for r in range(len(x)):
        out[r] = _sum(x[r]) / f32(x.shape[1])


@kernel
def part_means(x, out, edges):
    """The means of the parts that planes are divided in; ``edges``: begin and end along each."""
    ds, hs, ws = edges
    for plane in range(len(x)):
        for d in range(len(ds)):
            for h in range(len(hs)):
                for w in range(len(ws)):
                    total = f32(0)
                    for i in range(ds[d, 0], ds[d, 1]):
                        for j in range(hs[h, 0], hs[h, 1]):
                            total += _sum(x[plane, i, j, ws[w, 0] : ws[w, 1]])
                    out[plane, d, h, w] = total / _count(ds[d], hs[h], ws[w])


@kernel
def _sum(line):
    total = f32(0)
    for i in range(len(line)):
        total += line[i]
    return total


@kernel
def _count(d, h, w):
    return f32((d[1] - d[0]) * (h[1] - h[0]) * (w[1] - w[0]))


@kernel
def part_spread(y, out, edges):
    """Hands each part's value out in equal shares to its entries."""
    ds, hs, ws = edges
    for plane in range(len(y)):
        out[plane] = f32(0)
        for d in range(len(ds)):
            for h in range(len(hs)):
                for w in range(len(ws)):
                    share = y[plane, d, h, w] / _count(ds[d], hs[h], ws[w])
                    for i in range(ds[d, 0], ds[d, 1]):
                        for j in range(hs[h, 0], hs[h, 1]):
                            _add(out[plane, i, j, ws[w, 0] : ws[w, 1]], share)


@kernel
def _add(line, share):
    for i in range(len(line)):
        line[i] += share
