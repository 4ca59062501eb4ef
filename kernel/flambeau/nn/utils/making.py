"""Modules made without first values, and the layout of convolutions' weights."""

from __future__ import annotations

import inspect
from typing import Any

from ..conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from ..module import Module

__all__ = [
    "convert_conv2d_weight_memory_format",
    "convert_conv3d_weight_memory_format",
    "skip_init",
]


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """Makes a module whose parameters have no values yet: for those that are loaded at once."""
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    where = kwargs.pop("device", "cpu")
    return module_cls(*args, **kwargs, device="meta").to_empty(device=where)


def convert_conv2d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Brings the weights of all 2D convolutions in a module to a memory format; returns it."""
    return _laid_out(module, memory_format, (Conv2d, ConvTranspose2d))


def convert_conv3d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Brings the weights of all 3D convolutions in a module to a memory format; returns it."""
    return _laid_out(module, memory_format, (Conv3d, ConvTranspose3d))


def _laid_out(module: Any, memory_format: Any, kinds: tuple[type, ...]) -> Any:
    for inner in module.modules():
        if isinstance(inner, kinds):
            weight: Any = getattr(inner, "weight")  # noqa: B009
            weight.data = weight.detach().clone().contiguous(memory_format=memory_format)
    return module
