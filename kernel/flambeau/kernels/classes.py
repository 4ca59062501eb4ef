"""Cross-entropy and its gradient: x is (n, classes, inner), targets are (n, inner)."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .curves import exp_low, log_share
from .numbers import f32
from .softmax import BLOCK, exps
from .softmax_middle import COLUMNS, sums_of_exps


@kernel
def norms(x, tops, logs):
    """The top of each (n, inner) and log Σ e^(x - top): what makes x the log of a probability."""
    if x.shape[2] == 1:
        _norms_of_rows(x.reshape(x.shape[0], x.shape[1]), tops[:, 0], logs[:, 0])
        return
    ranks = np.empty(COLUMNS, np.int32)
    for n in range(len(x)):
        for low in range(0, x.shape[2], COLUMNS):
            high = min(low + COLUMNS, x.shape[2])
            top, log = tops[n, low:high], logs[n, low:high]
            sums_of_exps(x[n], low, high, ranks[: high - low], top, log)
            for j in range(len(log)):
                log[j] = np.log(log[j])


@kernel
def _norms_of_rows(x, tops, logs):
    step = max(1, BLOCK // max(1, x.shape[1]))
    work = np.empty((step, x.shape[1]), np.float32)
    for start in range(0, len(x), step):
        rows, sums = x[start : start + step], logs[start : start + step]
        exps(rows, work[: len(rows)], tops[start : start + step], sums)
        for i in range(len(sums)):
            sums[i] = np.log(sums[i])


@kernel
def surprise(x, target, tops, logs, loss):
    """-log of the probability of the target."""
    for n in range(len(x)):
        for j in range(x.shape[2]):
            loss[n, j] = -log_share(x[n, target[n, j], j], tops[n, j], logs[n, j])


@kernel
def leaning(x, tops, even, out):
    """Σ even · (x - top) over the classes."""
    out[:] = f32(0)
    if x.shape[2] == 1:
        rows = x.reshape(x.shape[0], x.shape[1])
        for n in range(len(rows)):
            row, top, total = rows[n], tops[n, 0], f32(0)
            for c in range(len(row)):
                total += even[c] * (row[c] - top)
            out[n, 0] = total
        return
    for n in range(len(x)):
        top, to = tops[n], out[n]
        for c in range(x.shape[1]):
            row, share = x[n, c], even[c]
            for j in range(len(row)):
                to[j] += share * (row[j] - top[j])


@kernel
def slope(x, target, tops, logs, share, rest, even, gx):
    """(share + rest Σ even) · probability - rest · even, and -share at the target.

    ``share`` (n, inner) is what the target's class gets, ``rest`` what all the classes get
    ``even`` times.
    """
    whole = f32(0)
    for c in range(len(even)):
        whole += even[c]
    if x.shape[2] == 1:
        rows = x.reshape(x.shape[0], x.shape[1])
        to = gx.reshape(x.shape[0], x.shape[1])
        for n in range(len(rows)):
            _slope_of_row(
                rows[n], to[n], tops[n, 0], logs[n, 0], share[n, 0] + rest[n, 0] * whole,
                rest[n, 0], even,
            )  # fmt: skip
    else:
        for n in range(len(x)):
            _slope_of_columns(x[n], gx[n], tops[n], logs[n], share[n], rest[n], even, whole)
    for n in range(len(x)):
        for j in range(x.shape[2]):
            gx[n, target[n, j], j] -= share[n, j]


@kernel
def _slope_of_row(row, to, top, log, factor, rest, even):
    for c in range(len(row)):
        to[c] = factor * exp_low(log_share(row[c], top, log))
    for c in range(len(even)):
        to[c] -= rest * even[c]


@kernel
def _slope_of_columns(x, gx, tops, logs, share, rest, even, whole):
    for c in range(len(x)):
        row, to, one = x[c], gx[c], even[c] if len(even) else f32(0)
        for j in range(len(row)):
            p = exp_low(log_share(row[j], tops[j], logs[j]))
            to[j] = (share[j] + rest[j] * whole) * p - rest[j] * one
