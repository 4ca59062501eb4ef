"""Losses over each element: how far a prediction is from its target."""

from __future__ import annotations

import warnings
from math import nan, prod

from ..errors import BadValue
from ..kernels import each, fast
from ..kernels import loss as loops
from .promote import alike, only_float, same
from .registry import function, op

_REDUCTIONS = ("mean", "sum", "none")


def check_reduction(reduction):
    """ValueError unless it is one of the three there are."""
    if reduction not in _REDUCTIONS:
        raise BadValue(f"{reduction!r} is not a valid value for reduction; there are {_REDUCTIONS}")


def reduced(xp, values, reduction):
    """All values as they are, their sum or their mean."""
    check_reduction(reduction)
    if reduction == "mean":
        if not values.size:
            return values.sum() * values.dtype.type("nan")
        # NumPy's mean of float32 is this, but for a longer way there.
        return values.sum() / values.size if values.dtype.char in "fd" else xp.mean(values)
    return values.sum() if reduction == "sum" else values


def shared(g, count, reduction):
    """The gradient of each value when ``g`` is that of the reduced one."""
    return g * (1 / count) if reduction == "mean" and count else g


def chosen(size_average, reduce, reduction):
    """The reduction that PyTorch's two old flags mean, where they are given."""
    if size_average is None and reduce is None:
        return reduction
    meant = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{meant}' instead.",
        stacklevel=4,
    )
    return meant


def _same_size(input, target):
    if target.shape != input.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size.",
            stacklevel=4,
        )


# Of each element's difference


def _floats(arrays):
    """In their common type, which has to hold floats."""
    return only_float(same(arrays))


@op(on="", promote=_floats, name="mse_loss")
def mse_op(xp, x, y, /, reduction):
    """(x - y)²."""
    if summable(x, y, reduction):
        return total(loops.squares, x, y, reduction)
    d = x - y
    return reduced(xp, d * d, reduction)


def summable(x, y, reduction):
    """Whether compiled loops add up a loss of x and y."""
    return reduction in ("mean", "sum") and x.shape == y.shape and fast(x, y)


def total(loop, x, y, reduction, *numbers):
    """The sum or mean that a loop finds."""
    found = loops.summed(loop, x, y, *numbers)
    return x.dtype.type(found / x.size if reduction == "mean" else found)


def scaled_slope(loop, g, x, y, reduction, *numbers):
    """The gradient of x from a loop for the slope."""
    scale = g / x.size if reduction == "mean" else g
    return each(loop, x, y, numbers=(scale, *numbers))


@mse_op.gradient("x", "y")
def _(g, x, y, reduction, needs):
    if summable(x, y, reduction):
        return opposite(scaled_slope(loops.squares_slope, g, x, y, reduction), needs)
    d = x - y
    return opposite(shared(g, prod(d.shape), reduction) * (d * 2), needs)


def opposite(gx, needs):
    """Both gradients of what depends on x - y."""
    return gx, -gx if needs[1] else None


@op(on="", promote=same, name="l1_loss")
def l1_op(xp, x, y, /, reduction):
    """|x - y|."""
    if reduction == "mean":
        only_float([x])
    if summable(x, y, reduction):
        return total(loops.distances, x, y, reduction)
    return reduced(xp, xp.abs(x - y), reduction)


@l1_op.gradient("x", "y")
def _(ns, g, x, y, reduction, needs):
    if summable(x, y, reduction):
        return opposite(scaled_slope(loops.distances_slope, g, x, y, reduction), needs)
    d = x - y
    return opposite(shared(g, prod(d.shape), reduction) * ns.sgn(d), needs)


@op(on="", promote=_floats, name="huber_loss")
def huber_op(xp, x, y, /, reduction, delta):
    """(x - y)² / 2 near the target, delta · (|x - y| - delta / 2) further out."""
    if summable(x, y, reduction):
        return total(loops.huber, x, y, reduction, delta)
    d = xp.abs(x - y)
    near = xp.minimum(d, delta)
    return reduced(xp, near * (d - 0.5 * near), reduction)


@huber_op.gradient("x", "y")
def _(ns, g, x, y, reduction, delta, needs):
    if summable(x, y, reduction):
        return opposite(scaled_slope(loops.huber_slope, g, x, y, reduction, delta), needs)
    d = x - y
    return opposite(shared(g, prod(d.shape), reduction) * ns.clamp(d, -delta, delta), needs)


