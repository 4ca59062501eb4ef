"""Losses of margins and of distributions; each is made of simpler operations."""

from __future__ import annotations

import math

from .distance import _reduce, pairwise_distance
from .loss import check_reduction
from .registry import OPS, function


def _check_reduction(size_average, reduce, reduction):
    if size_average is None and reduce is None:
        check_reduction(reduction)


def _check_classes(target, count):
    if target.dtype.name != "int64":
        raise RuntimeError(f"expected a target of int64 but found {target.dtype}")
    if target.numel() and not 0 <= int(target.min()) <= int(target.max()) < count:
        raise RuntimeError(f"target out of range: there are the classes 0 to {count - 1}")


@function(on="F")
def multi_margin_loss(
    input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"
):
    """Σ over the other classes of max(0, margin - x[target] + x[i])ᵖ, divided by the classes."""
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    if weight is not None and weight.shape[0] != (input.shape[-1] if input.ndim else 1):
        raise RuntimeError(
            f"inconsistent weight size, expected {input.shape[-1:]} but got {list(weight.shape)}"
        )
    _check_reduction(size_average, reduce, reduction)
    single = input.ndim <= 1 and target.ndim == 0
    x, at = (input.reshape(1, -1), target.reshape(-1)) if input.ndim <= 1 else (input, target)
    if x.ndim != 2 or tuple(at.shape) != tuple(x.shape[:1]):
        raise RuntimeError(f"inconsistent target size, got: {list(target.shape)}")
    _check_classes(at, x.shape[1])
    at = at.unsqueeze(1)
    gaps = (margin - x.gather(1, at) + x).clamp(0)
    gaps = gaps * gaps if p == 2 else gaps
    if weight is not None:
        gaps = gaps * weight[at]
    own = x.detach().new_zeros(x.shape).scatter(1, at, 1.0)
    values = (gaps * (1 - own)).sum(1) / x.shape[1]
    return _reduce(values.squeeze(0) if single else values, size_average, reduce, reduction)


@function(on="F")
def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """Σ of max(0, 1 - x[target] + x[other]) over pairs, divided by the classes.

    A row of ``target`` lists classes; what comes after a -1 does not count.
    """
    _check_reduction(size_average, reduce, reduction)
    if target.shape != input.shape or input.ndim > 2 or 0 in input.shape[-1:]:
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}"
        )
    x, classes = (t.reshape(1, -1) if t.ndim < 2 else t for t in (input, target))
    named = (classes >= 0).to(x.dtype).cumprod(1).detach()  # (N, C)
    at = classes.clamp(0)
    zeros = x.detach().new_zeros(x.shape)
    other = (zeros.scatter_add(1, at, named) == 0).to(x.dtype)
    gaps = (1 - x.gather(1, at).unsqueeze(2) + x.unsqueeze(1)).clamp(0)  # (N, target, other)
    values = (gaps * named.unsqueeze(2) * other.unsqueeze(1)).sum((1, 2)) / x.shape[1]
    values = values.squeeze(0) if input.ndim < 2 else values
    return _reduce(values, size_average, reduce, reduction)


@function(on="F")
def multilabel_soft_margin_loss(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean"
):
    """Mean over the classes of -(y log σ(x) + (1 - y) log σ(-x))."""
    log = OPS["logsigmoid"]
    values = -(target * log(input) + (1 - target) * log(-input))
    values = values if weight is None else values * weight
    return _reduce(values.mean(-1), size_average, reduce, reduction)


@function(on="F")
def poisson_nll_loss(
    input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None,
    reduction="mean",
):  # fmt: skip
    """exp(x) - y x, or x - y log(x + eps) without ``log_input``; ``full`` adds log(y!).

    >>> nn.functional.poisson_nll_loss(fb.tensor([0.0]), fb.tensor([3.0]))
    tensor(1.)
    """
    if log_input:
        values = input.exp() - target * input
    else:
        values = input - target * (input + eps).log()
    if full:  # by Stirling's formula
        big = target.clamp(1)
        more = big * big.log() - big + 0.5 * (2 * math.pi * big).log()
        values = values + OPS["where"](target > 1, more, 0.0)
    return _reduce(values, size_average, reduce, reduction)


def _one_repeats(shape, of):
    """Whether ``of`` broadcasts to the shape along one dimension."""
    return len(shape) == len(of) and [b for a, b in zip(shape, of, strict=True) if a != b] == [1]


@function(on="F")
def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """(log v + (x - y)² / v) / 2 with v = max(var, eps); ``full`` adds log(2π) / 2.

    >>> nn.functional.gaussian_nll_loss(fb.zeros(1), fb.tensor([2.0]), fb.tensor([4.0]))
    tensor(1.1931)
    """
    if isinstance(var, (int, float)):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = input.detach().new_full((), var).expand(input.shape)
    elif (var < 0).any():
        raise ValueError("var has negative entry/entries")
    if var.shape != input.shape:
        if tuple(input.shape[:-1]) == tuple(var.shape):
            var = var.unsqueeze(-1)
        elif not _one_repeats(tuple(input.shape), tuple(var.shape)):
            raise ValueError("var is of incorrect size")
    var = var + (var.clamp(eps) - var).detach()  # the gradient of var itself, as in PyTorch
    d = input - target
    values = 0.5 * (var.log() + d * d / var)
    if full:
        values = values + 0.5 * math.log(2 * math.pi)
    return _reduce(values, None, None, reduction)


@function(on="F")
def triplet_margin_with_distance_loss(
    anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"
):
    """max(0, d(anchor, positive) - d(anchor, negative) + margin) for any distance d."""
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = OPS["minimum"](far, distance(positive, negative))
    return _reduce((near - far + margin).clamp(0), None, None, reduction)
