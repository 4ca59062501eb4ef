"""What a mode adds around operations: function pointers, switched while a mode is on.

`ops.apply` has no test for anomaly mode, saved-tensor hooks, forward gradients or vmap. Each of
them is a `Layer`: while at least one is on, the names ``apply``, ``apply_inplace`` and the short
ways to them (`ops.short`) in the modules of ``ops/`` stand for the layers, the outermost first,
with the bare functions inside.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_lock = threading.Lock()
_on: dict[Layer, int] = {}  # how often each layer is on, over all threads


class Layer:
    """Wraps every operation while it is on; those of lower rank are further out."""

    rank = 0

    def apply(self, inner: Callable[..., Any], op: Any, inputs: Any, params: Any = ()) -> Any:
        """Runs an operation; ``inner`` runs it without this layer."""
        return inner(op, inputs, params)

    def apply_inplace(
        self, inner: Callable[..., Any], op: Any, inputs: Any, params: Any = ()
    ) -> Any:
        """Runs an operation that writes into its first input."""
        return inner(op, inputs, params)

    @contextmanager
    def switched_on(self) -> Iterator[Layer]:
        """The layer wraps all operations inside the ``with``."""
        self.switch_on()
        try:
            yield self
        finally:
            self.switch_off()

    def switch_on(self) -> None:
        """Wraps all operations from now on."""
        with _lock:
            _on[self] = _on.get(self, 0) + 1
            if _on[self] == 1:
                _rebuild()

    def switch_off(self) -> None:
        """Undoes one `switch_on`."""
        with _lock:
            _on[self] -= 1
            if not _on[self]:
                del _on[self]
                _rebuild()


def on() -> bool:
    """Whether any layer is on."""
    return bool(_on)


# Where operations are run from: the functions that layers stand in for, and their modules.
_ENTRIES = {
    "apply": "flambeau.ops.apply",
    "apply_inplace": "flambeau.ops.apply",
    "apply_one": "flambeau.ops.short",
    "apply_two": "flambeau.ops.short",
    "apply_number": "flambeau.ops.short",
    "apply_written": "flambeau.ops.short",
}
_HOMES = frozenset(_ENTRIES.values())


@functools.cache
def _holders(name: str) -> list[Any]:
    """The modules of ``ops/`` that call one of the entries by its name."""
    bare = getattr(sys.modules[_ENTRIES[name]], name)
    modules = list(sys.modules.items())
    return [
        m
        for key, m in modules
        if key.startswith("flambeau.ops.") and key not in _HOMES and getattr(m, name, None) is bare
    ]


def _rebuild() -> None:
    layered = {}
    for name in ("apply", "apply_inplace"):
        current = getattr(sys.modules[_ENTRIES[name]], name)
        for layer in sorted(_on, key=lambda one: -one.rank):
            current = functools.partial(getattr(layer, name), current)
        layered[name] = current
    around = layered["apply"]
    layered["apply_one"] = lambda op, x, params=(): around(op, (x,), params)
    layered["apply_two"] = lambda op, x, y, params=(): around(op, (x, y), params)
    layered["apply_number"] = lambda op, x, number, params=(), turned=False: around(
        op, (number, x) if turned else (x, number), params
    )
    layered["apply_written"] = layered["apply_inplace"]
    for name, home in _ENTRIES.items():
        function = layered[name] if _on else getattr(sys.modules[home], name)
        for module in _holders(name):
            setattr(module, name, function)
