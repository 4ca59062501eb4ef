"""More ways to rearrange tensors, to build them of others, and to write into copies."""

from __future__ import annotations

from itertools import combinations as _combinations
from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np

from ..device import module_of
from ..tensor import Tensor, wrap
from .creation import finish, numpy_type
from .gather import sum_at
from .index import index_select, select
from .join import cat, some
from .registry import OPS, function, op
from .shape import at_dim, broadcast_shapes, diagonal, permute

# Windows


@op(on="Tensor", name="unfold", view=True)
def unfold_dim(xp, x, /, dimension, size, step):
    """Windows of ``size`` along a dimension, ``step`` apart, in a new last dimension."""
    at = at_dim(dimension, x.ndim)
    longest = x.shape[at] if x.ndim else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > longest:
        raise RuntimeError(
            f"maximum size for tensor at dimension {at} is {longest} but size is {size}"
        )
    if step < 1:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not x.ndim:
        return x.reshape(1)[:size]
    count = (x.shape[at] - size) // step + 1
    shape = (*x.shape[:at], count, *x.shape[at + 1 :], size)
    strides = (*x.strides[:at], x.strides[at] * step, *x.strides[at + 1 :], x.strides[at])
    return xp.lib.stride_tricks.as_strided(x, shape, strides)


@op(on="")
def windows_put(xp, x, /, shape, dimension, size, step):
    """Zeros of a shape with windows added where they were taken."""
    if not shape:
        return x.sum(dtype=x.dtype).reshape(())
    at = at_dim(dimension, len(shape))
    places = xp.arange(x.shape[at])[:, None] * step + xp.arange(size)
    front = (slice(None),) * at
    return sum_at(xp, shape, (*front, places), xp.moveaxis(x, -1, at + 1))


unfold_dim.gradients(
    x=lambda ns, g, x_shape, dimension, size, step: ns.windows_put(
        g, tuple(x_shape), dimension, size, step
    )
)
windows_put.gradients(x=lambda ns, g, dimension, size, step: ns.unfold(g, dimension, size, step))

# Turning


