"""Distances of all pairs of points, as a table (`cdist`) or as a list (`pdist`)."""

from __future__ import annotations

from ..device import module_of
from ..dtypes import FLOATING
from ..tensor import Tensor, wrap
from .promote import alike
from .registry import function, op

_MODES = (
    "use_mm_for_euclid_dist_if_necessary",
    "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)
_MANY = 25  # from so many points on a matrix product is worth its rounding


@op(on="", promote=alike, backward="EuclideanDistBackward0")
def euclidean(xp, x1, x2, /, by_product):
    """‖x1[i] - x2[j]‖₂, where asked from ‖a‖² - 2 a · b + ‖b‖²."""
    if not by_product:
        away = x1[..., :, None, :] - x2[..., None, :, :]
        return xp.sqrt(xp.sum(away * away, axis=-1))
    ours, theirs = (xp.sum(x * x, axis=-1) for x in (x1, x2))
    product = xp.matmul(x1, x2.swapaxes(-1, -2))
    squares = ours[..., :, None] - 2 * product + theirs[..., None, :]
    return xp.sqrt(xp.maximum(squares, squares.dtype.type(0)))


def _shares(ns, g, out):
    """g / out, and 0 for points that coincide."""
    return ns.where(out == 0, 0.0, g / ns.where(out == 0, 1.0, out))


@euclidean.gradient("x1")
def _(ns, g, x1, x2, out):
    share = _shares(ns, g, out)
    return x1 * ns.sum(share, -1, True) - ns.matmul(share, x2)


@euclidean.gradient("x2")
def _(ns, g, x1, x2, out):
    share = ns.transpose(_shares(ns, g, out), -2, -1)
    return x2 * ns.sum(share, -1, True) - ns.matmul(share, x1)


@op(on="", backward="CdistBackward0")
def lengths(xp, x, /, p):
    """(Σ |x|ᵖ)^(1/p) of each vector; p = 0 counts what is not 0."""
    size = xp.abs(x)
    if not x.shape[-1]:
        return xp.zeros(x.shape[:-1], x.dtype)
    if p == float("inf"):
        return xp.max(size, axis=-1)
    if p == 0:
        return xp.sum(size != 0, axis=-1).astype(x.dtype)
    return xp.sum(size**p, axis=-1) ** (1 / p)


@lengths.gradient("x")
def _(ns, g, x, out, p):
    if p == 0 or not x.shape[-1]:
        return ns.zeros_of(x)
    g, out, size = ns.unsqueeze(g, -1), ns.unsqueeze(out, -1), ns.abs(x)
    if p == float("inf"):
        return ns.sign(x) * (size == out) * g
    if p == 1:
        return ns.sign(x) * g
    safe = ns.where(size == 0, 1.0, size)
    slope = x * safe ** (p - 2) * (g / ns.where(out == 0, 1.0, out) ** (p - 1))
    return ns.where((size == 0) | (out == 0), 0.0, slope)


def _check(name: str, p: float, *points: Tensor) -> None:
    for i, x in enumerate(points, 1):
        if x.array.dtype not in FLOATING or x.is_complex():
            raise RuntimeError(
                f"{name} only supports floating-point dtypes, X{i} got: {x.dtype}; x.float() is one"
            )
    if p < 0:
        raise RuntimeError(f"{name} only supports non-negative p values, got {p}")


@function(on="fb")
def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    """‖x1[i] - x2[j]‖ₚ for each pair of rows: (..., P, M) and (..., R, M) give (..., P, R).

    >>> fb.cdist(fb.tensor([[0.0, 0.0]]), fb.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([[5., 1.]])
    """
    if compute_mode not in _MODES:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode ({_MODES})")
    for i, x in enumerate((x1, x2), 1):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, X{i} got: {x.ndim}D")
    _check("cdist", p, x1, x2)
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}"
        )
    if p == 2:
        many = max(x1.shape[-2], x2.shape[-2]) > _MANY
        return euclidean(x1, x2, compute_mode == _MODES[1] or (many and compute_mode == _MODES[0]))
    return lengths(x1.unsqueeze(-2) - x2.unsqueeze(-3), float(p))


@function(on="fb F")
def pdist(input, p=2.0):
    """The distances of rows i < j of (N, M), in order: N(N - 1)/2 of them."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    _check("pdist", p, input)
    xp = module_of(input.array)
    first, second = (wrap(xp.asarray(i)) for i in xp.triu_indices(len(input), 1))
    return lengths(input[first] - input[second], float(p))
