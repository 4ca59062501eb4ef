"""Normalisation of rows (layer norm) and of channels (batch norm), each part read while it is near.

Sums over many rows are taken in groups, so that they stay accurate and may run in threads.
"""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .numbers import f32
from .totals import total

GROUP = 128  # rows whose gradients of weight and bias are summed first
COLUMNS = 256  # of channels that are taken together


@kernel
def _squares(x, mean):
    """Σ (x - mean)²."""
    whole = 0.0
    for start in range(0, len(x), 4096):
        block = x[start : start + 4096]
        part = f32(0)
        for i in range(len(block)):
            away = block[i] - mean
            part += away * away
        whole += part
    return whole


@kernel
def layer_norm(x, out, means, rstds, weight, bias, eps):
    """(x - mean) / √(variance + eps) · weight + bias of each row."""
    for i in range(len(x)):
        row, to = x[i], out[i]
        mean = f32(total(row) / len(row))
        rstd = f32(1 / np.sqrt(_squares(row, mean) / len(row) + eps))
        means[i], rstds[i] = mean, rstd
        for j in range(len(row)):
            to[j] = (row[j] - mean) * rstd * weight[j] + bias[j]


@kernel
def layer_norm_slope(g, x, means, rstds, weight, gx):
    """rstd · (a - mean(a) - normed · mean(a · normed)), a = g · weight, of each row."""
    for i in range(len(x)):
        row, gi, to, mean, rstd = x[i], g[i], gx[i], means[i], rstds[i]
        plain, along = f32(0), f32(0)
        for j in range(len(row)):
            a = gi[j] * weight[j]
            plain += a
            along += a * (row[j] - mean)
        plain /= f32(len(row))
        along *= rstd * rstd / f32(len(row))
        for j in range(len(row)):
            to[j] = rstd * ((gi[j] * weight[j] - plain) - (row[j] - mean) * along)


@kernel
def layer_norm_slopes(starts, along, plain, g, x, means, rstds, weight, gx):
    """The same, and Σ g · normed and Σ g over each group of rows: what weight and bias get."""
    for k in range(len(starts)):
        gw, gb = along[k], plain[k]
        for i in range(starts[k], min(starts[k] + GROUP, len(g))):
            row, gi, to, mean, rstd = x[i], g[i], gx[i], means[i], rstds[i]
            low, lean = f32(0), f32(0)
            for j in range(len(row)):
                product = gi[j] * ((row[j] - mean) * rstd)
                gw[j] += product
                gb[j] += gi[j]
                low += gi[j] * weight[j]
                lean += product * weight[j]
            low, lean = low / f32(len(row)), lean * rstd / f32(len(row))
            for j in range(len(row)):
                to[j] = rstd * ((gi[j] * weight[j] - low) - (row[j] - mean) * lean)


# Channels: x is (n, channels, inner), and `channels` are the numbers of those to work on.


@kernel
def batch_norm(channels, means, variances, x, out, weight, bias, eps):
    """(x - mean) / √(variance + eps) · weight + bias of each channel."""
    count = x.shape[0] * x.shape[2]
    for k in range(len(channels)):
        c, whole = channels[k], 0.0
        for n in range(len(x)):
            whole += total(x[n, c])
        mean, whole = f32(whole / count), 0.0
        for n in range(len(x)):
            whole += _squares(x[n, c], mean)
        means[k], variances[k] = mean, whole / count
        scale, shift = f32(1 / np.sqrt(whole / count + eps)) * weight[c], bias[c]
        for n in range(len(x)):
            row, to = x[n, c], out[n, c]
            for j in range(len(row)):
                to[j] = (row[j] - mean) * scale + shift


@kernel
def batch_norm_slope(channels, along, plain, g, x, means, rstds, weight, gx):
    """weight · rstd · (g - mean(g) - normed · mean(g · normed)), and Σ g · normed, Σ g."""
    count = f32(x.shape[0] * x.shape[2])
    for k in range(len(channels)):
        c, a, p = channels[k], 0.0, 0.0
        mean, rstd = means[c], rstds[c]
        for n in range(len(x)):
            row, gn, one, other = x[n, c], g[n, c], f32(0), f32(0)
            for j in range(len(row)):
                one += gn[j] * (row[j] - mean)
                other += gn[j]
            a += one
            p += other
        along[k], plain[k] = a * rstd, p
        low, lean, scale = plain[k] / count, along[k] * rstd / count, rstd * weight[c]
        for n in range(len(gx)):
            row, gn, to = x[n, c], g[n, c], gx[n, c]
            for j in range(len(row)):
                to[j] = scale * ((gn[j] - low) - (row[j] - mean) * lean)


