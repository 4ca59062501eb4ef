"""Activations, and the softmax family.

``inplace=True`` costs no copy: those of straight pieces keep on which piece each element was, and
the output may be written to; where the output alone tells the slope of a curve, it is kept.
"""

from __future__ import annotations

from math import pi, sqrt

import numpy as np

from ..errors import BadValue
from ..kernels import activation as loops
from ..kernels import dense, each, fast, run
from .erf import erf as erf_op
from .promote import alike, only_float
from .registry import function, op

# Straight pieces


def _no_bools(x, name):
    if x.dtype.kind == "b":
        raise RuntimeError(f"Bool inputs not supported for {name}; x.float() fits")


@op(on="F", promote=only_float, inplace=True, extras=["positive"])
def leaky_relu(xp, x, /, negative_slope=0.01):
    """x where positive, negative_slope · x elsewhere.

    >>> nn.functional.leaky_relu(fb.tensor([-1.0, 2.0]))
    tensor([-0.0100,  2.0000])
    """
    if fast(x):
        out, positive = np.empty(x.shape, x.dtype), np.empty(x.shape, bool)
        run(loops.leaky_relu, x, out, positive, numbers=(negative_slope,))
        return out, positive
    low = x * x.dtype.type(negative_slope)
    return xp.maximum(x, low) if negative_slope <= 1 else xp.minimum(x, low), x > 0


@leaky_relu.gradient("x")
def _(ns, g, positive, negative_slope):
    if fast(g := dense(g)):
        return each(loops.two_slopes, g, positive, numbers=(negative_slope,))
    return ns.where(positive, g, g * negative_slope)


