"""How NumPy, DLPack and what is built on them see a tensor: as the array underneath."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import device as devices
from .meta import MetaArray


class ArrayProtocols:
    """The part of `Tensor` that other libraries call."""

    __slots__ = ()

    __array_priority__ = 1000  # NumPy leaves `array + tensor` to the tensor

    array: Any
    _needs_grad: bool

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The NumPy array underneath, sharing memory; ``force`` copies whatever it takes."""
        array = self.array
        if array.__class__ is np.ndarray and not self._needs_grad and array.dtype.kind != "V":
            return array
        if force:
            return devices.move(self.array, devices.CPU)
        if self._needs_grad:
            raise RuntimeError(
                "numpy(): this tensor requires gradients, and NumPy could not follow them; "
                "use x.detach().numpy()"
            )
        if self.array.__class__ is MetaArray:
            raise TypeError("numpy(): can't convert a tensor on the meta device: it has no data")
        if self.array.dtype.name == "bfloat16":
            raise TypeError("numpy(): Got unsupported ScalarType BFloat16; use x.float().numpy()")
        if not isinstance(self.array, np.ndarray):
            raise TypeError("numpy(): this tensor lies on a CUDA device; use x.cpu().numpy()")
        return self.array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"a copy is needed to give {array.dtype} as {np.dtype(dtype)}")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_wrap__(
        self, array: np.ndarray, context: Any = None, return_scalar: bool = False
    ) -> Any:
        from .tensor import wrap

        return wrap(np.asarray(array))  # so that np.sin(tensor) is a tensor

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """NumPy's functions as they are, which call methods of the tensor or take its array.

        Reductions whose methods give something else in PyTorch are translated.
        """
        ours = _REDUCTIONS.get(function)
        if ours is not None and isinstance(args[0], ArrayProtocols):
            return ours(*args, **kwargs)
        return function._implementation(*args, **kwargs)

    def __dlpack__(self, **options: Any) -> Any:
        """A DLPack capsule of the memory; BufferError where a gradient would be lost."""
        if self._needs_grad:
            raise BufferError(
                "__dlpack__: this tensor requires gradients, and another library could not follow "
                "them; use x.detach()"
            )
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


def _extreme(name: str) -> Any:
    def reduced(x: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        if out is not None:
            raise TypeError(f"numpy.{name} of a tensor has no `out`; torch.{name} has")
        return getattr(x, name)(() if axis is None else axis, keepdims)

    return reduced


def _spread(name: str) -> Any:
    def reduced(
        x: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: int = 0,
        keepdims: bool = False,
    ) -> Any:
        if dtype is not None or out is not None:
            raise TypeError(f"numpy.{name} of a tensor takes axis, ddof and keepdims")
        return getattr(x, name)(dim=axis, correction=ddof, keepdim=keepdims)

    return reduced


_REDUCTIONS = {
    np.max: _extreme("amax"),
    np.amax: _extreme("amax"),
    np.min: _extreme("amin"),
    np.amin: _extreme("amin"),
    np.std: _spread("std"),
    np.var: _spread("var"),
}
