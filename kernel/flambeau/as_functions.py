"""Methods of a tensor that PyTorch has as functions too, and tensors over other memory."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from . import dtypes
from .storage import TypedStorage, UntypedStorage
from .tensor import Tensor, wrap


def detach(input: Tensor) -> Tensor:
    """``input.detach()``."""
    return input.detach()


def detach_(input: Tensor) -> Tensor:
    """``input.detach_()``."""
    return input.detach_()


def get_device(input: Tensor) -> int:
    """``input.get_device()``."""
    return input.get_device()


def is_distributed(input: Tensor) -> bool:
    """``input.is_distributed()``."""
    return input.is_distributed()


def is_inference(input: Tensor) -> bool:
    """``input.is_inference()``."""
    return input.is_inference()


def index_put_(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """``input.index_put_(indices, values)``."""
    return input.index_put_(indices, values, accumulate)


def is_storage(obj: Any) -> bool:
    """Whether it is a storage: the memory of a tensor, without a shape."""
    return isinstance(obj, (TypedStorage, UntypedStorage))


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A tensor of one dimension on the memory of bytes, an array or a memory map.

    ``count`` elements (-1: all) from the byte ``offset`` on; ValueError where there are not so
    many.
    """
    size, length = dtypes.of(dtype).numpy.itemsize, memoryview(buffer).nbytes
    if length == 0 or count == 0:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({length} bytes) minus 1"
        )
    left = length - offset
    if count < 0 and left % size:
        raise ValueError(f"buffer length ({left} bytes) after offset must be a multiple of {size}")
    if count > 0 and count * size > left:
        raise ValueError(
            f"requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must "
            f"not be greater than actual buffer length ({length} bytes)"
        )
    made = wrap(np.frombuffer(buffer, dtypes.of(dtype).numpy, count, offset))
    return made.requires_grad_() if requires_grad else made


def from_file(
    filename: str | os.PathLike[str],
    shared: bool = False,
    size: int = 0,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor on the memory of a file; ``shared``: what is written to it is written there."""
    kind = dtypes.of(dtype or dtypes.get_default_dtype()).numpy
    wanted = size * kind.itemsize
    if shared:
        with open(filename, "ab") as file:  # PyTorch makes the file, and makes it longer
            if file.tell() < wanted:
                file.truncate(wanted)
    array = np.memmap(filename, kind, "r+" if shared else "c", shape=(size,))
    made = wrap(np.asarray(array))
    return made.requires_grad_() if requires_grad else made


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """Switches anomaly detection, as ``autograd.set_detect_anomaly`` does."""
    from .autograd.anomaly_mode import set_detect_anomaly

    set_detect_anomaly(mode, check_nan)
