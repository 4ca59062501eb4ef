"""Operations that make one number of many: over one dimension, several or all."""

from __future__ import annotations

from math import prod as prod_

import numpy as np
from numpy import ndarray

from .. import dtypes
from ..dtypes import FLOATING, floating
from ..kernels import SMALL, dense, fast, softmax, softmax_middle
from ..kernels import reduce as loops
from ..kernels import spread as in_threads
from ..kernels.folded import folded, reduced
from ..kernels.ones import small_sum
from .registry import function, op


def axes(dim):
    """PyTorch's ``dim`` as NumPy's axis: None and () mean all."""
    if isinstance(dim, (list, tuple)):
        return tuple(dim) or None
    return dim


def whole(dim):
    """None, for what has no dimensions; IndexError if ``dim`` is none that it could have."""
    for one in axes(dim) if isinstance(dim, (list, tuple)) and dim else (dim,):
        if one is not None and one != () and one not in (0, -1):
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-1, 0], but got {one})"
            )
    return


def kept_shape(shape, dim):
    """The shape with the reduced dimensions kept as 1."""
    dim = axes(dim)
    if dim is None:
        return (1,) * len(shape)
    reduced = {d % len(shape) for d in (dim if isinstance(dim, tuple) else (dim,))} if shape else ()
    return tuple(1 if i in reduced else n for i, n in enumerate(shape))


def unreduce(ns, g, x_shape, dim, keepdim):
    """A reduced value with its dimensions back as 1, ready to broadcast against x."""
    return g if keepdim or not x_shape else ns.reshape(g, kept_shape(x_shape, dim))


def spread(ns, g, x_shape, dim, keepdim):
    """A reduced value repeated to the shape of x."""
    return ns.expand(unreduce(ns, g, x_shape, dim, keepdim), tuple(x_shape))


def count(shape, dim):
    """How many elements are reduced to one."""
    if dim.__class__ is int and shape:
        return shape[dim]
    if dim is None:
        return prod_(shape)
    total = 1
    for n, kept in zip(shape, kept_shape(shape, dim), strict=True):
        total *= n if kept == 1 else 1
    return total


_WIDE = frozenset(dtypes.of(name).numpy for name in ("f4", "f8", "c8", "c16"))


def _accumulator(x, dtype):
    """The type to add up in, and the type of the result; None for x's own."""
    if dtype is None and x.dtype in _WIDE:  # the usual case, cheaply
        return None, None
    result = dtypes.of(dtype).numpy if dtype is not None else x.dtype
    if dtype is None and x.dtype.kind in "biu":
        result = dtypes.int64.numpy
    return ("float32" if result == "float16" else result), result


def total(x, dim, keepdim, inner=None):
    """The sum of an array over ``dim``, in the way that is fastest for it."""
    if inner is None and x.size < SMALL:
        found = small_sum(x, dim, keepdim)
        if found is not None:
            return found
    elif inner is None and fast(x):
        found = reduced(x, axes(dim), keepdim, loops.sums, loops.middle_sums)
        if found is not None:
            return found
    return x.sum(axis=dim if dim.__class__ is int else axes(dim), dtype=inner, keepdims=keepdim)


def shared(x, n):
    """x / n, with the number as an array, which NumPy computes with in half the time."""
    return x / np.asarray(n, x.dtype) if x.__class__ is ndarray else x / n


def _as(x, dtype):
    return x if dtype is None else x.astype(dtype, copy=False)


@op
def sum(xp, x, /, dim=None, keepdim=False, dtype=None):
    """Sum over ``dim`` (all dimensions where None).

    >>> fb.ones(2, 3).sum(1)
    tensor([3., 3.])
    """
    if dtype is None and x.dtype in _WIDE:  # the usual case, cheaply
        return total(x, dim, keepdim)
    inner, result = _accumulator(x, dtype)
    return _as(total(x, dim, keepdim, inner), result)


sum.gradients(x=lambda ns, g, x_shape, dim, keepdim: spread(ns, g, x_shape, dim, keepdim))


@op(on="")
def sum_to(xp, x, /, shape):
    """Undoes broadcasting: sums over the dimensions that broadcasting to ``shape`` had added.

    ``shape`` may have more dimensions of 1 in front, as a value written to ``y[0]`` may.
    """
    extra = x.ndim - len(shape)
    if extra > 0 and x.shape[extra:] == shape:  # the usual case: of a bias, or of a number
        return total(x, 0 if extra == 1 else tuple(range(extra)) if shape else None, False)
    x = x.reshape((1,) * -extra + x.shape)
    extra = max_(extra, 0)
    where = [i for i in range(x.ndim) if i < extra or shape[i - extra] == 1 != x.shape[i]]
    return total(x, tuple(where), True).reshape(shape) if where else x.reshape(shape)


@sum_to.gradient()
def _(ns, g, x_shape):
    in_front = max(0, len(g.shape) - len(x_shape))
    return ns.expand(ns.reshape(g, tuple(g.shape)[in_front:]) if in_front else g, x_shape)


