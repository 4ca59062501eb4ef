"""Randomized leaky ReLU (Xu et al. 2015)."""

from __future__ import annotations

from ..device import of as device_of
from ..random import generator_for
from .apply import apply_inplace
from .promote import only_float
from .registry import function, op


@op(on="", name="rrelu", promote=only_float, extras=["slope"])
def rrelu_op(xp, x, /, lower, upper):
    """x where positive, else times a slope drawn for each element."""
    drawn = lower + (upper - lower) * generator_for(device_of(x)).random(size=x.shape)
    negative = (x <= 0).astype(x.dtype)
    slope = drawn.astype(x.dtype) * negative + (1 - negative)
    return x * slope, slope


rrelu_op.gradients(x=lambda g, slope: g * slope)


@function(on="fb F")
def rrelu(input, lower=1 / 8, upper=1 / 3, training=False, inplace=False):
    """x for x > 0, a x else; a from U(lower, upper) in training, (lower + upper) / 2 else.

    Mirrors ``torch.nn.functional.rrelu``.
    """
    if lower > upper:
        raise RuntimeError(
            "Lower bound should be less than or equal to the upper bound, got "
            f"{lower} and {upper}"
        )
    middle = (lower + upper) / 2
    settings = (lower, upper) if training else (middle, middle)
    if inplace:
        return apply_inplace(rrelu_op, (input,), settings)
    return rrelu_op(input, *settings)
