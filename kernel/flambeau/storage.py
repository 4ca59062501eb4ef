"""The memory that views share: where it begins, how far it reaches, and who else reads it."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import device as devices
from . import dtypes


def memory_of(array: Any) -> tuple[Any, int]:
    """All the memory that an array is part of, as a vector of its type, and where in it it begins.

    What a view shows is part of what its base shows, and so on down to an array with memory of its
    own; PyTorch calls that memory a storage.
    """
    if not isinstance(array, np.ndarray):
        return _cuda_memory_of(array)
    owner: Any = array
    while (below := getattr(owner, "base", None)) is not None and hasattr(below, "base"):
        owner = below
    if not owner.size or not array.dtype.itemsize:
        return np.empty(0, array.dtype), 0
    low, high = np.lib.array_utils.byte_bounds(owner)
    size = array.dtype.itemsize
    start = (array.ctypes.data - low) // size
    flat = owner.ravel("K").view(np.uint8)
    if flat.size != high - low:  # a buffer from outside, of which only some bytes are known
        return array.ravel("K"), 0
    return flat[: flat.size // size * size].view(array.dtype), start


def _cuda_memory_of(array: Any) -> tuple[Any, int]:
    xp, mem, size = devices.cupy(), array.data.mem, array.dtype.itemsize
    if not array.size:
        return xp.empty(0, array.dtype), 0
    start = (array.data.ptr - mem.ptr) // size
    reach = xp.cuda.MemoryPointer(mem, 0)
    return xp.ndarray((mem.size // size,), array.dtype, memptr=reach), start


def address_of(array: Any) -> int:
    """Where in memory its first element is."""
    return int(array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr)


def extent(size: Any, stride: Any) -> int:
    """How many elements of memory these sizes and steps reach over."""
    if 0 in tuple(size):
        return 0
    return 1 + sum((n - 1) * step for n, step in zip(size, stride, strict=True))


def in_rows(size: Any) -> tuple[int, ...]:
    """The steps, in elements, of a tensor that lies in memory row by row."""
    steps, step = [], 1
    for n in reversed(tuple(size)):
        steps.append(step)
        step *= max(n, 1)
    return tuple(reversed(steps))


def steps_of(array: Any) -> tuple[int, ...]:
    """The steps of an array in elements, not bytes."""
    return tuple(s // array.itemsize for s in array.strides)


def strided(xp: Any, memory: Any, size: Any, stride: Any, offset: int) -> Any:
    """A vector read with other sizes and steps from an offset on; RuntimeError if it is shorter."""
    size, stride = tuple(size), tuple(stride)
    if len(size) != len(stride):
        raise RuntimeError(
            f"mismatch in length of strides and shape: {list(stride)} and {list(size)}"
        )
    if any(step < 0 for step in stride):
        raise RuntimeError(f"Negative strides are not supported, got strides: {list(stride)}")
    if any(n < 0 for n in size):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {list(size)}")
    need = extent(size, stride)
    if offset < 0 or (need and offset + need > memory.size):
        raise RuntimeError(
            f"sizes {list(size)}, strides {list(stride)} and offset {offset} reach over "
            f"{offset + need} elements and are out of bounds for storage of size {memory.size}"
        )
    steps = tuple(step * memory.itemsize for step in stride)
    return xp.lib.stride_tricks.as_strided(memory[offset:], size, steps)


class UntypedStorage:
    """The bytes that a tensor and its views share; mirrors what ``x.untyped_storage()`` gives."""

    def __init__(self, array: Any) -> None:
        self.memory, _ = memory_of(array)
        self.dtype: Any = dtypes.uint8

    def data_ptr(self) -> int:
        """The address of its first byte; 0 if it has none."""
        return address_of(self.memory) if self.memory.size else 0

    def nbytes(self) -> int:
        """How many bytes it has."""
        return int(self.memory.nbytes)

    def size(self) -> int:
        """How many elements it has: bytes, or numbers where it has a type."""
        return self.nbytes() // self.dtype.itemsize

    def element_size(self) -> int:
        """How many bytes an element has."""
        return int(self.dtype.itemsize)

    @property
    def device(self) -> devices.device:
        """Where it is."""
        return devices.of(self.memory)

    def tolist(self) -> list[Any]:
        """Its elements as a list."""
        found = self.memory.view(self.dtype.numpy).tolist()
        assert isinstance(found, list)
        return found

    def __len__(self) -> int:
        return self.size()

    def __getitem__(self, at: Any) -> Any:
        found = self.memory.view(self.dtype.numpy)[at]
        return found.item() if found.ndim == 0 else found.tolist()

    def __iter__(self) -> Any:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self.data_ptr() == other.data_ptr()

    def __hash__(self) -> int:
        return hash(self.data_ptr())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.size()} of {self.dtype.name} on {self.device})"


class TypedStorage(UntypedStorage):
    """The numbers that a tensor and its views share; mirrors what ``x.storage()`` gives."""

    def __init__(self, array: Any) -> None:
        super().__init__(array)
        self.dtype = dtypes.OF_NUMPY[array.dtype]

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(self.memory)
