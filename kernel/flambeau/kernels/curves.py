"""Curved functions of one number, made of `exp`'s parts and short polynomials."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .numbers import exp, f32, i32


@kernel(regroup=False)
def exp_low(x):
    """e^x for x up to 88, a third faster than `exp`; what has no full mantissa (below -87) is 0.

    Adding 1.5 · 2^23 rounds to an integer n, which then stands in the lowest bits; shifted to the
    exponent's place and added there, it multiplies by 2^n.
    """
    shifted = x * f32(1.44269504) + f32(12582912)
    n = shifted - f32(12582912)
    r = x - n * f32(0.693359375) + n * f32(2.12194440e-4)
    z = r * r
    p = f32(1.9875691500e-4) * r + f32(1.3981999507e-3)
    p = p * z + (f32(8.3334519073e-3) * r + f32(4.1665795894e-2))
    p = p * z + (f32(1.6666665459e-1) * r + f32(5.0000001201e-1))
    e = p * z + r + f32(1)
    bits = f32(e).view(i32) + (f32(shifted).view(i32) << i32(23))
    value = x if x != x else i32(bits).view(f32)
    return f32(0) if x < f32(-87) else value


@kernel(regroup=False)
def log_share(x, top, log):
    """(x - top) - log Σ e^(x - top), in that order: far from 0 the difference is exact."""
    return (x - top) - log


@kernel(regroup=False)
def expm1(x):
    """e^x - 1 in float32, exact near 0.

    As in `exp`, x = n log 2 + r. With q = e^r - 1 by its polynomial, 2^n (q + 1) - 1 is taken as
    2^b (2^a q + (2^a - 2^-b)), n = a + b: nothing cancels near 0, nothing overflows on the way.
    """
    bounded = f32(-40) if x < f32(-40) else f32(89) if x > f32(89) else x  # NaN stays
    n = np.floor(bounded * f32(1.44269504) + f32(0.5))
    r = bounded - n * f32(0.693359375) + n * f32(2.12194440e-4)
    p = f32(1.9875691500e-4)
    p = p * r + f32(1.3981999507e-3)
    p = p * r + f32(8.3334519073e-3)
    p = p * r + f32(4.1665795894e-2)
    p = p * r + f32(1.6666665459e-1)
    p = p * r + f32(5.0000001201e-1)
    q = p * r * r + r
    a = i32(n) >> i32(1)
    b = i32(n) - a
    one, other = (a + i32(127)) << i32(23), (b + i32(127)) << i32(23)
    inverse = (i32(127) - b) << i32(23)
    first = i32(one).view(f32)
    return (first * q + (first - i32(inverse).view(f32))) * i32(other).view(f32)


@kernel(regroup=False)
def sigmoid(x):
    """1 / (1 + e^-x)."""
    return f32(1) / (f32(1) + exp(-x))


@kernel(regroup=False)
def tanh(x):
    """With e = e^2|x| - 1: e / (e + 2) near 0, 1 - 2 / (e + 2) further out, and the sign of x."""
    size = f32(10) if abs(x) > f32(10) else abs(x)
    e = expm1(f32(2) * size)
    near = e < f32(2)
    part = (e if near else f32(2)) / (e + f32(2))
    value = part if near else f32(1) - part
    return -value if x < f32(0) else value


@kernel(regroup=False)
def log1p_unit(t):
    """log(1 + t) for t from 0 to 1: 2 atanh(s) = 2 (s + s³/3 + s⁵/5 + ...), s = t / (t + 2)."""
    s = t / (t + f32(2))
    z = s * s
    p = f32(1 / 15)
    p = p * z + f32(1 / 13)
    p = p * z + f32(1 / 11)
    p = p * z + f32(1 / 9)
    p = p * z + f32(1 / 7)
    p = p * z + f32(1 / 5)
    p = p * z + f32(1 / 3)
    return f32(2) * (s + s * z * p)


@kernel(regroup=False)
def softplus(x):
    """log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), without overflow."""
    above = f32(0) if x <= f32(0) else x
    return above + log1p_unit(exp(-abs(x)))


@kernel(regroup=False)
def erf(x):
    """The error function: one rational function of x²; beyond 3.9 it rounds to ±1.

    Coefficients as in `ops.elementwise`, from Eigen's generic_fast_erf.
    """
    x = f32(-4) if x < f32(-4) else f32(4) if x > f32(4) else x
    z = x * x
    p = f32(-2.72614225801306e-10)
    p = p * z + f32(2.77068142495902e-08)
    p = p * z + f32(-2.10102402082508e-06)
    p = p * z + f32(-5.69250639462346e-05)
    p = p * z + f32(-7.34990630326855e-04)
    p = p * z + f32(-2.95459980854025e-03)
    p = p * z + f32(-1.60960333262415e-02)
    q = f32(-1.45660718464996e-05)
    q = q * z + f32(-2.13374055278905e-04)
    q = q * z + f32(-1.68282697438203e-03)
    q = q * z + f32(-7.37332916720468e-03)
    q = q * z + f32(-1.42647390514189e-02)
    value = x * p / q
    value = f32(1) if x > f32(3.9) else value
    return f32(-1) if x < f32(-3.9) else value


@kernel(regroup=False)
def _log_parts(x):
    """(n, l) with x = 2^n e^l, for x > 0: l = log of the mantissa between √½ and √2.

    log m = 2 atanh(s) = 2 (s + s³/3 + s⁵/5 + ...), s = (m - 1) / (m + 1).
    """
    small = x < f32(1.17549435e-38)  # what has no full mantissa gets one
    bits = f32(x * f32(8388608) if small else x).view(i32)
    up = bits - i32(0x3F3504F3)  # the bits of √½
    n = up >> i32(23)
    m = i32(bits - (n << i32(23))).view(f32)
    s = (m - f32(1)) / (m + f32(1))
    z = s * s
    p = f32(1 / 9)
    p = p * z + f32(1 / 7)
    p = p * z + f32(1 / 5)
    p = p * z + f32(1 / 3)
    return f32(n) - (f32(23) if small else f32(0)), f32(2) * (s + s * z * p)


@kernel(regroup=False)
def _log_ends(x, value):
    """-inf of 0, NaN below 0, infinity and NaN of themselves."""
    value = value if x < f32(np.inf) else x
    value = value if x > f32(0) else f32(np.nan)
    return f32(-np.inf) if x == f32(0) else value


@kernel(regroup=False)
def log(x):
    """The natural logarithm."""
    n, part = _log_parts(x)
    return _log_ends(x, n * f32(0.693359375) + (part - n * f32(2.12194440e-4)))


@kernel(regroup=False)
def log2(x):
    """The logarithm to base 2, exact for powers of 2."""
    n, part = _log_parts(x)
    return _log_ends(x, n + part * f32(1.4426950408889634))


@kernel(regroup=False)
def log10(x):
    """The logarithm to base 10."""
    n, part = _log_parts(x)
    low = part * f32(0.4342944819032518) + n * f32(4.605038981195214e-06)
    return _log_ends(x, n * f32(0.301025390625) + low)


@kernel(regroup=False)
def log1p(x):
    """log(1 + x), exact where x is small: log u + what x has lost in u = 1 + x, over u."""
    u = f32(1) + x
    lost = (x - (u - f32(1))) / u
    whole = log(u)
    return whole + lost if abs(whole) < f32(np.inf) else whole


@kernel(regroup=False)
def exp2(x):
    """2^x, exact for whole numbers."""
    bounded = f32(-151) if x < f32(-151) else f32(129) if x > f32(129) else x
    n = np.floor(bounded + f32(0.5))
    r = (bounded - n) * f32(0.6931471805599453)
    z = r * r
    p = f32(1.9875691500e-4) * r + f32(1.3981999507e-3)
    p = p * z + (f32(8.3334519073e-3) * r + f32(4.1665795894e-2))
    p = p * z + (f32(1.6666665459e-1) * r + f32(5.0000001201e-1))
    e = p * z + r + f32(1)
    half = i32(n) >> i32(1)
    one, other = (half + i32(127)) << i32(23), (i32(n) - half + i32(127)) << i32(23)
    return e * i32(one).view(f32) * i32(other).view(f32)
