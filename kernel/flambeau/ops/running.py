"""Products, and sums and products of each element with those before it."""

from __future__ import annotations

from ..kernels import fast, scan
from ..kernels import reduce as loops
from ..kernels.folded import folded, reduced
from .reduce import _accumulator, _as, unreduce, whole
from .registry import op


@op(holomorphic=True)
def prod(xp, x, /, dim=None, keepdim=False, dtype=None):
    """Product over ``dim`` (all dimensions where None)."""
    if isinstance(dim, (list, tuple)):
        raise TypeError(f"argument 'dim' must be one int, not {type(dim).__name__}")
    inner, result = _accumulator(x, dtype)
    if inner is None and fast(x) and (shape := folded(x.shape, dim)) and shape[2] == 1:
        return reduced(x, dim, keepdim, loops.products, None)
    return _as(x.prod(axis=dim, keepdims=keepdim, dtype=inner), result)


@prod.gradient("x")
def _(ns, g, x, out, dim, keepdim):
    if not x.shape:
        return g
    if not ns.any(x == 0):
        return unreduce(ns, g * out, x.shape, dim, keepdim) / x
    # A zero must not be divided by: multiply what stands before each element by what follows.
    line, along = (ns.reshape(x, (-1,)), 0) if dim is None else (x, dim)
    others = _product_before(ns, line, along) * ns.flip(
        _product_before(ns, ns.flip(line, (along,)), along), (along,)
    )
    return unreduce(ns, g, x.shape, dim, keepdim) * ns.reshape(others, tuple(x.shape))


def _product_before(ns, x, dim):
    """For each element the product of those before it: 1, x₀, x₀x₁, ..."""
    n = x.shape[dim]
    first = ns.narrow(x, dim, 0, 1) * 0 + 1
    return ns.cumprod(ns.cat([first, ns.narrow(x, dim, 0, n - 1)], dim), dim)


def running(x, dim):
    """x, with a dimension to go along where it has none; IndexError if there is no such ``dim``."""
    if x.ndim:
        return x
    whole(dim)
    return x.reshape(1)


@op(inplace=True)
def cumsum(xp, x, /, dim, dtype=None):
    """The sum of each element and those before it along ``dim``.

    >>> fb.tensor([1, 2, 3]).cumsum(0)
    tensor([1, 3, 6])
    """
    if dtype is None and (out := scan.running_sum(x, dim)) is not None:
        return out
    _, result = _accumulator(x, dtype)
    return _in_double(x, dim, result, "cumsum")


def _in_double(x, dim, dtype, name):
    """NumPy's running sum or product; along more than a few float32s it goes in float64."""
    if not x.ndim:
        return getattr(running(x, dim), name)(dim, dtype).reshape(())
    if dtype is None and x.size > 64 < x.shape[dim] and x.dtype == "float32":
        return getattr(x, name)(dim, "float64").astype(x.dtype)
    return getattr(x, name)(dim, dtype)


@op(on="")
def cumsum_back(xp, x, /, dim):
    """The sum of each element and those after it along ``dim``."""
    if (out := scan.running_sum(x, dim, back=True)) is not None:
        return out
    turned = (*(slice(None),) * (dim % x.ndim), slice(None, None, -1)) if x.ndim else ...
    result = None if x.dtype == "float32" else x.dtype
    return _in_double(x[turned], dim, result, "cumsum")[turned]


cumsum.gradients(x=lambda ns, g, dim: ns.cumsum_back(g, dim))
cumsum_back.gradients(x=lambda ns, g, dim: ns.cumsum(g, dim))


@op(inplace=True, holomorphic=True)
def cumprod(xp, x, /, dim, dtype=None):
    """The product of each element and those before it along ``dim``.

    >>> fb.tensor([1, 2, 3]).cumprod(0)
    tensor([1, 2, 6])
    """
    if dtype is None and (out := scan.running_product(x, dim)) is not None:
        return out
    _, result = _accumulator(x, dtype)
    return _in_double(x, dim, result, "cumprod")


@cumprod.gradient("x")
def _(ns, g, x, out, dim):
    if not x.ndim:
        return g
    if not ns.any(x == 0):
        return ns.cumsum_back(g * out, dim) / x
    # With zeros: for each i the products with the i-th factor left out, as row i of a square.
    x, g = ns.transpose(x, dim, -1), ns.transpose(g, dim, -1)
    n = x.shape[-1]
    rows = ns.expand(ns.unsqueeze(x, -2), (*x.shape[:-1], n, n))
    eye = ns.diagonal_put(x * 0, (*x.shape[:-1], n, n), 0, -2, -1)  # zeros of the right kind
    on_diagonal = ns.diagonal_put(x * 0 + 1, tuple(eye.shape), 0, -2, -1) == 1
    products = ns.triu(ns.cumprod(ns.where(on_diagonal, 1.0, rows), -1))
    return ns.transpose(ns.sum(products * ns.unsqueeze(g, -2), -1), dim, -1)
