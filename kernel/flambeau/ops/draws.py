"""Random tensors whose distribution depends on tensors, with gradients where there are any.

A number drawn from a distribution with the distribution function F(x; a) moves with a such that
F stays the same: dx/da = -(∂F/∂a) / (∂F/∂x). That is the gradient of gamma and Dirichlet numbers.
"""

from __future__ import annotations

import numpy as np

from ..device import of
from ..errors import BadValue
from ..random import generator_for
from .bessel import scipy_of
from .promote import to_float
from .registry import op


def _stream(array, generator):
    return generator_for(of(array), generator)


@op(on="fb")
def poisson(xp, x, /, generator=None):
    """Poisson numbers with the rates that stand in the input."""
    if x.size and not bool((x >= 0).all()):
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    if x.dtype.kind in "biu":
        raise NotImplementedError(f"a rate is a float, not {x.dtype.name}; use x.float()")
    return xp.asarray(_stream(x, generator).poisson(x)).astype(x.dtype)


poisson.gradients(x=lambda ns, g: g * 0)


@op(on="fb")
def binomial(xp, count, prob, /, generator=None):
    """How many of ``count`` trials succeed, each with chance ``prob``."""
    for name, x in (("count", count), ("prob", prob)):
        if x.dtype.kind in "biu":
            raise BadValue(f"binomial only supports floats for {name}, got {x.dtype.name}")
    if count.dtype != prob.dtype:
        raise RuntimeError(
            f"expected count and prob of the same type, found {count.dtype} and {prob.dtype}"
        )
    count, prob = xp.broadcast_arrays(count, prob)
    tries, chance = xp.maximum(count, 0).astype("int64"), xp.clip(prob.astype("float64"), 0, 1)
    return xp.asarray(_stream(prob, generator).binomial(tries, chance)).astype(prob.dtype)


binomial.gradients(count=lambda ns, g: g * 0, prob=lambda ns, g: g * 0)


# Gamma


@op(on="fb", name="_standard_gamma", promote=to_float)
def standard_gamma(xp, x, /, generator=None):
    """Gamma numbers of shape x and rate 1, differentiable in x."""
    return _stream(x, generator).standard_gamma(x.astype("float64")).astype(x.dtype)


@op(on="fb", name="_standard_gamma_grad", promote=to_float)
def standard_gamma_grad(xp, x, y):
    """How the gamma number y moves with its shape x."""
    special = scipy_of(xp, "special")
    a, z = xp.broadcast_arrays(x.astype("float64"), y.astype("float64"))
    slope = _slope(
        xp, a, z > a, lambda t: special.gammainc(t, z), lambda t: special.gammaincc(t, z)
    )
    with np.errstate(all="ignore"):
        density = xp.exp((a - 1) * xp.log(z) - z - special.gammaln(a))
        # Far to the left F is zᵃ / Γ(a + 1), and what is known of it is its logarithm.
        small = z * (special.digamma(a + 1) - xp.log(z)) / a
        found = xp.where((z < 1e-8) | (density == 0), small, -slope / density)
    return xp.where(z > 0, found, 0.0).astype(x.dtype)


standard_gamma.gradients(x=lambda ns, g, x, out: g * ns._standard_gamma_grad(x, out))


def _slope(xp, a, right, below, above):
    """The slope in ``a`` of ``below``, a distribution function; 1 - below is ``above``.

    Differences of fourth order, on that side where the values are small.
    """
    h = 1e-3 * xp.minimum(a, xp.sqrt(a))

    def side(f):
        return (f(a - 2 * h) - 8 * f(a - h) + 8 * f(a + h) - f(a + 2 * h)) / (12 * h)

    return xp.where(right, -side(above), side(below))


# Dirichlet


@op(on="fb", name="_sample_dirichlet", promote=to_float)
def sample_dirichlet(xp, x, /, generator=None):
    """Numbers along the last dimension that sum to 1, with the concentrations x."""
    a, stream = x.astype("float64"), _stream(x, generator)
    # In logarithms: gamma numbers of a small shape are mostly too small for floats.
    drawn = xp.log(stream.standard_gamma(a + 1)) + xp.log1p(-stream.random(a.shape)) / a
    drawn = xp.exp(drawn - drawn.max(-1, keepdims=True))
    out = (drawn / drawn.sum(-1, keepdims=True)).astype(x.dtype)
    return xp.maximum(out, xp.finfo(x.dtype).tiny)


@op(on="fb", name="_dirichlet_grad", promote=to_float)
def dirichlet_grad(xp, x, alpha, total):
    """How a part x of a Dirichlet number moves with its concentration, over 1 - x."""
    special = scipy_of(xp, "special")
    z, a, total = xp.broadcast_arrays(*(t.astype("float64") for t in (x, alpha, total)))
    b = total - a
    slope = _slope(
        xp,
        a,
        z > a / total,
        lambda t: special.betainc(t, b, z),
        lambda t: special.betainc(b, t, 1 - z),
    )
    with np.errstate(all="ignore"):
        log_beta = special.gammaln(a) + special.gammaln(b) - special.gammaln(total)
        density = xp.exp((a - 1) * xp.log(z) + b * xp.log1p(-z) - log_beta)
        small = z * (special.digamma(a + 1) - special.digamma(total) - xp.log(z)) / a
        # Where almost all is in this part, the rest falls like that of a small one.
        rest = 1 - z
        large = (special.digamma(total) - special.digamma(a)) / b
        found = xp.where((z < 1e-8) | (density == 0), small, -slope / density)
        found = xp.where(rest < 1e-8, large, found)
    return found.astype(x.dtype)


def _dirichlet_rule(ns, g, x, out):
    """The concentration of one part takes from all others in proportion: d(out) ∝ e - out."""
    moved = ns._dirichlet_grad(out, x, ns.sum(x, -1, True))
    return moved * (g - ns.sum(out * g, -1, True))


sample_dirichlet.gradients(x=_dirichlet_rule)
