"""Counting: how often each number occurs, or how many fall between edges."""

from __future__ import annotations

from math import isfinite, prod

from ..device import module_of
from ..tensor import Tensor, wrap
from .registry import function
from .sort import result_type
from .steps import linspace

_Histogram, _Histogramdd = (
    result_type(name, "hist", "bin_edges") for name in ("histogram", "histogramdd")
)


@function
def bincount(input, weights=None, minlength=0):
    """How often each whole number occurs, or the sums of the weights of each.

    >>> fb.bincount(fb.tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """
    x, xp = input.array, module_of(input.array)
    if x.dtype.kind not in "iu":
        raise NotImplementedError(f"bincount counts whole numbers, not {x.dtype.name}")
    if x.ndim != 1 or (x.size and int(x.min()) < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if minlength < 0:
        raise RuntimeError(f"minlength should be >= 0, not {minlength}")
    if weights is None:
        return wrap(xp.bincount(x, minlength=minlength).astype("int64"))
    if weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    found = xp.bincount(x, weights.array, minlength)
    return wrap(found.astype("float32" if weights.array.dtype == "float32" else "float64"))


@function
def histc(input, bins=100, min=0, max=0):
    """How many elements fall in each of ``bins`` equal parts of [min, max].

    >>> fb.histc(fb.tensor([0.1, 0.2, 0.9]), bins=2, min=0, max=1)
    tensor([2., 1.])
    """
    x, xp = input.array, module_of(input.array)
    if x.dtype.kind != "f":
        raise NotImplementedError(f'"histogram_cpu" not implemented for {x.dtype.name}')
    if bins <= 0:
        raise RuntimeError(f"histc(): bins must be > 0, but got {bins}")
    low, high = _bounds("histc", x, min, max, 1)
    return wrap(xp.histogram(x.reshape(-1), bins, (low, high))[0].astype(x.dtype))


def _bounds(name, x, low, high, margin):
    """The range to be divided: that of the values where none is given, made wider if empty."""
    if low == high:
        low, high = (float(x.min()), float(x.max())) if x.size else (0.0, 1.0)
    if not (isfinite(low) and isfinite(high)):
        raise RuntimeError(f"{name}(): range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(f"{name}(): max must be larger than min, got [{low}, {high}]")
    return (low - margin, high + margin) if low == high else (low, high)


@function
def histogram(input, bins=100, *, range=None, weight=None, density=False):
    """How many elements fall between edges, and the edges: (hist, bin_edges).

    ``bins`` is their number, over ``range`` (from the smallest to the largest where None), or a
    tensor of rising edges. ``weight`` counts an element as so many; ``density=True`` divides so
    that the area is 1. The last part has both its edges.

    >>> fb.histogram(fb.tensor([1.0, 2.0, 1.0]), bins=2, range=(0.0, 4.0)).hist
    tensor([2., 1.])
    """
    if isinstance(bins, Tensor) and range is not None:
        raise TypeError("histogram(): a range goes with a number of bins, not with edges")
    points = input.reshape(-1, 1)
    counts, edges = _histogram("histogram", input, points, [bins], range, weight, density)
    return _Histogram(counts, edges[0])


@function(on="fb")
def histogramdd(input, bins, range=None, weight=None, density=False):
    """`histogram` of points, whose coordinates stand in the last dimension: (hist, bin_edges).

    ``bins`` is a number for all dimensions, or a list of numbers or of edges for each; ``range``
    lists the smallest and the largest of each dimension.
    """
    if input.ndim < 2:
        raise RuntimeError(f"histogramdd: input must have 2 or more dimensions, not {input.ndim}")
    n = input.shape[-1]
    listed = list(bins) if isinstance(bins, (list, tuple)) else [bins] * n
    if len(listed) != n:
        raise RuntimeError(
            "histogramdd: The size of bins must be equal to the innermost dimension of the input: "
            f"{len(listed)} and {n}"
        )
    points = input.reshape(-1, n)
    made = _histogram("histogramdd", input, points, listed, range, weight, density)
    return _Histogramdd(*made)


def _histogram(name, input, points, bins, limits, weight, density):
    x, xp = points.array, module_of(points.array)
    if x.dtype.kind != "f":
        raise NotImplementedError(f"{name} is not implemented for {x.dtype.name}, only for floats")
    if limits is not None and len(limits) != 2 * len(bins):
        raise RuntimeError(f"{name}: range should have {2 * len(bins)} elements, got {len(limits)}")
    if weight is not None and weight.numel() != len(x):
        raise RuntimeError(f"{name}: there are {len(x)} points and {weight.numel()} weights")
    edges = [
        _edges(name, b, x[:, i], None if limits is None else limits[2 * i : 2 * i + 2], input)
        for i, b in enumerate(bins)
    ]
    counts = _counts(xp, x, [e.array for e in edges], weight)
    if density:
        counts = counts / counts.sum()
        for i, e in enumerate(edges):
            shape = [-1 if i == j else 1 for j, _ in enumerate(edges)]
            counts = counts / xp.diff(e.array).reshape(shape)
    return wrap(counts.astype(x.dtype)), tuple(edges)


def _edges(name, bins, values, limits, like):
    if isinstance(bins, Tensor):
        if bins.dtype is not like.dtype or bins.ndim != 1 or not bins.numel():
            raise RuntimeError(
                f"{name}: edges must be a vector of {like.dtype.name}, not {bins.dtype.name} of "
                f"shape {tuple(bins.shape)}"
            )
        return bins if name == "histogramdd" else wrap(bins.array.copy())
    if bins <= 0:
        raise RuntimeError(f"{name}: number of bins must be > 0, but got {bins}")
    low, high = limits or (0.0, 0.0)
    low, high = _bounds(name, values, float(low), float(high), 0.5)
    return linspace(low, high, bins + 1, dtype=like.dtype, device=like.device)


def _counts(xp, x, edges, weight):
    """The number (or weight) of points in each cell of a grid."""
    at, inside = xp.zeros(len(x), "int64"), xp.ones(len(x), bool)
    for i, e in enumerate(edges):
        values = xp.ascontiguousarray(x[:, i])
        cell = xp.searchsorted(e, values, "right") - 1
        inside &= (values >= e[0]) & (values <= e[-1])
        at = at * (len(e) - 1) + xp.minimum(cell, len(e) - 2)
    shape = [len(e) - 1 for e in edges]
    weights = None if weight is None else weight.array.reshape(-1)[inside]
    return xp.bincount(at[inside], weights, minlength=prod(shape)).reshape(shape)
