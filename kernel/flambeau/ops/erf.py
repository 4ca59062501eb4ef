"""The error function."""

from __future__ import annotations

from math import pi

from ..kernels import dense, each, fast
from ..kernels import pointwise as plain
from .promote import real_float
from .registry import op


@op(promote=real_float, inplace=True)
def erf(xp, x):
    """2/√π ∫₀ˣ exp(-t²) dt, the error function."""
    if x.dtype == "float64":
        return _erf_double(xp, x)
    x32 = x.astype("float32", copy=False)
    if fast(x32):
        return each(plain.erf, x32).astype(x.dtype, copy=False)
    return _erf_single(xp, x32).astype(x.dtype, copy=False)


@erf.gradient("x")
def _(ns, g, x):
    if fast(x):
        return each(plain.erf_slope, dense(g), x)
    return g * ns.exp(-(x * x)) * (2 / pi**0.5)


def _polynomial(x, coefficients):
    """Horner's rule, the highest power first."""
    total = coefficients[0]
    for c in coefficients[1:]:
        total = total * x + c
    return total


def _erf_single(xp, x):
    # One rational function of x² serves float32: beyond 4 the result rounds to ±1.
    x = xp.minimum(xp.maximum(x, -4), 4)
    z = x * x
    return x * _polynomial(z, _SINGLE_P) / _polynomial(z, _SINGLE_Q)


def _erf_double(xp, x):
    # |x| up to 1: a rational function of x². Further out 1 - exp(-x²) R(|x|), which at 6.5 is 1.
    size = xp.minimum(xp.abs(x), 6.5)
    z = xp.minimum(size, 1) ** 2
    near = x * _polynomial(z, _NEAR_P) / _polynomial(z, _NEAR_Q)
    far = 1 - xp.exp(-size * size) * _polynomial(size, _FAR_P) / _polynomial(size, _FAR_Q)
    return xp.where(size <= 1, near, xp.copysign(far, x))


# Minimax coefficients: float32 as in Eigen's generic_fast_erf, float64 as in Cephes' ndtr.c.
# fmt: off
_SINGLE_P = (-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06,
             -5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03,
             -1.60960333262415e-02)
_SINGLE_Q = (-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03,
             -7.37332916720468e-03, -1.42647390514189e-02)
_NEAR_P = (9.60497373987051638749, 90.0260197203842689217, 2232.00534594684319226,
           7003.32514112805075473, 55592.3013010394962768)
_NEAR_Q = (1.0, 33.5617141647503099647, 521.357949780152679795, 4594.32382970980127987,
           22629.0000613890934246, 49267.3942608635921086)
_FAR_P = (2.46196981473530512524e-10, 0.564189564831068821977, 7.46321056442269912687,
          48.6371970985681366614, 196.520832956077098242, 526.445194995477358631,
          934.528527171957607540, 1027.55188689515710272, 557.535335369399327526)
_FAR_Q = (1.0, 13.2281951154744992508, 86.7072140885989742329, 354.937778887819891062,
          975.708501743205489753, 1823.90916687909736289, 2246.33760818710981792,
          1656.66309194161350182, 557.535340817727675546)
# fmt: on
