"""Softmax and cross-entropy, over rows (n, classes) or the middle of (n, classes, inner).

Rows are taken a few at a time, so that what a first loop has written is still near when the next
one reads it, and short rows still make long loops.
"""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .curves import exp_low, log_share
from .numbers import f32
from .totals import largest, total, total_product

BLOCK = 2048  # elements that stay in the nearest cache


@kernel
def exps(x, out, tops, sums):
    """out = e^(x - top of its row), and the tops and sums of the rows."""
    long = x.shape[1] >= 128
    for i in range(len(x)):
        row, to = x[i], out[i]
        top = largest(row)
        tops[i] = top
        if long:
            for j in range(len(row)):
                to[j] = exp_low(row[j] - top)
        else:
            for j in range(len(row)):
                to[j] = row[j] - top
    if not long:
        flat = out.reshape(-1)
        for j in range(len(flat)):
            flat[j] = exp_low(flat[j])
    for i in range(len(x)):
        sums[i] = total(out[i])


@kernel
def softmax(x, out):
    """e^x / Σ e^x of each row."""
    step = max(1, BLOCK // max(1, x.shape[1]))
    tops, sums = np.empty(step, np.float32), np.empty(step, np.float32)
    for start in range(0, len(x), step):
        part = out[start : start + step]
        exps(x[start : start + step], part, tops, sums)
        for i in range(len(part)):
            row, share = part[i], f32(1) / sums[i]
            for j in range(len(row)):
                row[j] *= share


@kernel
def softmax_slope(g, out, gx):
    """out · (g - Σ g · out)."""
    for i in range(len(g)):
        gi, oi, to = g[i], out[i], gx[i]
        mean = f32(total_product(gi, oi))
        for j in range(len(gi)):
            to[j] = oi[j] * (gi[j] - mean)


@kernel
def log_sums(x, out):
    """log Σ e^x of each row: top + log Σ e^(x - top)."""
    step = max(1, BLOCK // max(1, x.shape[1]))
    tops, sums = np.empty(step, np.float32), np.empty(step, np.float32)
    work = np.empty((step, x.shape[1]), np.float32)
    for start in range(0, len(x), step):
        rows = x[start : start + step]
        exps(rows, work[: len(rows)], tops, sums)
        for i in range(len(rows)):
            # An infinite top is the answer itself.
            out[start + i] = tops[i] + np.log(sums[i]) if np.isfinite(tops[i]) else tops[i] + f32(0)


@kernel
def log_softmax(x, out):
    """x - log Σ e^x of each row."""
    step = max(1, BLOCK // max(1, x.shape[1]))
    tops, sums = np.empty(step, np.float32), np.empty(step, np.float32)
    for start in range(0, len(x), step):
        rows, part = x[start : start + step], out[start : start + step]
        exps(rows, part, tops, sums)
        for i in range(len(rows)):
            row, to, top, log = rows[i], part[i], tops[i], np.log(sums[i])
            for j in range(len(row)):
                to[j] = log_share(row[j], top, log)


@kernel
def log_softmax_slope(g, out, gx):
    """g - softmax · Σ g."""
    step = max(1, BLOCK // max(1, g.shape[1]))
    for start in range(0, len(g), step):
        part, outs = gx[start : start + step], out[start : start + step]
        flat, logs = part.reshape(-1), outs.reshape(-1)
        for j in range(len(flat)):
            flat[j] = exp_low(logs[j])
        for i in range(len(part)):
            gi, to = g[start + i], part[i]
            whole = f32(total(gi))
            for j in range(len(gi)):
                to[j] = gi[j] - to[j] * whole
