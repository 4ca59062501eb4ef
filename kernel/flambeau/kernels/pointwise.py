"""Functions of each element, or of two or three side by side."""

from __future__ import annotations

import numpy as np

from . import curves
from . import numbers as basic
from .compiled import kernel
from .curves import softplus
from .numbers import f32

# Of one number


@kernel(regroup=False)
def exp(x, out):
    """e^x."""
    for i in range(len(x)):
        out[i] = basic.exp(x[i])


@kernel(regroup=False)
def exp2(x, out):
    """2^x."""
    for i in range(len(x)):
        out[i] = curves.exp2(x[i])


@kernel(regroup=False)
def expm1(x, out):
    """e^x - 1."""
    for i in range(len(x)):
        out[i] = curves.expm1(x[i])


@kernel(regroup=False)
def log(x, out):
    """The natural logarithm."""
    for i in range(len(x)):
        out[i] = curves.log(x[i])


@kernel(regroup=False)
def log2(x, out):
    """The logarithm to base 2."""
    for i in range(len(x)):
        out[i] = curves.log2(x[i])


@kernel(regroup=False)
def log10(x, out):
    """The logarithm to base 10."""
    for i in range(len(x)):
        out[i] = curves.log10(x[i])


@kernel(regroup=False)
def log1p(x, out):
    """log(1 + x)."""
    for i in range(len(x)):
        out[i] = curves.log1p(x[i])


@kernel(regroup=False)
def erf(x, out):
    """The error function."""
    for i in range(len(x)):
        out[i] = curves.erf(x[i])


@kernel(regroup=False)
def erf_slope(g, x, gx):
    """2 / √π · e^(-x²)."""
    for i in range(len(x)):
        gx[i] = g[i] * (f32(1.1283791670955126) * basic.exp(-(x[i] * x[i])))


@kernel(regroup=False)
def rsqrt(x, out):
    """1 / √x."""
    for i in range(len(x)):
        out[i] = f32(1) / np.sqrt(x[i])


@kernel(regroup=False)
def rsqrt_slope(g, out, gx):
    """-out³ / 2."""
    for i in range(len(g)):
        gx[i] = g[i] * (f32(-0.5) * (out[i] * out[i] * out[i]))


@kernel(regroup=False)
def sqrt_slope(g, out, gx):
    """1 / (2 out)."""
    for i in range(len(g)):
        gx[i] = g[i] / (out[i] + out[i])


@kernel(regroup=False)
def sign(x, out):
    """-1, 0 or 1; 0 of NaN."""
    for i in range(len(x)):
        below = f32(-1) if x[i] < f32(0) else f32(0)
        out[i] = f32(1) if x[i] > f32(0) else below


@kernel(regroup=False)
def abs_slope(g, x, gx):
    """The sign of x."""
    for i in range(len(x)):
        below = -g[i] if x[i] < f32(0) else g[i] * f32(0)
        gx[i] = g[i] if x[i] > f32(0) else below


@kernel(regroup=False)
def cube(x, out):
    """x³."""
    for i in range(len(x)):
        out[i] = x[i] * x[i] * x[i]


@kernel(regroup=False)
def bounded(x, out, low, high):
    """min(max(x, low), high)."""
    for i in range(len(x)):
        v = low if x[i] < low else x[i]
        out[i] = high if v > high else v


@kernel(regroup=False)
def bounded_in_place(x, low, high):
    """The same, written over x."""
    for i in range(len(x)):
        v = low if x[i] < low else x[i]
        x[i] = high if v > high else v


@kernel(regroup=False)
def bounded_slope(g, x, gx, low, high):
    """g where x lies between the bounds."""
    for i in range(len(x)):
        v, at = g[i], x[i]
        gx[i] = v if (at >= low) & (at <= high) else f32(0)


@kernel(regroup=False)
def nan_to_num(x, out, nan, high, low):
    """x with numbers for NaN and the infinities."""
    for i in range(len(x)):
        v = high if x[i] == f32(np.inf) else x[i]
        v = low if v == f32(-np.inf) else v
        out[i] = v if v == v else nan


# Of two or three


@kernel(regroup=False)
def plus_scaled(x, y, out, alpha):
    """x + alpha · y."""
    for i in range(len(out)):
        out[i] = x[i] + alpha * y[i]


@kernel(regroup=False)
def lerp(x, end, out, weight):
    """x + weight (end - x)."""
    for i in range(len(out)):
        out[i] = x[i] + weight * (end[i] - x[i])


@kernel(regroup=False)
def addcmul(x, a, b, out, value):
    """x + value · a · b."""
    for i in range(len(out)):
        out[i] = x[i] + value * (a[i] * b[i])


@kernel(regroup=False)
def addcdiv(x, a, b, out, value):
    """x + value · a / b."""
    for i in range(len(out)):
        out[i] = x[i] + value * (a[i] / b[i])


@kernel(regroup=False)
def ratio_slope(g, x, y, gy):
    """The gradient of y in x / y: -g x / y²."""
    for i in range(len(g)):
        gy[i] = -g[i] * (x[i] / y[i] / y[i])


@kernel(regroup=False)
def logaddexp(x, y, out):
    """log(e^x + e^y) = max + log(1 + e^-|x - y|)."""
    for i in range(len(out)):
        d = x[i] - y[i]
        top = x[i] if d > f32(0) else y[i]
        value = top + softplus(-abs(d)) if d == d else x[i] + y[i]  # NaN, or both infinite
        out[i] = x[i] if x[i] == y[i] and abs(x[i]) == f32(np.inf) else value