@kernel
def scaled(x, out, scale, shift):
    """x · scale + shift of each channel."""
    for n in range(len(x)):
        for c in range(x.shape[1]):
            row, to, a, b = x[n, c], out[n, c], scale[c], shift[c]
            for j in range(len(row)):
                to[j] = row[j] * a + b


# The same where there is nothing but channels: x is (n, channels), and some are taken at a time.


@kernel
def _column_sums(x, low, high, sums, part):
    """Σ x of the columns: of each GROUP rows in float32, and those in float64."""
    sums[:] = 0.0
    for start in range(0, len(x), GROUP):
        part[:] = f32(0)
        for i in range(start, min(start + GROUP, len(x))):
            row = x[i, low:high]
            for j in range(len(row)):
                part[j] += row[j]
        for j in range(len(part)):
            sums[j] += part[j]


@kernel
def _column_squares(x, low, high, means, sums, part):
    """Σ (x - mean)² of the columns, likewise."""
    sums[:] = 0.0
    for start in range(0, len(x), GROUP):
        part[:] = f32(0)
        for i in range(start, min(start + GROUP, len(x))):
            row = x[i, low:high]
            for j in range(len(row)):
                away = row[j] - means[j]
                part[j] += away * away
        for j in range(len(part)):
            sums[j] += part[j]


@kernel
def batch_norm_columns(starts, x, out, means, variances, weight, bias, eps):
    """(x - mean) / √(variance + eps) · weight + bias of each column."""
    for start in starts:
        low, high = start, min(start + COLUMNS, x.shape[1])
        mean, variance = means[low:high], variances[low:high]
        sums, part = np.empty(high - low), np.empty(high - low, np.float32)
        _column_sums(x, low, high, sums, part)
        for j in range(len(mean)):
            mean[j] = sums[j] / len(x)
        _column_squares(x, low, high, mean, sums, part)
        for j in range(len(variance)):
            variance[j] = sums[j] / len(x)
            part[j] = weight[low + j] / np.sqrt(sums[j] / len(x) + eps)
        shift = bias[low:high]
        for i in range(len(x)):
            row, to = x[i, low:high], out[i, low:high]
            for j in range(len(row)):
                to[j] = (row[j] - mean[j]) * part[j] + shift[j]


@kernel
def batch_norm_columns_slope(starts, along, plain, g, x, means, rstds, weight, gx):
    """weight · rstd · (g - mean(g) - normed · mean(g · normed)), and Σ g · normed, Σ g."""
    for start in starts:
        low, high = start, min(start + COLUMNS, x.shape[1])
        mean, rstd, a, p = means[low:high], rstds[low:high], along[low:high], plain[low:high]
        sums, part = np.empty(high - low), np.empty(high - low, np.float32)
        _column_sums(g, low, high, sums, part)
        p[:] = sums.astype(np.float32)
        _column_products(g, x, low, high, mean, sums, part)
        for j in range(len(a)):
            a[j] = sums[j] * rstd[j]
        for i in range(len(gx)):
            row, gi, to = x[i, low:high], g[i, low:high], gx[i, low:high]
            for j in range(len(row)):
                normed = (row[j] - mean[j]) * rstd[j]
                lean = p[j] + normed * a[j]
                to[j] = rstd[j] * weight[low + j] * (gi[j] - lean / f32(len(x)))


@kernel
def _column_products(g, x, low, high, means, sums, part):
    """Σ g · (x - mean) of the columns."""
    sums[:] = 0.0
    for start in range(0, len(x), GROUP):
        part[:] = f32(0)
        for i in range(start, min(start + GROUP, len(x))):
            row, gi = x[i, low:high], g[i, low:high]
            for j in range(len(row)):
                part[j] += gi[j] * (row[j] - means[j])
        for j in range(len(part)):
            sums[j] += part[j]
