"""Reading and writing by index tensors along a dimension, and by masks."""

from __future__ import annotations

from math import isinf, prod

import numpy as np

from ..device import module_of
from ..kernels import SMALL, masks, places
from ..tensor import wrap
from .along import add_along, check_index, places_of, read_along, write_along
from .registry import function, op
from .scalars import number_for
from .shape import at_dim, broadcast_shapes
from .short import apply_two

# Adding up what goes to the same place. For much, NumPy's ``add.at`` is slower than these.


def add_rows(xp, n, at, rows):
    """An array (n, ...) in which ``rows[i]`` was added to row ``at[i]``, for all i."""
    out = xp.zeros((n, *rows.shape[1:]), rows.dtype)
    if not rows.size or places.added_at(out, at, rows, 0):
        return out
    if xp is not np:
        import cupyx

        cupyx.scatter_add(out, at, rows)
        return out
    if rows.dtype.kind == "f" and rows.size == len(rows):
        return np.bincount(at, rows.reshape(-1), n).astype(rows.dtype).reshape(out.shape)
    order = np.argsort(at, kind="stable")
    ordered = at[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    out[ordered[starts]] = np.add.reduceat(rows[order], starts, axis=0)
    return out


def sum_at(xp, shape, at, values):
    """Zeros of a shape with ``values`` added at an index of slices and arrays."""
    found = [i for i, a in enumerate(at) if hasattr(a, "dtype")]
    truths = any(isinstance(a, bool) or getattr(a, "dtype", None) == np.bool_ for a in at)
    if truths and len(found) == 1 and at[found[0]].ndim and not any(a is True for a in at):
        out = xp.zeros(shape, values.dtype)  # a mask names nothing twice
        put_masked(out, at, values)
        return out
    if xp is np and not truths:
        out = np.zeros(shape, values.dtype)
        if _added(out, at, values):
            return out
    if truths:
        count = prod(shape)
        numbers = xp.arange(count).reshape(shape)[at]
        return add_rows(xp, count, numbers.reshape(-1), values.reshape(-1)).reshape(shape)
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


def _added(out, at, values):
    """Adds values of the shape of out[at], if there are few or one vector says where."""
    if values.size < SMALL:
        np.add.at(out, at, values)
        return True
    dim = _vector_at(at)
    if dim < 0 or not values.flags.c_contiguous:
        return False
    return places.added_at(out, at[dim], values, dim)


def _vector_at(at):
    """Where the only vector stands in an index that has but whole slices besides; else -1."""
    found = [i for i, a in enumerate(at) if a.__class__ is not slice or a != slice(None)]
    vector = len(found) == 1 and getattr(at[found[0]], "ndim", 0) == 1
    return found[0] if vector and at[found[0]].dtype.kind == "i" else -1


def write_into(xp, out, at, values):
    """Writes values, broadcast to the shape of out[at]."""
    if xp is np and at[0].__class__ is np.ndarray and at[0].dtype.kind == "b":
        put_masked(out, at, values)
        return
    if (
        getattr(values, "size", 1) >= SMALL
        and values.ndim == out.ndim
        and (
            (dim := _vector_at(at)) >= 0
            and values.shape == (*out.shape[:dim], at[dim].size, *out.shape[dim + 1 :])
            and places.written_at(out, at[dim], values, dim)
        )
    ):
        return
    out[at] = values


def add_into(xp, out, at, values):
    """Adds values, broadcast to the shape of out[at], as often as ``at`` names an element."""
    if xp is np and getattr(values, "size", 1) < SMALL:
        np.add.at(out, at, values)
        return
    dim = _vector_at(at)
    if xp is np and dim >= 0 and values.ndim == out.ndim:
        whole = values.shape == (*out.shape[:dim], at[dim].size, *out.shape[dim + 1 :])
        if whole and _added(out, at, values):
            return
    values = xp.broadcast_to(xp.asarray(values, out.dtype), out[at].shape)
    out += sum_at(xp, out.shape, at, values)


def put_masked(out, at, values):
    """out[at] = values, where ``at`` is a mask among slices."""
    mask = at[0]
    whole = len(at) == 1 and getattr(mask, "shape", ()) == out.shape
    if not whole or out.__class__ is not np.ndarray or not out.flags.c_contiguous:
        out[at] = values
        return
    if getattr(values, "ndim", 0):  # NumPy walks a vector of bits faster than it does a mask
        out.reshape(-1)[np.flatnonzero(mask)] = values
    elif not masks.filled(out, mask, values):
        out[at] = values


# Along a dimension

_INT64 = np.dtype(np.int64)


def _check_sizes(x, index, dim):
    for i, (n, m) in enumerate(zip(index.shape, x.shape, strict=False)):
        if n > m and i != dim:
            raise RuntimeError(
                f"Size does not match at dimension {i} expected index {list(index.shape)} to "
                f"be no larger than self {list(x.shape)} apart from dimension {dim}"
            )


@op(on="", name="gather")
def gather_op(xp, x, index, /, dim):
    """out[i][j] = x[index[i][j]][j] for dim 0, and so on."""
    dim = at_dim(dim, x.ndim)
    if index.size >= SMALL and (out := places.gathered(x, index, dim)) is not None:
        return out
    check_index(xp, x, index, dim, "gather")
    if not index.size:
        return xp.zeros(index.shape, x.dtype)
    if not x.ndim:
        return xp.broadcast_to(x, index.shape).copy()
    if index.shape != x.shape:
        _check_sizes(x, index, dim)
    if not index.ndim:
        return x[index]
    return read_along(xp, x, index, dim)


@op(on="")
def gather_put(xp, x, index, /, shape, dim):
    """Zeros of a shape to which x was added at the places that gather reads."""
    if not shape:
        return x.sum(dtype=x.dtype).reshape(())
    if not index.size:
        return xp.zeros(shape, x.dtype)
    dim = at_dim(dim, len(shape))
    if not index.ndim:
        index, x = index.reshape(1), x.reshape(1)
    if index.shape[dim] == 1:  # nothing is named twice
        out = xp.zeros(shape, x.dtype)
        write_along(xp, out, index, dim, x)
        return out
    if x.shape == index.shape:
        out = xp.zeros(shape, x.dtype)
        if add_along(xp, out, index, dim, x):
            return out
    return sum_at(xp, shape, places_of(xp, shape, index, dim), x)


gather_op.gradients(
    x=lambda ns, g, x_shape, index, dim: ns.gather_put(g, index, tuple(x_shape), dim)
)
gather_put.gradients(x=lambda ns, g, index, dim: ns.gather(g, index, dim))


@function
def gather(input, dim, index, *, sparse_grad=False):
    """Picks along ``dim``: out[i][j] = input[index[i][j]][j] for dim 0, and so on.

    >>> fb.gather(fb.tensor([[1, 2], [3, 4]]), 1, fb.tensor([[0], [1]]))
    tensor([[1],
            [4]])
    """
    return apply_two(gather_op, input, index, (dim,))


@function
def take_along_dim(input, indices, dim=None):
    """The elements along ``dim`` that the indices name, with broadcasting; -1 is the last.

    >>> x = fb.tensor([[3, 1], [2, 4]])
    >>> fb.take_along_dim(x, x.argmax(1, keepdim=True), dim=1)
    tensor([[3],
            [4]])
    """
    if indices.array.dtype != np.int64:
        raise RuntimeError(
            "torch.take_along_dim(): dtype of indices should be Long but got "
            f"{indices.dtype.name}; indices.long() fits"
        )
    if dim is None:
        input, indices, dim = input.reshape(-1), indices.reshape(-1), 0
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {input.ndim} dimensions for input, and {indices.ndim} for indices"
        )
    dim = at_dim(dim, input.ndim)
    shape = broadcast_shapes(
        (*input.shape[:dim], 1, *input.shape[dim + 1 :]),
        (*indices.shape[:dim], 1, *indices.shape[dim + 1 :]),
    )

    def wide(t):
        return t.expand((*shape[:dim], t.shape[dim], *shape[dim + 1 :]))

    places = wide(indices).array
    places = wrap(module_of(places).where(places < 0, places + input.shape[dim], places))
    return gather(wide(input), dim, places)