@op(on="", promote=_floats, name="smooth_l1_loss")
def smooth_l1_op(xp, x, y, /, reduction, beta):
    """(x - y)² / (2 beta) near the target, |x - y| - beta / 2 further out."""
    return huber_op.forward(xp, x, y, reduction, beta) / beta


@smooth_l1_op.gradient("x", "y")
def _(ns, g, x, y, reduction, beta, needs):
    if summable(x, y, reduction):
        return opposite(scaled_slope(loops.huber_slope, g / beta, x, y, reduction, beta), needs)
    d = x - y
    return opposite(shared(g, prod(d.shape), reduction) * ns.clamp(d / beta, -1.0, 1.0), needs)


@function(on="F")
def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """Mean of (input - target)². Mirrors ``torch.nn.functional.mse_loss``.

    >>> nn.functional.mse_loss(fb.tensor([1.0, 2.0]), fb.tensor([1.0, 4.0]))
    tensor(2.)
    """
    _same_size(input, target)
    return _weighted(mse_op, input, target, chosen(size_average, reduce, reduction), weight)


def _weighted(loss, input, target, reduction, weight, *settings):
    if weight is None:
        return loss(input, target, reduction, *settings)
    values = loss(input, target, "none", *settings) * weight
    if reduction == "mean":
        return values.sum() / weight.expand(values.shape).sum()
    return values.sum() if reduction == "sum" else values


@function(on="F")
def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """Mean of |input - target|. Mirrors ``torch.nn.functional.l1_loss``.

    >>> nn.functional.l1_loss(fb.tensor([1.0, 2.0]), fb.tensor([1.0, 4.0]), reduction="sum")
    tensor(2.)
    """
    _same_size(input, target)
    return _weighted(l1_op, input, target, chosen(size_average, reduce, reduction), weight)


@function(on="F")
def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """Mean of d² / (2 beta) where d = |input - target| < beta, d - beta / 2 elsewhere.

    >>> nn.functional.smooth_l1_loss(fb.tensor([0.5, 4.0]), fb.zeros(2), reduction="none")
    tensor([0.1250, 3.5000])
    """
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    _same_size(input, target)
    reduction = chosen(size_average, reduce, reduction)
    return smooth_l1_op(input, target, reduction, beta) if beta else l1_op(input, target, reduction)


@function(on="F")
def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """Mean of d² / 2 where d = |input - target| < delta, delta · (d - delta / 2) elsewhere.

    >>> nn.functional.huber_loss(fb.tensor([4.0]), fb.zeros(1), delta=2.0)
    tensor(6.)
    """
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    _same_size(input, target)
    return _weighted(huber_op, input, target, reduction, weight, delta)


# Of probabilities


def _times(values, weight):
    return values if weight is None else values * weight


@op(on="", promote=alike, name="binary_cross_entropy")
def bce_op(xp, x, y, weight, /, reduction):
    """-(y log x + (1 - y) log(1 - x)), each logarithm kept above -100."""
    if x.shape != y.shape:
        raise BadValue(
            f"Using a target size ({list(y.shape)}) that is different to the input size "
            f"({list(x.shape)}) is deprecated. Please ensure they have the same size."
        )
    if x.size and not (x.min() >= 0 and x.max() <= 1):
        raise RuntimeError("all elements of input should be between 0 and 1")
    yes, no = xp.maximum(xp.log(x), -100), xp.maximum(xp.log1p(-x), -100)
    return reduced(xp, _times((y - 1) * no - y * yes, weight), reduction)


@bce_op.gradient("x", "y")
def _(ns, g, x, y, weight, reduction, needs):
    g = _times(shared(g, prod(x.shape), reduction), weight)
    gx = g * ((x - y) / ns.clamp(x * (1 - x), 1e-12)) if needs[0] else None
    gy = None
    if needs[1]:
        gy = g * (ns.clamp(ns.log1p(-x), -100.0) - ns.clamp(ns.log(x), -100.0))
    return gx, gy


