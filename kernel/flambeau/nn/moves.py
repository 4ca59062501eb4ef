"""A module's tensors on another device or in another type, all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

from .. import dtypes
from ..autograd.grad_mode import no_grad
from ..ops.creation import empty_like
from ..tensor import Tensor
from .parameter import is_lazy


def converted(t: Any, where: Any, dtype: Any) -> Any:
    """The tensor on a device, and in a dtype if it holds floats; None changes nothing."""
    if where is not None:
        t = t.to(where)
    if dtype is None or not (t.is_floating_point() or t.is_complex()):
        return t
    return t.to(dtype)


class MoveMethods:
    """The part of `Module` that brings its tensors to devices and types."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    children: Callable[[], Iterator[Any]]

    def _apply(self, fn: Callable[[Any], Tensor], recurse: bool = True) -> Self:
        """Replaces every tensor in it by ``fn`` of it; parameters stay the same objects."""
        if recurse:
            for child in self.children():
                child._apply(fn)
        with no_grad():
            for param in self._parameters.values():
                if param is not None:
                    param.data = fn(param)
                    if param.grad is not None:
                        param.grad.data = fn(param.grad)
            for name, buffer in self._buffers.items():
                if buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Moves it to a device, and its floating-point tensors to a dtype, in place.

        ``to(device)``, ``to(dtype)``, ``to(device, dtype)`` or ``to(tensor)``.
        """
        where, dtype = kwargs.get("device"), kwargs.get("dtype")
        for a in (*args, kwargs.get("tensor")):
            if isinstance(a, Tensor):
                where, dtype = a.device, a.dtype
            elif isinstance(a, dtypes.dtype):
                dtype = a
            elif a is not None and not isinstance(a, bool):  # a bool is non_blocking
                where = a
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                f"dtype={dtype}"
            )
        return self._apply(lambda t: converted(t, where, dtype))

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Moves it to a device without its values, which are still to be set there."""
        return self._apply(
            lambda t: t.to(device) if is_lazy(t) else empty_like(t, device=device), recurse
        )

    def cuda(self, device: Any = None) -> Self:
        """Moves it to a CUDA device."""
        return self.to("cuda" if device is None else device)

    def cpu(self) -> Self:
        """Moves it to the CPU."""
        return self.to("cpu")

    def type(self, dst_type: Any) -> Self:
        """Brings all its tensors to a dtype."""
        return self._apply(lambda t: t.type(dst_type))

    def _floats_to(self, dtype: dtypes.dtype) -> Self:
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def float(self) -> Self:
        """Brings its floating-point tensors to float32."""
        return self._floats_to(dtypes.float32)

    def double(self) -> Self:
        """Brings its floating-point tensors to float64."""
        return self._floats_to(dtypes.float64)

    def half(self) -> Self:
        """Brings its floating-point tensors to float16."""
        return self._floats_to(dtypes.float16)

    def bfloat16(self) -> Self:
        """Brings its floating-point tensors to bfloat16."""
        return self._floats_to(dtypes.bfloat16)

    def share_memory(self) -> Self:
        """Moves its tensors to memory that other processes can see."""
        return self._apply(lambda t: t.share_memory_())
