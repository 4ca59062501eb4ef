"""Devices, and which array module (NumPy or CuPy) serves each."""

from __future__ import annotations

import functools
import re
from types import ModuleType
from typing import Any

import numpy as np

from .meta import MetaArray, settled

# The types of device that PyTorch names; tensors live on the first three.
_TYPES = (
    "cpu", "cuda", "meta", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve",
    "fpga", "maia", "xla", "lazy", "vulkan", "mps", "hpu", "mtia", "privateuseone",
)  # fmt: skip
_NAMED = re.compile(r"([a-z]+)(?::(0|[1-9]\d*))?")


class NoDevice(AssertionError, RuntimeError):
    """A device that is not there; PyTorch raises one or the other, by how it was built."""


class device:  # noqa: N801  (PyTorch's name)
    """Where a tensor lives: ``device("cpu")``, ``device("cuda:0")``; mirrors ``torch.device``.

    On ``device("meta")`` tensors have a shape and a type and no numbers. ``with device("cuda"):``
    makes new tensors there.

    >>> fb.device("cuda:1").type, fb.device("cuda", 1) == fb.device("cuda:1")
    ('cuda', True)
    """

    __slots__ = ("index", "type")
    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device) and index is None:
            type, index = type.type, type.index
        elif isinstance(type, int) and not isinstance(type, bool) and index is None:
            type, index = "cuda", usable(f"cuda:{type}").index
        if not isinstance(type, str):
            raise TypeError(f"a device is named by a string as 'cpu' or 'cuda:0', not {type!r}")
        self.type, self.index = _parsed(type, index)

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

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        _defaults.append(usable(self))
        return self

    def __exit__(self, *_: object) -> None:
        _defaults.pop()

    def __call__(self, function: Any) -> Any:
        """As a decorator: the function makes its new tensors on this device."""

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return called


def _parsed(type: str, index: Any) -> tuple[str, int | None]:
    found = _NAMED.fullmatch(type)
    if found is None:
        said = f"Invalid device string: {type!r}" if type else "Device string must not be empty"
        raise RuntimeError(f"{said}; devices are named 'cpu', 'meta', 'cuda', 'cuda:0'")
    kind, number = found.groups()
    if kind not in _TYPES:
        raise RuntimeError(
            f"Expected one of {', '.join(_TYPES)} device type at start of device string: {kind}"
        )
    if index is None:
        return kind, None if number is None else int(number)
    if not isinstance(index, int) or isinstance(index, bool):
        raise TypeError(f"the index of a device is an int, not {index!r}")
    if index < 0:
        raise RuntimeError(f"Device index must not be negative, and it is {index}")
    if number is not None:
        raise RuntimeError(
            "type (string) must not include an index because index was passed explicitly: " + type
        )
    return kind, index


CPU, META = device("cpu"), device("meta")
_defaults = [CPU]  # where new tensors go: the first is `set_default_device`'s, then each `with`'s


def get_default_device() -> device:
    """Where new tensors go if nothing else is said; mirrors ``torch.get_default_device``."""
    return _defaults[-1]


def set_default_device(device: Any) -> None:
    """Has new tensors made on a device; ``None`` is the CPU. A ``with device(...)`` goes first."""
    _defaults[0] = CPU if device is None else usable(device)


@functools.cache
def cupy() -> ModuleType:
    """The CuPy module; RuntimeError that says what to install when it cannot be used."""
    try:
        import cupy as module
    except ImportError:
        raise NoDevice(
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
        return _defaults[-1]
    found = where if where.__class__ is device else device(where)
    if found.type == "cpu":
        return CPU
    if found.type == "meta":
        return META
    if found.type != "cuda":
        raise NotImplementedError(
            f"device {str(found)!r}: tensors can be on 'cpu', 'cuda' and 'meta'"
        )
    cupy()
    if not cuda_count():
        raise NoDevice("device 'cuda': CuPy finds no CUDA device; nvidia-smi shows the driver")
    index = found.index if found.index is not None else cupy().cuda.Device().id
    if index >= cuda_count():
        raise RuntimeError(f"device 'cuda:{index}': there are {cuda_count()} (numbered from 0)")
    return device("cuda", index)


def module_of(array: Any) -> Any:
    """The array module that an array belongs to: ``numpy`` or ``cupy``."""
    return np if isinstance(array, (np.ndarray, np.generic)) else cupy()


def of(array: Any) -> device:
    """The device that an array lies on."""
    if isinstance(array, np.ndarray):
        return META if array.__class__ is MetaArray else CPU
    return device("cuda", array.device.id)


def move(array: Any, to: device) -> Any:
    """The array on that device: itself if it is there already, else a copy."""
    if to.type == "meta":
        return settled(array if isinstance(array, np.ndarray) else array.get())
    if array.__class__ is MetaArray:
        raise NotImplementedError(
            "Cannot copy out of meta tensor; no data! Modules have to_empty(device=...), "
            "and torch.empty_like(x, device=...) makes memory for its values"
        )
    if to.type == "cpu":
        return array if isinstance(array, np.ndarray) else array.get()
    if array.dtype.name == "bfloat16":
        raise TypeError("bfloat16 is for the CPU alone here; CUDA takes x.half() or x.float()")
    with cupy().cuda.Device(to.index):
        return cupy().asarray(array)


def shares_memory(a: Any, b: Any) -> bool:
    """Whether two arrays of one device may overlap in memory."""
    if isinstance(a, np.ndarray):
        return np.may_share_memory(a, b)
    return bool(cupy().may_share_memory(a, b))
