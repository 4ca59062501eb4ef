"""Indexing: ``x[...]`` in all its forms, reading and writing, and its named relatives.

An index is split as PyTorch does it: first its ints, slices, None and Ellipsis give a view, then
its tensors, lists and masks pick from that view. (NumPy would count ints among the arrays.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..autograd import layers
from ..kernels import places
from ..record.slot import slot
from ..subclasses import PLAIN, dispatch, involved
from ..tensor import Tensor
from .apply import apply, apply_inplace
from .gather import add_into, sum_at, write_into
from .keys import INT64, WHOLE, as_array, only_arrays, split_index, unmasked
from .registry import function, op
from .shape import at_dim
from .write import copy_op, fitting

# Views


@op(on="", name="slice", view=True)
def slice_op(xp, x, /, index):
    """x[index] for slices and None."""
    return x[(*index, ...)]


@op(on="", view=True)
def select_op(xp, x, /, index):
    """x[index] with ints among the slices."""
    return x[(*index, ...)]


@op(on="")
def slice_put(xp, x, /, shape, index):
    """Zeros of a shape with x at an index."""
    out = xp.zeros(shape, x.dtype)
    out[index] = x
    return out


select_op.name, select_op.backward_name = "select", "SelectBackward0"
for _view in (slice_op, select_op):
    _view.gradients(x=lambda ns, g, x_shape, index: ns.slice_put(g, tuple(x_shape), index))
slice_put.gradients(x=lambda ns, g, index: ns.slice(g, index))


@op(view=True, backward="SliceBackward0")
def narrow(xp, x, /, dim, start, length):
    """The ``length`` entries along ``dim`` from ``start`` on.

    >>> fb.arange(6).narrow(0, 2, 3)
    tensor([2, 3, 4])
    """
    if not x.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    at, n = at_dim(dim, x.ndim), x.shape[dim]
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if isinstance(start, Tensor) and (start.ndim or start.array.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    if not -n <= start <= n:
        raise IndexError(
            f"start out of range (expected to be in range of [{-n}, {n}], but got {int(start)})"
        )
    start = int(start) + n if start < 0 else int(start)
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return x[(slice(None),) * at + (slice(start, start + length),)]


@narrow.gradient("x")
def _(ns, g, x_shape, dim, start, length):
    at, start = dim % len(x_shape), int(start) + (x_shape[dim] if start < 0 else 0)
    index = (slice(None),) * at + (slice(start, start + length),)
    return ns.slice_put(g, tuple(x_shape), index)


@function(on="fb", name="slice")
def slice_dim(input, dim=0, start=None, end=None, step=1):
    """The entries along ``dim`` from ``start`` to before ``end``, every ``step``-th."""
    if not input.ndim:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    if step < 1:
        raise RuntimeError(f"slice step must be positive, got {step}")
    front = (slice(None),) * at_dim(dim, input.ndim)
    return slice_op(input, (*front, slice(start, end, step)))


@function
def select(input, dim, index):
    """The slice at ``index`` along ``dim``, without that dimension.

    >>> fb.tensor([[1, 2], [3, 4]]).select(1, 0)
    tensor([1, 3])
    """
    return select_op(input, (slice(None),) * at_dim(dim, input.ndim) + (int(index),))


# Picking by arrays


@op(on="")
def index(xp, x, /, at):
    """x[at], where arrays say which elements to take; a copy."""
    if x.__class__ is not ndarray or not x.flags.c_contiguous:
        return x[at]
    which, pick = len(at) - 1, at[-1]
    if which and not all(a.__class__ is slice and a == WHOLE for a in at[:-1]):
        return x[at]
    if pick.__class__ is ndarray and pick.dtype is INT64:  # one array: NumPy takes it faster
        out = places.taken(x, pick, which) if pick.ndim == 1 else None
        return x.take(pick, which) if out is None else out
    if not which and getattr(pick, "shape", ()) == x.shape != () and pick.dtype.kind == "b":
        return x.reshape(-1).compress(pick.reshape(-1))
    return x[at]


@op(on="")
def index_add_new(xp, x, /, shape, at):
    """Zeros of a shape with x added at an index, as often as that names an element."""
    return sum_at(xp, shape, at, x)


index.gradients(x=lambda ns, g, x_shape, at: ns.index_add_new(g, tuple(x_shape), at))
index_add_new.gradients(x=lambda ns, g, at: ns.index(g, at))


@op(on="", name="index_put", inplace=True)
def index_put_op(xp, x, values, /, at, accumulate=False):
    """x with ``values`` written (or added) where arrays say."""
    out = x.copy()
    _put(xp, out, values, at, accumulate)
    return out


index_put_op.writes(lambda xp, x, values, at, accumulate: _put(xp, x, values, at, accumulate))


def _put(xp, x, values, at, accumulate):
    if accumulate:
        add_into(xp, x, at, values)
        return
    try:
        if hasattr(values, "size") and not values.size:
            xp.broadcast_to(values, x[at].shape)
        write_into(xp, x, at, values)
    except (TypeError, ValueError):
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to "
            f"indexing result of shape {list(x[at].shape)}"
        ) from None


index_put_op.gradients(
    x=lambda ns, g, at, accumulate: g if accumulate else ns.index_put(g, 0.0, at),
    values=lambda ns, g, at: ns.index(g, at),
)

# Any index


def _view_of(key: Any) -> Any:
    """The operation for an index by ints and slices alone; None for another."""
    kind = key.__class__
    if kind is int:
        return select_op
    if kind is not tuple:
        return slice_op if kind is slice and _ordinary(key) else None
    found = slice_op
    for item in key:
        if item.__class__ is int:
            found = select_op
        elif item.__class__ is not slice or not (item.step is None or _ordinary(item)):
            return None
    return found


def _ordinary(key: slice) -> bool:
    step = key.step
    return step is None or (step.__class__ is int and step > 0)


def getitem(self: Tensor, key: Any) -> Tensor:
    """``x[key]``: a view for ints, slices, None and Ellipsis, a copy for tensors and lists.

    >>> x = fb.arange(6).view(2, 3)
    >>> x[:, 1], x[x > 3], x[[1, 0], [0, 2]]
    (tensor([1, 4]), tensor([4, 5]), tensor([3, 2]))
    """
    if self.__class__ not in PLAIN and involved((self,)):
        return dispatch(getitem, (self, key), {})
    view = _view_of(key)
    if view is not None:
        return apply(view, (self,), (key if key.__class__ is tuple else (key,),))
    picks = only_arrays(self.array, key)
    if picks:
        return apply(index, (self,), (picks,))
    basic, arrays, ints = split_index(self.array, key)
    out = self
    if basic or not arrays:
        out = apply(select_op if ints else slice_op, (out,), (basic,))
    return apply(index, (out,), (arrays,)) if arrays else out


def _like(x: Tensor, value: Any, at: Any) -> Any:
    """A value for x[at], which must have its type; one number for a mask may have any."""
    if not isinstance(value, Tensor):
        return value
    picks = [a for a in at if a.__class__ is not slice]
    masked = len(picks) == 1 and getattr(picks[0], "dtype", np.bool_) == np.bool_
    if masked and value.array.size == 1:
        return value.to(x.dtype).reshape(())
    if masked and value.ndim > 1:  # sizes of 1 in front may stand for nothing
        extra = value.ndim - x.ndim + getattr(picks[0], "ndim", 0) - 1
        if extra > 0 and set(value.shape[:extra]) == {1}:
            value = value.reshape(value.shape[extra:])
    if value.array.dtype != x.array.dtype:
        x.array[at]  # an index that is out of range is the first thing to say
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{x.dtype.name} for the destination and {value.dtype.name} for the source; "
            "value.to(x.dtype) fits"
        )
    return value


def _written(x: Tensor, key: Any, value: Any, arrays: bool) -> bool:
    """Writes x[key] where neither a gradient nor a recorder needs to know."""
    counter = x._counter
    if slot.recorder is not None or x._needs_grad or counter is None or layers.on():
        return False
    if x.__class__ not in PLAIN:
        return False
    if x.array.__class__ is not ndarray or (x._view is not None and x._seen != counter[0]):
        return False
    if isinstance(value, Tensor):
        if value.__class__ not in PLAIN or value._needs_grad:
            return False
        if value.array.dtype is not x.array.dtype:
            return False
        value = value.array
    try:
        if arrays:
            write_into(np, x.array, key, value)
        else:
            x.array[key] = value
    except Exception:  # the other way has the words for it
        return False
    counter[0] += 1
    x._seen = counter[0]
    return True


def setitem(self: Tensor, key: Any, value: Any) -> None:
    """``x[key] = value``, with the gradient of both."""
    value = fitting(self, value)
    if isinstance(value, Tensor) and value.array.__class__ is not self.array.__class__:
        value = value.to(self.device)
    view = _view_of(key)
    if view is not None and key != ():
        if not _written(self, key, value, False):
            part = apply(view, (self,), (key if key.__class__ is tuple else (key,),))
            apply_inplace(copy_op, (part, value))
        return
    place, basic, arrays = self, (), only_arrays(self.array, key)
    if arrays and _written(self, arrays, value, True):
        return
    if not arrays:
        basic, arrays, ints = split_index(self.array, key)
    if basic:
        place = apply(select_op if ints else slice_op, (self,), (basic,))
    if arrays:
        apply_inplace(index_put_op, (place, _like(place, value, arrays)), (arrays, False))
    else:
        apply_inplace(copy_op, (place, value))


@function(on="Tensor")
def index_put_(self, indices, values, accumulate=False):
    """Writes (or adds) values where the index tensors say.

    >>> fb.zeros(3).index_put_((fb.tensor([0, 0]),), fb.tensor(1.0), accumulate=True)
    tensor([2., 0., 0.])
    """
    at = tuple(slice(None) if i is None else as_array(i, self.array) for i in indices)
    return apply_inplace(index_put_op, (self, values), (unmasked(list(at)), accumulate))


@function
def index_put(input, indices, values, accumulate=False):
    """A copy with values written (or added) where the index tensors say."""
    at = tuple(slice(None) if i is None else as_array(i, input.array) for i in indices)
    return index_put_op(input, values, unmasked(list(at)), accumulate)


_index_select = op(index.source_function, on="", name="index_select")
_index_select.gradients(x=lambda ns, g, x_shape, at: ns.index_add_new(g, tuple(x_shape), at))


@function
def index_select(input, dim, index):
    """The entries along ``dim`` that a vector of indices names.

    >>> fb.tensor([[1, 2], [3, 4]]).index_select(1, fb.tensor([1, 0]))
    tensor([[2, 1],
            [4, 3]])
    """
    at = as_array(index, input.array)
    if at.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    ndim = input.array.ndim
    front = (WHOLE,) * at_dim(dim, ndim)
    if not ndim:
        return input.clone()
    return apply(_index_select, (input,), ((*front, at if at.ndim else at.reshape(-1)),))
