"""Which CUDA device is meant."""

from __future__ import annotations

from typing import Any

from ..device import cupy, usable
from ..device import device as Device


def current_device() -> int:
    """The number of the device that new tensors on "cuda" go to."""
    usable("cuda")
    return int(cupy().cuda.Device().id)


def number_of(which: Any = None) -> int:
    """The number of a device; the current one for None."""
    if which is None:
        return current_device()
    found = usable(which if isinstance(which, (str, int, Device)) else str(which))
    return 0 if found.index is None else found.index
