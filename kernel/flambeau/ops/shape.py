"""Operations that rearrange elements, as views of the same memory wherever PyTorch gives views."""

from __future__ import annotations

from math import prod
from operator import index

import numpy as np
from numpy import ndarray

from ..device import shares_memory
from ..dtypes import dtype as Dtype
from ..kernels.layout import LARGE, in_rows
from ..tensor import Size, Tensor
from .registry import OPS, function, op
from .short import apply_one


def sizes(values):
    """A shape from an int, a tuple, or a tuple in a tuple, of ints or one-element tensors."""
    if values.__class__ is tuple:  # the usual case, cheaply
        for v in values:
            if v.__class__ is not int:
                break
        else:
            return values
    elif values.__class__ is int:
        return (values,)
    if not isinstance(values, (list, tuple)):
        values = (values,)
    elif len(values) == 1 and isinstance(values[0], (list, tuple)):
        values = values[0]
    return tuple([v if v.__class__ is int else index(v) for v in values])


def at_dim(dim, ndim, extra=0):
    """A dimension counted from 0; IndexError in PyTorch's words when there is none such."""
    n = ndim + extra
    if 0 <= dim < n:
        return dim
    n = max(n, 1)
    if not -n <= dim < n:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})"
        )
    return dim % n


@op(on="", view=True)
def alias(xp, x):
    """The same memory."""
    return x[...]


alias.gradients(x=lambda g: g)


@op(view="maybe", packs=True, backward="ViewBackward0")
def reshape(xp, x, /, shape):
    """The same elements in another shape, a view where possible; one size may be -1."""
    wanted = _wanted(shape)
    if x.__class__ is ndarray and x.size >= LARGE and not x.flags.c_contiguous:
        return _moved(x, wanted)
    return x.reshape(wanted)


def _moved(x, wanted):
    """A large array in another shape: a view, or its elements copied in order."""
    try:
        return x.reshape(wanted, copy=False)
    except TypeError:  # NumPy 2.0 cannot tell whether it would copy
        return x.reshape(wanted)
    except ValueError:
        return in_rows(x).reshape(wanted)


def _wanted(shape):
    """The sizes asked for; NumPy takes any negative one for -1."""
    if shape.__class__ is tuple:
        for n in shape:
            if n.__class__ is not int or n < -1:
                break
        else:
            return shape  # the usual case, cheaply
    found = sizes(shape)
    if found and min(found) < -1:
        at = found.index(min(found))
        raise RuntimeError(f"invalid shape dimension {found[at]} at index {at} of {list(found)}")
    return found


reshape.gradients(x=lambda ns, g, x_shape: ns.reshape(g, tuple(x_shape)))


@reshape.explains
def _(x, shape):
    return _misfit(x, shape)


def _misfit(x, shape):
    wanted = sizes(shape)
    if min(wanted, default=0) < -1:
        return None
    if wanted.count(-1) > 1:
        return "only one dimension can be inferred", ""
    known = 1
    for n in wanted:
        known *= n if n != -1 else 1
    if known == x.numel() or (-1 in wanted and known and x.numel() % known == 0):
        return None
    fits = f"{x.numel()} elements"
    return f"shape '{list(wanted)}' is invalid for input of size {x.numel()}", (
        f"The input has shape {tuple(x.shape)}, {fits}; the new sizes must multiply to as many, "
        "and -1 stands for whatever is left."
    )


