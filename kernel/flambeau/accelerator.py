"""The accelerator, whichever it is: CUDA or none; mirrors ``torch.accelerator``."""

from __future__ import annotations

from typing import Any

from . import cuda
from .device import cuda_count, device
from .left_out import explain_all


def is_available() -> bool:
    """Whether there is one."""
    return cuda_count() > 0


def device_count() -> int:
    """How many there are."""
    return cuda_count()


def current_accelerator(check_available: bool = False) -> device | None:
    """``device("cuda")``, or None where there is none."""
    return device("cuda") if cuda_count() else None


def _needed() -> None:
    if not cuda_count():
        raise RuntimeError(
            "Cannot access accelerator device when none is available: CuPy finds no CUDA device"
        )


def current_device_index() -> int:
    """The number of the device that new tensors go to; RuntimeError where there is none."""
    _needed()
    return cuda.current_device()


def set_device_index(device: Any, /) -> None:
    """Makes a device the current one; RuntimeError where there is none."""
    _needed()
    cuda.set_device(device)


def current_stream(device: Any = None, /) -> Any:
    """The stream that work goes to; RuntimeError where there is none."""
    _needed()
    return cuda.current_stream(device)


def synchronize(device: Any = None, /) -> None:
    """Waits until the device has done all it was given; RuntimeError where there is none."""
    _needed()
    cuda.synchronize(device)


def empty_cache() -> None:
    """Gives memory that no tensor uses back to the device."""
    cuda.empty_cache()


def memory_allocated(device: Any = None, /) -> int:
    """Bytes that tensors use; 0 without a device."""
    return cuda.memory_allocated(device)


def max_memory_allocated(device: Any = None, /) -> int:
    """The most bytes that tensors used at once; 0 without a device."""
    return cuda.max_memory_allocated(device)


def memory_reserved(device: Any = None, /) -> int:
    """Bytes held from the device; 0 without one."""
    return cuda.memory_reserved(device)


explain_all(__name__)
