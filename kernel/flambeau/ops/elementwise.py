"""Functions of one number, applied to each element alone."""

from __future__ import annotations

from math import log

import numpy as np
from numpy import ndarray

from ..dtypes import floating
from ..kernels import activation as loops
from ..kernels import dense, each, fast, run
from ..kernels import pointwise as plain
from .promote import to_float, without
from .registry import op

# NumPy takes an array without dimensions in half the time that it takes a number.
_FLOAT32 = np.dtype(np.float32)
_ZERO, _ONE = np.zeros((), np.float32), np.ones((), np.float32)

# Sign and size


@op(inplace=True, aliases=["negative"])
def neg(xp, x):
    """-x."""
    if x.dtype.kind == "b":
        raise RuntimeError("negation of a bool tensor; use ~x or logical_not(x)")
    return -x


neg.gradients(x=lambda g: -g)


@op(promote=without("b"), inplace=True, aliases=["absolute"])
def abs(xp, x):
    """|x|; its slope at 0 is taken as 0."""
    return xp.abs(x)


@abs.gradient("x")
def _(ns, g, x):
    return each(plain.abs_slope, dense(g), x) if fast(x) else g * ns.sgn(x)


@op(promote=without("c"), inplace=True)
def sign(xp, x):
    """-1, 0 or 1."""
    if x.dtype.kind in "bu":
        return (x > 0).astype(x.dtype)
    if fast(x):
        return each(plain.sign, x)
    return (x > 0).astype(x.dtype) - (x < 0)  # NaN is neither


sign.gradients(x=lambda ns, g: ns.zeros_of(g))


@op(on="")
def zeros_of(xp, x):
    """Zeros of the same shape and type: the gradient of what is flat everywhere."""
    return xp.zeros(x.shape, x.dtype)


zeros_of.gradients(x=lambda ns, g: ns.zeros_of(g))


@op(inplace=True, holomorphic=True)
def square(xp, x):
    """x²."""
    return x * x if x.dtype.kind != "b" else x.astype("int64")


square.gradients(x=lambda g, x: g * (x * 2))


@op(promote=to_float, inplace=True, holomorphic=True)
def sqrt(xp, x):
    """√x."""
    return xp.sqrt(x)


@sqrt.gradient("x")
def _(g, out):
    return each(plain.sqrt_slope, dense(g), out) if fast(out) else g / (out * 2)


@op(promote=to_float, inplace=True, holomorphic=True)
def rsqrt(xp, x):
    """1 / √x."""
    return each(plain.rsqrt, x) if fast(x) else 1 / xp.sqrt(x)


@rsqrt.gradient("x")
def _(g, out):
    if fast(out):
        return each(plain.rsqrt_slope, dense(g), out)
    return g * (out * out * out) * -0.5


@op(promote=to_float, inplace=True, holomorphic=True)
def reciprocal(xp, x):
    """1 / x."""
    return 1 / x


reciprocal.gradients(x=lambda g, out: -g * (out * out))

# Exponentials and logarithms


@op(promote=to_float, inplace=True, holomorphic=True)
def exp(xp, x):
    """e to the power of x."""
    return each(plain.exp, x) if fast(x) else xp.exp(x)


exp.gradients(x=lambda g, out: g * out)


@op(promote=to_float, inplace=True, holomorphic=True)
def exp2(xp, x):
    """2 to the power of x."""
    return each(plain.exp2, x) if fast(x) else xp.exp2(x)


exp2.gradients(x=lambda g, out: g * out * log(2))


@op(promote=to_float, inplace=True, holomorphic=True)
def expm1(xp, x):
    """eˣ - 1, exact where x is small."""
    return each(plain.expm1, x) if fast(x) else xp.expm1(x)


expm1.gradients(x=lambda g, out: g * (out + 1))


@op(promote=to_float, name="log", inplace=True, holomorphic=True)
def log_(xp, x):
    """Natural logarithm."""
    return each(plain.log, x) if fast(x) else xp.log(x)


log_.gradients(x=lambda g, x: g / x)


@op(promote=to_float, inplace=True, holomorphic=True)
def log1p(xp, x):
    """log(1 + x), exact where x is small."""
    return each(plain.log1p, x) if fast(x) else xp.log1p(x)


log1p.gradients(x=lambda g, x: g / (x + 1))


@op(promote=to_float, inplace=True, holomorphic=True)
def log2(xp, x):
    """Logarithm to base 2."""
    return each(plain.log2, x) if fast(x) else xp.log2(x)


log2.gradients(x=lambda g, x: g / (x * log(2)))


@op(promote=to_float, inplace=True, holomorphic=True)
def log10(xp, x):
    """Logarithm to base 10."""
    return each(plain.log10, x) if fast(x) else xp.log10(x)


log10.gradients(x=lambda g, x: g / (x * log(10)))

# Circular and hyperbolic functions


@op(promote=to_float, inplace=True, holomorphic=True)
def sin(xp, x):
    """Sine of an angle in radians."""
    return xp.sin(x)


sin.gradients(x=lambda ns, g, x: g * ns.cos(x))


@op(promote=to_float, inplace=True, holomorphic=True)
def cos(xp, x):
    """Cosine of an angle in radians."""
    return xp.cos(x)


cos.gradients(x=lambda ns, g, x: -g * ns.sin(x))


@op(promote=to_float, inplace=True, holomorphic=True)
def tan(xp, x):
    """Tangent of an angle in radians."""
    return xp.tan(x)


tan.gradients(x=lambda g, out: g * (out * out + 1))


