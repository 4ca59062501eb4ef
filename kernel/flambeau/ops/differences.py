"""Differences of neighbours along a dimension, and what is made of them: slopes and areas."""

from __future__ import annotations

from ..tensor import Tensor
from .registry import OPS, function
from .shape import at_dim


def _pairs(x, dim):
    """What stands before and after each gap along a dimension."""
    size = max(x.shape[dim] - 1, 0)
    return x.narrow(dim, 0, size), x.narrow(dim, x.shape[dim] - size, size)


@function
def diff(input, n=1, dim=-1, prepend=None, append=None):
    """The differences of neighbours along ``dim``, taken n times; of booleans whether they differ.

    ``prepend`` and ``append`` are put before and after the input first.

    >>> fb.diff(fb.tensor([1, 4, 9]))
    tensor([3, 5])
    """
    if not input.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    x, at = input, at_dim(dim, input.ndim)
    if n and (prepend is not None or append is not None):
        x = OPS["cat"]([t for t in (prepend, input, append) if t is not None], at)
    minus = OPS["logical_xor" if x.array.dtype.kind == "b" else "sub"]
    for _ in range(min(n, x.shape[at])):
        before, after = _pairs(x, at)
        x = minus(after, before)
    return x if n else x.clone()


# Slopes


@function(on="fb")
def gradient(input, *, spacing=None, dim=None, edge_order=1):
    """The slopes of samples of a function along dimensions, a tuple with a tensor for each.

    Inside by both neighbours, so that parabolas come out right; at the edges by a line
    (``edge_order=1``) or a parabola (2). ``spacing`` is the distance of neighbours (1), a list of
    one for each dimension, or a list of tensors with the coordinates.

    >>> fb.gradient(fb.tensor([0.0, 1.0, 4.0, 9.0]))
    (tensor([1., 2., 4., 5.]),)
    """
    dims = range(input.ndim) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    dims = [at_dim(d, input.ndim) for d in dims]
    spacing = 1 if spacing is None else spacing
    steps = list(spacing) if isinstance(spacing, (list, tuple)) else [spacing] * len(dims)
    _check_gradient(input, dims, steps, edge_order)
    return tuple(
        _by_points(input, d, step, edge_order)
        if isinstance(step, Tensor) and step.ndim
        else _by_step(input, d, step, edge_order)
        for d, step in zip(dims, steps, strict=True)
    )


def _check_gradient(x, dims, steps, edge_order):
    if len(set(dims)) < len(dims):
        raise RuntimeError(f"a dim appears multiple times in the list of dims {dims}")
    if len(steps) != len(dims):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar or a list of the same "
            f"length as dims: {len(dims)} dims, {len(steps)} spacings"
        )
    if edge_order not in (1, 2):
        raise RuntimeError(f"torch.gradient only supports edge_order=1 and 2, not {edge_order}")
    for d, step in zip(dims, steps, strict=True):
        n = x.shape[d]
        if n < edge_order + 1:
            raise RuntimeError(
                "torch.gradient expected each dimension size to be at least edge_order+1, "
                f"dimension {d} is {n}"
            )
        if isinstance(step, Tensor) and step.ndim and tuple(step.shape) != (n,):
            raise RuntimeError(f"expected {n} coordinates for dim {d}, got {tuple(step.shape)}")


def _by_step(x, dim, h, order):
    """Slopes of points at equal distances h."""
    n = x.shape[dim]
    at = lambda i, size=1: x.narrow(dim, i, size)  # noqa: E731
    inner = (at(2, n - 2) - at(0, n - 2)) / (h * 2)
    if order == 1:
        first, last = (at(1) - at(0)) / h, (at(n - 1) - at(n - 2)) / h
    else:
        first = (at(0) * -1.5 + at(1) * 2 - at(2) * 0.5) / h
        last = (at(n - 1) * 1.5 - at(n - 2) * 2 + at(n - 3) * 0.5) / h
    return OPS["cat"]([first, inner, last], dim)


def _by_points(x, dim, points, order):
    """Slopes of points at these coordinates: those of the parabola through three neighbours."""
    n = x.shape[dim]
    gaps = diff(points).reshape([-1 if i == dim else 1 for i in range(x.ndim)])
    at = lambda i, size=1: x.narrow(dim, i, size)  # noqa: E731
    gap = lambda i, size=1: gaps.narrow(dim, i, size)  # noqa: E731
    a, b = gap(0, n - 2), gap(1, n - 2)
    inner = (
        at(0, n - 2) * (-b / (a * (a + b)))
        + at(1, n - 2) * ((b - a) / (a * b))
        + at(2, n - 2) * (a / (b * (a + b)))
    )
    if order == 1:
        first, last = (at(1) - at(0)) / gap(0), (at(n - 1) - at(n - 2)) / gap(n - 2)
        return OPS["cat"]([first, inner, last], dim)
    a, b = gap(0), gap(1)
    first = (
        at(0) * (-(a * 2 + b) / (a * (a + b)))
        + at(1) * ((a + b) / (a * b))
        - at(2) * (a / (b * (a + b)))
    )
    a, b = gap(n - 3), gap(n - 2)
    last = (
        at(n - 3) * (b / (a * (a + b)))
        - at(n - 2) * ((a + b) / (a * b))
        + at(n - 1) * ((a + b * 2) / (b * (a + b)))
    )
    return OPS["cat"]([first, inner, last], dim)


# Areas


def _strips(y, x, dx, dim):
    """The areas of the trapezoids between neighbours."""
    before, after = _pairs(y, dim)
    if x is None:
        return (before + after) * (dx / 2)
    if x.ndim == 1 and x.shape[0] != y.shape[dim]:
        raise RuntimeError(
            "trapezoid: There must be one `x` value for each sample point: "
            f"{y.shape[dim]} samples, {x.shape[0]} values of x"
        )
    widths = diff(x) if x.ndim == 1 else diff(x, dim=dim)
    if x.ndim == 1:
        widths = widths.reshape([-1 if i == dim % y.ndim else 1 for i in range(y.ndim)])
    return widths * (before + after) / 2


@function(on="fb", aliases=["trapz"])
def trapezoid(y, x=None, *, dx=1, dim=-1):
    """The area under y along ``dim`` by trapezoids, over points x or steps of dx.

    >>> fb.trapezoid(fb.tensor([0.0, 1.0, 4.0]), dx=0.5)
    tensor(1.5000)
    """
    return _strips(y, x, dx, dim).sum(dim)


@function(on="fb")
def cumulative_trapezoid(y, x=None, *, dx=1, dim=-1):
    """The area under y so far along ``dim``, by trapezoids.

    >>> fb.cumulative_trapezoid(fb.tensor([1.0, 3.0, 5.0]))
    tensor([2., 6.])
    """
    return OPS["cumsum"](_strips(y, x, dx, dim), dim)
