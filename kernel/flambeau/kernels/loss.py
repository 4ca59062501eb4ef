"""Losses over each element: their sums, block by block, and their slopes times a number."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiled import Kernel, kernel
from .curves import sigmoid, softplus
from .numbers import f32
from .threads import spread

BLOCK = 8192  # elements that are added up in float32; the sums of blocks are added in float64


def summed(loop: Kernel, x: Any, y: Any, *numbers: float) -> Any:
    """The sum that a loop ``(starts, parts, x, y, *numbers)`` finds, in float32."""
    starts = np.arange(0, x.size, BLOCK)
    parts = np.empty(len(starts))
    given = [f32(v) for v in numbers]
    spread(loop, x.size, (starts, parts), x.reshape(-1), y.reshape(-1), *given)
    return parts.sum()


@kernel
def squares(starts, parts, x, y):
    """Σ (x - y)²."""
    for k in range(len(starts)):
        a, b = x[starts[k] : starts[k] + BLOCK], y[starts[k] : starts[k] + BLOCK]
        part = f32(0)
        for i in range(len(a)):
            part += (a[i] - b[i]) * (a[i] - b[i])
        parts[k] = part


@kernel(regroup=False)
def squares_slope(x, y, gx, scale):
    """scale · 2 (x - y)."""
    double = f32(2) * scale
    for i in range(len(x)):
        gx[i] = double * (x[i] - y[i])


@kernel
def distances(starts, parts, x, y):
    """Σ |x - y|."""
    for k in range(len(starts)):
        a, b = x[starts[k] : starts[k] + BLOCK], y[starts[k] : starts[k] + BLOCK]
        part = f32(0)
        for i in range(len(a)):
            part += abs(a[i] - b[i])
        parts[k] = part


@kernel(regroup=False)
def distances_slope(x, y, gx, scale):
    """scale · sign(x - y)."""
    for i in range(len(x)):
        d = x[i] - y[i]
        below = -scale if d < f32(0) else d * f32(0)  # 0, or NaN of a NaN
        gx[i] = scale if d > f32(0) else below


@kernel
def huber(starts, parts, x, y, delta):
    """Σ near (|x - y| - near / 2), near = min(|x - y|, delta)."""
    for k in range(len(starts)):
        a, b = x[starts[k] : starts[k] + BLOCK], y[starts[k] : starts[k] + BLOCK]
        part = f32(0)
        for i in range(len(a)):
            d = abs(a[i] - b[i])
            near = delta if d > delta else d
            part += near * (d - f32(0.5) * near)
        parts[k] = part


@kernel(regroup=False)
def huber_slope(x, y, gx, scale, delta):
    """scale · (x - y), kept between -delta and delta."""
    for i in range(len(x)):
        d = x[i] - y[i]
        d = delta if d > delta else d
        gx[i] = scale * (-delta if d < -delta else d)


@kernel
def with_logits(starts, parts, x, y):
    """Σ (1 - y) x + log(1 + e^-x)."""
    for k in range(len(starts)):
        a, b = x[starts[k] : starts[k] + BLOCK], y[starts[k] : starts[k] + BLOCK]
        part = f32(0)
        for i in range(len(a)):
            part += (f32(1) - b[i]) * a[i] + softplus(-a[i])
        parts[k] = part


@kernel(regroup=False)
def with_logits_slope(x, y, gx, scale):
    """scale · (sigmoid(x) - y)."""
    for i in range(len(x)):
        gx[i] = scale * (sigmoid(x[i]) - y[i])
