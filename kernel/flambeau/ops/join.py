"""Operations that put tensors together, take them apart, repeat and reorder them."""

from __future__ import annotations

import numpy as np

from ..device import module_of
from ..errors import BadValue
from ..kernels.layout import LARGE, joined
from ..tensor import Tensor, wrap
from .index import index_select, narrow
from .pad import pad
from .promote import same
from .registry import OPS, function, op
from .shape import at_dim, reshape, sizes, unsqueeze
from .split import split, unbind


@op(on="fb", promote=same, extras=["lengths"], aliases=["concat", "concatenate"])
def cat(xp, *tensors, dim=0):
    """The tensors one after the other along ``dim``.

    >>> fb.cat([fb.ones(2, 3), fb.zeros(4, 3)]).shape
    torch.Size([6, 3])
    """
    if not tensors:
        raise BadValue("expected a non-empty list of Tensors")
    shapes = [t.shape for t in tensors]
    if () in shapes:
        at = shapes.index(())
        raise RuntimeError(f"zero-dimensional tensor (at position {at}) cannot be concatenated")
    if (0,) in shapes:  # an empty vector goes with anything
        tensors = [t for t in tensors if t.shape != (0,)] or tensors[:1]
    at = at_dim(dim, tensors[0].ndim)
    lengths = [s[at] if len(s) > at else 0 for s in shapes]
    out = joined(tensors, at) if tensors[0].size >= LARGE else None
    return xp.concatenate(tensors, axis=at) if out is None else out, lengths


@cat.gradient()
def _(ns, g, lengths, dim, needs):
    parts, start = [], 0
    for length, needed in zip(lengths, needs, strict=True):
        parts.append(ns.narrow(g, dim, start, length) if needed else None)
        start += length
    return parts


@cat.explains
def _(*inputs):
    *tensors, dim = inputs
    for i, t in enumerate(tensors[1:], 1):
        first = tensors[0]
        if t.ndim != first.ndim:
            return (
                f"Tensors must have same number of dimensions: got {first.ndim} and {t.ndim} "
                f"(shapes {tuple(first.shape)} and, at {i}, {tuple(t.shape)})"
            ), "unsqueeze() adds a dimension; stack() makes a new one for all."
        at = at_dim(dim, first.ndim)
        for d in range(first.ndim):
            if d != at and first.shape[d] != t.shape[d]:
                return (
                    f"Sizes of tensors must match except in dimension {at}. Expected size "
                    f"{first.shape[d]} but got size {t.shape[d]} in dimension {d} for tensor "
                    f"number {i} in the list"
                ), f"The first has shape {tuple(first.shape)}, this one {tuple(t.shape)}."
    return None


