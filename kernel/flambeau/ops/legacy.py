"""PyTorch's old constructors: ``Tensor(2, 3)``, ``FloatTensor([1, 2])``."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..device import move
from ..dtypes import dtype as Dtype
from ..tensor import Size, Tensor, wrap
from .creation import first_of, place, shape_of, unwrapped


def legacy_array(data: tuple[Any, ...], dtype: Dtype, device: Any) -> Any:
    """What ``Tensor(2, 3)``, ``Tensor([1, 2])`` and ``FloatTensor(...)`` hold."""
    xp, where = place(device)
    if len(data) == 1 and not isinstance(data[0], (int, Size)):
        (values,) = data
        array = values.array if isinstance(values, Tensor) else np.asarray(unwrapped(values))
        if array.dtype.kind not in "biufc" or isinstance(values, float):
            raise TypeError(f"new(): invalid data type '{type(first_of(values)).__name__}'")
        return move(array.astype(dtype.numpy, copy=False), where)
    return xp.empty(shape_of(data), dtype.numpy) if data else xp.empty(0, dtype.numpy)


class _LegacyType(type):
    """Makes ``isinstance(x, fb.FloatTensor)`` ask for the dtype, and calls give plain tensors."""

    kind: Dtype

    def __call__(cls, *data: Any, device: Any = None) -> Tensor:
        return wrap(legacy_array(data, cls.kind, device))

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, Tensor) and x.dtype is cls.kind and not x.is_cuda


LEGACY = {
    f"{name}Tensor": _LegacyType(
        f"{name}Tensor", (), {"kind": kind, "__doc__": f"{kind!r} on CPU."}
    )
    for name, kind in [
        ("Float", dtypes.float32), ("Double", dtypes.float64), ("Half", dtypes.float16),
        ("Byte", dtypes.uint8), ("Char", dtypes.int8), ("Short", dtypes.int16),
        ("BFloat16", dtypes.bfloat16), ("Int", dtypes.int32), ("Long", dtypes.int64), ("Bool", dtypes.bool_),
    ]
}  # fmt: skip
