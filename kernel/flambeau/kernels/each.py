"""Loops that go over all elements, each on its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiled import Kernel
from .gate import _FLOAT32
from .numbers import f32
from .threads import spread


def each(loop: Kernel, *arrays: Any, numbers: Any = ()) -> Any:
    """What ``loop(x, ..., out, *numbers)`` writes into ``out``, an array of the first one's shape.

    The arrays have that shape too, and the loop sees them flat.
    """
    out = np.empty(arrays[0].shape, np.float32)
    run(loop, *arrays, out, numbers=numbers)
    return out


def run(loop: Kernel, *arrays: Any, numbers: Any = ()) -> None:
    """Runs a loop over flat arrays, in threads where they are large; numbers become float32."""
    flat = tuple([a.reshape(-1) for a in arrays])
    if numbers:
        numbers = [f32(v) for v in numbers]
    spread(loop.run, flat[0].size, flat, *numbers)


def dense(g: Any) -> Any:
    """A gradient of float32 in C order: one that repeats a number is written out, once.

    Anything else (a Tensor, another type) comes back as it is.
    """
    if g.__class__ is np.ndarray and g.dtype is _FLOAT32 and not g.flags.c_contiguous:
        return np.ascontiguousarray(g)
    return g
