"""What gradient rules see: every operation by name, on arrays or on Tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

OPS: dict[str, Any] = {}  # name -> Op; filled by the op registry
_namespaces: dict[Any, ArrayNamespace] = {}  # of NumPy and of CuPy


def _operation(name: str) -> Any:
    if name not in OPS:
        raise AttributeError(f"there is no operation {name!r}", name=name)
    return OPS[name]


class ArrayNamespace:
    """What a rule sees as ``ns`` in an ordinary backward: every forward, on plain arrays."""

    taped = False

    def __init__(self, xp: Any) -> None:
        self.xp = xp
        # A gradient without dimensions may come as one of NumPy's scalars.
        self.array_type = (np.ndarray, np.generic) if xp is np else xp.ndarray

    def __getattr__(self, name: str) -> Callable[..., Any]:
        found = _operation(name)
        call: Callable[..., Any] = functools.partial(found.forward, self.xp)
        if found.variadic:
            listed = call
            call = lambda tensors, *params: listed(*tensors, *params)  # noqa: E731
        if found.extras:
            plain = call
            call = lambda *args, **kwargs: plain(*args, **kwargs)[0]  # noqa: E731
        setattr(self, name, call)  # found by ordinary look-up from now on
        return call


def namespace_of(xp: Any) -> ArrayNamespace:
    """What rules see as ``ns`` when they run on arrays of this module."""
    if xp not in _namespaces:
        _namespaces[xp] = ArrayNamespace(xp)
    return _namespaces[xp]


def forget_namespaces() -> None:
    """Has forwards looked up anew, after they were replaced."""
    _namespaces.clear()


class TensorNamespace:
    """What a rule sees as ``ns`` under ``create_graph``: the operations themselves, on Tensors."""

    taped = True

    def __getattr__(self, name: str) -> Any:
        return _operation(name)