@function(on="F")
def binary_cross_entropy(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean"
):
    """Mean of -(y log x + (1 - y) log(1 - x)) for probabilities x and targets y.

    >>> nn.functional.binary_cross_entropy(fb.tensor([0.5, 0.9]), fb.tensor([1.0, 1.0]))
    tensor(0.3993)
    """
    return bce_op(input, target, weight, chosen(size_average, reduce, reduction))


@op(on="", promote=same, name="binary_cross_entropy_with_logits")
def bce_logits_op(xp, x, y, weight, pos_weight, /, reduction):
    """The same of sigmoid(x), without overflow: (1 - y) x + (1 + (p - 1) y) log(1 + exp(-x))."""
    if x.shape != y.shape:
        raise BadValue(
            f"Target size ({list(y.shape)}) must be the same as input size ({list(x.shape)})"
        )
    if weight is None and pos_weight is None and summable(x, y, reduction):
        return total(loops.with_logits, x, y, reduction)
    rest = _log1p_exp_minus(xp, x)
    if pos_weight is not None:
        rest = rest * ((pos_weight - 1) * y + 1)
    return reduced(xp, _times((1 - y) * x + rest, weight), reduction)


def _log1p_exp_minus(xp, x):
    return xp.log1p(xp.exp(-xp.abs(x))) - xp.minimum(x, 0)


@bce_logits_op.gradient("x", "y")
def _(ns, g, x, y, weight, pos_weight, reduction, needs):
    plain = weight is None and pos_weight is None and not needs[1]
    if plain and summable(x, y, reduction):
        return scaled_slope(loops.with_logits_slope, g, x, y, reduction), None
    g = _times(shared(g, prod(x.shape), reduction), weight)
    gx = gy = None
    if needs[0] and pos_weight is None:
        gx = g * (ns.sigmoid(x) - y)
    elif needs[0]:
        gx = g * (1 - y - ns.sigmoid(-x) * ((pos_weight - 1) * y + 1))
    if needs[1]:
        gy = -x if pos_weight is None else -x - (pos_weight - 1) * ns.logsigmoid(x)
        gy = g * gy
    return gx, gy


@function(on="F")
def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    """Binary cross-entropy of sigmoid(input), without overflow.

    ``pos_weight`` multiplies the part of the targets that are 1. Mirrors
    ``torch.nn.functional.binary_cross_entropy_with_logits``.

    >>> nn.functional.binary_cross_entropy_with_logits(fb.tensor([0.0]), fb.tensor([1.0]))
    tensor(0.6931)
    """
    reduction = chosen(size_average, reduce, reduction)
    return bce_logits_op(input, target, weight, pos_weight, reduction)


@op(on="", promote=_floats, name="kl_div")
def kl_op(xp, x, y, /, reduction, log_target):
    """y (log y - x), where y is given as it is or as its logarithm."""
    if log_target:
        return reduced(xp, xp.exp(y) * (y - x), reduction)
    log_y = xp.log(xp.where(y == 0, y.dtype.type(1), y))  # 0 log 0 is 0; below 0 there is none
    return reduced(xp, y * (log_y - x), reduction)


@kl_op.gradient("x", "y")
def _(ns, g, x, y, reduction, log_target, needs):
    shape = tuple((x - y).shape)
    g = shared(g, prod(shape), reduction)
    p = ns.exp(y) if log_target else y
    gy = None
    if needs[1]:
        gy = g * (p * (y - x + 1) if log_target else ns.where(y > 0, ns.log(y) - x + 1, nan))
    return ns.expand(-g * p, shape) if needs[0] else None, gy


@function(on="F")
def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """Kullback-Leibler divergence of ``target`` from exp(input): y (log y - input).

    "batchmean" divides the sum by the batch size. Mirrors ``torch.nn.functional.kl_div``.

    >>> p = fb.tensor([[0.5, 0.5]])
    >>> nn.functional.kl_div(p.log(), fb.tensor([[1.0, 0.0]]), reduction="batchmean")
    tensor(0.6931)
    """
    old = size_average is not None or reduce is not None
    reduction = chosen(size_average, reduce, reduction)
    if reduction == "batchmean":
        return kl_op(input, target, "sum", log_target) / max(1, input.shape[0] if input.ndim else 1)
    if reduction == "mean" and not old:
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. "
            "'batchmean' divides only by the batch size, and aligns with the KL div definition.",
            stacklevel=3,
        )
    return kl_op(input, target, reduction, log_target)
