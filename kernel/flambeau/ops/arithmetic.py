"""Arithmetic on two or more tensors, with broadcasting."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from ..dtypes import FLOATING, floating
from ..kernels import dense, each, fast, run
from ..kernels import pointwise as loops
from .promote import (
    keeps_floats,
    only_tensors,
    same,
    same_float,
    some_tensor,
    tensor_first,
    wants_numbers,
    without,
)
from .registry import op

NUMBERS = (float, int)


@keeps_floats
def _no_bool(arrays):
    for a in arrays:
        if a.__class__ is bool or (hasattr(a, "dtype") and a.dtype.kind == "b"):
            raise RuntimeError("subtraction with a bool tensor; use ^, logical_xor() or .int()")
    return same(arrays)


def alike(x, *others):
    """Whether compiled loops serve these, which have one shape."""
    return fast(x, *others) and all_(x.shape == y.shape for y in others)


all_ = all


def _factor(xp, alpha, x, y):
    """A factor for x and y; RuntimeError where it is of a higher kind than they are."""
    dtype = (x if hasattr(x, "dtype") else y).dtype
    kind = dtype.kind
    if kind == "f" and alpha.__class__ is float:
        return xp.asarray(alpha, dtype)
    if isinstance(alpha, bool) and kind != "b":
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, float) and kind in "biu":
        raise RuntimeError(
            "For integral input tensors, argument alpha must not be a floating point number."
        )
    if isinstance(alpha, complex) and kind != "c":
        raise RuntimeError(
            "For non-complex input tensors, argument alpha must not be a complex number."
        )
    return xp.asarray(alpha).astype(dtype) if kind == "u" else alpha  # -1 wraps around


@op(promote=same, inplace=True, holomorphic=True)
def add(xp, x, y, /, alpha=1):
    """x + alpha · y.

    >>> fb.add(fb.tensor([1, 2]), fb.tensor([[10], [20]]), alpha=2)
    tensor([[21, 22],
            [41, 42]])
    """
    if alpha == 1:
        return x + y
    if alike(x, y):
        return each(loops.plus_scaled, x, y, numbers=(alpha,))
    out = x + _factor(xp, alpha, x, y) * y
    return out if getattr(x, "dtype", None) != "bool" else out.astype(bool)


add.gradients(x=lambda g: g, y=lambda g, alpha: g if alpha == 1 else g * alpha)


@op(promote=_no_bool, inplace=True, aliases=["subtract"], holomorphic=True)
def sub(xp, x, y, /, alpha=1):
    """x - alpha · y."""
    if alpha == 1:
        return x - y
    if alike(x, y):
        return each(loops.plus_scaled, x, y, numbers=(-alpha,))
    return x - _factor(xp, alpha, x, y) * y


sub.gradients(x=lambda g: g, y=lambda g, alpha: -g if alpha == 1 else g * -alpha)


@op(promote=same, inplace=True, aliases=["multiply"], holomorphic=True)
def mul(xp, x, y):
    """x · y."""
    return x * y


mul.gradients(x=lambda g, y: g * y, y=lambda g, x: g * x)


@op(promote=same, inplace=True, aliases=["divide"], holomorphic=True)
def div(xp, x, y, /, rounding_mode=None):
    """x / y; ``rounding_mode`` "floor" or "trunc" rounds it down or towards zero.

    >>> fb.div(fb.tensor([-7, 7]), 2), fb.div(fb.tensor([-7, 7]), 2, rounding_mode="trunc")
    (tensor([-3.5000,  3.5000]), tensor([-3,  3]))
    """
    if rounding_mode is None:
        if (x if hasattr(x, "dtype") else y).dtype.kind == "f":
            return x / y
        return xp.divide(_float(x), _float(y))
    if rounding_mode == "floor":
        return floor_divide.forward(xp, x, y)
    if rounding_mode != "trunc":
        raise RuntimeError(
            f"rounding_mode is one of None, 'trunc' and 'floor', not {rounding_mode!r}"
        )
    _no_zero(xp, x, y)
    quotient = xp.trunc(xp.divide(x, y))
    return quotient.astype(xp.result_type(x, y), copy=False)


def _into(x, y):
    """Whether y goes into x without another thought: of its shape and type, or a number."""
    if x.__class__ is not np.ndarray or x.dtype.kind != "f":
        return False
    if y.__class__ is np.ndarray:
        return y.dtype is x.dtype and (y.shape == x.shape or not y.ndim)
    return y.__class__ in NUMBERS


def _writes(op, ufunc, *settings):
    """Has an operation's in-place twin write where it stands."""

    def write(xp, x, y, *given):
        if given != settings or not _into(x, y):
            return NotImplemented
        return ufunc(x, y, out=x)

    op.writes(write)


