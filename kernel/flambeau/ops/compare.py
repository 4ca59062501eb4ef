"""Comparison, logic and bits; none of it has a gradient."""

from __future__ import annotations

from ..dtypes import FLOATING
from .promote import as_given, only_tensors, same, some_tensor, tensor_first, without
from .registry import OPS, function, op

# Comparison


def _of_one_type(arrays):
    x, y = arrays
    if x.dtype != y.dtype:
        raise RuntimeError(f"{x.dtype.name} did not match {y.dtype.name}; x.to(y.dtype) does")
    return arrays


@op(promote=tensor_first(same), inplace=True)
def eq(xp, x, y):
    """x = y, element by element.

    >>> fb.tensor([1, 2]) == fb.tensor([1, 3])
    tensor([ True, False])
    """
    return xp.equal(x, y)


@op(promote=tensor_first(same), inplace=True, aliases=["not_equal"])
def ne(xp, x, y):
    """x ≠ y, element by element."""
    return xp.not_equal(x, y)


@op(promote=without("c", tensor_first(same)), inplace=True, aliases=["less"])
def lt(xp, x, y):
    """x < y, element by element."""
    return xp.less(x, y)


@op(promote=without("c", tensor_first(same)), inplace=True, aliases=["less_equal"])
def le(xp, x, y):
    """x ≤ y, element by element."""
    return xp.less_equal(x, y)


@op(promote=without("c", tensor_first(same)), inplace=True, aliases=["greater"])
def gt(xp, x, y):
    """x > y, element by element.

    >>> fb.tensor([1, 5]) > fb.tensor([[2], [4]])
    tensor([[False,  True],
            [False,  True]])
    """
    return xp.greater(x, y)


@op(promote=without("c", tensor_first(same)), inplace=True, aliases=["greater_equal"])
def ge(xp, x, y):
    """x ≥ y, element by element."""
    return xp.greater_equal(x, y)


@op(promote=only_tensors(_of_one_type))
def isclose(xp, x, y, /, rtol=1e-5, atol=1e-8, equal_nan=False):
    """|x - y| ≤ atol + rtol · \\|y\\|, element by element.

    >>> fb.isclose(fb.tensor([1.0, 1.0]), fb.tensor([1.0 + 1e-7, 1.1]))
    tensor([ True, False])
    """
    for name, size in (("rtol", rtol), ("atol", atol)):
        if size < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {size}")
    return xp.isclose(x, y, rtol=rtol, atol=atol, equal_nan=equal_nan)


