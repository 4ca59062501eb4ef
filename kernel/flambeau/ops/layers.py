"""What is done around every operation for a kind of array that needs it, from its first use on.

Floats of 16 bits are computed with in float32, and arrays on the device "meta" have no numbers to
compute with. An ordinary program has neither and pays nothing: a layer is put around the forwards
and the gradient rules when the first such array appears.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..autograd.rules import OPS, forget_namespaces


class Layer(NamedTuple):
    """``forward(op)`` gives what stands for ``op.forward``; ``rule(f)`` for a gradient rule."""

    forward: Callable[[Any], Callable[..., Any]]
    rule: Callable[[Callable[..., Any]], Callable[..., Any]]


LAYERS: list[Layer] = []
# What runs in place of a function made of several operations: name -> f(body, args, kwargs).
AROUND: dict[str, Callable[..., Any]] = {}


def put_layer(layer: Layer) -> None:
    """Puts a layer around every operation there is, and around those that come later."""
    LAYERS.append(layer)
    for op in OPS.values():
        op.forward = layer.forward(op)
        op.plans.clear()  # plans made from now on have their rules in layers
    forget_namespaces()
