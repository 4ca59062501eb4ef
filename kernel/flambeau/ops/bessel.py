"""Bessel's and Airy's functions and the incomplete gamma functions, computed by SciPy.

Each takes real numbers and works in double precision inside; on a GPU it is CuPy's twin of SciPy.
"""

from __future__ import annotations

import importlib
from math import pi
from typing import Any

import numpy as np

from .promote import only_tensors, real_float, same, without
from .registry import SPACES, op, show


def scipy_of(xp: Any, part: str) -> Any:
    """A part of SciPy, such as "special", for the arrays of a module."""
    return importlib.import_module(f"scipy.{part}" if xp is np else f"cupyx.scipy.{part}")


def _special(xp, name, *arrays):
    wide = [a.astype("float64", copy=False) for a in arrays]
    return getattr(scipy_of(xp, "special"), name)(*wide).astype(arrays[0].dtype)


# Bessel's functions of the first and the second kind: x²y'' + xy' + (x² - n²)y = 0


@op(promote=real_float, on="special")
def bessel_j0(xp, x):
    """The Bessel function of the first kind of order 0: 1/π ∫ cos(x sin t) dt from 0 to π."""
    return _special(xp, "j0", x)


@op(promote=real_float, on="special")
def bessel_j1(xp, x):
    """The Bessel function of the first kind of order 1: 1/π ∫ cos(t - x sin t) dt from 0 to π."""
    return _special(xp, "j1", x)


@op(promote=real_float, on="special")
def bessel_y0(xp, x):
    """The Bessel function of the second kind of order 0, -∞ at 0."""
    return _special(xp, "y0", x)


@op(promote=real_float, on="special")
def bessel_y1(xp, x):
    """The Bessel function of the second kind of order 1, -∞ at 0."""
    return _special(xp, "y1", x)


def _over(ns, out, x, at_zero):
    """out / x with the value that it tends to at 0."""
    return ns.where(x == 0, at_zero, out / ns.where(x == 0, 1.0, x))


bessel_j0.gradients(x=lambda ns, g, x: -g * ns.bessel_j1(x))
bessel_j1.gradients(x=lambda ns, g, x, out: g * (ns.bessel_j0(x) - _over(ns, out, x, 0.5)))
bessel_y0.gradients(x=lambda ns, g, x: -g * ns.bessel_y1(x))
bessel_y1.gradients(x=lambda ns, g, x, out: g * (ns.bessel_y0(x) - out / x))


@op(promote=real_float, on="special")
def spherical_bessel_j0(xp, x):
    """sin(x) / x, and 1 at 0."""
    return xp.where(xp.isinf(x), 0, xp.sinc(x / pi)).astype(x.dtype)


spherical_bessel_j0.gradients(
    x=lambda ns, g, x, out: g * _over(ns, ns.cos(x) - out, x, 0.0),
)

# Modified ones, which do not swing: x²y'' + xy' - (x² + n²)y = 0


@op(promote=real_float, on="special")
def modified_bessel_k0(xp, x):
    """Modified Bessel function of the second kind of order 0: ∫ exp(-x cosh t) dt over t > 0."""
    return _special(xp, "k0", x)


@op(promote=real_float, on="special")
def modified_bessel_k1(xp, x):
    """Modified Bessel function of the second kind of order 1, minus the slope of order 0."""
    return _special(xp, "k1", x)


@op(promote=real_float, on="special")
def scaled_modified_bessel_k0(xp, x):
    """exp(x) · modified_bessel_k0(x)."""
    return _special(xp, "k0e", x)


@op(promote=real_float, on="special")
def scaled_modified_bessel_k1(xp, x):
    """exp(x) · modified_bessel_k1(x)."""
    return _special(xp, "k1e", x)


modified_bessel_k0.gradients(x=lambda ns, g, x: -g * ns.modified_bessel_k1(x))
modified_bessel_k1.gradients(x=lambda ns, g, x, out: -g * (ns.modified_bessel_k0(x) + out / x))
scaled_modified_bessel_k0.gradients(
    x=lambda ns, g, x, out: g * (out - ns.scaled_modified_bessel_k1(x))
)
scaled_modified_bessel_k1.gradients(
    x=lambda ns, g, x, out: g * (out - out / x - ns.scaled_modified_bessel_k0(x))
)

# Airy's function: y'' = xy


def _airy(xp, x, which):
    # CuPy has no twin of this one, so it is computed on the CPU.
    host = (x if xp is np else xp.asnumpy(x)).astype("float64", copy=False)
    return xp.asarray(scipy_of(np, "special").airy(host)[which]).astype(x.dtype)


@op(promote=real_float, on="special")
def airy_ai(xp, x):
    """Airy's function Ai: 1/π ∫ cos(t³/3 + xt) dt over t > 0."""
    return _airy(xp, x, 0)


@op(on="")
def airy_slope(xp, x):
    """The slope of `airy_ai`."""
    return _airy(xp, x, 1)


airy_ai.gradients(x=lambda ns, g, x: g * ns.airy_slope(x))
airy_slope.gradients(x=lambda ns, g, x: g * x * ns.airy_ai(x))

# The incomplete gamma functions: the part of Γ's integral up to a point, and the rest of it


def _no_gradient(ns, g):
    raise NotImplementedError(
        "the derivative for the first argument (input) of igamma and igammac is not implemented; "
        "that for the second is. input.detach() has none"
    )


def _density(ns, x, y):
    """The slope in y: yˣ⁻¹ e⁻ʸ / Γ(x)."""
    return ns.exp((x - 1) * ns.log(y) - y - ns.lgamma(x))


@op(promote=without("biuc", only_tensors(same)), inplace=True)
def igamma(xp, x, y):
    """P(x, y) = 1/Γ(x) ∫ tˣ⁻¹ e⁻ᵗ dt from 0 to y; differentiable in y alone."""
    return _special(xp, "gammainc", x, y)


@op(promote=without("biuc", only_tensors(same)), inplace=True)
def igammac(xp, x, y):
    """Q(x, y) = 1 - P(x, y), exact where P is almost 1; differentiable in y alone."""
    return _special(xp, "gammaincc", x, y)


igamma.gradients(x=_no_gradient, y=lambda ns, g, x, y: g * _density(ns, x, y))
igammac.gradients(x=_no_gradient, y=lambda ns, g, x, y: -g * _density(ns, x, y))
for _name in ("igamma", "igammac"):
    show(_name.replace("igamma", "gammainc"), SPACES["fb"][_name], "special")
