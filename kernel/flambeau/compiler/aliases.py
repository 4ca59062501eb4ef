"""Arguments that a function also reaches in another way, or whose memory a program writes.

A program knows arrays, not names. Where an argument is also a tensor that the function reads by
name (``f(weight)``, and f reads ``weight``), its program serves only calls in which that is so
again. Where an argument shares memory with what the program writes, the call runs eagerly.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..nn.module import Module
from ..tensor import Tensor

_DEPTH = 4  # from an optimizer to its parameters: groups, group, list, parameter


def owner(array: Any) -> Any:
    """What the memory of an array belongs to."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array if array.base is None else array.base


def reached(roots: Iterable[Any], most: int) -> dict[int, Tensor]:
    """The tensors in values, containers and objects, by the id of their array.

    Containers of more than ``most`` things are not looked into.
    """
    found: dict[int, Tensor] = {}
    seen: set[int] = set()
    todo = [(root, _DEPTH) for root in roots]
    while todo:
        value, depth = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Tensor):
            found[id(value.array)] = value
            todo.append((value._grad, 0))
        elif isinstance(value, Module):
            todo += [(v, _DEPTH) for v in (*value._parameters.values(), *value._buffers.values())]
            todo += [(v, _DEPTH) for v in (*value._modules.values(), *vars(value).values())]
        elif depth:
            inside = _inside(value)
            todo += [(v, depth - 1) for v in inside if len(inside) <= most]
    return found


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, (list, tuple, set)):
        return list(value)
    return [] if isinstance(value, type) else list(getattr(value, "__dict__", {}).values())


class Written:
    """The memory that a program writes: of parameters that are moved, of running statistics."""

    def __init__(self, code: list[Any]) -> None:
        found: dict[int, Any] = {}  # (a tensor, or a leaf whose gradient is meant)
        for one in code:
            if one.kind == "step":
                state = one.run.optimizer.state
                found |= {id(p): (p, "") for p in one.run.moved}
                found |= {
                    id(t): (t, "")
                    for p in one.run.moved
                    for t in state.get(p, {}).values()
                    if isinstance(t, Tensor)
                }
            elif one.kind == "store":
                v = one.params[0]
                found[id(v)] = (v.source, "" if v.kind == "state" else "grad")
            elif one.name == "writes":
                found |= {id(v): (v.source, "") for v in one.inputs if v.kind == "state"}
        self.tensors = list(found.values())
        self.owners: set[int] = set()

    def look(self) -> None:
        """Looks up where that memory is now."""
        held = [t if not of else t._grad for t, of in self.tensors]
        self.owners = {id(owner(t.array)) for t in held if t is not None}

    def overlaps(self, arrays: Any) -> bool:
        """Whether one of some arrays shares memory with it."""
        return any(id(owner(a)) in self.owners for a in arrays)
