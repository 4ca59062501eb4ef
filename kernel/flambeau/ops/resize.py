"""Resizing images and signals.

Along one dimension every mode is a table: for each place of the output, some places of the input
and a weight for each. A resize is one pass for each dimension; its gradient is the same pass with
the table turned round.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from math import floor

import numpy as np

from ..tensor import Tensor
from .promote import only_float
from .registry import OPS, function, op


class Table:
    """Where each place of the output comes from: ``places`` and ``weights`` (out, K)."""

    def __init__(self, places, weights, size):
        self.places, self.weights, self.size = places, weights, size

    def in_fixed_point(self):
        """The weights as whole multiples of a power of 1/2, the finest for which 15 bits do."""
        bits = 0
        while bits < 22 and int(0.5 + self.weights.max() * 2 ** (bits + 1)) < 2**15:
            bits += 1
        weights = np.trunc(self.weights * 2**bits + np.copysign(0.5, self.weights)) / 2**bits
        return Table(self.places, weights, self.size)

    @cached_property
    def back(self):
        """For each place of the input, where it goes to."""
        out, count = self.places.shape
        order = np.argsort(self.places, axis=None, kind="stable")
        goes_to = self.places.ravel()[order]
        often = np.bincount(goes_to, minlength=self.size)
        column = np.arange(len(order)) - np.repeat(np.cumsum(often) - often, often)
        places = np.zeros((self.size, max(1, often.max())), "int64")
        weights = np.zeros(places.shape)
        places[goes_to, column] = np.repeat(np.arange(out), count)[order]
        weights[goes_to, column] = self.weights.ravel()[order]
        return Table(places, weights, out)


def _hat(t):
    return np.maximum(1 - np.abs(t), 0)


def _cubic(t, a):
    """Keys' cubic convolution kernel."""
    t = np.abs(t)
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = ((t - 5) * t + 8) * t * a - 4 * a
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


@lru_cache(maxsize=256)
def _table(mode, size, out, step, align_corners, antialias):
    """``step``: how far apart the input places of neighbours in the output are."""
    if mode.startswith("nearest"):
        half = np.float32(mode != "nearest") / 2
        places = np.floor((np.arange(out, dtype="float32") + half) * np.float32(step))
        return Table(np.minimum(places, size - 1).astype("int64")[:, None], np.ones((out, 1)), size)
    if align_corners:
        step = (size - 1) / (out - 1) if out > 1 else 0.0
    if antialias:
        return _smoothed(mode, size, out, step)
    at = np.arange(out) * step if align_corners else (np.arange(out) + 0.5) * step - 0.5
    if mode == "bicubic":
        near, kernel = np.arange(-1, 3), lambda t: _cubic(t, -0.75)
    else:
        at, near, kernel = np.maximum(at, 0), np.arange(2), _hat
    places = np.floor(at)[:, None] + near
    weights = kernel(at[:, None] - places)
    return Table(places.clip(0, size - 1).astype("int64"), weights, size)


def _smoothed(mode, size, out, step):
    """With a kernel as wide as what a place of the output stands for."""
    wide = max(step, 1.0)
    reach = wide * (2 if mode == "bicubic" else 1)
    centre = step * (np.arange(out)[:, None] + 0.5)
    first = np.maximum((centre - reach + 0.5).astype("int64"), 0)
    last = np.minimum((centre + reach + 0.5).astype("int64"), size)
    places = first + np.arange(max(1, (last - first).max()))
    t = (places - centre + 0.5) / wide
    weights = np.where(places < last, _cubic(t, -0.5) if mode == "bicubic" else _hat(t), 0)
    return Table(np.minimum(places, size - 1), weights / weights.sum(1, keepdims=True), size)


@op(on="")
def resample(xp, x, /, dim, table):
    """x with dimension ``dim`` looked up by a table: sums of the places times their weights."""
    out = None
    shape = (-1, *(1,) * (x.ndim - dim - 1))
    for k in range(table.places.shape[1]):
        part = xp.take(x, xp.asarray(table.places[:, k]), axis=dim)
        weight = table.weights[:, k]
        if (weight != 1).any():
            part = part * xp.asarray(weight.astype(x.dtype)).reshape(shape)
        out = part if out is None else out + part
    return out


resample.gradients(x=lambda ns, g, dim, table: ns.resample(g, dim, table.back))


def _resized(input, sizes, steps, mode, align_corners=False, antialias=False):
    whole = input.dtype.name == "uint8" and mode in ("bilinear", "bicubic")
    x = input.double() if whole else input
    each = list(enumerate(zip(sizes, steps, strict=True), 2))
    for dim, (out, step) in reversed(each) if whole else each:
        size = input.shape[dim]
        if min(size, out) < 1:
            raise RuntimeError(
                "interpolate: input and output sizes should be greater than 0, but got "
                f"{tuple(input.shape[2:])} and {tuple(sizes)}"
            )
        table = _table(mode, size, out, step, bool(align_corners), bool(antialias))
        if not whole:
            x = resample(x, dim, table)
        elif size != out:  # bytes are rounded after each dimension
            x = (resample(x, dim, table.in_fixed_point()) + 0.5).floor().clamp(0, 255)
    return x.to(input.dtype) if whole else x


