"""Names of things: `typename`, and the module that serves a device."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from .device import cuda_count, device
from .tensor import Tensor


def typename(obj: Any, /) -> str:
    """A tensor's old type ("torch.FloatTensor"); of anything else its class with its module."""
    if isinstance(obj, Tensor):
        return obj.type()
    kind = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(kind, "__module__", None) or ""
    if module in ("builtins", "__builtin__", ""):
        return kind.__qualname__
    return f"{module}.{kind.__qualname__}"


def get_device_module(device: Any = None) -> ModuleType:
    """`flambeau.cpu` or `flambeau.cuda`: what serves a device, the best there is for None."""
    from . import cpu, cuda

    if device is None:
        return cuda if cuda_count() else cpu
    kind = _device(device).type
    if kind not in ("cpu", "cuda"):
        raise RuntimeError(
            f"Device '{kind}' does not have a corresponding module registered as 'torch.{kind}'."
        )
    return cuda if kind == "cuda" else cpu


_device = device
