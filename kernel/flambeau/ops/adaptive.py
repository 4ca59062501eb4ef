"""Pooling to a given size, and resizing."""

from __future__ import annotations

from itertools import product
from math import floor, prod

import numpy as np

from ..tensor import wrap
from .promote import only_float
from .registry import OPS, function, op


def _sizes(shape, output_size, n, name):
    """The output's size in each of the last ``n`` dimensions; None keeps what there is."""
    if len(shape) not in (n + 1, n + 2):
        raise RuntimeError(
            f"{name}: Expected {n + 1}D or {n + 2}D tensor, but got input of shape {tuple(shape)}"
        )
    if isinstance(output_size, int) or output_size is None:
        output_size = (output_size,) * n
    found = tuple(output_size)
    if len(found) == 1:
        found *= n
    if len(found) != n:
        raise RuntimeError(f"{name}: output_size must have {n} numbers, got {found}")
    return tuple(m if o is None else int(o) for o, m in zip(found, shape[-n:], strict=True))


def _cells(size, out):
    """Where each of ``out`` parts of a length begins and ends; they overlap by at most one."""
    return [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


def _cut(axis, part):
    return (slice(None),) * axis + (part,)


def _mean_along(xp, x, axis, out):
    size = x.shape[axis]
    if out and size % out == 0:
        split = x.reshape(*x.shape[:axis], out, size // out, *x.shape[axis + 1 :])
        return xp.mean(split, axis=axis + 1)
    made = xp.empty((*x.shape[:axis], out, *x.shape[axis + 1 :]), x.dtype)
    for i, (begin, end) in enumerate(_cells(size, out)):
        made[_cut(axis, i)] = xp.mean(x[_cut(axis, slice(begin, end))], axis=axis)
    return made


def _spread_along(xp, y, axis, size):
    out = y.shape[axis]
    if out and size % out == 0:
        return xp.repeat(y * y.dtype.type(out / size), size // out, axis=axis)
    made = xp.zeros((*y.shape[:axis], size, *y.shape[axis + 1 :]), y.dtype)
    for i, (begin, end) in enumerate(_cells(size, out)):
        made[_cut(axis, slice(begin, end))] += y[_cut(axis, slice(i, i + 1))] / (end - begin)
    return made


@op(on="")
def adaptive_means(xp, x, /, sizes):
    """Means of the parts that the last dimensions are divided into."""
    for axis, out in enumerate(sizes, x.ndim - len(sizes)):
        x = _mean_along(xp, x, axis, out)
    return x


@op(on="")
def adaptive_spread(xp, x, /, sizes):
    """Hands each part's value out in equal shares to its entries."""
    for axis, size in enumerate(sizes, x.ndim - len(sizes)):
        x = _spread_along(xp, x, axis, size)
    return x


adaptive_means.gradients(
    x=lambda ns, g, x_shape, sizes: ns.adaptive_spread(g, tuple(x_shape[-len(sizes) :]))
)
adaptive_spread.gradients(
    x=lambda ns, g, x_shape, sizes: ns.adaptive_means(g, tuple(x_shape[-len(sizes) :]))
)


@op(on="")
def adaptive_max_indices(xp, x, /, sizes):
    """Where in the flattened image each part has its maximum."""
    n = len(sizes)
    image = x.shape[-n:]
    out = xp.empty((*x.shape[:-n], *sizes), "int64")
    cells = [list(enumerate(_cells(m, o))) for m, o in zip(image, sizes, strict=True)]
    grid = xp.arange(prod(image)).reshape(image)
    for cell in product(*cells):
        part = (..., *(slice(*bounds) for _, bounds in cell))
        found = x[part].reshape(*x.shape[:-n], -1).argmax(-1)
        out[(..., *(i for i, _ in cell))] = grid[part].reshape(-1)[found]
    return out


def _define(n):
    name = f"adaptive_avg_pool{n}d"

    @op(on="fb F" if n == 1 else "F", name=name, promote=only_float)
    def mean(xp, x, /, output_size):
        return adaptive_means.forward(xp, x, _sizes(x.shape, output_size, n, name))

    mean.__doc__ = (
        f"The last {n} dimensions divided into ``output_size`` parts each, and their means.\n\n"
        f"Mirrors ``torch.nn.functional.{name}``."
    )
    mean.gradients(x=lambda ns, g, x_shape: ns.adaptive_spread(g, tuple(x_shape[-n:])))


def _define_max(n):
    name = f"adaptive_max_pool{n}d"

    def maximum(input, output_size, return_indices=False):
        sizes = _sizes(input.shape, output_size, n, name)
        places = adaptive_max_indices(input.detach(), sizes)
        flat = input.reshape(*input.shape[:-n], prod(input.shape[-n:]))
        index = places.reshape(*input.shape[:-n], prod(sizes))
        out = flat.gather(-1, index).reshape(*input.shape[:-n], *sizes)
        return (out, places) if return_indices else out

    maximum.__name__ = maximum.__qualname__ = name
    maximum.__doc__ = (
        f"The last {n} dimensions divided into ``output_size`` parts each, and their maxima.\n\n"
        f"Mirrors ``torch.nn.functional.{name}``."
    )
    function(maximum, on="fb F" if n == 1 else "F")


for _n in (1, 2, 3):
    _define(_n)
    _define_max(_n)


_LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}


@function(on="F")
def interpolate(
    input, size=None, scale_factor=None, mode="nearest", align_corners=None,
    recompute_scale_factor=None, antialias=False,
):  # fmt: skip
    """Resizes the dimensions after the second to ``size``, or by ``scale_factor``.

    ``mode`` is nearest, nearest-exact, linear, bilinear, trilinear or area.
    Mirrors ``torch.nn.functional.interpolate``.
    """
    n = input.ndim - 2
    sizes, steps = _resized(input.shape[2:], size, scale_factor, recompute_scale_factor)
    if mode == "area":
        return OPS[f"adaptive_avg_pool{n}d"](input, sizes)
    if mode not in ("nearest", "nearest-exact") and _LINEAR.get(mode) != n:
        known = "nearest, nearest-exact, area, linear (3-D), bilinear (4-D) and trilinear (5-D)"
        raise ValueError(f"interpolate: mode {mode!r} for a {n + 2}-D input; there are {known}")
    if align_corners is not None and mode not in _LINEAR:
        raise ValueError("align_corners can only be set with the linear modes")
    for dim, (out, step) in enumerate(zip(sizes, steps, strict=True), 2):
        if mode in _LINEAR:
            input = _between(input, dim, out, step, align_corners)
        else:
            places = (np.arange(out) + (0.5 if mode != "nearest" else 0)) * step
            input = _taken(input, dim, places)
    return input


def _resized(shape, size, scale_factor, recompute):
    """The new sizes, and how far apart the places in the input are that they come from."""
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: give either size or scale_factor, and not both")
    n = len(shape)
    if size is not None:
        sizes = (size,) * n if isinstance(size, int) else tuple(int(s) for s in size)
        scales = [None] * n
    else:
        scales = [scale_factor] * n if isinstance(scale_factor, (int, float)) else scale_factor
        sizes = tuple(floor(m * s) for m, s in zip(shape, scales, strict=True))
    if len(sizes) != n:
        raise ValueError(f"interpolate: {n} sizes are needed, {len(sizes)} were given")
    steps = [
        m / o if recompute or s is None else 1 / s
        for m, o, s in zip(shape, sizes, scales, strict=True)
    ]
    return sizes, steps


def _index(input, places):
    return wrap(places.astype("int64")).to(input.device)


def _taken(input, dim, places):
    return input.index_select(dim, _index(input, np.minimum(places, input.shape[dim] - 1)))


def _between(input, dim, out, step, align_corners):
    """Linear interpolation along one dimension."""
    last = input.shape[dim] - 1
    if align_corners:
        places = np.arange(out) * (last / (out - 1) if out > 1 else 0.0)
    else:
        places = np.maximum((np.arange(out) + 0.5) * step - 0.5, 0)
    low = np.minimum(np.floor(places), last)
    part = (places - low).astype(input.array.dtype)
    part = wrap(part.reshape(-1, *(1,) * (input.ndim - dim - 1))).to(input.device)
    below, above = _taken(input, dim, low), _taken(input, dim, np.minimum(low + 1, last))
    return below * (1 - part) + above * part
