"""PyTorch's old constructors: ``Tensor(2, 3)``, ``FloatTensor([1, 2])``."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..device import cuda_count, move, set_default_device
from ..dtypes import dtype as Dtype
from ..tensor import Size, Tensor, wrap
from .creation import array_of, place, shape_of
from .registry import function


def legacy_array(data: tuple[Any, ...], dtype: Dtype, device: Any) -> Any:
    """What ``Tensor(2, 3)``, ``Tensor([1, 2])`` and ``FloatTensor(...)`` hold."""
    xp, where = place(device)
    if len(data) == 1 and not isinstance(data[0], (int, Size)):
        (values,) = data
        if isinstance(values, float):
            raise TypeError("new(): data must be a sequence (got float)")
        if isinstance(values, Tensor) and values.dtype is not dtype:
            raise TypeError(f"new(): expected a tensor of {dtype!r}, not of {values.dtype!r}")
        if isinstance(values, Tensor):
            return move(values.array, where)
        fits = isinstance(values, np.ndarray) and values.dtype == dtype.numpy
        return move(values if fits else array_of(values, dtype), where)  # shares memory if it fits
    return xp.empty(shape_of(data), dtype.numpy) if data else xp.empty(0, dtype.numpy)


class _LegacyType(type):
    """Makes ``isinstance(x, fb.FloatTensor)`` ask for the dtype, and calls give plain tensors."""

    dtype: Dtype
    is_cuda: bool

    def __call__(cls, *data: Any, size: Any = None, device: Any = None) -> Tensor:
        if cls.is_cuda and not cuda_count():
            raise TypeError(f"type {cls.__name__} not available: CuPy finds no CUDA device")
        data = data if size is None else (Size(size),)
        return wrap(legacy_array(data, cls.dtype, device or ("cuda" if cls.is_cuda else "cpu")))

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, Tensor) and x.dtype is cls.dtype and x.is_cuda == cls.is_cuda


def _types(is_cuda: bool) -> dict[str, Any]:
    where = "CUDA" if is_cuda else "the CPU"
    module = "torch.cuda" if is_cuda else "torch"
    return {
        f"{name}Tensor": _LegacyType(
            f"{name}Tensor",
            (),
            {
                "dtype": kind,
                "is_cuda": is_cuda,
                "__module__": module,
                "__doc__": f"{kind!r} on {where}.",
            },
        )
        for name, kind in _NAMES
    }


_NAMES = [
    ("Float", dtypes.float32), ("Double", dtypes.float64), ("Half", dtypes.float16),
    ("BFloat16", dtypes.bfloat16), ("Byte", dtypes.uint8), ("Char", dtypes.int8),
    ("Short", dtypes.int16), ("Int", dtypes.int32), ("Long", dtypes.int64), ("Bool", dtypes.bool_),
]  # fmt: skip
LEGACY, CUDA_LEGACY = _types(is_cuda=False), _types(is_cuda=True)


@function(on="fb")
def set_default_tensor_type(t: Any, /) -> None:
    """The dtype and device of new tensors, by an old type: ``torch.DoubleTensor`` or its name."""
    if isinstance(t, str):
        module, _, name = t.rpartition(".")
        known = CUDA_LEGACY if module == "torch.cuda" else LEGACY
        if name not in known:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        t = known[name]
    if not isinstance(t, _LegacyType) or not t.dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    dtypes.set_default_dtype(t.dtype)
    set_default_device("cuda" if t.is_cuda else None)
