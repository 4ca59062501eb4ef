"""Reading and writing by index tensors along a dimension, and by masks."""

from __future__ import annotations

import numpy as np

from ..device import module_of
from ..tensor import Tensor, wrap
from .registry import OPS, function, op
from .shape import at_dim

# Adding up what goes to the same place. NumPy's ``add.at`` is twenty times slower than these.


def add_rows(xp, n, places, rows):
    """An array (n, ...) in which ``rows[i]`` was added to row ``places[i]``, for all i."""
    out = xp.zeros((n, *rows.shape[1:]), rows.dtype)
    if not rows.size:
        return out
    if xp is not np:
        import cupyx

        cupyx.scatter_add(out, places, rows)
        return out
    if rows.dtype.kind == "f" and rows.size == len(rows):
        return np.bincount(places, rows.reshape(-1), n).astype(rows.dtype).reshape(out.shape)
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    out[ordered[starts]] = np.add.reduceat(rows[order], starts, axis=0)
    return out


def sum_at(xp, shape, at, values):
    """Zeros of a shape with ``values`` added at an index of slices and arrays."""
    found = [i for i, a in enumerate(at) if hasattr(a, "dtype")]
    if any(isinstance(a, bool) for a in at) or (len(found) == 1 and at[found[0]].dtype == bool):
        out = xp.zeros(shape, values.dtype)  # a mask names nothing twice
        out[at] = values
        return out
    arrays = xp.broadcast_arrays(*(at[i] for i in found))
    flat = 0
    for a, i in zip(arrays, found, strict=True):
        flat = flat * shape[i] + a % shape[i]
    # Where NumPy puts the picked dimensions: in front, unless the arrays stand side by side.
    together = found[-1] - found[0] == len(found) - 1
    front, picked = (found[0] if together else 0), arrays[0].ndim
    order = [*range(front, front + picked), *range(front), *range(front + picked, values.ndim)]
    rest = [i for i in range(len(shape)) if i not in found]
    rows = values.transpose(order).reshape(flat.size, *(shape[i] for i in rest))
    count = 1
    for i in found:
        count *= shape[i]
    total = add_rows(xp, count, flat.reshape(-1), rows)
    total = total.reshape([shape[i] for i in (*found, *rest)])
    return total.transpose(np.argsort([*found, *rest]).tolist())


# Along a dimension


def _check(xp, x, index, dim, name):
    if index.dtype.kind not in "iu":
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    if xp is np and index.size:
        low, high, n = index.min(), index.max(), x.shape[dim] if x.ndim else 1
        if low < 0 or high >= n:
            wrong = low if low < 0 else high
            raise RuntimeError(f"index {wrong} is out of bounds for dimension {dim} with size {n}")


def _like_index(x, index, dim):
    """x cut to the sizes of the index in all dimensions but ``dim``."""
    return x[tuple(slice(None) if i == dim else slice(n) for i, n in enumerate(index.shape))]


@op(on="", name="gather")
def gather_op(xp, x, index, /, dim):
    """out[i][j] = x[index[i][j]][j] for dim 0, and so on."""
    dim = at_dim(dim, x.ndim)
    if x.ndim != index.ndim and x.ndim and index.ndim:
        raise RuntimeError(
            "Index tensor must have the same number of dimensions as input tensor: "
            f"{index.ndim} and {x.ndim}"
        )
    _check(xp, x, index, dim, "gather")
    if x.ndim == index.ndim:
        for i, (n, m) in enumerate(zip(index.shape, x.shape, strict=True)):
            if n > m and i != dim:
                raise RuntimeError(
                    f"Size does not match at dimension {i} expected index {list(index.shape)} to "
                    f"be no larger than self {list(x.shape)} apart from dimension {dim}"
                )
    if not x.ndim:
        return xp.broadcast_to(x, index.shape).copy()
    return xp.take_along_axis(_like_index(x, index, dim), index, dim)


@op(on="")
def gather_put(xp, x, index, /, shape, dim):
    """Zeros of a shape to which x was added at the places that gather reads."""
    if not shape:
        return x.sum().reshape(())
    dim = at_dim(dim, len(shape))
    if index.shape[dim] == 1:  # nothing is named twice
        out = xp.zeros(shape, x.dtype)
        xp.put_along_axis(_like_index(out, index, dim), index, x, dim)
        return out
    flat = 0
    for i, n in enumerate(shape):
        place = xp.arange(index.shape[i]).reshape([-1 if i == j else 1 for j in range(len(shape))])
        flat = flat * n + (index if i == dim else place)
    size = 1
    for n in shape:
        size *= n
    return add_rows(xp, size, flat.reshape(-1), x.reshape(-1)).reshape(shape)


gather_op.gradients(
    x=lambda ns, g, x_shape, index, dim: ns.gather_put(g, index, tuple(x_shape), dim)
)
gather_put.gradients(x=lambda ns, g, index, dim: ns.gather(g, index, dim))


@function
def gather(input, dim, index, *, sparse_grad=False):
    """Picks along ``dim``: out[i][j] = input[index[i][j]][j] for dim 0, and so on."""
    return gather_op(input, index, dim)


def _source(src, index):
    """The part of ``src`` that the index reaches."""
    return src[tuple(map(slice, index.shape))] if getattr(src, "ndim", 0) else src


@op(on="", name="scatter")
def scatter_op(xp, x, index, src, /, dim):
    """x with src written at the places that gather would read."""
    dim = at_dim(dim, x.ndim)
    _check(xp, x, index, dim, "scatter")
    out = x.copy()
    xp.put_along_axis(_like_index(out, index, dim), index, _source(src, index), dim)
    return out