@op(promote=to_float, inplace=True, aliases=["arcsin"], holomorphic=True)
def asin(xp, x):
    """The angle in [-π/2, π/2] whose sine is x."""
    return xp.arcsin(x)


asin.gradients(x=lambda ns, g, x: g * ns.rsqrt(1 - x * x))


@op(promote=to_float, inplace=True, aliases=["arccos"], holomorphic=True)
def acos(xp, x):
    """The angle in [0, π] whose cosine is x."""
    return xp.arccos(x)


acos.gradients(x=lambda ns, g, x: -g * ns.rsqrt(1 - x * x))


@op(promote=to_float, inplace=True, aliases=["arctan"], holomorphic=True)
def atan(xp, x):
    """The angle in (-π/2, π/2) whose tangent is x."""
    return xp.arctan(x)


atan.gradients(x=lambda g, x: g / (x * x + 1))


@op(promote=to_float, inplace=True, holomorphic=True)
def sinh(xp, x):
    """(eˣ - e⁻ˣ) / 2."""
    return xp.sinh(x)


sinh.gradients(x=lambda ns, g, x: g * ns.cosh(x))


@op(promote=to_float, inplace=True, holomorphic=True)
def cosh(xp, x):
    """(eˣ + e⁻ˣ) / 2."""
    return xp.cosh(x)


cosh.gradients(x=lambda ns, g, x: g * ns.sinh(x))


@op(promote=to_float, on="fb Tensor F", inplace=True, holomorphic=True)
def tanh(xp, x):
    """Hyperbolic tangent, from -1 to 1."""
    return xp.tanh(x)


@tanh.gradient("x")
def _(g, out):
    if fast(out):
        return each(loops.tanh_slope, dense(g), out)
    return g * (1 - out * out)


@op(promote=to_float, inplace=True, aliases=["arcsinh"], holomorphic=True)
def asinh(xp, x):
    """The number whose hyperbolic sine is x."""
    return xp.arcsinh(x)


asinh.gradients(x=lambda ns, g, x: g * ns.rsqrt(x * x + 1))


@op(promote=to_float, inplace=True, aliases=["arccosh"], holomorphic=True)
def acosh(xp, x):
    """The positive number whose hyperbolic cosine is x."""
    return xp.arccosh(x)


acosh.gradients(x=lambda ns, g, x: g * ns.rsqrt(x * x - 1))


@op(promote=to_float, inplace=True, aliases=["arctanh"], holomorphic=True)
def atanh(xp, x):
    """The number whose hyperbolic tangent is x."""
    return xp.arctanh(x)


atanh.gradients(x=lambda g, x: g / (1 - x * x))

# The S-shaped and the hinged


@op(promote=to_float, on="fb Tensor F", inplace=True, holomorphic=True)
def sigmoid(xp, x):
    """1 / (1 + e⁻ˣ), from 0 to 1.

    >>> fb.sigmoid(fb.tensor([-2.0, 0.0, 2.0]))
    tensor([0.1192, 0.5000, 0.8808])
    """
    if fast(x):
        return each(loops.sigmoid, x)
    return 1 / (1 + xp.exp(-x))


@sigmoid.gradient("x")
def _(g, out):
    if fast(out):
        return each(loops.sigmoid_slope, dense(g), out)
    return g * (out * (1 - out))


@op(on="fb Tensor F", inplace=True)
def relu(xp, x):
    """max(x, 0); its slope at 0 is taken as 0.

    >>> fb.relu(fb.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    if x.dtype is _FLOAT32 and xp is np:
        return each(loops.relu, x) if fast(x) else np.maximum(x, _ZERO)
    if x.dtype.kind == "b":
        raise RuntimeError("a bool tensor has no relu; x.float() has")
    return xp.maximum(x, x.dtype.type(0))


@relu.writes
def _(xp, x):
    return run(loops.relu_in_place, x) if fast(x) else NotImplemented


@relu.gradient("x")
def _(g, out):
    if out.__class__ is ndarray and out.dtype is _FLOAT32:
        if fast(out):
            return each(loops.relu_slope, dense(g), out)
        return g * np.sign(np.fmin(out, _ONE))  # quicker than a product with booleans
    return g * (out != 0)


# Rounding: flat between the steps, so no gradient passes


@op(promote=without("bc"), inplace=True)
def floor(xp, x):
    """The largest integer that is not above x."""
    return xp.floor(x) if x.dtype.kind == "f" else x.copy()


@op(promote=without("bc"), inplace=True)
def ceil(xp, x):
    """The smallest integer that is not below x."""
    return xp.ceil(x) if x.dtype.kind == "f" else x.copy()


@op(promote=without("bc"), inplace=True, aliases=["fix"])
def trunc(xp, x):
    """x without its decimals."""
    return xp.trunc(x) if x.dtype.kind == "f" else x.copy()


@op(promote=without("bc"), inplace=True)
def round(xp, x, /, decimals=0):
    """The nearest number with so many decimals; of two, the even one.

    >>> fb.tensor([0.5, 1.5, 2.5]).round()
    tensor([0., 2., 2.])
    """
    if x.dtype.kind == "f":
        return xp.round(x, decimals)
    if decimals:
        raise NotImplementedError(f"round with decimals is not implemented for {x.dtype.name}")
    return x.copy()


for _flat in (floor, ceil, trunc, round):
    _flat.gradients(x=lambda ns, g: ns.zeros_of(g))


@op(promote=without("biuc"), inplace=True)
def frac(xp, x):
    """The decimals of x: x - trunc(x)."""
    return x - xp.trunc(floating(x))


frac.gradients(x=lambda g: g)
