"""More functions of two numbers, element by element."""

from __future__ import annotations

from math import log

from ..dtypes import FLOATING, OF_NUMPY, complex128, float64
from ..kernels import each, fast, pointwise
from ..limits import finfo
from ..tensor import Tensor
from .promote import (
    as_given,
    only_tensors,
    real_float,
    same,
    same_float,
    some_tensor,
    tensor_first,
    to_float,
    without,
)
from .registry import OPS, SPACES, function, op
from .sort import result_type


def _floats(name, x):
    if x.dtype not in FLOATING:
        raise NotImplementedError(f"{name} works on floats, not on {x.dtype.name}; use x.float()")


def log_of_sum(xp, x, y):
    """log(eˣ + eʸ) of complex numbers: the larger one plus what the smaller adds."""
    larger = (x.real > y.real) | xp.isnan(x.real)
    top, low = xp.where(larger, x, y), xp.where(larger, y, x)
    endless = xp.isinf(top.real) & (top.real == low.real)
    return xp.where(endless, low, top + xp.log1p(xp.exp(xp.where(endless, 0, low - top))))


@op(promote=only_tensors(same), holomorphic=True)
def logaddexp(xp, x, y):
    """log(eˣ + eʸ), without overflow.

    >>> fb.logaddexp(fb.tensor([1000.0]), fb.tensor([1000.0]))
    tensor([1000.6932])
    """
    _floats("logaddexp", x)
    if fast(x, y) and x.shape == y.shape:
        return each(pointwise.logaddexp, x, y)
    return xp.logaddexp(x, y) if x.dtype.kind == "f" else log_of_sum(xp, x, y)


@op(promote=only_tensors(same))
def logaddexp2(xp, x, y):
    """log₂(2ˣ + 2ʸ), without overflow."""
    _floats("logaddexp2", x)
    return xp.logaddexp2(x, y)


logaddexp.gradients(
    x=lambda ns, g, x, out: g * ns.exp(x - out), y=lambda ns, g, y, out: g * ns.exp(y - out)
)
logaddexp2.gradients(
    x=lambda ns, g, x, out: g * ns.exp((x - out) * log(2)),
    y=lambda ns, g, y, out: g * ns.exp((y - out) * log(2)),
)


@op(promote=without("biuc", only_tensors(same)), inplace=True)
def hypot(xp, x, y):
    """√(x² + y²), without overflow.

    >>> fb.hypot(fb.tensor([3.0]), fb.tensor([4.0]))
    tensor([5.])
    """
    return xp.hypot(x, y)


hypot.gradients(x=lambda g, x, out: g * (x / out), y=lambda g, y, out: g * (y / out))


@op(promote=some_tensor(same_float), inplace=True, on="fb Tensor special")
def xlogy(xp, x, y):
    """x · log y, and 0 where x is 0."""
    return xp.where((x == 0) & ~xp.isnan(y), 0, x * xp.log(y)).astype(xp.result_type(x, y))


@op(promote=some_tensor(same_float), on="special")
def xlog1py(xp, x, y):
    """x · log(1 + y), and 0 where x is 0."""
    return xp.where((x == 0) & ~xp.isnan(y), 0, x * xp.log1p(y)).astype(xp.result_type(x, y))


xlogy.gradients(
    x=lambda ns, g, x, y: g * ns.where((x == 0) & (y <= 0), 0.0, ns.log(y)),
    y=lambda g, x, y: g * (x / y),
)
xlog1py.gradients(
    x=lambda ns, g, x, y: g * ns.where((x == 0) & (y <= -1), 0.0, ns.log1p(y)),
    y=lambda g, x, y: g * (x / (y + 1)),
)


@op(promote=tensor_first(same_float), inplace=True)
def copysign(xp, x, y):
    """The size of x with the sign of y."""
    return xp.copysign(x, y)


copysign.gradients(
    x=lambda ns, g, x, out: ns.where(x == 0, 0.0, g * ns.sign(x) * ns.sign(out)),
    y=lambda ns, g, out: ns.zeros_of(g),
)


@op(promote=only_tensors(as_given), inplace=True)
def heaviside(xp, x, values):
    """0 for x < 0, 1 for x > 0, ``values`` at 0.

    >>> fb.heaviside(fb.tensor([-1.0, 0.0, 1.0]), fb.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """
    if x.dtype.kind == "c":
        raise RuntimeError("heaviside is not yet implemented for complex tensors.")
    if x.dtype != values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return xp.where(x == 0, values, x > 0).astype(x.dtype)


