"""The CUDA devices that CuPy sees; mirrors ``torch.cuda``."""

from __future__ import annotations

from typing import Any

from .device import cuda_count, cupy, device, usable

_peaks: dict[int, list[int]] = {}  # device -> [bytes in use, most bytes in use]


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
    """Accepted; there is nothing to initialize."""


def _number(which: Any = None) -> int:
    """The number of a device; the current one for None."""
    if which is None:
        return current_device()
    found = usable(which if isinstance(which, (str, int, device)) else str(which))
    return 0 if found.index is None else found.index


def current_device() -> int:
    """The number of the device that new tensors on "cuda" go to."""
    usable("cuda")
    return int(cupy().cuda.Device().id)


def set_device(device: Any) -> None:
    """Makes a device the current one."""
    cupy().cuda.Device(_number(device)).use()


def get_device_name(device: Any = None) -> str:
    """What the maker calls it."""
    return cupy().cuda.runtime.getDeviceProperties(_number(device))["name"].decode()


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Its compute capability: (9, 0)."""
    text = cupy().cuda.Device(_number(device)).compute_capability
    return int(text[:-1]), int(text[-1])


def synchronize(device: Any = None) -> None:
    """Waits until the device has done all it was given; nothing without one."""
    if is_available():
        cupy().cuda.Device(_number(device)).synchronize()


def empty_cache() -> None:
    """Gives memory that no tensor uses back to the device."""
    if is_available():
        cupy().get_default_memory_pool().free_all_blocks()


def memory_allocated(device: Any = None) -> int:
    """Bytes that tensors use; 0 without a device."""
    if not is_available():
        return 0
    with cupy().cuda.Device(_number(device)):
        return int(cupy().get_default_memory_pool().used_bytes())


def memory_reserved(device: Any = None) -> int:
    """Bytes held from the device, used by tensors or ready for new ones; 0 without a device."""
    if not is_available():
        return 0
    with cupy().cuda.Device(_number(device)):
        return int(cupy().get_default_memory_pool().total_bytes())


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that tensors used at once, since `reset_peak_memory_stats` or the first call.

    CuPy keeps no record of it, so this thread's allocations are counted from then on.
    """
    if not is_available():
        return 0
    number = _number(device)
    if number not in _peaks:
        reset_peak_memory_stats(number)
    return _peaks[number][1]


def reset_peak_memory_stats(device: Any = None) -> None:
    """Starts counting the peak anew."""
    if not is_available():
        return
    if not _peaks:
        _watch_memory()
    number = _number(device)
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


def _seed_device(number: int, seed: int) -> None:
    from .random import Generator, _on_cuda

    which = device("cuda", number)
    if which not in _on_cuda:
        _on_cuda[which] = Generator(which)
    _on_cuda[which].manual_seed(seed)


def manual_seed(seed: int) -> None:
    """Seeds the random numbers of the current device; nothing without one."""
    if is_available():
        _seed_device(current_device(), seed)


def manual_seed_all(seed: int) -> None:
    """Seeds the random numbers of all devices; nothing without one."""
    for number in range(device_count()):
        _seed_device(number, seed)
