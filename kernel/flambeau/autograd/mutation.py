"""Writing into tensors that a backward needs: their old values are kept aside."""

from __future__ import annotations

import weakref
from typing import Any

from ..tensor import Tensor, wrap
from .graph import saved_tensors_hooks
from .layers import Layer


class _Held:
    """A tensor kept for a backward: itself, until someone writes into its memory."""

    __slots__ = ("__weakref__", "counter", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = wrap(tensor.array)
        self.counter = tensor._counter


class Mutations(Layer):
    """Clones what is kept for a backward just before it is written over."""

    rank = 20

    def __init__(self) -> None:
        self.held: weakref.WeakSet[_Held] = weakref.WeakSet()
        self.hooks = saved_tensors_hooks(self._pack, lambda held: held.tensor)

    def _pack(self, t: Tensor) -> _Held:
        held = _Held(t)
        self.held.add(held)
        return held

    def apply_inplace(self, inner: Any, op: Any, inputs: Any, params: Any = ()) -> Any:
        """Runs an in-place operation, after what it will destroy was cloned."""
        self._save(inputs[0])
        return inner(op, inputs, params)

    def _save(self, x: Any) -> None:
        from ..device import shares_memory

        if not isinstance(x, Tensor):
            return
        for held in list(self.held):
            if shares_memory(held.tensor.array, x.array):
                held.tensor = wrap(held.tensor.array.copy())
                self.held.discard(held)

    def clear(self) -> None:
        """Forgets which tensors are kept."""
        self.held.clear()

    def __enter__(self) -> Mutations:
        self.hooks.__enter__()
        self.switch_on()
        return self

    def __exit__(self, *_: object) -> None:
        self.switch_off()
        self.hooks.__exit__()