@op(promote=without("c", only_tensors(same)))
def fmax(xp, x, y):
    """The larger of x and y, or the one that is a number."""
    return xp.fmax(x, y)


@op(promote=without("c", only_tensors(same)))
def fmin(xp, x, y):
    """The smaller of x and y, or the one that is a number."""
    return xp.fmin(x, y)


fmax.gradients(
    x=lambda ns, g, x, y: g * ((x >= y) | ns.isnan(y)),
    y=lambda ns, g, x, y: g * ((x < y) | ns.isnan(x)) * (y == y),
)
fmin.gradients(
    x=lambda ns, g, x, y: g * ((x <= y) | ns.isnan(y)),
    y=lambda ns, g, x, y: g * ((x > y) | ns.isnan(x)) * (y == y),
)


def _integers(name, *arrays):
    if any(getattr(a, "dtype", "i") != "i" and a.dtype.kind not in "iu" for a in arrays):
        raise NotImplementedError(f"{name} works on integers")


@op(promote=only_tensors(same), inplace=True)
def gcd(xp, x, y):
    """The greatest common divisor."""
    _integers("gcd", x, y)
    return xp.gcd(x, y)


@op(promote=only_tensors(same), inplace=True)
def lcm(xp, x, y):
    """The least common multiple."""
    _integers("lcm", x, y)
    return xp.lcm(x, y)


@op(promote=only_tensors(same), inplace=True)
def nextafter(xp, x, y):
    """The next number after x in the direction of y."""
    _floats("nextafter", x)
    return xp.nextafter(x, y)


nextafter.gradients(x=lambda g, x, y: g * (x != y), y=lambda ns, g: ns.zeros_of(g))


@op(name="frexp", on="", outputs=2, reads=1)
def frexp_op(xp, x):
    """The mantissa m, of a size in [0.5, 1), and the exponent e of x = m · 2ᵉ."""
    if x.dtype.kind != "f":
        raise RuntimeError("torch.frexp() only supports floating-point dtypes; use x.float()")
    mantissa, exponent = xp.frexp(x)
    return mantissa, exponent.astype("int32", copy=False)


frexp_op.gradients(x=lambda ns, g, out: g[0] / ns.exp2(out[1]))
_Frexp = result_type("frexp", "mantissa", "exponent")


@function
def frexp(input):
    """The numbers as mantissa · 2 to the power of exponent, the mantissas in [0.5, 1)."""
    return _Frexp(*frexp_op(input))


@function
def ldexp(input, other):
    """input · 2ᵒᵗʰᵉʳ."""
    if not isinstance(other, Tensor):
        raise TypeError(f"ldexp(): argument 'other' must be Tensor, not {type(other).__name__}")
    if input.is_floating_point() and not (other.is_floating_point() or other.is_complex()):
        other = other.to(input.dtype)
    return input * OPS["pow"](2.0, other)


def _wide(*given):
    """Tensors and numbers in float64, or in complex128 where one is complex."""
    whole = any(t.is_complex() if isinstance(t, Tensor) else isinstance(t, complex) for t in given)
    kind, number = (complex128, complex) if whole else (float64, float)
    return [t.to(kind) if isinstance(t, Tensor) else number(t) for t in given]


@function
def float_power(input, exponent):
    """input to the power of ``exponent``, in float64 or, of complex numbers, complex128."""
    return OPS["pow"](*_wide(input, exponent))


@function(on="Tensor")
def float_power_(self, exponent):
    """In-place version of ``float_power``, for tensors that have the type of its result."""
    base, wide = _wide(self, exponent)
    if base is not self:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {self.dtype.name} but the operation's "
            f"result requires dtype {base.dtype.name}"
        )
    return SPACES["Tensor"]["pow_"](self, wide)


@function(on="fb")
def rsub(input, other, *, alpha=1):
    """other - alpha · input."""
    if not isinstance(input, Tensor):
        raise TypeError(f"rsub(): argument 'input' must be Tensor, not {type(input).__name__}")
    return OPS["sub"](other, input, alpha)


@op(promote=without("c", tensor_first(same)), inplace=True)
def clamp_min(xp, x, min):
    """max(x, min)."""
    return xp.maximum(x, min)