# By masks


@op(inplace=True)
def masked_fill(xp, x, mask, value):
    """x with ``value`` where the mask holds.

    >>> fb.tensor([1.0, 2.0]).masked_fill(fb.tensor([True, False]), -fb.inf)
    tensor([-inf, 2.])
    """
    value = _value_for(xp, x, mask, value)
    if (out := masks.chosen(mask, value, x)) is not None:
        return out
    if x.__class__ is np.ndarray and mask.ndim <= x.ndim:
        out = x.copy("K")
        try:
            np.copyto(out, value, where=mask)
            return out
        except ValueError:  # the mask has more entries than x
            pass
    return xp.where(mask, value, x)


@masked_fill.writes
def _(xp, x, mask, value):
    value = _value_for(xp, x, mask, value)
    if not masks.filled(x, mask, value):
        xp.copyto(x, value, where=mask)


def _value_for(xp, x, mask, value):
    if mask.dtype.kind != "b":
        raise RuntimeError(
            f"masked_fill only supports boolean masks, but got mask with dtype {mask.dtype.name}"
        )
    if getattr(value, "ndim", 0):
        raise RuntimeError("masked_fill only supports a 0-dimensional value tensor")
    usual = value.__class__ is float and (-1e30 < value < 1e30 or isinf(value))
    if usual and x.dtype.kind == "f" and x.itemsize > 2:
        return xp.asarray(value, x.dtype)
    if xp is np or not hasattr(value, "dtype"):
        plain = value.item() if hasattr(value, "dtype") else value
        return x.dtype.type(number_for(x.dtype, plain))
    return value.astype(x.dtype)


