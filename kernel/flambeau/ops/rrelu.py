"""Randomized leaky ReLU (Xu et al. 2015)."""

from __future__ import annotations

from ..device import of as device_of
from ..random import generator_for
from .apply import apply_inplace
from .promote import only_float
from .registry import function, op


@op(on="", name="rrelu", promote=only_float, extras=["slope"])
def rrelu_op(xp, x, /, lower, upper, generator=None):
    """x where positive, else times a slope drawn for each element."""
    drawn = lower + (upper - lower) * generator_for(device_of(x), generator).random(size=x.shape)
    negative = (x <= 0).astype(x.dtype)
    slope = drawn.astype(x.dtype) * negative + (1 - negative)
    return x * slope, slope


rrelu_op.gradients(x=lambda g, slope: g * slope)


def _run(input, lower, upper, training, inplace, generator):
    if lower > upper:
        raise RuntimeError(
            f"Lower bound should be less than or equal to the upper bound, got {lower} and {upper}"
        )
    middle = (lower + upper) / 2
    settings = (lower, upper, generator) if training else (middle, middle, generator)
    return apply_inplace(rrelu_op, (input,), settings) if inplace else rrelu_op(input, *settings)


@function(on="F")
def rrelu(input, lower=1 / 8, upper=1 / 3, training=False, inplace=False):
    """x for x > 0, a x else; a from U(lower, upper) in training, (lower + upper) / 2 else.

    Mirrors ``torch.nn.functional.rrelu``.
    """
    return _run(input, lower, upper, training, inplace, None)


@function(on="fb", name="rrelu")
def native_rrelu(input, lower=1 / 8, upper=1 / 3, training=False, generator=None):
    """`nn.functional.rrelu`, drawing from a generator of one's own."""
    return _run(input, lower, upper, training, False, generator)


@function(on="fb F")
def rrelu_(input, lower=1 / 8, upper=1 / 3, training=False, generator=None):
    """In-place version of ``rrelu``: writes into the tensor, returns it."""
    return _run(input, lower, upper, training, True, generator)
