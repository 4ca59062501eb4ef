"""The memory of CUDA devices, as CuPy's pool tells it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ..device import cuda_count, cupy
from .numbering import number_of

_peaks: dict[int, list[int]] = {}  # device -> [bytes in use, most bytes in use]


def empty_cache() -> None:
    """Gives memory that no tensor uses back to the device."""
    if cuda_count():
        cupy().get_default_memory_pool().free_all_blocks()


def memory_allocated(device: Any = None) -> int:
    """Bytes that tensors use; 0 without a device."""
    if not cuda_count():
        return 0
    with cupy().cuda.Device(number_of(device)):
        return int(cupy().get_default_memory_pool().used_bytes())


def memory_reserved(device: Any = None) -> int:
    """Bytes held from the device, used by tensors or ready for new ones; 0 without a device."""
    if not cuda_count():
        return 0
    with cupy().cuda.Device(number_of(device)):
        return int(cupy().get_default_memory_pool().total_bytes())


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that tensors used at once, since `reset_peak_memory_stats` or the first call.

    CuPy keeps no record of it, so this thread's allocations are counted from then on.
    """
    if not cuda_count():
        return 0
    number = number_of(device)
    if number not in _peaks:
        reset_peak_memory_stats(number)
    return _peaks[number][1]


def reset_peak_memory_stats(device: Any = None) -> None:
    """Starts counting the peak anew."""
    if not cuda_count():
        return
    if not _peaks:
        _watch_memory()
    number = number_of(device)
    _peaks[number] = [memory_allocated(number)] * 2


reset_max_memory_allocated = reset_peak_memory_stats


def _watch_memory() -> None:
    """Has CuPy tell of every block it hands out and takes back."""

    class Watch(cupy().cuda.MemoryHook):  # type: ignore[misc,name-defined]
        name = "FlambeauPeak"

        def malloc_postprocess(self, device_id: int, mem_size: int, **_: Any) -> None:
            count = _peaks.setdefault(device_id, [0, 0])
            count[0] += mem_size
            count[1] = max(count[1], count[0])

        def free_postprocess(self, device_id: int, mem_size: int, **_: Any) -> None:
            _peaks.setdefault(device_id, [0, 0])[0] -= mem_size

    Watch().__enter__()


def max_memory_reserved(device: Any = None) -> int:
    """Bytes held from the device: CuPy's pool gives nothing back by itself."""
    return memory_reserved(device)


def memory_stats(device: Any = None) -> OrderedDict[str, int]:
    """What is known of the memory, by PyTorch's names; empty without a device."""
    if not cuda_count():
        return OrderedDict()
    return OrderedDict(
        {
            "allocated_bytes.all.current": memory_allocated(device),
            "allocated_bytes.all.peak": max_memory_allocated(device),
            "reserved_bytes.all.current": memory_reserved(device),
            "reserved_bytes.all.peak": max_memory_reserved(device),
        }
    )


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """What is known of the memory, as text."""
    return "\n".join(f"{name}: {value:,}" for name, value in memory_stats(device).items())


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Bytes that are free on the device, and all that it has."""
    with cupy().cuda.Device(number_of(device)):
        free, total = cupy().cuda.runtime.memGetInfo()
    return int(free), int(total)


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Lets this process use no more than a share of the device's memory."""
    if not isinstance(fraction, float):
        raise TypeError("Invalid type for fraction argument, must be `float`")
    if not 0 <= fraction <= 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    with cupy().cuda.Device(number_of(device)):
        cupy().get_default_memory_pool().set_limit(fraction=fraction)
