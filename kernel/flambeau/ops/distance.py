"""Similarity and distance of vectors, and the losses made of them."""

from __future__ import annotations

from .loss import chosen
from .registry import FUNCTIONS, OPS, function


@function(on="fb F")
def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """x1 · x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)) along ``dim``.

    >>> nn.functional.cosine_similarity(fb.tensor([[1.0, 0.0]]), fb.tensor([[1.0, 1.0]]))
    tensor([0.7071])
    """
    x1, x2 = FUNCTIONS["broadcast_tensors"](x1, x2)
    return (unit(x1, dim, eps) * unit(x2, dim, eps)).sum(dim)


def unit(x, dim, eps):
    """x divided by its length."""
    return x / x.norm(2, dim, keepdim=True).clamp(eps)


@function(on="fb F")
def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """‖x1 - x2 + eps‖ₚ over the last dimension."""
    return (x1 - x2 + eps).norm(p, -1, keepdim)


def _reduce(values, size_average, reduce, reduction):
    reduction = chosen(size_average, reduce, reduction)
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return values if reduction == "none" else getattr(values, reduction)()


@function(on="F")
def cosine_embedding_loss(
    input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction="mean"
):
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1."""
    dim = target.ndim
    if dim > 1 or not input1.ndim == input2.ndim == dim + 1:
        raise RuntimeError(
            f"cosine_embedding_loss: a target of {dim} dimensions (0 or 1) expects inputs of one "
            f"more, but they have sizes {list(input1.shape)} and {list(input2.shape)}"
        )
    top = (input1 * input2).sum(dim)
    lengths = ((input1 * input1).sum(dim) + 1e-12) * ((input2 * input2).sum(dim) + 1e-12)
    cos = top / lengths.sqrt()
    where = OPS["where"]
    near = where(target == 1, 1 - cos, 0.0)
    values = near + where(target == -1, (cos - margin).clamp(0), 0.0)
    return _reduce(values, size_average, reduce, reduction)


@function(on="F")
def hinge_embedding_loss(
    input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"
):
    """x where the target is 1, max(0, margin - x) where it is -1."""
    where = OPS["where"]
    away = where(target != 1, (margin - input).clamp(0), 0.0)
    values = away + where(target != -1, input, 0.0)
    return _reduce(values, size_average, reduce, reduction)


@function(on="F")
def margin_ranking_loss(
    input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction="mean"
):
    """max(0, -target · (input1 - input2) + margin)."""
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            "margin_ranking_loss: All input tensors should have same dimension but got sizes "
            f"{list(input1.shape)}, {list(input2.shape)} and {list(target.shape)}"
        )
    values = (-target * (input1 - input2) + margin).clamp(0)
    return _reduce(values, size_average, reduce, reduction)


@function(on="F")
def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """log(1 + exp(-target · input))."""
    return _reduce(-OPS["logsigmoid"](target * input), size_average, reduce, reduction)


@function(on="F")
def triplet_margin_loss(
    anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, size_average=None,
    reduce=None, reduction="mean",
):  # fmt: skip
    """max(0, ‖anchor - positive‖ - ‖anchor - negative‖ + margin).

    >>> anchor, far = fb.zeros(1, 2), fb.tensor([[0.3, 0.4]])
    >>> nn.functional.triplet_margin_loss(anchor, anchor, far)
    tensor(0.5000)
    """
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: {anchor.ndim}, {positive.ndim} and {negative.ndim}"
        )
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = OPS["minimum"](far, pairwise_distance(positive, negative, p, eps))
    return _reduce((near - far + margin).clamp(0), size_average, reduce, reduction)
