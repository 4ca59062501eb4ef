"""Devices, and which array module (NumPy or CuPy) serves each."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

import numpy as np


class device:  # noqa: N801  (PyTorch's name)
    """Where a tensor lives: ``device("cpu")``, ``device("cuda:0")``; mirrors ``torch.device``."""

    __slots__ = ("index", "type")
    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index
        if isinstance(type, int):
            type, index = "cuda", type
        if not isinstance(type, str):
            raise TypeError(f"a device is named by a string as 'cpu' or 'cuda:0', not {type!r}")
        kind, _, number = type.partition(":")
        if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
            raise RuntimeError(f"no device is called {type!r}; there are 'cpu', 'cuda', 'cuda:N'")
        self.type = kind
        self.index = int(number) if number else index

    def __repr__(self) -> str:
        at = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{at})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, device):
            return (self.type, self.index) == (other.type, other.index)
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self.type, self.index))


CPU = device("cpu")


@functools.cache
def cupy() -> ModuleType:
    """The CuPy module; RuntimeError that says what to install when it cannot be used."""
    try:
        import cupy as module
    except ImportError:
        raise RuntimeError(
            "device 'cuda' needs CuPy, which is not installed: pip install 'flambeau[cuda12]' "
            "or 'flambeau[cuda13]', to match the CUDA driver that nvidia-smi shows"
        ) from None
    return module


@functools.cache
def cuda_count() -> int:
    """How many CUDA devices can be used: 0 without CuPy, a driver or a card."""
    try:
        return int(cupy().cuda.runtime.getDeviceCount())
    except Exception:  # CuPy's own errors are not importable without it
        return 0


def usable(where: Any) -> device:
    """The device meant by ``None``, a string or a device, checked to be there."""
    if where is None:
        return CPU
    found = device(where)
    if found.type == "cuda":
        cupy()
        if not cuda_count():
            raise RuntimeError(
                "device 'cuda': CuPy finds no CUDA device; nvidia-smi shows the driver"
            )
        index = found.index if found.index is not None else cupy().cuda.Device().id
        if index >= cuda_count():
            raise RuntimeError(f"device 'cuda:{index}': there are {cuda_count()} (numbered from 0)")
        return device("cuda", index)
    return CPU


def module_of(array: Any) -> Any:
    """The array module that an array belongs to: ``numpy`` or ``cupy``."""
    return np if isinstance(array, (np.ndarray, np.generic)) else cupy()


def of(array: Any) -> device:
    """The device that an array lies on."""
    return CPU if isinstance(array, np.ndarray) else device("cuda", array.device.id)


def move(array: Any, to: device) -> Any:
    """The array on that device: itself if it is there already, else a copy."""
    if to.type == "cpu":
        return array if isinstance(array, np.ndarray) else array.get()
    with cupy().cuda.Device(to.index):
        return cupy().asarray(array)


def shares_memory(a: Any, b: Any) -> bool:
    """Whether two arrays of one device may overlap in memory."""
    if isinstance(a, np.ndarray):
        return np.may_share_memory(a, b)
    return bool(cupy().may_share_memory(a, b))
