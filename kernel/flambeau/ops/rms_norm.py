"""Normalisation by size alone."""

from __future__ import annotations

from ..dtypes import float32
from ..limits import finfo
from .norm import _as_shape, _check_last, _scaled
from .promote import only_float
from .registry import function, op


@op(on="", promote=only_float, extras=["rstd"], name="rms_norm", holomorphic=True)
def rms_norm_op(xp, x, weight, /, normalized_shape, eps):
    """Divides by the root of the mean square over the last dimensions."""
    _check_last(x, weight, None, normalized_shape, False)
    axes = tuple(range(-len(normalized_shape), 0))
    square = xp.mean(x * x, axis=axes, keepdims=True)
    rstd = 1 / xp.sqrt(square + x.dtype.type(eps))
    return _scaled(x * rstd, weight, None), rstd


@rms_norm_op.gradient("x", "weight")
def _(ns, g, x, weight, rstd, normalized_shape, eps, needs):
    axes = tuple(range(-len(normalized_shape), 0))
    if ns.taped:
        rstd = ns.rsqrt(ns.mean(x * x, axes, True) + eps)
    normed = x * rstd
    gx = None
    if needs[0]:
        gy = g if weight is None else g * weight
        gx = rstd * (gy - normed * ns.mean(gy * normed, axes, True))
    return gx, g * normed if needs[1] else None


@function(on="fb F")
def rms_norm(input, normalized_shape, weight=None, eps=None):
    """x / sqrt(mean(x²) + eps) · weight over the last dimensions.

    ``eps`` is the dtype's own where None. Mirrors ``torch.nn.functional.rms_norm``.
    """
    if eps is None:
        only_float([input.array])
        eps = finfo(input.dtype if input.dtype.itemsize > 2 else float32).eps
    return rms_norm_op(input, weight, _as_shape(normalized_shape), eps)


@function(on="F")
def normalize(input, p=2.0, dim=1, eps=1e-12):
    """x / max(‖x‖ₚ, eps) along ``dim``. Mirrors ``torch.nn.functional.normalize``.

    >>> nn.functional.normalize(fb.tensor([[3.0, 4.0]]), dim=1)
    tensor([[0.6000, 0.8000]])
    """
    return input / input.norm(p, dim, keepdim=True).clamp(eps)