@function
def rot90(input, k=1, dims=(0, 1)):
    """Turned by k quarters in the plane of two dimensions.

    >>> fb.rot90(fb.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    if len(dims) != 2 or input.ndim < 2:
        raise RuntimeError(
            f"expected total rotation dims == 2 and total dims >= 2, but got dims = {len(dims)} "
            f"and total dims = {input.ndim}"
        )
    a, b = (at_dim(d, input.ndim) for d in dims)
    if a == b:
        raise RuntimeError("expected rotation dims to be different")
    k %= 4
    if k == 0:
        return input.clone()
    if k == 2:
        return OPS["flip"](input, (a, b))
    swapped = OPS["transpose"](input, a, b)
    return OPS["flip"](swapped, (a,) if k == 1 else (b,))


# Of several


def _listed(tensors: tuple[Any, ...]) -> list[Any]:
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        return list(tensors[0])
    return list(tensors)


def _at_least(n: int, shape_of: Any) -> Any:
    def made(*tensors):
        several = isinstance(tensors[0], (list, tuple)) or len(tensors) > 1
        found = [t if t.ndim >= n else t.reshape(shape_of(t)) for t in _listed(tensors)]
        return tuple(found) if several else found[0]

    made.__doc__ = f"The tensors with at least {n} dimension{'s' * (n > 1)}."
    return function(made, on="fb", name=f"atleast_{n}d")


atleast_1d = _at_least(1, lambda t: (1,))
atleast_2d = _at_least(2, lambda t: (1, t.numel()))
atleast_3d = _at_least(3, lambda t: (*(1,) * (t.ndim < 2), *(t.shape or (1,)), 1))


@function(on="fb")
def dstack(tensors):
    """The tensors side by side along the third dimension."""
    some(tensors, "dstack")
    return cat(list(atleast_3d(list(tensors))), 2)


@function(on="fb", aliases=[])
def column_stack(tensors):
    """The tensors side by side, vectors as columns.

    >>> fb.column_stack([fb.tensor([1, 2]), fb.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    some(tensors, "column_stack")
    return cat([t.reshape(-1, 1) if t.ndim < 2 else t for t in tensors], 1)


@function(on="fb")
def broadcast_tensors(*tensors):
    """The tensors expanded to the shape that they have together.

    >>> a, b = fb.broadcast_tensors(fb.ones(2, 1), fb.ones(3))
    >>> a.shape, b.shape
    (torch.Size([2, 3]), torch.Size([2, 3]))
    """
    found = _listed(tensors)
    shape = broadcast_shapes(*(t.shape for t in found))
    return tuple(t.expand(shape) for t in found)


@function(on="fb")
def block_diag(*tensors):
    """A matrix with the given ones along its diagonal.

    >>> fb.block_diag(fb.tensor([[1, 2]]), fb.tensor([3]))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    deep = next((i for i, t in enumerate(tensors) if t.ndim > 2), None)
    if deep is not None:
        raise RuntimeError(
            f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {deep} has "
            f"{tensors[deep].ndim} dimensions"
        )
    found = [atleast_2d(t) for t in tensors]
    width, start, rows = sum(t.shape[1] for t in found), 0, []
    for t in found:
        after = width - start - t.shape[1]
        rows.append(_framed(t, start, after))
        start += t.shape[1]
    return cat(rows, 0)


def _framed(t: Tensor, before: int, after: int) -> Tensor:
    return cat([t.new_zeros((len(t), before)), t, t.new_zeros((len(t), after))], 1)


def _chosen(input: Tensor, places: list[Any], width: int) -> Tensor:
    xp = module_of(input.array)
    at = xp.asarray(np.array(places, "int64").reshape(-1, width))
    return index_select(input, 0, wrap(at.reshape(-1))).reshape(-1, width)


@function(on="fb")
def combinations(input, r=2, with_replacement=False):
    """All choices of r elements of a vector, one in each row.

    >>> fb.combinations(fb.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    choose: Any = combinations_with_replacement if with_replacement else _combinations
    return _chosen(input, list(choose(range(len(input)), r)), r)


@function(on="fb")
def cartesian_prod(*tensors):
    """All choices of one element from each vector, one in each row.

    >>> fb.cartesian_prod(fb.tensor([1, 2]), fb.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    if len(tensors) == 1:
        return tensors[0]
    ways = np.array(list(product(*(range(len(t)) for t in tensors))), "int64")
    ways = ways.reshape(-1, len(tensors))
    xp = module_of(tensors[0].array)
    columns = [
        index_select(t, 0, wrap(xp.asarray(w))) for t, w in zip(tensors, ways.T, strict=True)
    ]
    return OPS["stack"](columns, 1)


@function
def kron(input, other):
    """Each element of the input times the whole of the other, as blocks.

    >>> fb.kron(fb.eye(2), fb.tensor([[1.0, 2.0]]))
    tensor([[1., 2., 0., 0.],
            [0., 0., 1., 2.]])
    """
    n = max(input.ndim, other.ndim)
    a, b = (t.reshape((1,) * (n - t.ndim) + tuple(t.shape)) for t in (input, other))
    shape = tuple(i * j for i, j in zip(a.shape, b.shape, strict=True))
    outer = a.reshape((*a.shape, *(1,) * n)) * b.reshape((*(1,) * n, *b.shape))
    return permute(outer, tuple(d for i in range(n) for d in (i, n + i))).reshape(shape)


@function
def diagflat(input, offset=0):
    """A square matrix with the elements on a diagonal."""
    n = input.numel() + abs(offset)
    return OPS["diagonal_put"](input.reshape(-1), (n, n), offset, 0, 1)


def _triangle(keep: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Tensor:
    found = np.stack(keep(row, offset, col)).astype(numpy_type(dtype, np.dtype("int64")))
    return finish(found, device)


@function(on="fb")
def tril_indices(row, col, offset=0, *, dtype=None, device=None, layout=None):
    """Rows and columns of the lower triangle of a matrix, as a tensor (2, n).

    >>> fb.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return _triangle(np.tril_indices, row, col, offset, dtype, device)


@function(on="fb")
def triu_indices(row, col, offset=0, *, dtype=None, device=None, layout=None):
    """Rows and columns of the upper triangle of a matrix, as a tensor (2, n)."""
    return _triangle(np.triu_indices, row, col, offset, dtype, device)


# Copies written into


def _written(input: Tensor, src: Tensor, place: Any) -> Tensor:
    out = input.clone()
    place(out).copy_(src)
    return out


@function
def diagonal_scatter(input, src, offset=0, dim1=0, dim2=1):
    """A copy with a diagonal replaced."""
    return _written(input, src, lambda x: diagonal(x, offset, dim1, dim2))


@function
def select_scatter(input, src, dim, index):
    """A copy with one slice along ``dim`` replaced."""
    return _written(input, src, lambda x: select(x, dim, index))


@function
def slice_scatter(input, src, dim=0, start=None, end=None, step=1):
    """A copy with the slices from ``start`` to ``end`` along ``dim`` replaced.

    >>> fb.slice_scatter(fb.zeros(4), fb.ones(2), start=1, end=3)
    tensor([0., 1., 1., 0.])
    """
    front = (slice(None),) * at_dim(dim, input.ndim)
    return _written(input, src, lambda x: x[(*front, slice(start, end, step))])


@function
def masked_scatter(input, mask, source):
    """A copy with the elements where the mask holds replaced by those of ``source`` in turn."""
    if mask.array.dtype.kind != "b":
        raise RuntimeError(
            "masked_scatter_ only supports boolean masks, but got mask with dtype "
            f"{mask.dtype.name}; mask.bool() fits"
        )
    if input.dtype is not source.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got "
            f"{input.dtype.name} and {source.dtype.name}"
        )
    shape = broadcast_shapes(input.shape, mask.shape)
    wide, full = mask.expand(shape), input.expand(shape).clone()
    count = int(wide.array.sum())
    if source.numel() < count:
        raise RuntimeError(
            f"masked_scatter: expected {count} elements of source, it has {source.numel()}"
        )
    full[wide] = source.reshape(-1)[:count]
    return full


@function
def renorm(input, p, dim, maxnorm):
    """Each slice along ``dim`` made shorter where its p-norm is above ``maxnorm``."""
    if p <= 0:
        raise RuntimeError(f"renorm: non-positive-norm not supported, p is {p}")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if input.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.ndim}")
    at = at_dim(dim, input.ndim)
    rest = tuple(i for i in range(input.ndim) if i != at)
    size = OPS["norm"](input, float(p), rest, True)
    return input * OPS["where"](size > maxnorm, maxnorm / (size + 1e-7), 1.0)


@function
def dist(input, other, p=2):
    """The p-norm of input - other."""
    return OPS["norm"](input - other, float(p), None, False)
