"""The device "meta": operations on arrays without numbers give the shape and the type alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..meta import MetaArray, laid, settled, when_meta
from .layers import Layer, put_layer

# Their shapes depend on the numbers, which there are none of.
_ASK_FOR_NUMBERS = frozenset(
    "nonzero masked_select unique unique_dim unique_consecutive bincount equal allclose".split()
)


def _forward(op: Any) -> Callable[..., Any]:
    plain = op.forward

    def forward(xp: Any, *args: Any, **kwargs: Any) -> Any:
        if not any(a.__class__ is MetaArray for a in args):
            return plain(xp, *args, **kwargs)
        if op.name in _ASK_FOR_NUMBERS:
            raise NotImplementedError(
                f"{op.name} depends on numbers, and a tensor on the device 'meta' has none"
            )
        return settled(plain(xp, *args, **kwargs))

    return forward


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
