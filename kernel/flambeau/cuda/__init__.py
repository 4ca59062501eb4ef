"""The CUDA devices that CuPy sees; mirrors ``torch.cuda``."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..device import cuda_count, cupy, usable
from ..errors import OutOfMemoryError
from ..left_out import explain_all
from ..ops.legacy import CUDA_LEGACY
from . import amp
from .memory import (
    empty_cache,
    max_memory_allocated,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_reserved,
    memory_stats,
    memory_summary,
    reset_max_memory_allocated,
    reset_peak_memory_stats,
    set_per_process_memory_fraction,
)
from .numbering import current_device, number_of
from .seeds import (
    get_rng_state,
    get_rng_state_all,
    initial_seed,
    manual_seed,
    manual_seed_all,
    seed,
    seed_all,
    set_rng_state,
    set_rng_state_all,
)
from .streams import Event, Stream, StreamContext, current_stream, default_stream, stream

__all__ = [
    "Event", "OutOfMemoryError", "Stream", "StreamContext", "amp", "can_device_access_peer",
    "current_device", "current_stream", "default_stream", "device", "device_count", "device_of",
    "empty_cache", "get_arch_list", "get_device_capability", "get_device_name",
    "get_device_properties", "get_rng_state", "get_rng_state_all", "init", "initial_seed",
    "ipc_collect", "is_available", "is_bf16_supported", "is_current_stream_capturing",
    "is_initialized", "manual_seed", "manual_seed_all", "max_memory_allocated",
    "max_memory_reserved", "mem_get_info", "memory_allocated", "memory_reserved", "memory_stats",
    "memory_summary", "reset_max_memory_allocated", "reset_peak_memory_stats", "seed", "seed_all",
    "set_device", "set_per_process_memory_fraction", "set_rng_state", "set_rng_state_all", "stream",
    "synchronize",
]  # fmt: skip

globals().update(CUDA_LEGACY)


def is_available() -> bool:
    """Whether there is a CUDA device that CuPy can use."""
    return cuda_count() > 0


def device_count() -> int:
    """How many there are."""
    return cuda_count()


def is_initialized() -> bool:
    """Whether CUDA can be used; there is nothing to initialize."""
    return is_available()


def init() -> None:
    """There is nothing to initialize; an error where there is no device."""
    usable("cuda")


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: bfloat16 tensors are on the CPU alone."""
    return False


def is_current_stream_capturing() -> bool:
    """False: there are no CUDA graphs."""
    return False


def set_device(device: Any) -> None:
    """Makes a device the current one."""
    cupy().cuda.Device(number_of(device)).use()


class device:  # noqa: N801  (PyTorch's name)
    """``with torch.cuda.device(1):`` makes a device the current one inside; -1 changes nothing."""

    def __init__(self, device: Any) -> None:
        self.wanted, self.before = device, -1

    def __enter__(self) -> None:
        if self.wanted not in (None, -1):
            self.before = current_device()
            set_device(self.wanted)

    def __exit__(self, *_: object) -> None:
        if self.before >= 0:
            set_device(self.before)


class device_of(device):  # noqa: N801  (PyTorch's name)
    """The same for the device of a tensor; one on the CPU changes nothing."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.device if obj.is_cuda else -1)


class Properties(NamedTuple):
    """What is known of a device."""

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int


def get_device_properties(device: Any = None) -> Properties:
    """Its name, compute capability, bytes of memory and number of processors."""
    known = cupy().cuda.runtime.getDeviceProperties(number_of(device))
    keys = ("major", "minor", "totalGlobalMem", "multiProcessorCount")
    return Properties(known["name"].decode(), *(int(known[k]) for k in keys))


def get_device_name(device: Any = None) -> str:
    """What the maker calls it."""
    return get_device_properties(device).name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Its compute capability: (9, 0)."""
    known = get_device_properties(device)
    return known.major, known.minor


def get_arch_list() -> list[str]:
    """Empty: CuPy compiles for the device that is there."""
    return []


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Whether one device can read the memory of another."""
    able = cupy().cuda.runtime.deviceCanAccessPeer(number_of(device), number_of(peer_device))
    return bool(able)


def synchronize(device: Any = None) -> None:
    """Waits until the device has done all it was given; nothing without one."""
    if is_available():
        cupy().cuda.Device(number_of(device)).synchronize()


def ipc_collect() -> None:
    """There is nothing to collect; an error without a device."""
    usable("cuda")


explain_all(__name__)
