"""The device "meta": operations on arrays without numbers give the shape and the type alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..meta import MetaArray, laid, no_numbers, settled, when_meta
from .layers import Layer, put_layer

_ASK_FOR_NUMBERS = frozenset(("masked_select", "unique_consecutive", "equal", "allclose"))


def _forward(op: Any) -> Callable[..., Any]:
    plain = op.forward

    def forward(xp: Any, *args: Any, **kwargs: Any) -> Any:
        for a in args:
            if a.__class__ is MetaArray:
                break
        else:
            return plain(xp, *args, **kwargs)
        if op.name in _ASK_FOR_NUMBERS:
            raise no_numbers(op.name)
        inputs = args if op.variadic else args[: op.count]
        if op.name != "copy" and any(a.__class__ is np.ndarray and a.ndim for a in inputs):
            raise RuntimeError("expected all tensors to be on the same device, found meta and cpu")
        return settled(plain(xp, *args, **kwargs))

    if op.write is not None:
        op.write = _guarded(op.write)
    return forward


def _guarded(write: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(xp: Any, x: Any, *args: Any) -> Any:
        if x.__class__ is not MetaArray and any(a.__class__ is MetaArray for a in args):
            raise NotImplementedError("Cannot copy out of meta tensor; no data!")
        return write(xp, x, *args)

    return guarded


def _rule(function: Callable[..., Any]) -> Callable[..., Any]:
    def rule(*arguments: Any) -> Any:
        made = function(*arguments)
        return settled(made) if any(a.__class__ is MetaArray for a in arguments) else made

    return rule


class _Maker:
    """What makes new arrays on "meta", as NumPy does on the CPU."""

    def zeros(self, shape: Any, dtype: Any = float) -> MetaArray:
        """An array without numbers."""
        return laid(shape, dtype)

    empty = ones = zeros

    def full(self, shape: Any, value: Any, dtype: Any = None) -> MetaArray:
        """The same; ``value`` says the type where ``dtype`` does not."""
        return laid(shape, np.asarray(value).dtype if dtype is None else dtype)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        made = getattr(np, name)
        return lambda *args, **kwargs: settled(made(*args, **kwargs))


MAKER: Any = _Maker()


def _begin() -> None:
    put_layer(Layer(_forward, _rule))


when_meta.append(_begin)
