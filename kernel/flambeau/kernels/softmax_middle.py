"""Softmax over the middle of (outer, n, inner): all along the inner dimension at once.

Of the inner dimension, so many columns are taken at a time that their block stays in the cache.
"""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .curves import exp_low, log_share
from .numbers import f32, i32
from .totals import from_rank, rank

COLUMNS = 1024


@kernel
def _tops(x, low, high, ranks, tops):
    """The largest of each column of (n, inner) from ``low`` to ``high``."""
    ranks[:] = i32(-(2**31))
    for i in range(len(x)):
        row = x[i, low:high]
        for j in range(len(row)):
            ranks[j] = max(ranks[j], rank(row[j]))
    for j in range(len(tops)):
        tops[j] = from_rank(ranks[j])


@kernel
def _exps(x, out, low, high, ranks, tops, sums):
    """out = e^(x - top of its column), and the sums of the columns."""
    _tops(x, low, high, ranks, tops)
    sums[:] = f32(0)
    for i in range(len(x)):
        row, to = x[i, low:high], out[i, low:high]
        for j in range(len(row)):
            e = exp_low(row[j] - tops[j])
            to[j] = e
            sums[j] += e


@kernel
def sums_of_exps(x, low, high, ranks, tops, sums):
    """The sums of e^(x - top) of the columns."""
    _tops(x, low, high, ranks, tops)
    sums[:] = f32(0)
    for i in range(len(x)):
        row = x[i, low:high]
        for j in range(len(row)):
            sums[j] += exp_low(row[j] - tops[j])


@kernel
def softmax(x, out):
    """e^x / Σ e^x."""
    ranks, room = np.empty(COLUMNS, np.int32), np.empty((2, COLUMNS), np.float32)
    for o in range(len(x)):
        for low in range(0, x.shape[2], COLUMNS):
            high = min(low + COLUMNS, x.shape[2])
            sums = room[1, : high - low]
            _exps(x[o], out[o], low, high, ranks[: high - low], room[0, : high - low], sums)
            for j in range(len(sums)):
                sums[j] = f32(1) / sums[j]
            for i in range(x.shape[1]):
                row = out[o, i, low:high]
                for j in range(len(row)):
                    row[j] *= sums[j]


@kernel
def log_softmax(x, out):
    """x - log Σ e^x."""
    ranks, room = np.empty(COLUMNS, np.int32), np.empty((2, COLUMNS), np.float32)
    for o in range(len(x)):
        for low in range(0, x.shape[2], COLUMNS):
            high = min(low + COLUMNS, x.shape[2])
            tops, logs = room[0, : high - low], room[1, : high - low]
            sums_of_exps(x[o], low, high, ranks[: high - low], tops, logs)
            for j in range(len(logs)):
                logs[j] = np.log(logs[j])
            for i in range(x.shape[1]):
                row, to = x[o, i, low:high], out[o, i, low:high]
                for j in range(len(row)):
                    to[j] = log_share(row[j], tops[j], logs[j])


@kernel
def log_sums(x, out):
    """log Σ e^x: (outer, inner)."""
    ranks, room = np.empty(COLUMNS, np.int32), np.empty((2, COLUMNS), np.float32)
    for o in range(len(x)):
        for low in range(0, x.shape[2], COLUMNS):
            high = min(low + COLUMNS, x.shape[2])
            tops, sums = room[0, : high - low], room[1, : high - low]
            sums_of_exps(x[o], low, high, ranks[: high - low], tops, sums)
            to = out[o, low:high]
            for j in range(len(to)):
                # An infinite top is the answer itself.
                to[j] = tops[j] + np.log(sums[j]) if np.isfinite(tops[j]) else tops[j]


@kernel
def softmax_slope(g, out, gx):
    """out · (g - Σ g · out)."""
    room = np.empty(COLUMNS, np.float32)
    for o in range(len(g)):
        for low in range(0, g.shape[2], COLUMNS):
            high = min(low + COLUMNS, g.shape[2])
            sums = room[: high - low]
            sums[:] = f32(0)
            for i in range(g.shape[1]):
                gi, oi = g[o, i, low:high], out[o, i, low:high]
                for j in range(len(gi)):
                    sums[j] += gi[j] * oi[j]
            for i in range(g.shape[1]):
                gi, oi, to = g[o, i, low:high], out[o, i, low:high], gx[o, i, low:high]
                for j in range(len(gi)):
                    to[j] = oi[j] * (gi[j] - sums[j])


@kernel
def log_softmax_slope(g, out, gx):
    """g - softmax · Σ g."""
    room = np.empty(COLUMNS, np.float32)
    for o in range(len(g)):
        for low in range(0, g.shape[2], COLUMNS):
            high = min(low + COLUMNS, g.shape[2])
            sums = room[: high - low]
            sums[:] = f32(0)
            for i in range(g.shape[1]):
                gi = g[o, i, low:high]
                for j in range(len(gi)):
                    sums[j] += gi[j]
            for i in range(g.shape[1]):
                gi, oi, to = g[o, i, low:high], out[o, i, low:high], gx[o, i, low:high]
                for j in range(len(gi)):
                    to[j] = gi[j] - exp_low(oi[j]) * sums[j]