@op(on="", name="scatter_add")
def scatter_add_op(xp, x, index, src, /, dim):
    """x with src added at the places that gather would read."""
    dim = at_dim(dim, x.ndim)
    _check(xp, x, index, dim, "scatter_add")
    added = gather_put.forward(xp, _source(src, index), index, x.shape, dim)
    return x + added.astype(x.dtype, copy=False)


def _to_source(ns, g, index, src_shape, dim):
    """What gather reads of g, with zeros where the index does not reach the source."""
    found = ns.gather(g, index, dim)
    if tuple(src_shape) == tuple(index.shape) or not src_shape:
        return found
    return ns.slice_put(found, tuple(src_shape), tuple(map(slice, index.shape)))


scatter_op.gradients(
    x=lambda ns, g, index, dim: ns.scatter(g, index, 0.0, dim),
    src=lambda ns, g, index, src_shape, dim: _to_source(ns, g, index, src_shape, dim),
)
scatter_add_op.gradients(
    x=lambda g: g,
    src=lambda ns, g, index, src_shape, dim: _to_source(ns, g, index, src_shape, dim),
)


@function
def scatter(input, dim, index, src=None, *, value=None, reduce=None):
    """A copy with ``src`` (or a value) written along ``dim`` where ``gather`` would read."""
    src = value if src is None else src
    if reduce not in (None, "add"):
        raise RuntimeError(f"scatter: reduce is 'add' or not given, got {reduce!r}")
    if reduce is None:
        return scatter_op(input, index, src, dim)
    if not isinstance(src, Tensor):
        src = OPS["zeros_of"](input).gather(dim, index) + src
    return scatter_add_op(input, index, src, dim)


@function
def scatter_add(input, dim, index, src):
    """A copy with ``src`` added along ``dim`` where ``gather`` would read."""
    return scatter_add_op(input, index, src, dim)


@function
def take_along_dim(input, indices, dim=None):
    """The elements along ``dim`` that the indices name, with broadcasting."""
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    dim = at_dim(dim, input.ndim)
    shape = np.broadcast_shapes(
        (*input.shape[:dim], 1, *input.shape[dim + 1 :]),
        (*indices.shape[:dim], 1, *indices.shape[dim + 1 :]),
    )

    def wide(t):
        return t.expand((*shape[:dim], t.shape[dim], *shape[dim + 1 :]))

    return gather(wide(input), dim, wide(indices))


@function
def index_add(input, dim, index, source, *, alpha=1):
    """A copy with the slices of ``source`` added along ``dim`` at the indices."""
    front = (slice(None),) * at_dim(dim, input.ndim)
    added = OPS["index_add_new"](source, tuple(input.shape), (*front, index.array))
    return OPS["add"](input, added, alpha=alpha)


@function
def index_copy(input, dim, index, source):
    """A copy with the slices of ``source`` written along ``dim`` at the indices."""
    front = (slice(None),) * at_dim(dim, input.ndim)
    return OPS["index_put"](input, source, (*front, index.array), False)


@function
def index_fill(input, dim, index, value):
    """A copy with ``value`` written along ``dim`` at the indices."""
    front = (slice(None),) * at_dim(dim, input.ndim)
    return OPS["index_put"](input, value, (*front, index.array), False)


# By masks


@op(inplace=True)
def masked_fill(xp, x, mask, value):
    """x with ``value`` where the mask holds."""
    return xp.where(mask, _value_for(xp, x, mask, value), x)


@masked_fill.writes
def _(xp, x, mask, value):
    xp.copyto(x, _value_for(xp, x, mask, value), where=mask)


def _value_for(xp, x, mask, value):
    if mask.dtype.kind != "b":
        raise RuntimeError(
            f"masked_fill only supports boolean masks, but got mask with dtype {mask.dtype.name}"
        )
    if getattr(value, "ndim", 0):
        raise RuntimeError("masked_fill only supports a 0-dimensional value tensor")
    if x.dtype.kind in "iu" and isinstance(value, float) and not value.is_integer():
        raise RuntimeError(f"value cannot be converted to type {x.dtype.name} without overflow")
    return value.astype(x.dtype) if hasattr(value, "astype") else x.dtype.type(value)


masked_fill.gradients(
    x=lambda ns, g, mask: ns.where(mask, 0.0, g),
    value=lambda ns, g, mask: ns.where(mask, g, 0.0),
)


@function
def masked_select(input, mask):
    """The elements where the mask holds, in one dimension."""
    if mask.array.dtype.kind != "b":
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = np.broadcast_shapes(input.array.shape, mask.array.shape)
    return input.expand(shape)[mask.expand(shape)]


@function
def nonzero(input, *, as_tuple=False):
    """The indices of the elements that are not 0: a row for each, or a vector per dimension."""
    array = input.array
    if as_tuple:
        places = (array if array.ndim else array.reshape(1)).nonzero()
        return tuple(wrap(p.astype("int64", copy=False)) for p in places)
    return wrap(module_of(array).argwhere(array).astype("int64", copy=False))


@function
def argwhere(input):
    """The indices of the elements that are not 0, a row for each."""
    return nonzero(input)


@function(on="F")
def one_hot(tensor, num_classes=-1):
    """A 1 at the place of each class number, 0 elsewhere: a new last dimension, int64."""
    array = tensor.array
    if array.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor")
    if array.size and int(array.min()) < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        if not array.size:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        num_classes = int(array.max()) + 1
    elif array.size and int(array.max()) >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    xp = module_of(array)
    return wrap((array[..., None] == xp.arange(num_classes)).astype("int64"))
