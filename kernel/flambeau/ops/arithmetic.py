"""Arithmetic on two or more tensors, with broadcasting."""

from __future__ import annotations

import numpy as np

from ..dtypes import FLOATING, floating
from ..kernels import dense, each, fast, masks, run
from ..kernels import pointwise as loops
from .promote import (
    keeps_floats,
    number,
    only_tensors,
    same,
    same_float,
    some_tensor,
    tensor_first,
    wants_numbers,
    without,
)
from .registry import FUNCTIONS, function, op


_NUMBERS = (float, int)


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
    return y.__class__ in _NUMBERS


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
    if exponent.__class__ in _NUMBERS and x.__class__ is np.ndarray and x.dtype.kind == "f":
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
            return g * (x * 2)
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


def _bounds(arrays):
    _, low, high = arrays
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


def _after_first(arrays):
    return [arrays[0], *same(arrays[1:])]


@op(on="", name="where", promote=_after_first)
def where_(xp, condition, x, y):
    """x where the condition holds, y elsewhere."""
    if condition.dtype.kind not in "bu":
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got {condition.dtype.name}"
        )
    out = masks.chosen(condition, x, y)
    return xp.where(condition, x, y) if out is None else out


where_.gradients(
    x=lambda ns, g, condition: ns.where(condition, dense(g), 0.0),
    y=lambda ns, g, condition: ns.where(condition, 0.0, dense(g)),
)


@function(on="fb")
def where(condition, input=None, other=None):
    """x where the condition holds, y elsewhere; with the condition alone its True places.

    >>> x = fb.tensor([-1.0, 2.0])
    >>> fb.where(x > 0, x, 0.0)
    tensor([0., 2.])
    """
    if input is None and other is None:
        return FUNCTIONS["nonzero"](condition, as_tuple=True)
    return where_(condition, input, other)


@function(on="Tensor", name="where")
def _(self, condition, other):
    """This tensor where the condition holds, ``other`` elsewhere."""
    return where_(condition, self, other)


def _number(v):
    return v.__class__ in _NUMBERS or (not getattr(v, "ndim", 1) and v.dtype == np.float32)


def _of_one_type(arrays):
    if arrays[0].dtype not in FLOATING:
        raise NotImplementedError(f"lerp is not implemented for {arrays[0].dtype.name}")
    for a in arrays:
        if hasattr(a, "ndim") and a.dtype != arrays[0].dtype:
            raise RuntimeError(f"expected dtype {arrays[0].dtype} for all, but got {a.dtype}")
    return same(arrays)


@op(promote=_of_one_type, inplace=True, holomorphic=True)
def lerp(xp, x, end, weight):
    """x + weight · (end - x): on the straight line from x to ``end``.

    >>> fb.lerp(fb.tensor([0.0, 10.0]), fb.tensor([4.0, 20.0]), 0.25)
    tensor([ 1.0000, 12.5000])
    """
    if _number(weight) and alike(x, end):
        return each(loops.lerp, x, end, numbers=(weight,))
    return x + weight * (end - x)


lerp.gradients(
    x=lambda g, weight: g * (1 - weight),
    end=lambda g, weight: g * weight,
    weight=lambda g, x, end: g * (end - x),
)


@op(promote=same, inplace=True, holomorphic=True)
def addcmul(xp, x, tensor1, tensor2, /, value=1):
    """x + value · tensor1 · tensor2."""
    if alike(x, tensor1, tensor2):
        return each(loops.addcmul, x, tensor1, tensor2, numbers=(value,))
    return x + number(value, x.dtype) * (tensor1 * tensor2)


addcmul.gradients(
    x=lambda g: g,
    tensor1=lambda g, tensor2, value: g * tensor2 * value,
    tensor2=lambda g, tensor1, value: g * tensor1 * value,
)


@op(promote=same, inplace=True, holomorphic=True)
def addcdiv(xp, x, tensor1, tensor2, /, value=1):
    """x + value · tensor1 / tensor2."""
    if x.dtype.kind in "biu":
        raise RuntimeError("addcdiv divides no integers; x.float() can be divided")
    if alike(x, tensor1, tensor2):
        return each(loops.addcdiv, x, tensor1, tensor2, numbers=(value,))
    return x + x.dtype.type(value) * (tensor1 / tensor2)


addcdiv.gradients(
    x=lambda g: g,
    tensor1=lambda g, tensor2, value: g / tensor2 * value,
    tensor2=lambda g, tensor1, tensor2, value: -g * (tensor1 / tensor2 / tensor2) * value,
)
