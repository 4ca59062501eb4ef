"""Losses by PyTorch's inner names: the reduction is a number (0: none, 1: mean, 2: sum)."""

from __future__ import annotations

from . import ctc, distance, loss, margin
from .registry import function

_REDUCTIONS = ("none", "mean", "sum")


def _named(reduction):
    if reduction not in (0, 1, 2):
        raise RuntimeError(f"reduction must be 0 (none), 1 (mean) or 2 (sum), not {reduction}")
    return _REDUCTIONS[reduction]


@function(on="fb")
def ctc_loss(
    log_probs, targets, input_lengths, target_lengths, blank=0, reduction=1, zero_infinity=False
):
    """`nn.functional.ctc_loss`."""
    given = (log_probs, targets, input_lengths, target_lengths, blank)
    return ctc.ctc_loss(*given, _named(reduction), zero_infinity)


@function(on="fb")
def kl_div(input, target, reduction=1, *, log_target=False):
    """`nn.functional.kl_div`."""
    return loss.kl_op(input, target, _named(reduction), log_target)


@function(on="fb")
def cosine_embedding_loss(input1, input2, target, margin=0.0, reduction=1):
    """`nn.functional.cosine_embedding_loss`."""
    named = _named(reduction)
    return distance.cosine_embedding_loss(input1, input2, target, margin, reduction=named)


@function(on="fb")
def hinge_embedding_loss(input, target, margin=1.0, reduction=1):
    """`nn.functional.hinge_embedding_loss`."""
    return distance.hinge_embedding_loss(input, target, margin, reduction=_named(reduction))


@function(on="fb")
def margin_ranking_loss(input1, input2, target, margin=0.0, reduction=1):
    """`nn.functional.margin_ranking_loss`."""
    named = _named(reduction)
    return distance.margin_ranking_loss(input1, input2, target, margin, reduction=named)


@function(on="fb")
def triplet_margin_loss(
    anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction=1
):
    """`nn.functional.triplet_margin_loss`."""
    given = (anchor, positive, negative, margin, p, eps, swap)
    return distance.triplet_margin_loss(*given, reduction=_named(reduction))


@function(on="fb")
def binary_cross_entropy_with_logits(input, target, weight=None, pos_weight=None, reduction=1):
    """`nn.functional.binary_cross_entropy_with_logits`."""
    return loss.bce_logits_op(input, target, weight, pos_weight, _named(reduction))


@function(on="fb")
def poisson_nll_loss(input, target, log_input, full, eps, reduction):
    """`nn.functional.poisson_nll_loss`."""
    given = (input, target, log_input, full)
    return margin.poisson_nll_loss(*given, eps=eps, reduction=_named(reduction))
