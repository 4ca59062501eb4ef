"""The loss of a last linear layer."""

from __future__ import annotations

import warnings
from math import prod

from .classes import cross_entropy
from .registry import OPS, function


def _check(input, weight, bias):
    if input.ndim not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if weight.ndim < 2:
        raise RuntimeError(
            f"expected linear_weight with dimensionality at least 2, got {weight.ndim}"
        )
    if input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{input.shape[-1]} and {weight.shape[-1]}, respectively"
        )
    if bias is not None and tuple(bias.shape) != tuple(weight.shape[:-1]):
        raise RuntimeError(
            f"expected linear_bias shape {tuple(weight.shape[:-1])}, got {tuple(bias.shape)}"
        )
    if weight.ndim > 2 and input.ndim == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(weight.shape)} requires "
            f"batched input, got unbatched input with shape {tuple(input.shape)}"
        )


def _logits(input, weight, bias):
    """input @ weightᵀ + bias: (N, C, ...) with a weight of (C, ..., features)."""
    places = tuple(weight.shape[:-1])
    flat = weight.reshape(prod(places), weight.shape[-1])
    out = OPS["linear"](input, flat, None if bias is None else bias.reshape(prod(places)))
    return out.reshape(*input.shape[:-1], *places)


@function(on="F")
def linear_cross_entropy(
    input, linear_weight, target, *, linear_bias=None, weight=None, reduction="mean",
    ignore_index=None, label_smoothing=0.0, options=None,
):  # fmt: skip
    """`cross_entropy` of `linear`: input (N, features), linear_weight (C, features), target (N).

    ``linear_weight`` of (C, ..., features) gives a loss for each further place. ``options``, which
    in PyTorch save memory by working in chunks, change nothing of the result.
    Mirrors ``torch.nn.functional.linear_cross_entropy``.
    """
    _check(input, linear_weight, linear_bias)
    shape = (*input.shape[:-1], *linear_weight.shape[:-1])
    if tuple(target.shape) == shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    if options is not None and (label_smoothing or linear_weight.ndim > 2):
        warnings.warn(
            "linear_cross_entropy: `options` ignored; chunks are for class indices, a weight of "
            "two dimensions and no label smoothing.",
            stacklevel=3,
        )
    logits = _logits(input, linear_weight, linear_bias)
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(logits, target, weight, None, ignored, None, reduction, label_smoothing)
