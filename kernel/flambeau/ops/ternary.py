"""Operations on three tensors: a choice between two, a way between them, sums with products."""

from __future__ import annotations

import numpy as np

from ..dtypes import FLOATING
from ..kernels import dense, each, masks
from ..kernels import pointwise as loops
from .arithmetic import NUMBERS, alike
from .promote import number, same
from .registry import FUNCTIONS, function, op


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
    return v.__class__ in NUMBERS or (not getattr(v, "ndim", 1) and v.dtype == np.float32)


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
