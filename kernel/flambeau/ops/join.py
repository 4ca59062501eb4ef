"""Operations that put tensors together, take them apart, repeat and reorder them."""

from __future__ import annotations

from ..device import module_of
from ..errors import BadValue
from ..tensor import Tensor, wrap
from .index import index_select, narrow
from .promote import same
from .registry import OPS, function, op
from .shape import at_dim, reshape, sizes, unsqueeze


@op(on="fb", promote=same, extras=["lengths"], aliases=["concat", "concatenate"])
def cat(xp, *tensors, dim=0):
    """The tensors one after the other along ``dim``."""
    if not tensors:
        raise BadValue("expected a non-empty list of Tensors")
    shapes = [t.shape for t in tensors]
    if (0,) in shapes:  # an empty vector goes with anything
        tensors = [t for t in tensors if t.shape != (0,)] or tensors[:1]
    at = at_dim(dim, tensors[0].ndim)
    lengths = [s[at] if len(s) > at else 0 for s in shapes]
    return xp.concatenate(tensors, axis=at), lengths


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
    """Tensors of one shape along a new dimension at ``dim``."""
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    shapes = {t.shape for t in tensors}
    if len(shapes) > 1:
        first, other = (
            tensors[0].shape,
            next(t.shape for t in tensors if t.shape != tensors[0].shape),
        )
        raise RuntimeError(
            f"stack expects each tensor to be equal size, but got {list(first)} and {list(other)}"
        )
    return xp.stack(tensors, axis=at_dim(dim, tensors[0].ndim, 1))


stack.gradient()(lambda ns, g, dim: ns.unbind(g, dim))


@op(outputs=0, view=True)
def unbind(xp, x, /, dim=0):
    """The slices along ``dim``, without it."""
    if x.ndim == 0:
        raise RuntimeError("Dimension specified as 0 but tensor has no dimensions")
    front = (slice(None),) * at_dim(dim, x.ndim)
    return tuple(x[(*front, i, ...)] for i in range(x.shape[len(front)]))


unbind.gradients(x=lambda ns, g, dim: ns.stack(g, dim))


@op(on="", name="split", outputs=0, view=True)
def split_op(xp, x, /, lengths, dim):
    """Pieces of the lengths given along ``dim``."""
    front, pieces, start = (slice(None),) * at_dim(dim, x.ndim), [], 0
    for n in lengths:
        pieces.append(x[(*front, slice(start, start + n))])
        start += n
    return tuple(pieces)


split_op.gradients(x=lambda ns, g, dim: ns.cat(g, dim))


@function
def split(tensor, split_size_or_sections=None, dim=0, *, split_size=None):
    """Pieces of one size along ``dim`` (the last may be smaller), or of the sizes listed."""
    size = split_size if split_size_or_sections is None else split_size_or_sections
    n = tensor.size(at_dim(dim, tensor.ndim))
    if isinstance(size, (list, tuple)):
        if sum(size) != n:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size "
                f"at dimension {dim}), but got split_sizes={list(size)}"
            )
        return split_op(tensor, tuple(size), dim)
    if size < 0 or (size == 0 and n):
        raise RuntimeError(f"split expects split_size be non-negative and not 0, got {size}")
    starts = range(0, n, size) if n else [0]
    return split_op(tensor, tuple(min(size, n - s) for s in starts), dim)


