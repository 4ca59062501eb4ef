"""Tensors of numbers in steps, and grids made of them."""

from __future__ import annotations

from math import ceil, isfinite
from operator import index

import numpy as np

from ..tensor import Tensor, wrap
from .creation import finish, numpy_type, place, unlaid, usual_size
from .registry import function, in_front


def _numbers(name, *values):
    """Numbers, and tensors without dimensions as numbers."""
    for v in values:
        if isinstance(v, Tensor) and v.ndim:
            raise RuntimeError(
                f"{name} only supports 0-dimensional start and end tensors, but got one with "
                f"{v.ndim} dimensions"
            )
        if isinstance(v, (str, bytes, list, tuple)):
            raise TypeError(f"{name}() takes numbers, not {type(v).__name__}")
    return [v.item() if hasattr(v, "item") else v for v in values]


def _check_steps(start, end, step):
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (isfinite(start) and isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


@function(on="fb")
@unlaid
def arange(*bounds, start=0, end=None, step=1, dtype=None, device=None, requires_grad=False):
    """start, start + step, ... up to, not including, ``end``; ``arange(end)`` starts at 0.

    >>> fb.arange(5), fb.arange(0.0, 1.0, 0.25)
    (tensor([0, 1, 2, 3, 4]), tensor([0.0000, 0.2500, 0.5000, 0.7500]))
    """
    if len(bounds) == 1 and end is None:
        (end,) = bounds
    elif bounds:
        start, end, step = (*bounds, *(end, step)[len(bounds) - 1 :])[:3]
    if end is None:
        raise TypeError("arange() is missing its argument 'end'")
    start, end, step = _numbers("arange", start, end, step)
    _check_steps(start, end, step)
    whole = all(isinstance(v, int) for v in (start, end, step))
    kind = numpy_type(dtype, np.dtype("int64") if whole else None)
    if kind.kind == "b":
        raise NotImplementedError("arange makes no booleans; give an integer dtype")
    if kind == "int64" and not whole:  # what is to hold whole numbers counts in them
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise ValueError("step must be nonzero, as a whole number where the dtype is int64")
        whole = True
    xp, where = place(device)
    if whole:
        array = xp.arange(start, end, step, dtype="int64").astype(kind, copy=False)
    else:
        count = ceil((end - start) / step)
        if kind.kind in "iu":
            start, step = int(start), int(step)
        array = (start + xp.arange(count) * step).astype(kind)
    return finish(array, where, requires_grad)


@in_front(arange)
def _(*bounds, **options):
    shape = usual_size(bounds)  # which has ints that are not negative, and not many elements
    if options or not shape or len(shape) > 2 or shape[0] > shape[-1]:
        return arange(*bounds, **options)
    return wrap(np.arange(*shape))


@function(on="fb", name="range")
@unlaid
def inclusive_range(start, end=None, step=1, *, dtype=None, device=None, requires_grad=False):
    """start, start + step, ... up to and including ``end``: `arange` is what Python has."""
    if end is None:
        raise TypeError("range() is missing its argument 'end'; arange(n) takes one number")
    start, end, step = _numbers("range", start, end, step)
    _check_steps(start, end, step)
    xp, where = place(device)
    count = int((end - start) / step) + 1
    return finish((start + xp.arange(count) * step).astype(numpy_type(dtype)), where, requires_grad)


def _evenly(name, start, end, steps, dtype, device):
    """Numbers evenly spaced in double precision, the type asked for, and the place."""
    start, end = _numbers(name, start, end)
    steps = index(steps)
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    is_complex = isinstance(start, complex) or isinstance(end, complex)
    kind = numpy_type(dtype, np.dtype("complex64") if is_complex else None)
    if kind.kind in "iu":
        start, end = int(start), int(end)
    xp, where = place(device)
    inner = "complex128" if is_complex else "float64"
    return xp.linspace(start, end, steps, dtype=inner), kind, where


@function(on="fb")
@unlaid
def linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False):
    """``steps`` numbers evenly spaced from start to end, both included.

    >>> fb.linspace(0, 1, steps=5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    array, kind, where = _evenly("linspace", start, end, steps, dtype, device)
    return finish(array.astype(kind), where, requires_grad)


@function(on="fb")
@unlaid
def logspace(start, end, steps, base=10.0, *, dtype=None, device=None, requires_grad=False):
    """``base`` to the powers of ``steps`` numbers evenly spaced from start to end.

    >>> fb.logspace(0, 3, steps=4, base=2)
    tensor([1., 2., 4., 8.])
    """
    array, kind, where = _evenly("logspace", start, end, steps, dtype, device)
    return finish((float(base) ** array).astype(kind), where, requires_grad)


@function(on="fb")
def meshgrid(*tensors, indexing="ij"):
    """For each vector a tensor with its values repeated along the dimensions of the others.

    >>> x, y = fb.meshgrid(fb.arange(2), fb.arange(3), indexing="ij")
    >>> x
    tensor([[0, 0, 0],
            [1, 1, 1]])
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        (tensors,) = tensors
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'meshgrid: indexing must be "xy" or "ij", but received: {indexing}')
    shape = [t.numel() for t in tensors]
    grids = []
    for i, t in enumerate(tensors):
        one = [shape[i] if i == j else 1 for j in range(len(shape))]
        grid = t.reshape(one).expand(shape)
        grids.append(grid.transpose(0, 1) if indexing == "xy" and len(shape) > 1 else grid)
    return tuple(grids)
