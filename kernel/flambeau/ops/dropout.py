"""Dropout: entries, or whole channels, set to zero at random while training."""

from __future__ import annotations

from math import ceil, prod

import numpy as np

from ..device import of as device_of
from ..kernels import dense, each, fast, spread
from ..kernels import dropout as loops
from ..random import generator_for
from .apply import apply_inplace
from .promote import only_float
from .registry import function, op


def survivors(xp, x, p, dims):
    """For the first ``dims`` dimensions (None: all), which entries stay; each does with 1 - p."""
    dims = x.ndim if dims is None else dims
    shape = (*x.shape[:dims], *(1,) * (x.ndim - dims))
    if xp is not np:
        return generator_for(device_of(x)).random(size=shape, dtype=np.float32) >= p
    if p == 1:
        return np.zeros(shape, bool)
    return _bits(x, prod(shape)).reshape(shape) >= _limit(p)


def _bits(x, count):
    """16 random bits an entry: enough, and four to a number that the generator gives."""
    words = generator_for(device_of(x)).bit_generator.random_raw((count + 3) // 4)
    return words.view(np.uint16)[:count]


def _limit(p):
    return np.uint16(min(ceil(p * 65536), 65535))


@op(on="", name="dropout", promote=only_float, extras=["kept"])
def dropout_op(xp, x, /, p, dims=None):
    """x / (1 - p) where an entry stays, 0 elsewhere."""
    if dims is None and p < 1 and fast(x):
        out, kept = np.empty(x.shape, x.dtype), np.empty(x.shape, bool)
        flat = (x.reshape(-1), _bits(x, x.size), out.reshape(-1), kept.reshape(-1))
        spread(loops.dropout, x.size, flat, _limit(p), np.float32(1 / (1 - p)))
        return out, kept
    kept = survivors(xp, x, p, dims)
    out = x * kept
    if p < 1:
        out *= x.dtype.type(1 / (1 - p))
    return out, kept


@dropout_op.gradient("x")
def _(g, kept, p):
    scale = 1 / (1 - p) if p < 1 else 0.0
    if fast(g := dense(g)) and kept.shape == g.shape:
        return each(loops.dropout_slope, g, kept, numbers=(scale,))
    return g * kept * scale


_FLOOR = -1.0507009873554805 * 1.6732632423543772  # what selu gives for -infinity


@op(on="", name="alpha_dropout", promote=only_float, extras=["kept"])
def alpha_dropout_op(xp, x, /, p, dims=None):
    """Dropout to selu's lowest value, then scaled so that mean and variance stay."""
    kept = survivors(xp, x, p, dims)
    a, b = _alpha_scale(p)
    # In x's own type: a boolean would make a plain number a float64.
    return (x * kept) * a + (~kept).astype(x.dtype) * (a * _FLOOR) + b, kept


def _alpha_scale(p):
    a = ((1 - p) * (1 + p * _FLOOR**2)) ** -0.5 if p < 1 else 0.0
    return a, -a * _FLOOR * p


alpha_dropout_op.gradients(x=lambda g, kept, p: g * kept * _alpha_scale(p)[0])


def run(operation, input, p, training, inplace, dims=None):
    """The dropout, in training; ``dims`` as `survivors` has it."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    if inplace:
        return apply_inplace(operation, (input,), (p, dims))
    return operation(input, p, dims)


@function(on="F")
def dropout(input, p=0.5, training=True, inplace=False):
    """Zeroes each entry with probability p and divides the others by 1 - p, in training.

    Mirrors ``torch.nn.functional.dropout``.

    >>> x = nn.functional.dropout(fb.ones(1000), p=0.5)
    >>> x.unique(), nn.functional.dropout(fb.ones(2), training=False)
    (tensor([0., 2.]), tensor([1., 1.]))
    """
    return run(dropout_op, input, p, training, inplace)


@function(on="F")
def dropout1d(input, p=0.5, training=True, inplace=False):
    """Zeroes whole channels of (N, C, L) or (C, L)."""
    if input.ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D one")
    return run(dropout_op, input, p, training, inplace, max(1, input.ndim - 1))


def _check_features(input):
    if input.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")


@function(on="F")
def dropout2d(input, p=0.5, training=True, inplace=False):
    """Zeroes whole channels of (N, C, H, W)."""
    _check_features(input)
    return run(dropout_op, input, p, training, inplace, 2)


@function(on="F")
def dropout3d(input, p=0.5, training=True, inplace=False):
    """Zeroes whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    return run(dropout_op, input, p, training, inplace, 2 if input.ndim > 4 else 1)


@function(on="F")
def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Dropout that keeps the mean and variance of what selu gives."""
    return run(alpha_dropout_op, input, p, training, inplace)


@function(on="F")
def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Alpha dropout of whole channels."""
    if training and p:
        _check_features(input)
    return run(alpha_dropout_op, input, p, training, inplace, 2)
