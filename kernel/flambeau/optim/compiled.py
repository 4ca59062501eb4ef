"""Steps by compiled loops: one pass over a parameter, its gradient and its state.

They serve float32 in main memory, from a parameter's second step on (the first makes its state),
in groups with a parameter large enough. What they leave is stepped by the plain formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..backends import exact
from ..kernels import SMALL, Kernel, spread
from ..kernels.gate import installed
from ..kernels.threads import LARGE
from ..tensor import Tensor

_FLOAT32 = np.dtype(np.float32)


class Loop(NamedTuple):
    """A compiled step: over the parameter, its gradient, these states, and then numbers.

    ``numbers(t)`` gives those of step t; None where steps are not counted.
    """

    kernel: Kernel
    states: tuple[str, ...]
    numbers: Callable[[float], tuple[float, ...]]
    counted: bool = True


class Flat(NamedTuple):
    """A parameter's own array and those of its state, and the same memory as flat arrays."""

    arrays: list[Any]
    flat: list[Any]


def serve(params: list[Tensor]) -> bool:
    """Whether compiled loops step a group of these parameters."""
    return not exact.enabled and any(p.array.size >= SMALL for p in params) and installed()


def sweep(optimizer: Any, params: list[Tensor], loop: Loop) -> list[Tensor]:
    """Steps the parameters that the loop serves; gives back those that it does not."""
    left, known, states = [], optimizer._flats, optimizer.state
    t, numbers = -1.0, ()
    for p in params:
        if (grad := p._grad) is None:
            continue
        state, g = states.get(p), grad.array
        flat = flattened(known, p, state, loop) if g.__class__ is ndarray else None
        if flat is None or g.dtype is not _FLOAT32 or g.shape != p.array.shape:
            left.append(p)
            continue
        now = count(state) if loop.counted else 0.0
        if now != t:
            t, numbers = now, tuple(map(np.float32, loop.numbers(now)))
        move(loop.kernel, flat.flat, g.ravel(), numbers)
        if p._counter is not None:
            p._counter[0] += 1
    return left


def count(state: Any) -> float:
    """Adds one to the state's step count and returns it."""
    step = state["step"].array
    now = float(step) + 1
    step[()] = now
    return now


def move(kernel: Kernel, flat: list[Any], g: Any, numbers: tuple[Any, ...]) -> None:
    """One step of one parameter, by several threads if it is large."""
    p = flat[0]
    if len(p) >= LARGE:
        spread(kernel.run, len(p), (p, g, *flat[1:]), *numbers)
    else:
        kernel.run(p, g, *flat[1:], *numbers)


def flattened(known: dict[int, Flat], p: Tensor, state: Any, loop: Loop) -> Flat | None:
    """The memory of a parameter and its state as flat arrays; None where a loop cannot take it.

    They are kept for the next step, and made anew when an array has been replaced.
    """
    found = known.get(id(p))
    if found is not None and _same(found.arrays, p.array, state, loop.states):
        return found
    known.pop(id(p), None)
    wanted = ("step", *loop.states) if loop.counted else loop.states
    if wanted and not (state and all(isinstance(state.get(name), Tensor) for name in wanted)):
        return None
    arrays = [p.array, *(state[name].array for name in loop.states)]
    if not all(_plain(a) and a.shape == p.array.shape for a in arrays):
        return None
    made = known[id(p)] = Flat(arrays, [a.reshape(-1) for a in arrays])
    return made


def _same(kept: list[Any], p: Any, state: Any, names: tuple[str, ...]) -> bool:
    if kept[0] is not p or len(kept) != len(names) + 1:
        return False
    for i, name in enumerate(names, 1):
        if state[name].array is not kept[i]:
            return False
    return True


def _plain(a: Any) -> bool:
    if a.__class__ is not ndarray or a.dtype is not _FLOAT32:
        return False
    return bool(a.flags.c_contiguous and a.flags.writeable)