@op(on="Tensor", view=True, packs=True, backward="ViewBackward0")
def view(xp, x, /, size):
    """The same memory in another shape, or (with a dtype) its bytes read as another type.

    >>> fb.arange(6).view(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    if isinstance(size, Dtype):
        return x.view(size.numpy)
    out = x.reshape(_wanted(size))
    if not x.flags.c_contiguous and not shares_memory(out, x):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one "
            "dimension spans across two contiguous subspaces). Use .reshape(...) instead."
        )
    return out


@view.gradient("x")
def _(ns, g, x_shape, size):
    if isinstance(size, Dtype):  # bytes read as another type know nothing of a gradient
        return ns.expand(ns.reshape(ns.zeros_of(ns.real(ns.sum(g))), ()), tuple(x_shape))
    return ns.reshape(g, tuple(x_shape))


view.explains(lambda x, size: None if isinstance(size, Dtype) else _misfit(x, size))


@op(view=True, packs=True, on="Tensor")
def expand(xp, x, /, size):
    """x broadcast to ``size`` without copying; -1 keeps a dimension."""
    size = sizes(size)
    if -1 in size:
        extra = len(size) - x.ndim
        size = tuple(
            x.shape[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(size)
        )
    if size == x.shape:
        return x[...]
    if isinstance(x, np.generic):
        x = np.asarray(x)
    return _spread(x, size) if x.__class__ is ndarray else xp.broadcast_to(x, size)


def _spread(x, size):
    """``np.broadcast_to``, which takes as long as ten small operations."""
    extra = len(size) - x.ndim
    if extra < 0 or not x.flags.c_contiguous or not x.size:
        return np.broadcast_to(x, size)
    steps = x.strides
    if size[extra:] != x.shape:
        pairs = zip(x.shape, size[extra:], steps, strict=True)
        steps = [step if n == wanted else 0 if n == 1 else -1 for n, wanted, step in pairs]
        if -1 in steps:
            return np.broadcast_to(x, size)  # which says what is wrong
    out = ndarray(size, x.dtype, x, 0, (*(0,) * extra, *steps))
    out.flags.writeable = False
    return out


expand.gradients(x=lambda ns, g, x_shape: ns.sum_to(g, tuple(x_shape)))


@expand.explains
def _(x, size):
    problem = f"a tensor of shape {tuple(x.shape)} cannot be expanded to {sizes(size)}"
    return problem, "Only dimensions of size 1 grow, and new ones are added in front."


@function
def broadcast_to(input, size, *more):
    """The input broadcast to a shape without copying."""
    return expand(input, sizes((size, *more) if more else size))


@function(on="fb")
def broadcast_shapes(*shapes):
    """The shape that tensors of these shapes have together: a size of 1 grows to the others'."""
    every = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    out = [1] * max(map(len, every), default=0)
    for shape in every:
        for i, n in enumerate(reversed(shape), 1):
            if n < 0:
                raise RuntimeError(f"a shape has no negative sizes, got {tuple(shape)}")
            if n != 1 and out[-i] not in (1, n):
                raise RuntimeError(
                    "Shape mismatch: objects cannot be broadcast to a single shape: "
                    + " and ".join(str(s) for s in every)
                )
            out[-i] = n if n != 1 else out[-i]
    return Size(out)


@function(on="Tensor")
def sum_to_size(self, size, *more):
    """The sum over the dimensions that broadcasting ``size`` to this shape would add."""
    wanted = sizes((size, *more) if more else size)
    extra = self.ndim - len(wanted)
    pairs = zip(self.shape[max(extra, 0) :], wanted, strict=False)
    if extra < 0 or any(n not in (1, m) for m, n in pairs):
        raise RuntimeError(
            f"size {{{list(wanted)}}} is not expandable to size {{{list(self.shape)}}}."
        )
    if not wanted:
        return self.sum()
    whole = wanted != self.array.shape and self.array.dtype.kind in "biu"
    return OPS["sum_to"](self.long() if whole else self, wanted)


@op(view=True, packs=True)
def permute(xp, x, /, dims):
    """The dimensions in another order.

    >>> fb.zeros(2, 3, 4).permute(2, 0, 1).shape
    torch.Size([4, 2, 3])
    """
    order = sizes(dims)
    if len(order) != x.ndim:
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the "
            f"length of the desired ordering of dimensions i.e. input.dim() = {x.ndim} is not "
            f"equal to len(dims) = {len(order)}"
        )
    return x.transpose(order)


@permute.gradient("x")
def _(ns, g, dims):
    order = [d % len(g.shape) for d in sizes(dims)]
    return ns.permute(g, tuple(sorted(range(len(order)), key=order.__getitem__)))


@op(view=True, aliases=["swapaxes", "swapdims"])
def transpose(xp, x, /, dim0, dim1):
    """Two dimensions exchanged."""
    if x.ndim == 0:
        return x[...]
    return x.swapaxes(at_dim(dim0, x.ndim), at_dim(dim1, x.ndim))


transpose.gradients(x=lambda ns, g, dim0, dim1: ns.transpose(g, dim0, dim1))


@op(view=True, inplace=False)
def t(xp, x):
    """The transpose of a matrix; a vector stays as it is."""
    if x.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {x.ndim}D")
    return x.T


t.gradients(x=lambda ns, g: ns.t(g))


@op(view=True)
def squeeze(xp, x, /, dim=None):
    """x without its dimensions of size 1, or without those of ``dim`` that are."""
    if dim is None:
        return x.reshape([n for n in x.shape if n != 1])
    dims = dim if isinstance(dim, (tuple, list)) else (dim,)
    gone = {at_dim(d, x.ndim) for d in dims}
    return x.reshape([n for i, n in enumerate(x.shape) if n != 1 or i not in gone])