@op
def mean(xp, x, /, dim=None, keepdim=False, dtype=None):
    """Mean over ``dim`` (all dimensions where None).

    >>> fb.tensor([[1.0, 2.0], [3.0, 6.0]]).mean(0, keepdim=True)
    tensor([[2., 4.]])
    """
    if dtype is None and x.dtype in _WIDE:
        return shared(total(x, dim, keepdim), x.size if dim is None else count(x.shape, dim))
    if dtype is None and x.dtype not in FLOATING:
        raise RuntimeError(
            f"could not infer output dtype: a mean is a float, and the input holds {x.dtype.name}; "
            "use x.float().mean()"
        )
    if dtype is not None and dtypes.of(dtype).numpy not in FLOATING:
        raise RuntimeError(f"could not infer output dtype: a mean is a float, not {dtype}")
    inner, result = _accumulator(x, dtype)
    return _as(total(x, dim, keepdim, inner) / count(x.shape, dim), result)


@mean.gradient("x")
def _(ns, g, x_shape, dim, keepdim):
    n = max_(count(x_shape, dim), 1)
    return spread(ns, g / n if ns.taped else shared(g, n), x_shape, dim, keepdim)


max_ = max  # the name is taken by an operation in this package


@op
def nansum(xp, x, /, dim=None, keepdim=False, dtype=None):
    """Sum over ``dim``, with NaN counted as 0."""
    if x.dtype.kind == "c":
        raise RuntimeError("nansum does not support complex inputs")
    inner, result = _accumulator(x, dtype)
    return _as(xp.nansum(x, axis=axes(dim), keepdims=keepdim, dtype=inner), result)


@nansum.gradient("x")
def _(ns, g, x, dim, keepdim):
    return ns.where(ns.isnan(x), 0.0, spread(ns, g, x.shape, dim, keepdim))


def moments(xp, x, dim):
    """Mean and x - mean, at least in float32, over ``dim`` kept as 1."""
    x = x.astype("float32") if x.dtype.char == "e" else x
    n = count(x.shape, dim)
    if not n or x.dtype not in _WIDE:
        middle = xp.mean(x, axis=axes(dim), keepdims=True)
    else:
        middle = shared(total(x, dim, True), n)
    return middle, x - middle


def _variance(xp, x, dim, correction, keepdim):
    if x.dtype not in FLOATING:
        raise RuntimeError(f"std and var only support floating point tensors, not {x.dtype.name}")
    dim = dim if x.ndim else whole(dim)
    return shared(_squares(xp, x, dim, keepdim), max_(count(x.shape, dim) - correction, 0))


def _squares(xp, x, dim, keepdim):
    """Σ |x - mean|²."""
    if fast(x) and (shape := folded(x.shape, axes(dim))):
        about = ()
        if shape[2] > 1:
            means = total(x, dim, False) * x.dtype.type(1 / shape[1])
            about = (means.reshape(shape[0], shape[2]),)
        return _square_sums(x, dim, keepdim, loops.centred_sums, *about)
    _, away = moments(xp, x, dim)
    squares = (away * away.conj()).real if x.dtype.kind == "c" else away * away
    return total(squares, dim, keepdim)


def _square_sums(x, dim, keepdim, of_rows, *about):
    """Σ (x - about)², where ``about`` is needed: for what is not a row."""
    middle = lambda x, out, *_: loops.middle_square_sums(x, out, *about)  # noqa: E731
    return reduced(x, axes(dim), keepdim, of_rows, middle)


@op(on="", name="var")
def var_op(xp, x, /, dim, correction, keepdim):
    """Σ |x - mean|² / (n - correction)."""
    found = _variance(xp, x, dim, correction, keepdim)
    return found if found.dtype is x.dtype else found.astype(x.real.dtype, copy=False)


@var_op.gradient("x")
def _(ns, g, x, dim, correction, keepdim):
    g = unreduce(ns, g, x.shape, dim, keepdim)
    n = max_(count(x.shape, dim) - correction, 0)
    return g * ((x - ns.mean(x, dim, True)) * (2 / n if n else float("nan")))


@op(on="", name="std")
def std_op(xp, x, /, dim, correction, keepdim):
    """The square root of the variance."""
    found = xp.sqrt(_variance(xp, x, dim, correction, keepdim))
    return found if found.dtype is x.dtype else found.astype(x.real.dtype, copy=False)


@std_op.gradient("x")
def _(ns, g, x, out, dim, correction, keepdim):
    g = unreduce(ns, ns.where(out == 0, 0.0, g / out), x.shape, dim, keepdim)
    n = max_(count(x.shape, dim) - correction, 0)
    return g * ((x - ns.mean(x, dim, True)) * (1 / n if n else float("nan")))