@function
def chunk(input, chunks, dim=0):
    """At most ``chunks`` pieces along ``dim``, all of one size but the last."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input.size(at_dim(dim, input.ndim))
    return split(input, max(-(-n // chunks), 1), dim) if n else split_op(input, (0,) * chunks, dim)


@function(on="fb")
def hstack(tensors):
    """The tensors side by side: along dimension 1, or 0 for vectors."""
    parts = [reshape(t, (1,)) if t.ndim == 0 else t for t in tensors]
    return cat(parts, 0 if parts[0].ndim == 1 else 1)


@function(on="fb", aliases=["row_stack"])
def vstack(tensors):
    """The tensors on top of each other; vectors become rows."""
    return cat([t if t.ndim > 1 else reshape(t, (1, -1)) for t in tensors], 0)


# Repeating and reordering


@op(on="Tensor", packs=True)
def repeat(xp, x, /, repeats):
    """x repeated so many times along each dimension; copies."""
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
    """x repeated so many times along each dimension, counted from the last."""
    times = sizes(dims)
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


@function
def repeat_interleave(input, repeats, dim=None, *, output_size=None):
    """Each element repeated in place, ``repeats`` times or as often as its entry there says."""
    if dim is None:
        input, dim = reshape(input, (-1,)), 0
    xp = module_of(input.array)
    times = repeats.array if isinstance(repeats, Tensor) else repeats
    if isinstance(times, xp.ndarray) and times.size == 1:
        times = int(times)
    places = xp.arange(input.shape[dim])
    if not isinstance(times, int):
        if times.shape != places.shape:
            raise RuntimeError(
                f"repeats must have the same size as input along dim, but got {times.shape} and "
                f"{places.size}"
            )
        times = times.tolist()

    return index_select(input, dim, wrap(xp.repeat(places, times)))


@op(packs=True)
def flip(xp, x, /, dims):
    """The order of the elements reversed along the dimensions."""
    return xp.flip(x, sizes(dims)).copy()


flip.gradients(x=lambda ns, g, dims: ns.flip(g, dims))


@function
def fliplr(input):
    """The columns in reverse order."""
    return flip(input, (1,))


@function
def flipud(input):
    """The rows in reverse order."""
    return flip(input, (0,))


@op
def roll(xp, x, /, shifts, dims=None):
    """Elements moved along the dimensions; what leaves at one end comes in at the other."""
    return xp.roll(x, shifts, axis=dims)


@roll.gradient("x")
def _(ns, g, shifts, dims):
    back = tuple(-s for s in shifts) if isinstance(shifts, (tuple, list)) else -shifts
    return ns.roll(g, back, dims)


def _matrices(x):
    if x.ndim < 2:
        raise RuntimeError(f"input tensor must have at least 2 dimensions, not shape {x.shape}")
    return x


@op(inplace=True)
def tril(xp, x, /, diagonal=0):
    """The lower triangle of matrices; above it 0."""
    return xp.tril(_matrices(x), diagonal)


@op(inplace=True)
def triu(xp, x, /, diagonal=0):
    """The upper triangle of matrices; below it 0."""
    return xp.triu(_matrices(x), diagonal)


tril.gradients(x=lambda ns, g, diagonal: ns.tril(g, diagonal))
triu.gradients(x=lambda ns, g, diagonal: ns.triu(g, diagonal))


@function
def diag(input, diagonal=0):
    """A matrix with a vector on a diagonal, or the diagonal of a matrix."""
    if input.ndim == 1:
        n = input.shape[0] + abs(diagonal)
        return OPS["diagonal_put"](input, (n, n), diagonal, 0, 1)
    if input.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return OPS["clone"](OPS["diagonal"](input, diagonal, 0, 1))


@function
def trace(input):
    """The sum of the diagonal of a matrix."""
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


# Padding


@op(on="", backward="ConstantPadNdBackward0")
def pad_constant(xp, x, /, pad, value):
    """x with ``value`` around it, or cut where ``pad`` is negative."""
    widths = [(0, 0)] * (x.ndim - len(pad) // 2)
    widths += [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    cut = tuple(
        slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(widths, x.shape, strict=True)
    )
    out = xp.full([n + a + b for (a, b), n in zip(widths, x.shape, strict=True)], value, x.dtype)
    inner = tuple(
        slice(max(a, 0), n - max(b, 0)) for (a, b), n in zip(widths, out.shape, strict=True)
    )
    out[inner] = x[cut]
    return out


pad_constant.gradients(x=lambda ns, g, pad: ns.pad_constant(g, tuple(-p for p in pad), 0))


@function(on="F")
def pad(input, pad, mode="constant", value=None):
    """The last dimensions padded: ``pad`` lists left and right of the last, then of the one before.

    ``mode`` "constant" fills with ``value``, "reflect" mirrors without the edge, "replicate"
    repeats the edge and "circular" takes what stands at the other end.
    """
    pad = sizes(pad)
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise RuntimeError(
            f"Padding length must be divisible by 2 and at most twice the number of the dimensions "
            f"of the input, {input.ndim}; got {list(pad)}"
        )
    if mode == "constant":
        return pad_constant(input, pad, value or 0)
    if value is not None:
        raise ValueError(f'Padding mode "{mode}" doesn\'t take in value argument')
    for i in range(0, len(pad), 2):
        input = _pad_by_index(input, input.ndim - 1 - i // 2, pad[i], pad[i + 1], mode)
    return input


def _pad_by_index(x, dim, before, after, mode):

    n, xp = x.shape[dim], module_of(x.array)
    places = xp.arange(-before, n + after)
    if mode == "replicate":
        places = places.clip(0, n - 1)
    elif mode == "circular":
        _at_most(max(before, after), n, mode, x)
        places = places % n
    elif mode == "reflect":
        _at_most(max(before, after), n - 1, mode, x)
        places = n - 1 - xp.abs(n - 1 - xp.abs(places))
    else:
        raise RuntimeError(f"Unrecognised padding mode {mode}")
    return index_select(x, dim, wrap(places))


def _at_most(size, limit, mode, x):
    if size > limit:
        raise RuntimeError(
            f"Padding size {size} is too large for mode {mode!r} and an input of shape "
            f"{tuple(x.shape)}: at most {limit} fits"
        )


__all__ = ["cat", "narrow", "split", "stack", "unbind", "unsqueeze"]