_writes(add, np.add, 1)
_writes(sub, np.subtract, 1)
_writes(mul, np.multiply)
_writes(div, np.divide, None)


def _of_divisor(g, x, y):
    """The gradient of y in x / y."""
    if alike(y, x) and g.shape == y.shape:
        return each(loops.ratio_slope, dense(g), x, y)
    return -g * (x / y / y)


div.gradients(
    x=lambda ns, g, y, rounding_mode: g / y if rounding_mode is None else ns.zeros_of(g),
    y=lambda ns, g, x, y, rounding_mode: (
        _of_divisor(g, x, y) if rounding_mode is None else ns.zeros_of(g)
    ),
)


@op(promote=same_float, inplace=True, holomorphic=True)
def true_divide(xp, x, y):
    """x / y."""
    return xp.divide(x, y)


true_divide.gradients(x=lambda g, y: g / y, y=_of_divisor)


def _float(x):
    return floating(x) if hasattr(x, "astype") else x


def _no_zero(xp, x, y):
    """Integers have no infinity to stand for a division by zero."""
    whole = all(v.dtype.kind in "iub" for v in (x, y) if hasattr(v, "dtype"))
    if whole and not xp.all(y):
        raise RuntimeError("ZeroDivisionError: integer division by zero")


@op(promote=without("b", same), inplace=True)
def floor_divide(xp, x, y):
    """x / y rounded down.

    >>> fb.tensor([-7, 7]) // 2
    tensor([-4,  3])
    """
    _no_zero(xp, x, y)
    return xp.floor_divide(x, y)


@op(promote=without("bc", some_tensor(same)), inplace=True)
def remainder(xp, x, y):
    """x - y · floor(x / y): the rest of the division, with the sign of y.

    >>> fb.tensor([-7, 7]) % 3
    tensor([2, 1])
    """
    _no_zero(xp, x, y)
    return xp.remainder(x, y)


remainder.gradients(x=lambda g: g, y=lambda ns, g, x, y: -g * ns.floor(x / y))


@op(promote=without("bc", tensor_first(same)), inplace=True)
def fmod(xp, x, y):
    """x - y · trunc(x / y): the rest of the division, with the sign of x."""
    _no_zero(xp, x, y)
    return xp.fmod(x, y)


fmod.gradients(x=lambda g: g, y=lambda ns, g, x, y: -g * ns.trunc(x / y))


_some_tensor = some_tensor(same)


@keeps_floats
@wants_numbers
def _powers(arrays):
    x, exponent = arrays = _some_tensor(arrays)
    if getattr(x, "dtype", None) == "bool" == getattr(exponent, "dtype", None):
        raise NotImplementedError("pow is not implemented for booleans; x.int() has powers")
    return arrays


@op(promote=_powers, inplace=True, holomorphic=True)
def pow(xp, x, exponent):
    """x to the power of ``exponent``; either may be a number.

    >>> fb.tensor([1, 2, 3]) ** 2, 2 ** fb.tensor([1, 2, 3])
    (tensor([1, 4, 9]), tensor([2, 4, 8]))
    """
    if isinstance(exponent, xp.ndarray) and exponent.dtype.kind == "i" and (exponent < 0).any():
        return _whole_powers(xp, x, exponent)
    if exponent.__class__ in NUMBERS and x.__class__ is np.ndarray and x.dtype.kind == "f":
        return _power(x, exponent)
    return x**exponent


def _power(x, exponent):
    """Powers that are products, roots and quotients, which NumPy is slow to see."""
    if exponent == 3:
        return each(loops.cube, x) if fast(x) else x * x * x
    if exponent == -1:
        return 1 / x
    if exponent == -2:
        return 1 / (x * x)
    if exponent == -0.5:
        return 1 / np.sqrt(x)
    if exponent == 4:
        square = x * x
        return square * square
    return x**exponent  # NumPy itself knows 2, 1, 1/2 and 0


def _whole_powers(xp, x, exponent):
    """Powers of whole numbers, with 1 / xⁿ rounded towards 0: 0 but for 1 and -1."""
    out = x ** xp.abs(exponent)
    return xp.where((exponent >= 0) | (abs(out) == 1), out, 0)


