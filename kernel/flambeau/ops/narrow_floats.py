"""Floats of 16 bits: float16 and bfloat16 are computed with in float32 and rounded once.

PyTorch's kernels on the CPU do the same. It costs two conversions an operation, and the result is
the nearest number that 16 bits can hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..dtypes import FLOATING, NARROW
from ..tensor import Tensor
from .layers import AROUND, Layer, put_layer

_WIDE = np.dtype("float32")
# A number beside a tensor is rounded to the tensor's type before it is compared.
_COMPARE = frozenset(("eq", "ne", "lt", "le", "gt", "ge"))
_AS_IT_IS = frozenset(("cast", "move", "detach", "alias", "clone", "copy_", "copy", "nan_to_num"))


def widened(value: Any) -> Any:
    """An array of 16-bit floats as float32, also inside a list; all else as it is."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.astype(_WIDE) if value.dtype in NARROW else value
    if value.__class__ in (list, tuple):
        return value.__class__(widened(v) for v in value)
    return value


def _narrowed(value: Any, to: np.dtype) -> Any:
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype == _WIDE:
        return value.astype(to)
    if isinstance(value, (list, tuple)):
        return [_narrowed(v, to) for v in value]
    return value


def _asked_type(params: Any) -> np.dtype | None:
    """The type that a plain argument asks for, if one does."""
    for p in params:
        if isinstance(p, dtypes.dtype):
            return p.numpy
        if isinstance(p, np.dtype):
            return p
    return None


def _wide_param(value: Any) -> Any:
    if isinstance(value, dtypes.dtype):
        return dtypes.float32 if value.numpy in NARROW else value
    if isinstance(value, np.dtype):
        return _WIDE if value in NARROW else value
    return widened(value)


def _forward(op: Any) -> Callable[..., Any]:
    plain, name = op.forward, op.name
    if op.view or name in _AS_IT_IS:
        return plain

    def forward(xp: Any, *args: Any, **kwargs: Any) -> Any:
        for a in args:  # arrays, numbers and types: only those of two bytes can be meant
            if getattr(a, "itemsize", 0) == 2:
                break
        else:
            return plain(xp, *args, **kwargs)
        if xp is not np:
            return plain(xp, *args, **kwargs)
        kinds = [a.dtype for a in args if isinstance(a, np.ndarray) and a.dtype in FLOATING]
        params = (*args, *kwargs.values())
        asked = _asked_type(params)
        if not (asked in NARROW or any(kind in NARROW for kind in kinds)):
            return plain(xp, *args, **kwargs)
        to = asked if asked is not None else kinds[0]
        if name in _COMPARE:
            args = tuple(to.type(a) if a.__class__ is float else a for a in args)
        result = plain(
            xp, *map(_wide_param, args), **{k: _wide_param(v) for k, v in kwargs.items()}
        )
        if to not in NARROW:
            return result
        if not op.extras:
            return _narrowed(result, to)
        first, *extras = result
        return (_narrowed(first, to), *extras)

    return forward


def _rule(function: Callable[..., Any]) -> Callable[..., Any]:
    """A rule computes in float32; the engine brings what it gives to the type of the input."""
    return lambda *arguments: function(*map(widened, arguments))


# Functions of several operations that PyTorch computes as one, rounding at the end only.
_AS_ONE = ("histc", "scaled_dot_product_attention")


def _as_one(body: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    given = [v for v in (*args, *kwargs.values()) if isinstance(v, Tensor)]
    kind = next((t.dtype for t in given if t.dtype.is_floating_point), None)
    if kind is None or kind.numpy not in NARROW:
        return body(*args, **kwargs)

    def wide(v: Any) -> Any:
        return v.float() if isinstance(v, Tensor) and v.array.dtype in NARROW else v

    return body(*map(wide, args), **{k: wide(v) for k, v in kwargs.items()}).to(kind)


def _begin() -> None:
    put_layer(Layer(_forward, _rule))
    AROUND.update(dict.fromkeys(_AS_ONE, _as_one))


dtypes.when_narrow.append(_begin)