@function
def allclose(input, other, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether |input - other| ≤ atol + rtol · \\|other\\| everywhere, as a Python bool.

    >>> fb.allclose(fb.tensor([0.1 + 0.2]), fb.tensor([0.3]))
    True
    """
    if input.dtype != other.dtype:
        raise RuntimeError(f"allclose: {input.dtype} and {other.dtype} are not the same dtype")
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


@function
def equal(input, other):
    """Whether both have the same shape and the same values, as a Python bool.

    >>> fb.equal(fb.tensor([1, 2]), fb.tensor([1, 2, 3]))
    False
    """
    return input.array.shape == other.array.shape and bool(eq(input, other).all())


# What kind of number


@op
def isnan(xp, x):
    """Whether it is not a number.

    >>> fb.isnan(fb.tensor([1.0, fb.nan]))
    tensor([False,  True])
    """
    return xp.isnan(x)


@op
def isinf(xp, x):
    """Whether it is infinite."""
    return xp.isinf(x)


@op
def isfinite(xp, x):
    """Whether it is neither infinite nor NaN."""
    return xp.isfinite(x)


@op(promote=without("c"))
def signbit(xp, x):
    """Whether its sign is minus; -0.0 has one."""
    return xp.signbit(x) if x.dtype.kind == "f" else x < 0


# Logic: everything but 0 is true


@op(inplace=True, promote=only_tensors(as_given))
def logical_and(xp, x, y):
    """Whether both are true."""
    return xp.logical_and(x, y)


@op(inplace=True, promote=only_tensors(as_given))
def logical_or(xp, x, y):
    """Whether at least one is true."""
    return xp.logical_or(x, y)


@op(inplace=True, promote=only_tensors(as_given))
def logical_xor(xp, x, y):
    """Whether exactly one is true."""
    return xp.logical_xor(x, y)


@op(inplace=True)
def logical_not(xp, x):
    """Whether it is 0.

    >>> fb.logical_not(fb.tensor([0, 3]))
    tensor([ True, False])
    """
    return xp.logical_not(x)


# Bits


@op(promote=some_tensor(same), inplace=True)
def bitwise_and(xp, x, y):
    """The bits that both have set."""
    _whole("bitwise_and", x)
    return xp.bitwise_and(x, y)


@op(promote=some_tensor(same), inplace=True)
def bitwise_or(xp, x, y):
    """The bits that at least one has set."""
    _whole("bitwise_or", x)
    return xp.bitwise_or(x, y)


@op(promote=some_tensor(same), inplace=True)
def bitwise_xor(xp, x, y):
    """The bits that exactly one has set."""
    _whole("bitwise_xor", x)
    return xp.bitwise_xor(x, y)


@op(inplace=True)
def bitwise_not(xp, x):
    """All bits turned over; for booleans, not."""
    _whole("bitwise_not", x)
    return xp.invert(x)


@op(promote=some_tensor(same), inplace=True)
def bitwise_left_shift(xp, x, y):
    """The bits moved y places up: x · 2ʸ."""
    _whole("bitwise_left_shift", x)
    return xp.left_shift(x, y)


@op(promote=some_tensor(same), inplace=True)
def bitwise_right_shift(xp, x, y):
    """The bits moved y places down: x / 2ʸ rounded down."""
    _whole("bitwise_right_shift", x)
    return xp.right_shift(x, y)


def _whole(name, x):
    if hasattr(x, "dtype") and x.dtype.kind not in "biu":
        raise NotImplementedError(f"{name} works on integers and booleans, not on {x.dtype.name}")


@op
def hash_tensor(xp, x, /, dim=(), keepdim=False, mode=0):
    """The exclusive or of the bits of all elements as float64 or int64, over ``dim`` or all."""
    if mode != 0:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}; 0 is the exclusive or")
    if x.dtype.kind == "c":
        raise NotImplementedError("hash_tensor is not implemented for complex tensors")
    words = x.astype("float64" if x.dtype in FLOATING else "int64").view("uint64")
    dims = (dim,) if isinstance(dim, int) else tuple(dim) or tuple(range(x.ndim))
    for d in dims if x.ndim else ():
        if not x.shape[d]:
            raise (IndexError if dim != () else RuntimeError)(
                f"hash_tensor: Expected reduction dim {d} to have non-zero size."
            )
        words = xp.expand_dims(_exclusive_or(xp.moveaxis(words, d, 0)), d)
    return words if keepdim or not x.ndim else words.squeeze(dims)


def _exclusive_or(rows):
    """The exclusive or of all rows, by halves."""
    while len(rows) > 1:
        half = len(rows) // 2
        rest = rows[2 * half :]
        rows = rows[:half] ^ rows[half : 2 * half]
        if len(rest):
            rows[0] ^= rest[0]
    return rows[0]


# Whole tensors


@op
def all(xp, x, /, dim=None, keepdim=False):
    """Whether all elements are true, over ``dim`` or everywhere.

    >>> fb.tensor([[True, False], [True, True]]).all(dim=1)
    tensor([False,  True])
    """
    return xp.all(x, axis=_axis(dim), keepdims=keepdim).astype(_truth(x))


@op
def any(xp, x, /, dim=None, keepdim=False):
    """Whether an element is true, over ``dim`` or anywhere.

    >>> fb.tensor([[0, 1], [0, 0]]).any(dim=1)
    tensor([ True, False])
    """
    return xp.any(x, axis=_axis(dim), keepdims=keepdim).astype(_truth(x))


def _axis(dim):
    return tuple(dim) if isinstance(dim, list) else dim


def _truth(x):
    return "uint8" if x.dtype == "uint8" else "bool"  # as in PyTorch


@op
def count_nonzero(xp, x, /, dim=None):
    """How many elements are not 0, over ``dim`` or everywhere.

    >>> fb.count_nonzero(fb.tensor([[0, 1], [2, 3]]), dim=0)
    tensor([1, 2])
    """
    return xp.asarray(xp.count_nonzero(x, axis=_axis(dim))).astype("int64")


def _comparable(arrays):
    for a in arrays:
        if hasattr(a, "dtype") and a.dtype.kind in "bc":
            raise RuntimeError(f"Unsupported input type encountered for isin(): {a.dtype.name}")
    return arrays


@op(promote=some_tensor(_comparable), on="fb")
def isin(xp, elements, test_elements, /, assume_unique=False, invert=False):
    """Which elements occur in ``test_elements``.

    >>> fb.isin(fb.tensor([1, 2, 3]), fb.tensor([2, 5]))
    tensor([False,  True, False])
    """
    return xp.isin(elements, test_elements, assume_unique=assume_unique, invert=invert)


@function(on="fb")
def is_nonzero(input):
    """Whether the only element of a tensor is not 0."""
    return bool(OPS["ne"](input, 0))
