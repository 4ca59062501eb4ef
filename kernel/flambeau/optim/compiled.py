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


class Loop:
    """A compiled step: over the parameter, its gradient, these states, and then numbers.

    ``numbers(t)`` gives those of step t, or ``numbers(t, state)`` where they are each parameter's
    ``own``; ``counted`` says whether steps are.
    """

    def __init__(
        self,
        kernel: Kernel,
        states: tuple[str, ...],
        numbers: Callable[..., tuple[float, ...]],
        counted: bool = True,
        own: bool = False,
    ) -> None:
        self.kernel, self.numbers, self.counted, self.own = kernel, numbers, counted, own
        self.kept = ("step", *states) if counted else states

    def at(self, t: float, state: Any = None) -> tuple[Any, ...]:
        """The numbers of step t as the loop wants them."""
        return tuple(map(np.float32, self.numbers(t, state) if self.own else self.numbers(t)))


class Flat(NamedTuple):
    """What is kept of a parameter between its steps, as long as its arrays are the same."""

    kernel: Kernel
    array: Any  # the parameter's
    states: list[tuple[str, Any]]  # the arrays of its state, that of the step count first
    memory: list[Any]  # those that the loop goes over, as flat arrays


def serve(params: list[Tensor]) -> bool:
    """Whether compiled loops step a group of these parameters."""
    return not exact.enabled and any(p.array.size >= SMALL for p in params) and installed()


def sweep(optimizer: Any, params: list[Tensor], loop: Loop) -> list[Tensor]:
    """Steps the parameters that the loop serves; gives back those that it does not."""
    left, known, states = [], optimizer._flats, optimizer.state
    run, counted, before = loop.kernel.run, loop.counted, -1.0
    numbers = () if counted else loop.at(0.0)
    for p in params:
        if (grad := p._grad) is None:
            continue
        g, flat, state = grad.array, known.get(id(p)), states.get(p)
        if flat is None or not _holds(flat, p, state, loop):
            flat = flattened(known, p, state, loop)
        if flat is None or not _gradient_of(flat.array, g):
            left.append(p)
            continue
        if counted:
            step = flat.states[0][1]
            step[()] = now = step.item() + 1.0
            if now != before or loop.own:
                before, numbers = now, loop.at(now, state)
        array, *rest = flat.memory
        if len(array) < LARGE:
            run(array, g.ravel(), *rest, *numbers)
        else:
            spread(run, len(array), (array, g.ravel(), *rest), *numbers)
        if p._counter is not None:
            p._counter[0] += 1
    return left


def flattened(known: dict[int, Flat], p: Tensor, state: Any, loop: Loop) -> Flat | None:
    """The memory of a parameter and its state as flat arrays; None where a loop cannot take it."""
    known.pop(id(p), None)
    found = [(state or {}).get(name) for name in loop.kept]
    if not all(isinstance(t, Tensor) for t in found):
        return None
    states = [t.array for t in found]  # type: ignore[union-attr]
    memory = [p.array, *states[loop.counted :]]
    if not all(_plain(a) and a.shape == p.array.shape for a in memory):
        return None
    named = list(zip(loop.kept, states, strict=True))
    made = known[id(p)] = Flat(loop.kernel, p.array, named, [a.reshape(-1) for a in memory])
    return made


def _holds(flat: Flat, p: Tensor, state: Any, loop: Loop) -> bool:
    """Whether what was kept is still so: no array has been replaced."""
    if flat.array is not p.array or flat.kernel is not loop.kernel:
        return False
    for name, array in flat.states:  # noqa: SIM110 -- half the time of all()
        if state[name].array is not array:
            return False
    return True


def _gradient_of(p: Any, g: Any) -> bool:
    return g.__class__ is ndarray and g.dtype is _FLOAT32 and g.shape == p.shape


def _plain(a: Any) -> bool:
    if a.__class__ is not ndarray or a.dtype is not _FLOAT32:
        return False
    return bool(a.flags.c_contiguous and a.flags.writeable)