def _options(dim, unbiased, keepdim, correction):
    """Sorts out PyTorch's two calls, ``var(dim, unbiased)`` and ``var(unbiased)``."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError("unbiased and correction say the same thing; give one of them")
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    return axes(dim), correction, keepdim


@function
def var(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """Σ (x - mean)² / (n - correction); correction 1, or 0 with ``unbiased=False``.

    >>> fb.tensor([1.0, 3.0]).var(), fb.tensor([1.0, 3.0]).var(unbiased=False)
    (tensor(2.), tensor(1.))
    """
    return var_op(input, *_options(dim, unbiased, keepdim, correction))


@function
def std(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """√(Σ (x - mean)² / (n - correction)); correction 1, or 0 with ``unbiased=False``.

    >>> fb.tensor([1.0, 2.0, 3.0]).std()
    tensor(1.)
    """
    return std_op(input, *_options(dim, unbiased, keepdim, correction))


@function(on="fb")
def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """Variance and mean together."""
    dim, correction, keepdim = _options(dim, unbiased, keepdim, correction)
    return var_op(input, dim, correction, keepdim), mean(input, dim, keepdim)


@function(on="fb")
def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """Standard deviation and mean together."""
    dim, correction, keepdim = _options(dim, unbiased, keepdim, correction)
    return std_op(input, dim, correction, keepdim), mean(input, dim, keepdim)


@op(on="", name="norm", backward="LinalgVectorNormBackward0")
def norm_op(xp, x, /, p, dim, keepdim):
    """(Σ |x|ᵖ)^(1/p)."""
    if x.dtype not in FLOATING:
        raise RuntimeError(f"a norm is a float, and the input holds {x.dtype.name}; use x.float()")
    if p in (1, 2) and fast(x) and (shape := folded(x.shape, axes(dim))):
        if p == 2:
            zeros = np.zeros((shape[0], shape[2]), np.float32)
            return np.sqrt(_square_sums(x, dim, keepdim, loops.square_sums, zeros))
        if shape[2] == 1:
            return reduced(x, axes(dim), keepdim, loops.absolute_sums, None)
    if p == 2 and x.dtype in _WIDE and x.dtype.kind == "f":  # the usual case, cheaply
        return xp.sqrt(total(x * x, dim, keepdim))
    size, along = xp.abs(x), {"axis": axes(dim), "keepdims": keepdim}
    if p == 2:
        out = xp.sqrt(xp.sum(size * size, **along))
    elif p == float("inf"):
        out = xp.max(size, **along)
    elif p == -float("inf"):
        out = xp.min(size, **along)
    elif p == 0:
        out = xp.sum(size != 0, **along)
    else:
        out = xp.sum(size if p == 1 else size**p, **along) ** (1 / p)
    return xp.asarray(out).astype(x.real.dtype, copy=False)


@norm_op.gradient("x")
def _(ns, g, x, out, p, dim, keepdim):
    g, out = (unreduce(ns, v, x.shape, dim, keepdim) for v in (g, out))
    if p == 2:  # at the origin the slope is taken as 0
        return x * ns.where(out == 0, 0.0, g / out)
    if p == 1:
        return ns.sgn(x) * g
    if p == 0:
        return ns.zeros_of(x)
    if abs(p) == float("inf"):
        largest = ns.abs(x) == out
        return ns.sgn(x) * largest * (g / ns.sum(largest, dim, True))
    size = ns.abs(x)
    slope = x * size ** (p - 2) * (g / out ** (p - 1))
    return (
        ns.where((out == 0) | (size == 0), 0.0, slope) if p < 2 else ns.where(out == 0, 0.0, slope)
    )


@op(holomorphic=True)
def logsumexp(xp, x, /, dim, keepdim=False):
    """log Σ exp(x), without overflow.

    >>> fb.tensor([1000.0, 1000.0]).logsumexp(0)
    tensor(1000.6932)
    """
    x = floating(x)
    if fast(x) and folded(x.shape, axes(dim)):
        return reduced(x, axes(dim), keepdim, softmax.log_sums, softmax_middle.log_sums)
    line, axis = (x, axes(dim)) if x.ndim else (x.reshape(1), axes(dim) or 0)
    top = xp.max(line.real, axis=axis, keepdims=True, initial=-xp.inf)
    top = xp.where(xp.isfinite(top), top, top.dtype.type(0))
    mass = total(xp.exp(line - top), axis, True)
    out = xp.log(mass) + top
    if not keepdim or not x.ndim:
        out = out.squeeze(axis if axis is not None else tuple(range(line.ndim)))
    return out.astype(x.dtype, copy=False)


@logsumexp.gradient("x")
def _(ns, g, x, out, dim, keepdim):
    if fast(x) and (shape := folded(x.shape, axes(dim))):
        return _shares(dense(g), x, out, shape)
    g, out = (unreduce(ns, v, x.shape, dim, keepdim) for v in (g, out))
    return g * ns.exp(x - out)


def _shares(g, x, out, shape):
    """g · exp(x - out) in one loop."""
    gx, rows = np.empty(x.shape, x.dtype), shape[2] == 1
    small, large = (shape[0], shape[2])[: 2 - rows], shape[: 3 - rows]
    given = (x.reshape(large), g.reshape(small), out.reshape(small), gx.reshape(large))
    in_threads(loops.shares if rows else loops.middle_shares, x.size, given)
    return gx