@op(on="F", inplace=True, extras=["inside"])
def hardtanh(xp, x, /, min_val=-1.0, max_val=1.0):
    """x kept between two bounds.

    >>> nn.functional.hardtanh(fb.tensor([-3.0, 0.5, 3.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    _no_bools(x, "hardtanh")
    if min_val > max_val:
        raise BadValue(f"min_val cannot be greater than max_val, got {min_val} and {max_val}")
    return _within(xp, x, min_val, max_val)


def _within(xp, x, low, high):
    """x kept between two bounds, and where it was between them."""
    if fast(x):
        out, inside = np.empty(x.shape, x.dtype), np.empty(x.shape, bool)
        run(loops.within, x, out, inside, numbers=(low, high))
        return out, inside
    low, high = x.dtype.type(low), x.dtype.type(high)
    return xp.minimum(xp.maximum(x, low), high), (x > low) & (x < high)


def _masked(g, inside):
    if fast(g := dense(g)):
        return each(loops.masked, g, inside)
    return g * inside


hardtanh.gradients(x=_masked)


@op(on="F", inplace=True, extras=["inside"])
def relu6(xp, x):
    """min(max(x, 0), 6)."""
    _no_bools(x, "relu6")
    return _within(xp, x, 0, 6)


relu6.gradients(x=_masked)


@op(on="fb F", inplace=True)
def threshold(xp, x, /, threshold, value):
    """x where it is above the threshold, a fixed value elsewhere."""
    return xp.where(x > threshold, x, x.dtype.type(value))


threshold.gradients(x=lambda g, x, threshold: g * (x > threshold))


@op(on="F", promote=only_float, inplace=True, extras=["inside"])
def hardsigmoid(xp, x):
    """min(max(x + 3, 0), 6) / 6."""
    return xp.minimum(xp.maximum(x + 3, 0), 6) / 6, (x > -3) & (x < 3)


hardsigmoid.gradients(x=lambda g, inside: g * inside / 6)


@op(on="F", promote=only_float, inplace=True)
def hardswish(xp, x):
    """x · min(max(x + 3, 0), 6) / 6."""
    if fast(x):
        return each(loops.hardswish, x)
    return x * xp.minimum(xp.maximum(x + 3, 0), 6) / 6


@hardswish.gradient("x")
def _(ns, g, x):
    if fast(x):
        return each(loops.hardswish_slope, dense(g), x)
    return ns.where(x >= 3, g, g * (x > -3) * (x / 3 + 0.5))


@op(on="F", promote=only_float)
def softshrink(xp, x, /, lambd=0.5):
    """x moved towards 0 by lambd, and 0 where it is nearer than that."""
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}")
    return x - xp.minimum(xp.maximum(x, -lambd), lambd)


@op(on="fb F", promote=only_float)
def hardshrink(xp, x, /, lambd=0.5):
    """x, and 0 where it is between -lambd and lambd."""
    return xp.where((x >= -lambd) & (x <= lambd), x.dtype.type(0), x)


for _op in (softshrink, hardshrink):
    _op.gradients(x=lambda g, out: g * (out != 0))


@op(on="fb Tensor F", promote=alike)
def prelu(xp, x, weight):
    """x where positive, weight · x elsewhere; one weight, or one for each channel.

    >>> nn.functional.prelu(fb.tensor([-2.0, 2.0]), fb.tensor(0.1))
    tensor([-0.2000,  2.0000])
    """
    return xp.where(x > 0, x, _per_channel(xp, weight, x.ndim, x.shape) * x)


def _per_channel(xp, weight, ndim, shape):
    if weight.size == 1:
        return weight.reshape((1,) * ndim)
    if ndim < 2 or weight.ndim != 1 or weight.size != shape[1]:
        raise RuntimeError(
            f"Mismatch of parameter numbers and input channel size: {weight.size} parameters, "
            f"input shape {shape}"
        )
    return weight.reshape(1, -1, *(1,) * (ndim - 2))


def _weight_shape(weight_shape, ndim):
    n = weight_shape[0] if weight_shape else 1
    return (1,) * ndim if n == 1 else (1, n, *(1,) * (ndim - 2))


@prelu.gradient("x")
def _(ns, g, x, weight):
    return ns.where(x > 0, g, g * ns.reshape(weight, _weight_shape(weight.shape, x.ndim)))


@prelu.gradient("weight")
def _(ns, g, x, weight_shape):
    summed = ns.sum_to(g * x * (x <= 0), _weight_shape(weight_shape, x.ndim))
    return ns.reshape(summed, tuple(weight_shape))


# Curved ones

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _exponential_unit(xp, x, alpha, scale=1.0, stretch=1.0):
    """scale · x where positive, scale · alpha · (exp(stretch · x) - 1) elsewhere."""
    if fast(x):
        return each(loops.exponential_unit, x, numbers=(scale, alpha * scale, stretch))
    low = xp.expm1(xp.minimum(x, 0) * stretch) * (alpha * scale)
    return xp.where(x > 0, x * scale, low)


def _exponential_slope(ns, g, out, alpha, scale=1.0, stretch=1.0):
    """The gradient, by the output alone."""
    if fast(out):
        numbers = (scale, alpha * scale, stretch)
        return each(loops.exponential_unit_slope, dense(g), out, numbers=numbers)
    return g * ns.where(out > 0, scale, (out + alpha * scale) * stretch)


@op(on="F", promote=only_float, inplace=True)
def elu(xp, x, /, alpha=1.0):
    """x where positive, alpha · (eˣ - 1) elsewhere.

    >>> nn.functional.elu(fb.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    return _exponential_unit(xp, x, alpha)


@op(on="fb F", promote=only_float, inplace=True)
def selu(xp, x):
    """Elu with the two constants that keep a deep network's activations normal."""
    return _exponential_unit(xp, x, _SELU_ALPHA, _SELU_SCALE)


@op(on="fb F", promote=only_float, inplace=True)
def celu(xp, x, /, alpha=1.0):
    """x where positive, alpha · (exp(x / alpha) - 1) elsewhere."""
    return _exponential_unit(xp, x, alpha, stretch=1 / alpha)


elu.gradients(x=lambda ns, g, out, alpha: _exponential_slope(ns, g, out, alpha))
selu.gradients(x=lambda ns, g, out: _exponential_slope(ns, g, out, _SELU_ALPHA, _SELU_SCALE))
celu.gradients(x=lambda ns, g, out, alpha: _exponential_slope(ns, g, out, alpha, 1.0, 1 / alpha))


@op(on="F", promote=only_float, inplace=True)
def silu(xp, x):
    """x · sigmoid(x).

    >>> nn.functional.silu(fb.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.2689,  0.0000,  1.7616])
    """
    if fast(x):
        return each(loops.silu, x)
    return x / (1 + xp.exp(-x))


@silu.gradient("x")
def _(ns, g, x):
    if fast(x):
        return each(loops.silu_slope, dense(g), x)
    s = ns.sigmoid(x)
    return g * (s * (1 + x * (1 - s)))


@op(on="F", promote=only_float)
def gelu(xp, x, /, approximate="none"):
    """x · Φ(x), where Φ is the normal distribution's function; "tanh" is a fast formula for it.

    >>> nn.functional.gelu(fb.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.1587,  0.0000,  1.9545])
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"approximate argument must be either none or tanh, not {approximate!r}")
    if fast(x):
        return each(loops.gelu_tanh if approximate == "tanh" else loops.gelu, x)
    if approximate == "tanh":
        inner = x * (1 + 0.044715 * (x * x)) * sqrt(2 / pi)
        return x * (1 + xp.tanh(inner)) * 0.5
    return x * (1 + erf_op.forward(xp, x * sqrt(0.5))) * 0.5


@gelu.gradient("x")
def _(ns, g, x, approximate):
    if fast(x):
        loop = loops.gelu_tanh_slope if approximate == "tanh" else loops.gelu_slope
        return each(loop, dense(g), x)
    square = x * x
    if approximate == "tanh":
        t = ns.tanh(x * (1 + square * 0.044715) * sqrt(2 / pi))
        slope = (1 - t * t) * x * (1 + square * (3 * 0.044715)) * sqrt(2 / pi)
        return g * ((1 + t + slope) * 0.5)
    density = ns.exp(square * -0.5) * (1 / sqrt(2 * pi))
    return g * ((1 + ns.erf(x * sqrt(0.5))) * 0.5 + x * density)


def _softplus(xp, x):
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


@op(on="F", promote=only_float)
def softplus(xp, x, /, beta=1, threshold=20):
    """log(1 + exp(beta · x)) / beta, and x itself where beta · x is above the threshold.

    >>> nn.functional.softplus(fb.tensor([-1.0, 0.0, 30.0]))
    tensor([ 0.3133,  0.6931, 30.0000])
    """
    if fast(x):
        return each(loops.soft_plus, x, numbers=(beta, threshold))
    z = x * beta
    return xp.where(z > threshold, x, _softplus(xp, z) / beta)


@softplus.gradient("x")
def _(ns, g, x, beta, threshold):
    if fast(x):
        return each(loops.soft_plus_slope, dense(g), x, numbers=(beta, threshold))
    return g * ns.where(x * beta > threshold, 1.0, ns.sigmoid(x * beta))


@op(on="F", promote=only_float)
def logsigmoid(xp, x):
    """log(sigmoid(x)), without overflow."""
    if fast(x):
        return each(loops.log_sigmoid, x)
    return -_softplus(xp, -x)


@logsigmoid.gradient("x")
def _(ns, g, x):
    if fast(x):
        return each(loops.log_sigmoid_slope, dense(g), x)
    return g * ns.sigmoid(-x)


@op(on="F", promote=only_float, inplace=True)
def mish(xp, x):
    """x · tanh(softplus(x))."""
    if fast(x):
        return each(loops.mish, x)
    return x * xp.tanh(_softplus(xp, x))


@mish.gradient("x")
def _(ns, g, x):
    if fast(x):
        return each(loops.mish_slope, dense(g), x)
    t = ns.tanh(ns.softplus(x))
    return g * (t + x * ns.sigmoid(x) * (1 - t * t))


@function(on="F")
def softsign(input):
    """x / (1 + |x|)."""
    return input / (1 + input.abs())


@function(on="F")
def tanhshrink(input):
    """x - tanh(x)."""
    return input - input.tanh()


@function(on="F")
def glu(input, dim=-1):
    """The first half along ``dim`` times the sigmoid of the second.

    >>> nn.functional.glu(fb.tensor([1.0, 2.0, 0.0, 100.0]))
    tensor([0.5000, 2.0000])
    """
    if input.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    only_float([input.array])
    size = input.shape[dim]
    if size % 2:
        raise RuntimeError(f"glu: dimension {dim} must have an even size, it has {size}")
    half = size // 2
    return input.narrow(dim, 0, half) * input.narrow(dim, half, half).sigmoid()