_NEEDED = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}


@function(on="F")
def interpolate(
    input, size=None, scale_factor=None, mode="nearest", align_corners=None,
    recompute_scale_factor=None, antialias=False,
):  # fmt: skip
    """Resizes the dimensions after the second to ``size``, or by ``scale_factor``.

    ``mode`` is nearest, nearest-exact, area, linear (3-D), bilinear, bicubic (4-D) or trilinear
    (5-D). ``antialias`` smooths what is made smaller, in bilinear and bicubic.
    Mirrors ``torch.nn.functional.interpolate``.

    >>> nn.functional.interpolate(fb.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    if align_corners is not None and mode not in _NEEDED:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: "
            "linear | bilinear | bicubic | trilinear"
        )
    sizes, steps = _sizes(input, size, scale_factor, mode == "area" or recompute_scale_factor)
    if recompute_scale_factor and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if antialias and not (mode in ("bilinear", "bicubic") and input.ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D "
            "tensor as input"
        )
    known = (*_NEEDED, "area", "nearest", "nearest-exact")
    if mode not in known or input.ndim not in (3, 4, 5) or _NEEDED.get(mode, input.ndim) != (
        input.ndim
    ):  # fmt: skip
        raise NotImplementedError(
            f"interpolate: mode {mode!r} for a {input.ndim}-D input; there are nearest, "
            "nearest-exact, area, linear (3-D), bilinear and bicubic (4-D) and trilinear (5-D)"
        )
    if input.array.dtype != "uint8":
        only_float([input.array])
    if input.ndim > 1 and input.shape[1] == 0:
        raise RuntimeError(
            f"Non-empty {input.ndim}D data tensor expected but got a tensor with sizes "
            f"{list(input.shape)}"
        )
    if mode == "area":
        return OPS[f"adaptive_avg_pool{input.ndim - 2}d"](input, sizes)
    return _resized(input, sizes, steps, mode, align_corners, antialias)


def _sizes(input, size, scale_factor, recompute):
    """The new sizes, and how far apart the places in the input are that they come from."""
    if (size is None) == (scale_factor is None):
        raise ValueError(
            "only one of size or scale_factor should be defined"
            if size is not None
            else "either size or scale_factor should be defined"
        )
    shape = tuple(input.shape[2:])
    n, given = len(shape), scale_factor if size is None else size
    each = tuple(given) if isinstance(given, (list, tuple)) else (given,) * n
    if len(each) != n:
        raise ValueError(
            f"Input and {'output' if size else 'scale_factor'} must have the same number of "
            f"spatial dimensions, but got input with spatial dimensions of {list(shape)} and "
            f"{list(each)}"
        )
    if size is not None:
        if not all(isinstance(s, (int, np.integer, Tensor)) for s in each):
            raise TypeError(f"expected size to be one of int or a tuple of ints, but got {size!r}")
        sizes = tuple(int(s) for s in each)
        return sizes, [m / max(o, 1) for m, o in zip(shape, sizes, strict=True)]
    sizes = tuple(floor(float(m * s)) for m, s in zip(shape, each, strict=True))
    together = zip(shape, sizes, each, strict=True)
    return sizes, [m / max(o, 1) if recompute else 1 / float(s) for m, o, s in together]


@function(on="F")
def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """The old name of `interpolate`."""
    return interpolate(input, size, scale_factor, mode, align_corners)


@function(on="F")
def upsample_nearest(input, size=None, scale_factor=None):
    """`interpolate` to the nearest place."""
    return interpolate(input, size, scale_factor)


@function(on="F")
def upsample_bilinear(input, size=None, scale_factor=None):
    """`interpolate` of images with the corners aligned."""
    return interpolate(input, size, scale_factor, "bilinear", True)


def _define(mode):
    name = f"_upsample_{mode}2d_aa"

    def body(
        input, output_size, align_corners, scales_h=None, scales_w=None, *, scale_factors=None
    ):
        if output_size is None:
            sizes, steps = _sizes(input, None, scale_factors, False)
        else:
            sizes = tuple(output_size)
            given = zip(input.shape[2:], sizes, scale_factors or (scales_h, scales_w), strict=True)
            steps = [1 / s if s else m / max(o, 1) for m, o, s in given]
        return _resized(input, sizes, steps, mode, align_corners, True)

    body.__name__ = body.__qualname__ = name
    body.__doc__ = f"`interpolate` of images, {mode} and antialiased, by PyTorch's inner name."
    function(body, on="fb")


for _mode in ("bilinear", "bicubic"):
    _define(_mode)
