"""Pooling to a given size."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod

import numpy as np

from ..errors import BadValue
from ..kernels import SMALL, fast, pool
from ..kernels import spread as spread_over_threads
from .promote import only_float
from .registry import function, op


def _sizes(shape, output_size, n, name):
    """The output's size in each of the last ``n`` dimensions; None keeps what there is."""
    if len(shape) not in (n + 1, n + 2):
        each = n > 1 and isinstance(output_size, (tuple, list))
        kind = BadValue if each and len(shape) <= n else RuntimeError
        raise kind(
            f"{name}: Expected {n + 1}D or {n + 2}D tensor, but got input of shape {tuple(shape)}"
        )
    if 0 in shape[-n:]:
        raise RuntimeError(
            f"{name}: Expected input to have non-zero size for non-batch dimensions, but input has "
            f"sizes {list(shape)}"
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


@lru_cache(maxsize=1024)
def _edges(sizes, parts):
    """Where each part begins and ends, for three dimensions."""
    more = (1,) * (3 - len(sizes))
    each = zip((*more, *sizes), (*more, *parts), strict=True)
    return tuple(np.array(_cells(size, part)) for size, part in each)


def _by_loops(loop, x, out, sizes, parts):
    """Runs a compiled loop on x and out, where a dimension of ``sizes`` has so many ``parts``."""
    edges = _edges(sizes, parts)
    lead, more = x.ndim - len(sizes), (1,) * (3 - len(sizes))
    rows = tuple(a.reshape(-1, *more, *a.shape[lead:]) for a in (x, out))
    spread_over_threads(loop, max(x.size, out.size), rows, edges)
    return out


@op(on="")
def adaptive_means(xp, x, /, sizes):
    """Means of the parts that the last dimensions are divided into."""
    if fast(x) and 0 not in sizes:
        lead = x.ndim - len(sizes)
        out = np.empty((*x.shape[:lead], *sizes), x.dtype)
        if prod(sizes) > 1:
            return _by_loops(pool.part_means, x, out, x.shape[lead:], tuple(sizes))
        spread_over_threads(pool.means, x.size, (x.reshape(out.size, -1), out.reshape(-1)))
        return out
    for axis, out in enumerate(sizes, x.ndim - len(sizes)):
        x = _mean_along(xp, x, axis, out)
    return x


@op(on="")
def adaptive_spread(xp, x, /, sizes):
    """Hands each part's value out in equal shares to its entries."""
    lead = x.ndim - len(sizes)
    parts = x.shape[lead:]
    if set(parts) == {1}:
        out = xp.empty((*x.shape[:lead], *sizes), x.dtype)
        out[...] = x * x.dtype.type(1 / prod(sizes))
        return out
    if x.size and prod(x.shape[:lead]) * prod(sizes) >= SMALL and fast(x, small=1):
        out = np.empty((*x.shape[:lead], *sizes), x.dtype)
        return _by_loops(pool.part_spread, x, out, tuple(sizes), parts)
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
        at = grid[part].reshape(-1)
        found = x[part].reshape(*x.shape[:-n], at.size).argmax(-1)
        out[(..., *(i for i, _ in cell))] = at[found]
    return out


def _define(n):
    name = f"adaptive_avg_pool{n}d"

    @op(on="fb F" if n == 1 else "F", name=name, promote=only_float)
    def mean(xp, x, /, output_size):
        return adaptive_means.forward(xp, x, _sizes(x.shape, output_size, n, name))

    mean.__doc__ = (
        f"The last {n} dimensions divided into ``output_size`` parts each, and their means.\n\n"
        f"Mirrors ``torch.nn.functional.{name}``.\n\n"
        f">>> fb.nn.functional.{name}(fb.ones(2, 3{', 7' * n}), 1).shape\n"
        f"torch.Size([2, 3{', 1' * n}])\n"
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
    function(maximum, on="F")

    def both(input, output_size, return_indices=False):
        return maximum(input, output_size, True)

    both.__name__ = both.__qualname__ = f"{name}_with_indices"
    both.__doc__ = f"`{name}`, and where in the flattened image each maximum is."
    function(both, on="F")
    if n == 1:
        function(both, on="fb", name=name)


for _n in (1, 2, 3):
    _define(_n)
    _define_max(_n)
