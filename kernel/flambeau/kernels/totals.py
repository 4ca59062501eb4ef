"""The largest and smallest of many numbers, and sums that stay accurate."""

from __future__ import annotations

from .compiled import kernel
from .numbers import f32, i32

_LOWEST = i32(-(2**31))


@kernel
def rank(x):
    """An int32 for a float32, in the same order; undone by `from_rank`.

    The bits of a float grow with its size; of a negative one, those but the sign are turned over.
    Loops for the largest integer run in vector registers, those for the largest float do not.
    A NaN comes out above all numbers or, with a sign, below them.
    """
    bits = f32(x).view(i32)
    return bits ^ ((bits >> i32(31)) & i32(0x7FFFFFFF))


@kernel
def from_rank(bits):
    """The float32 of a rank."""
    return i32(bits ^ ((bits >> i32(31)) & i32(0x7FFFFFFF))).view(f32)


@kernel
def largest(x):
    """The largest element, where there is no NaN; with one, anything."""
    top = _LOWEST
    for i in range(len(x)):
        top = max(top, rank(x[i]))
    return from_rank(top)


@kernel
def total(x):
    """The sum: of each 4,096 elements in float32, in many parts at once, and those in float64."""
    whole = 0.0
    for start in range(0, len(x), 4096):
        block = x[start : start + 4096]
        part = f32(0)
        for i in range(len(block)):
            part += block[i]
        whole += part
    return whole


@kernel
def total_product(x, y):
    """The sum of x · y, likewise."""
    whole = 0.0
    for start in range(0, len(x), 4096):
        a, b = x[start : start + 4096], y[start : start + 4096]
        part = f32(0)
        for i in range(len(a)):
            part += a[i] * b[i]
        whole += part
    return whole