@op(on="fb", promote=same)
def stack(xp, *tensors, dim=0):
    """Tensors of one shape along a new dimension at ``dim``.

    >>> fb.stack([fb.tensor([1, 2]), fb.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = tensors[0].shape
    if any(t.shape != shape for t in tensors):
        first, other = (
            tensors[0].shape,
            next(t.shape for t in tensors if t.shape != tensors[0].shape),
        )
        raise RuntimeError(
            f"stack expects each tensor to be equal size, but got {list(first)} and {list(other)}"
        )
    dim = at_dim(dim, len(shape), 1)
    if xp is not np or (dim and len(tensors) > 8):
        return xp.stack(tensors, axis=dim)
    if tensors[0].size >= LARGE:
        rows = [t.reshape(*shape[:dim], 1, *shape[dim:]) for t in tensors]
        if (out := joined(rows, dim)) is not None:
            return out
    out = np.empty((*shape[:dim], len(tensors), *shape[dim:]), tensors[0].dtype)
    front = (slice(None),) * dim
    for i, t in enumerate(tensors):
        out[(*front, i)] = t
    return out


stack.gradient()(lambda ns, g, dim: ns.unbind(g, dim))


def some(tensors, name):
    """RuntimeError if there are none."""
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(
            f"{name}(): argument 'tensors' must be tuple of Tensors, not {type(tensors).__name__}"
        )
    if not tensors:
        raise RuntimeError(f"{name} expects a non-empty TensorList")


@function(on="fb")
def hstack(tensors):
    """The tensors side by side: along dimension 1, or 0 for vectors.

    >>> fb.hstack([fb.ones(2, 1), fb.zeros(2, 2)])
    tensor([[1., 0., 0.],
            [1., 0., 0.]])
    """
    some(tensors, "hstack")
    parts = [reshape(t, (1,)) if t.ndim == 0 else t for t in tensors]
    return cat(parts, 0 if parts[0].ndim == 1 else 1)


@function(on="fb", aliases=["row_stack"])
def vstack(tensors):
    """The tensors on top of each other; vectors become rows.

    >>> fb.vstack([fb.tensor([1, 2]), fb.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    some(tensors, "vstack")
    return cat([t if t.ndim > 1 else reshape(t, (1, -1)) for t in tensors], 0)


@function(on="fb")
def _chunk_cat(tensors, dim, num_chunks):
    """The i-th of ``num_chunks`` equal parts along ``dim`` of all tensors, in the i-th row.

    Sizes are filled up with zeros; what comes after ``dim`` is made into one dimension.
    """
    if not tensors:
        raise RuntimeError("_chunk_cat expects a non-empty input tensor list")
    if num_chunks < 1:
        raise RuntimeError("_chunk_cat expects positive num_chunks")
    first = tensors[0]
    at = at_dim(dim, first.ndim)
    for t in tensors:
        if t.dtype is not first.dtype:
            raise RuntimeError("_chunk_cat expects all input tensors with the same dtype")
        if t.ndim <= at:
            raise RuntimeError("_chunk_cat expects dim < ndim for all input tensors")
        if not t.numel():
            raise RuntimeError("_chunk_cat expects non-empty tensor")
        if t.shape[:at] != first.shape[:at]:
            raise RuntimeError(
                "_chunk_cat expects same sizes of 0,...,dim-1 dimensions for all tensors"
            )
    return cat([_in_chunks(t, at, num_chunks) for t in tensors], at + 1)


def _in_chunks(t, dim, count):
    missing = -t.shape[dim] % count
    if missing:
        t = cat([t, t.new_zeros((*t.shape[:dim], missing, *t.shape[dim + 1 :]))], dim)
    return reshape(t, (*t.shape[:dim], count, -1))


# Repeating and reordering


@op(on="Tensor", packs=True)
def repeat(xp, x, /, repeats):
    """x repeated so many times along each dimension; copies.

    >>> fb.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times = sizes(repeats)
    if len(times) < x.ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            f"tensor: {len(times)} and {x.ndim}"
        )
    return xp.tile(x, times)


@repeat.gradient("x")
def _(ns, g, x_shape, repeats):
    times = sizes(repeats)
    shape = (1,) * (len(times) - len(x_shape)) + tuple(x_shape)
    pairs = [n for pair in zip(times, shape, strict=True) for n in pair]
    total = ns.sum(ns.reshape(g, tuple(pairs)), tuple(range(0, len(pairs), 2)))
    return ns.reshape(total, tuple(x_shape))


@function
def tile(input, *dims):
    """x repeated so many times along each dimension, counted from the last.

    >>> fb.tile(fb.tensor([[1, 2]]), (3,))
    tensor([[1, 2, 1, 2, 1, 2]])
    """
    times = sizes(dims)
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


@function
def repeat_interleave(input=None, repeats=None, dim=None, *, output_size=None):
    """Each element repeated in place, ``repeats`` times or as often as its entry there says.

    Of repeats alone: the numbers 0, 1, ... repeated so often.

    >>> fb.tensor([1, 2]).repeat_interleave(3)
    tensor([1, 1, 1, 2, 2, 2])
    """
    if input is None or repeats is None:
        repeats = repeats if input is None else input
        input = wrap(module_of(repeats.array).arange(len(repeats)))
    if dim is None:
        input, dim = reshape(input, (-1,)), 0
    elif not input.ndim:
        at_dim(dim, 0)
        input = reshape(input, (1,))
    xp = module_of(input.array)
    times = _times(repeats)
    places = xp.arange(input.shape[dim])
    if not isinstance(times, int):
        if times.shape != places.shape:
            raise RuntimeError(
                f"repeats must have the same size as input along dim, but got {times.shape} and "
                f"{places.size}"
            )
        times = times.tolist()
    chosen = xp.repeat(places, times)
    if output_size is not None and output_size != chosen.size:
        raise RuntimeError(
            f"repeat_interleave: Invalid output_size, expected {chosen.size} but got {output_size}"
        )
    return index_select(input, dim, wrap(chosen))


def _times(repeats):
    """How often each is repeated: a number, or an array of them."""
    if not isinstance(repeats, Tensor):
        if repeats < 0:
            raise RuntimeError("Repeats must be non-negative")
        return repeats
    times = repeats.array
    if times.dtype.name not in ("int32", "int64"):
        raise RuntimeError("repeats has to be Long or Int tensor")
    if times.size and int(times.min()) < 0:
        raise RuntimeError("repeats can not be negative")
    return int(times.reshape(())) if times.size == 1 else times


def _matrices(x):
    if x.ndim < 2:
        raise RuntimeError(f"input tensor must have at least 2 dimensions, not shape {x.shape}")
    return x


@op(inplace=True)
def tril(xp, x, /, diagonal=0):
    """The lower triangle of matrices; above it 0.

    >>> fb.ones(3, 3, dtype=fb.int64).tril()
    tensor([[1, 0, 0],
            [1, 1, 0],
            [1, 1, 1]])
    """
    return xp.tril(_matrices(x), diagonal)


@op(inplace=True)
def triu(xp, x, /, diagonal=0):
    """The upper triangle of matrices; below it 0.

    >>> fb.ones(2, 3).triu(1)
    tensor([[0., 1., 1.],
            [0., 0., 1.]])
    """
    return xp.triu(_matrices(x), diagonal)


tril.gradients(x=lambda ns, g, diagonal: ns.tril(g, diagonal))
triu.gradients(x=lambda ns, g, diagonal: ns.triu(g, diagonal))


@function
def diag(input, diagonal=0):
    """A matrix with a vector on a diagonal, or the diagonal of a matrix.

    >>> fb.diag(fb.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    if input.ndim == 1:
        n = input.shape[0] + abs(diagonal)
        return OPS["diagonal_put"](input, (n, n), diagonal, 0, 1)
    if input.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return OPS["clone"](OPS["diagonal"](input, diagonal, 0, 1))


@function
def trace(input):
    """The sum of the diagonal of a matrix.

    >>> fb.tensor([[1, 2], [3, 4]]).trace()
    tensor(5)
    """
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return OPS["diagonal"](input).sum()


@function
def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    """Matrices with the last dimension of the input on their diagonals."""
    n, dims = input.shape[-1] + abs(offset), input.ndim + 1
    shape = list(input.shape[:-1])
    for at in sorted((at_dim(dim1, dims), at_dim(dim2, dims))):
        shape.insert(at, n)
    return OPS["diagonal_put"](input, tuple(shape), offset, dim1, dim2)


__all__ = ["cat", "narrow", "pad", "split", "stack", "unbind", "unsqueeze"]