squeeze.gradients(x=lambda ns, g, x_shape: ns.reshape(g, tuple(x_shape)))


@op(view=True)
def unsqueeze(xp, x, /, dim):
    """x with a new dimension of size 1 at ``dim``.

    >>> fb.tensor([1, 2]).unsqueeze(1)
    tensor([[1],
            [2]])
    """
    at, shape = at_dim(dim, x.ndim, 1), x.shape
    return x.reshape((*shape[:at], 1, *shape[at:]))


unsqueeze.gradients(x=lambda ns, g, x_shape: ns.reshape(g, tuple(x_shape)))


@op(view=True)
def diagonal(xp, x, /, offset=0, dim1=0, dim2=1):
    """The elements whose index in dim2 is that in dim1 plus ``offset``, as a last dimension."""
    return _writable(xp, xp.diagonal(x, offset, at_dim(dim1, x.ndim), at_dim(dim2, x.ndim)), x)


def _writable(xp, view, x):
    if hasattr(view.flags, "writeable") and x.flags.writeable:
        view.flags.writeable = True  # NumPy guards diagonals; PyTorch writes through them
    return view


@diagonal.gradient("x")
def _(ns, g, x_shape, offset, dim1, dim2):
    return ns.diagonal_put(g, tuple(x_shape), offset, dim1, dim2)


@op(on="", backward="DiagEmbedBackward0")
def diagonal_put(xp, x, /, shape, offset, dim1, dim2):
    """Zeros of a shape with x on a diagonal."""
    out = xp.zeros(shape, x.dtype)
    diagonal.forward(xp, out, offset, dim1, dim2)[...] = x
    return out


diagonal_put.gradients(
    x=lambda ns, g, offset, dim1, dim2: ns.diagonal(g, offset, dim1, dim2),
)


# Names for what the above can do


@function
def flatten(input, start_dim=0, end_dim=-1):
    """Dimensions start_dim to end_dim made into one."""
    n = input.array.ndim
    first, last = at_dim(start_dim, n), at_dim(end_dim, n)
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if n == 0:
        return reshape(input, (1,))
    if first == last:
        return input
    if first == 0 and last == n - 1:
        return apply_one(reshape, input, ((-1,),))
    shape = input.array.shape
    middle = prod(shape[first : last + 1])
    return apply_one(reshape, input, ((*shape[:first], middle, *shape[last + 1 :]),))


@function
def unflatten(input, dim, sizes):
    """One dimension made into several; one of the sizes may be -1."""
    at = at_dim(dim, input.ndim)
    return reshape(input, (*input.shape[:at], *sizes, *input.shape[at + 1 :]))


@function(on="Tensor")
def view_as(self, other):
    """A view in the shape of another tensor."""
    return view(self, tuple(other.shape))


@function(on="Tensor")
def reshape_as(self, other):
    """The elements in the shape of another tensor."""
    return reshape(self, tuple(other.shape))


@function(on="Tensor")
def expand_as(self, other):
    """This tensor broadcast to the shape of another."""
    return expand(self, tuple(other.shape))


@function(aliases=["moveaxis"])
def movedim(input, source, destination):
    """Dimensions moved from ``source`` to ``destination``; the others keep their order."""
    n = input.ndim
    start = [at_dim(d, n) for d in sizes(source)]
    end = [at_dim(d, n) for d in sizes(destination)]
    if len(start) != len(end):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({start} dims) should contain "
            f"the same number of dims as destination ({end} dims)"
        )
    for name, dims in (("source", start), ("destination", end)):
        if len(set(dims)) < len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({dims})")
    order = [-1] * n
    for s, d in zip(start, end, strict=True):
        order[d] = s
    rest = iter(d for d in range(n) if d not in start)
    return permute(input, tuple(d if d >= 0 else next(rest) for d in order))


@function
def adjoint(input):
    """The last two dimensions exchanged (and conjugated, where complex)."""
    return transpose(input, -2, -1)


@function(on="fb")
def numel(input):
    """The number of elements."""
    return input.numel()


def _transposed(self):
    """The dimensions in reverse order."""
    n = self.array.ndim
    return permute(self, (1, 0) if n == 2 else tuple(range(n))[::-1])


def _matrices_transposed(self):
    """Each matrix transposed."""
    return OPS["transpose"](self, -2, -1)


setattr(Tensor, "T", property(_transposed))  # noqa: B010
setattr(Tensor, "mT", property(_matrices_transposed))  # noqa: B010
