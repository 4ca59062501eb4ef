"""Reductions of rows (outer, n) and of the middle of (outer, n, inner).

Sums are taken in float32 in parts, and the parts in float64. Each loop takes a part of ``out``
together with the part of ``x`` that it is made of.
"""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .curves import exp_low
from .norm import _squares as squares_about
from .numbers import f32, i32
from .totals import from_rank, rank, total

GROUP = 128  # rows that are added up in float32
COLUMNS = 1024  # that are taken at a time
_LOWEST = i32(-(2**31))

# Of rows


@kernel
def sums(x, out):
    """Σ x."""
    for i in range(len(x)):
        out[i] = total(x[i])


@kernel
def absolute_sums(x, out):
    """Σ |x|."""
    for i in range(len(x)):
        row, whole = x[i], 0.0
        for start in range(0, len(row), 4096):
            block, part = row[start : start + 4096], f32(0)
            for j in range(len(block)):
                part += abs(block[j])
            whole += part
        out[i] = whole


@kernel
def square_sums(x, out):
    """Σ x²."""
    for i in range(len(x)):
        out[i] = squares_about(x[i], f32(0))


@kernel
def centred_sums(x, out):
    """Σ (x - mean)²."""
    for i in range(len(x)):
        out[i] = squares_about(x[i], f32(total(x[i]) / x.shape[1]))


@kernel
def products(x, out):
    """Π x."""
    for i in range(len(x)):
        row, whole = x[i], f32(1)
        for j in range(len(row)):
            whole *= row[j]
        out[i] = whole


@kernel
def extremes(x, out, flip):
    """The largest element, or with ``flip`` -1 the smallest; NaN where there is one."""
    for i in range(len(x)):
        row, top, size = x[i], _LOWEST, i32(0)
        for j in range(len(row)):
            top = max(top, rank(row[j]) ^ flip)
            size = max(size, f32(row[j]).view(i32) & i32(0x7FFFFFFF))
        # The bits of a NaN's size are above those of infinity's.
        out[i] = f32(np.nan) if size > i32(0x7F800000) else from_rank(top ^ flip)


@kernel
def shares(x, g, logs, gx):
    """g · e^(x - log Σ e^x): the gradient of that logarithm."""
    for i in range(len(x)):
        row, to, scale, log = x[i], gx[i], g[i], logs[i]
        for j in range(len(row)):
            to[j] = scale * exp_low(row[j] - log)


# Of the middle


@kernel
def middle_sums(x, out):
    """Σ x."""
    for o in range(len(x)):
        for low in range(0, x.shape[2], COLUMNS):
            to = out[o, low : low + COLUMNS]
            whole, part = np.zeros(len(to)), np.empty(len(to), np.float32)
            for start in range(0, x.shape[1], GROUP):
                part[:] = f32(0)
                for i in range(start, min(start + GROUP, x.shape[1])):
                    row = x[o, i, low : low + COLUMNS]
                    for j in range(len(row)):
                        part[j] += row[j]
                for j in range(len(part)):
                    whole[j] += part[j]
            for j in range(len(to)):
                to[j] = whole[j]


@kernel
def middle_square_sums(x, out, means):
    """Σ (x - mean)²; ``means`` are zeros for Σ x²."""
    for o in range(len(x)):
        for low in range(0, x.shape[2], COLUMNS):
            to, mean = out[o, low : low + COLUMNS], means[o, low : low + COLUMNS]
            whole, part = np.zeros(len(to)), np.empty(len(to), np.float32)
            for start in range(0, x.shape[1], GROUP):
                part[:] = f32(0)
                for i in range(start, min(start + GROUP, x.shape[1])):
                    row = x[o, i, low : low + COLUMNS]
                    for j in range(len(row)):
                        away = row[j] - mean[j]
                        part[j] += away * away
                for j in range(len(part)):
                    whole[j] += part[j]
            for j in range(len(to)):
                to[j] = whole[j]


@kernel
def middle_extremes(x, out, places, flip):
    """The largest (with ``flip`` -1 the smallest) and the first place of it; a NaN wins."""
    for o in range(len(x)):
        for low in range(0, x.shape[2], COLUMNS):
            to, at = out[o, low : low + COLUMNS], places[o, low : low + COLUMNS]
            tops, found = np.empty(len(to), np.int32), np.zeros(len(to), np.int32)
            tops[:] = _LOWEST
            for i in range(x.shape[1]):
                row, here = x[o, i, low : low + COLUMNS], i32(i)
                for j in range(len(row)):
                    v = rank(row[j]) ^ flip
                    v = i32(0x7FFFFFFF) if row[j] != row[j] else v
                    found[j] = here if v > tops[j] else found[j]
                    tops[j] = max(tops[j], v)
            for j in range(len(to)):
                at[j] = found[j]
                to[j] = x[o, found[j], low + j]


@kernel
def middle_shares(x, g, logs, gx):
    """g · e^(x - log Σ e^x)."""
    for o in range(len(x)):
        for i in range(x.shape[1]):
            row, to = x[o, i], gx[o, i]
            for j in range(len(row)):
                to[j] = g[o, j] * exp_low(row[j] - logs[o, j])