@op(promote=without("c", tensor_first(same)), inplace=True)
def clamp_max(xp, x, max):
    """min(x, max)."""
    return xp.minimum(x, max)


clamp_min.gradients(x=lambda g, x, min: g * (x >= min), min=lambda g, x, min: g * (x < min))
clamp_max.gradients(x=lambda g, x, max: g * (x <= max), max=lambda g, x, max: g * (x > max))

# Of one number


@op(promote=real_float, inplace=True)
def deg2rad(xp, x):
    """Degrees as radians: x · π / 180."""
    return xp.deg2rad(x)


@op(promote=real_float, inplace=True)
def rad2deg(xp, x):
    """Radians as degrees: x · 180 / π."""
    return xp.rad2deg(x)


deg2rad.gradients(x=lambda ns, g: ns.deg2rad(g))
rad2deg.gradients(x=lambda ns, g: ns.rad2deg(g))


@op(promote=to_float, inplace=True, on="fb Tensor special", holomorphic=True)
def sinc(xp, x):
    """sin(πx) / (πx), and 1 at 0."""
    return xp.sinc(x)


@sinc.gradient("x")
def _(ns, g, x, out):
    pi = 3.141592653589793
    safe = ns.where(x == 0, 1.0, x)
    return g * ns.where(x == 0, 0.0, (ns.cos(x * pi) - out) / safe)


@op(promote=real_float, inplace=True, on="fb Tensor special")
def logit(xp, x, /, eps=None):
    """log(x / (1 - x)), with x first brought into [eps, 1 - eps]."""
    x = x if eps is None else xp.clip(x, eps, 1 - eps)
    return xp.log(x / (1 - x))


@logit.gradient("x")
def _(ns, g, x, eps):
    low, high = (0.0, 1.0) if eps is None else (eps, 1 - eps)
    inside = (x >= low) & (x <= high)
    return ns.where(inside, g / (x * (1 - x)), 0.0 if eps is not None else float("nan"))


@op(promote=real_float, on="special")
def entr(xp, x):
    """-x · log x; 0 at 0, -∞ below."""
    inner = -x * xp.log(xp.where(x > 0, x, 1))
    return xp.where(x < 0, -xp.inf, xp.where(xp.isnan(x), x, inner)).astype(x.dtype)


entr.gradients(x=lambda ns, g, x: g * (-ns.log(x) - 1))


@op(inplace=True)
def nan_to_num(xp, x, /, nan=0.0, posinf=None, neginf=None):
    """x with numbers for NaN and infinities: by default 0 and the type's largest and smallest.

    >>> fb.nan_to_num(fb.tensor([1.0, fb.nan]), nan=-1.0)
    tensor([ 1., -1.])
    """
    if x.dtype not in FLOATING:
        return x.copy()
    limits = finfo(OF_NUMPY[x.dtype])
    high = limits.max if posinf is None else posinf
    low = limits.min if neginf is None else neginf
    if x.dtype.kind == "c":
        return xp.nan_to_num(x, nan=nan or 0.0, posinf=high, neginf=low)
    if fast(x):
        return each(pointwise.nan_to_num, x, numbers=(nan or 0.0, high, low))
    for bad, good in ((xp.isnan(x), nan or 0.0), (xp.isposinf(x), high), (xp.isneginf(x), low)):
        x = xp.where(bad, x.dtype.type(good), x)
    return x


nan_to_num.gradients(x=lambda ns, g, x: ns.where(ns.isfinite(x), g, 0.0))


@op(promote=without("c"))
def isposinf(xp, x):
    """Whether it is +∞."""
    return xp.isposinf(x) if x.dtype.kind == "f" else xp.zeros(x.shape, bool)


@op(promote=without("c"))
def isneginf(xp, x):
    """Whether it is -∞."""
    return xp.isneginf(x) if x.dtype.kind == "f" else xp.zeros(x.shape, bool)


@function
def positive(input):
    """The tensor itself."""
    if input.array.dtype.kind == "b":
        raise RuntimeError("The `+` operator is not supported for bool tensors.")
    return input


@function
def is_signed(input):
    """Whether its type has negative numbers."""
    return input.dtype.is_signed


@function
def is_same_size(input, other):
    """Whether both have the same shape."""
    return input.shape == other.shape