@pow.gradient("x")
def _(ns, g, x, exponent):
    if isinstance(exponent, (int, float)):
        if exponent == 2:
            return g * (x + x)
        return g * (ns.pow(x, exponent - 1) * exponent) if exponent else ns.zeros_of(g)
    return ns.where(exponent == 0, 0.0, g * (exponent * x ** (exponent - 1)))


@pow.gradient("exponent")
def _(ns, g, x, exponent, out):
    if isinstance(x, (int, float)):
        x = (exponent * 0) + x
    rising = exponent
    if getattr(exponent, "array", exponent).dtype.kind == "c":
        rising = ns.where(ns.imag(exponent) == 0, ns.real(exponent), -1.0)
    return g * ns.where((x == 0) & (rising >= 0), 0.0, out * ns.log(x))


@op(promote=only_tensors(same), aliases=["arctan2"], inplace=True)
def atan2(xp, x, y):
    """The angle of the point (other, input), from -π to π."""
    return xp.arctan2(_float(x), _float(y))


atan2.gradients(
    x=lambda g, x, y: g * (y / (x * x + y * y)),
    y=lambda g, x, y: g * (-x / (x * x + y * y)),
)


@op(promote=without("c", only_tensors(same)))
def maximum(xp, x, y):
    """The larger of x and y; where they are equal, each gets half of the gradient.

    >>> fb.maximum(fb.tensor([1, 5]), fb.tensor([3, 2]))
    tensor([3, 5])
    """
    return xp.maximum(x, y)


maximum.gradients(
    x=lambda g, x, y: g * (x >= y) - g * (x == y) * 0.5,
    y=lambda g, x, y: g * (y >= x) - g * (x == y) * 0.5,
)


@op(promote=without("c", only_tensors(same)))
def minimum(xp, x, y):
    """The smaller of x and y; where they are equal, each gets half of the gradient."""
    return xp.minimum(x, y)


minimum.gradients(
    x=lambda g, x, y: g * (x <= y) - g * (x == y) * 0.5,
    y=lambda g, x, y: g * (y <= x) - g * (x == y) * 0.5,
)


_USUAL = frozenset((*NUMBERS, type(None)))
_LARGE = 1e30


@keeps_floats
def _bounds(arrays):
    x, low, high = arrays
    numbers = low.__class__ in _USUAL and high.__class__ in _USUAL
    if numbers and x.__class__ is ndarray and x.dtype in FLOATING:  # the usual case, cheaply
        return arrays
    if low is not None and high is not None and hasattr(low, "ndim") != hasattr(high, "ndim"):
        raise TypeError("clamp takes two numbers or two tensors as bounds, not one of each")
    return same(arrays)


@op(promote=without("c", _bounds), inplace=True, aliases=["clip"], backward="ClampBackward1")
def clamp(xp, x, min=None, max=None):
    """min(max(x, min), max); a bound of None is none. The bounds may be numbers or tensors.

    >>> fb.tensor([-3, 0, 7]).clamp(min=0, max=5)
    tensor([0, 0, 5])
    """
    if min is None and max is None:
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    if fast(x) and _numbers(min, max):
        return each(loops.bounded, x, numbers=_ends(min, max))
    if x.__class__ is ndarray and (dtype := x.dtype).kind == "f":  # NumPy takes arrays faster
        if min.__class__ in NUMBERS and -_LARGE < min < _LARGE:
            min = np.asarray(min, dtype)
        if max.__class__ in NUMBERS and -_LARGE < max < _LARGE:
            max = np.asarray(max, dtype)
    if min is not None:
        x = xp.maximum(x, min)
    return x if max is None else xp.minimum(x, max)


@clamp.writes
def _(xp, x, min, max):
    if not (fast(x) and _numbers(min, max)):
        return NotImplemented
    return run(loops.bounded_in_place, x, numbers=_ends(min, max))


def _numbers(low, high):
    """Whether these are bounds for all elements, and none of them NaN."""
    return all_(v is None or (not getattr(v, "ndim", 0) and v == v) for v in (low, high))


def _ends(low, high):
    return -np.inf if low is None else low, np.inf if high is None else high


@clamp.gradient("x")
def _(g, x, min, max):
    if fast(x) and _numbers(min, max):
        return each(loops.bounded_slope, dense(g), x, numbers=_ends(min, max))
    if min is None:
        return g * (x <= max)
    return g * (x >= min) if max is None else g * ((x >= min) & (x <= max))


@clamp.gradient("min")
def _(g, x, min, max):
    return g * (x < min) if max is None else g * ((x < min) & (min < max))


clamp.gradients(max=lambda g, x, min, max: g * ((x > max) | (max < (max if min is None else min))))
