"""Elements in reverse order, and moved around."""

from __future__ import annotations

from ..kernels import SMALL
from ..kernels.layout import reversed_rows
from .registry import function, op
from .shape import at_dim, sizes


@op(packs=True)
def flip(xp, x, /, dims):
    """The order of the elements reversed along the dimensions.

    >>> fb.tensor([[1, 2], [3, 4]]).flip(0)
    tensor([[3, 4],
            [1, 2]])
    """
    turned = [at_dim(d, x.ndim) for d in sizes(dims)]
    if len(turned) > 1 and len(set(turned)) < len(turned):
        raise RuntimeError(f"a dim appears multiple times in the list of dims {list(dims)}")
    return _flipped(x, turned)


_BACK, _FORTH = slice(None, None, -1), slice(None)


def _flipped(x, dims):
    if not x.ndim or not dims:
        return x.copy()
    if x.size >= SMALL and x.ndim - 1 in dims and (out := reversed_rows(x)) is not None:
        return _flipped(out, [d for d in dims if d != x.ndim - 1]) if dims[1:] else out
    return x[tuple([_BACK if i in dims else _FORTH for i in range(x.ndim)])].copy()


flip.gradients(x=lambda ns, g, dims: ns.flip(g, dims))


@function
def fliplr(input):
    """The columns in reverse order."""
    if input.ndim < 2:
        raise RuntimeError(f"Input must be >= 2-d, it has shape {tuple(input.shape)}")
    return flip(input, (1,))


@function
def flipud(input):
    """The rows in reverse order."""
    if not input.ndim:
        raise RuntimeError("Input must be >= 1-d, it has shape ()")
    return flip(input, (0,))


@op
def roll(xp, x, /, shifts, dims=None):
    """Elements moved along the dimensions; what leaves at one end comes in at the other.

    >>> fb.arange(5).roll(2)
    tensor([3, 4, 0, 1, 2])
    """
    found = [len(v) if isinstance(v, (tuple, list)) else 1 for v in (shifts, dims or ())]
    if not found[0]:
        raise RuntimeError("`shifts` required")
    if found[0] != found[1] and (found != [1, 0]):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {found[0]}, dims:{found[1]}")
    if shifts.__class__ is int and dims.__class__ is int and x.ndim:
        return _rolled(xp, x, shifts, at_dim(dims, x.ndim))
    return xp.roll(x, shifts, axis=None if dims == () else dims)


def _rolled(xp, x, shift, dim):
    """x moved by ``shift`` along one dimension."""
    n = x.shape[dim]
    cut, front = -shift % n if n else 0, (slice(None),) * dim
    parts = x[(*front, slice(cut, None))], x[(*front, slice(cut))]
    return xp.concatenate(parts, dim) if cut else x.copy()


@roll.gradient("x")
def _(ns, g, shifts, dims):
    back = tuple(-s for s in shifts) if isinstance(shifts, (tuple, list)) else -shifts
    return ns.roll(g, back, dims)