masked_fill.gradients(
    x=lambda ns, g, mask: ns.where(mask, 0.0, g),
    value=lambda ns, g, mask: ns.where(mask, g, 0.0),
)


@function
def masked_select(input, mask):
    """The elements where the mask holds, in one dimension.

    >>> x = fb.tensor([3, -1, 2])
    >>> x.masked_select(x > 0)
    tensor([3, 2])
    """
    if mask.array.dtype.kind != "b":
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast_shapes(input.array.shape, mask.array.shape)
    return input.expand(shape)[mask.expand(shape)]


@function
def nonzero(input, *, as_tuple=False):
    """The indices of the elements that are not 0: a row for each, or a vector per dimension.

    >>> fb.tensor([[0, 7], [5, 0]]).nonzero()
    tensor([[0, 1],
            [1, 0]])
    """
    array = input.array
    if as_tuple:
        places = _where_true(array if array.ndim else array.reshape(1))
        return tuple(wrap(p.astype("int64", copy=False)) for p in places)
    if array.__class__ is not np.ndarray or not array.ndim:
        return wrap(module_of(array).argwhere(array).astype("int64", copy=False))
    found = _where_true(array)
    out = np.empty((len(found[0]), len(found)), "int64")
    for i, one in enumerate(found):
        out[:, i] = one
    return wrap(out)


def _where_true(x):
    """The index along each dimension of what is not 0."""
    if x.ndim < 2 or x.size < SMALL or x.__class__ is not np.ndarray:
        return x.nonzero()
    flat = np.flatnonzero(x if x.dtype.kind == "b" else x != 0)  # this is fast, unlike `nonzero`
    found = []
    for n in x.shape[:0:-1]:
        row = flat // n
        found.append(flat - row * n)
        flat = row
    return (flat, *reversed(found))


@function
def argwhere(input):
    """The indices of the elements that are not 0, a row for each."""
    return nonzero(input)


@function(on="F")
def one_hot(tensor, num_classes=-1):
    """A 1 at the place of each class number, 0 elsewhere: a new last dimension, int64.

    >>> nn.functional.one_hot(fb.tensor([0, 2]), num_classes=3)
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    array = tensor.array
    if array.dtype != _INT64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor")
    if num_classes == -1 and not array.size:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    largest = int(array.view(np.uint64).max()) if array.size else -1  # a negative one is large
    if largest >= 2**63:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = largest + 1
    elif largest >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    xp = module_of(array)
    return wrap((array[..., None] == xp.arange(num_classes)).astype(_INT64))
