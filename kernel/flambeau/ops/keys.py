"""Reading an index: ``x[key]`` split into its basic part and its arrays, as PyTorch does it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..device import move
from ..device import of as device_of
from ..tensor import Tensor

WHOLE = slice(None)
INT64 = np.dtype(np.int64)


def as_array(item: Any, like: Any) -> Any:
    """An index array on the device of what it indexes."""
    if item.__class__ is Tensor and item.array.dtype is INT64:
        if item.array.__class__ is like.__class__ is ndarray:  # the usual case, cheaply
            return item.array
        return move(item.array, device_of(like))
    if isinstance(item, str):
        raise TypeError("new(): invalid data type 'str'")
    array = item.array if isinstance(item, Tensor) else np.asarray(item)
    if not array.size and not hasattr(item, "dtype"):
        array = array.astype(np.int64)
    if array.dtype == np.uint8:
        array = array.astype(bool)
    if array.dtype.name not in ("int64", "int32", "bool"):
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return move(array, device_of(like))


def _is_int(item: Any) -> bool:
    if isinstance(item, Tensor):
        return (
            item.array.ndim == 0 and item.array.dtype.kind in "iu" and item.array.dtype.itemsize > 1
        )
    return isinstance(item, (int, np.integer)) and not isinstance(item, bool)


class _Split:
    """Sorts the entries of an index into its basic part and its arrays."""

    def __init__(self, x: Any, entries: list[Any]) -> None:
        self.x = x
        self.used = sum(map(_consumes, entries))
        if self.used > x.ndim:
            raise IndexError(
                f"too many indices for tensor of dimension {x.ndim}: {self.used} were given"
            )
        self.basic: list[Any] = []
        self.arrays: list[Any] = []
        self.ints = False
        self.at = 0  # the dimension of x that comes next

    def take(self, item: Any) -> None:
        if item is Ellipsis:
            gap = self.x.ndim - self.used
            self.used += gap  # another one stands for nothing
            self.put([slice(None)] * gap, [slice(None)] * gap, gap)
        elif item is None:
            self.put([None], [slice(None)], 0)
        elif isinstance(item, slice):
            if item.step is not None and int(item.step) <= 0:
                raise ValueError("step must be greater than zero")
            self.put([item], [slice(None)], 1)
        elif _is_int(item):
            self.ints = True
            self.put([int(item)], [], 1)
        elif isinstance(item, bool):
            self.put([], [item], 0)
        else:
            found = as_array(item, self.x)
            n = _consumes(found)
            if _is_mask(found):
                _check_mask(found, self.x, self.at)
            self.put([slice(None)] * n, [found], n)

    def put(self, basic: list[Any], arrays: list[Any], dims: int) -> None:
        self.basic += basic
        self.arrays += arrays
        self.at += dims


def split_index(x: Any, key: Any) -> tuple[tuple[Any, ...], tuple[Any, ...], bool]:
    """An index as (basic part, arrays part, whether the basic part has ints); () for none."""
    entries = list(key) if _is_several(key) else [key]
    found = _Split(x, entries)
    for item in entries:
        found.take(item)
    arrays = found.arrays
    if not any(isinstance(a, bool) or hasattr(a, "dtype") for a in arrays):
        arrays = []
    return _trimmed(found.basic), unmasked(arrays), found.ints


def _is_several(key: Any) -> bool:
    """Whether an index is one for each dimension: a tuple, or a short list of what is no number."""
    if not isinstance(key, list) or len(key) >= 32:
        return isinstance(key, tuple)
    kinds = (list, tuple, slice, Tensor, np.ndarray, type(None), type(Ellipsis))
    return any(isinstance(item, kinds) for item in key)


def _consumes(item: Any) -> int:
    """How many dimensions an entry of an index stands for."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    return item.ndim if _is_mask(item) else 1


def _check_mask(mask: Any, x: Any, at: int) -> None:
    for i, n in enumerate(mask.shape):
        if n != x.shape[at + i]:
            raise IndexError(
                f"The shape of the mask {list(mask.shape)} at index {i} does not match the shape "
                f"of the indexed tensor {list(x.shape)} at index {at + i}"
            )


def _is_mask(item: Any) -> bool:
    kind = getattr(getattr(item, "array", item), "dtype", None)
    return kind is not None and kind in (np.bool_, np.uint8)


def _trimmed(basic: list[Any]) -> tuple[Any, ...]:
    """The basic part without the full slices at its end."""
    while basic and basic[-1] == slice(None):
        basic.pop()
    return tuple(basic)


def unmasked(arrays: list[Any]) -> tuple[Any, ...]:
    """Several arrays with masks among them: masks as the places where they are True."""
    found = [a for a in arrays if hasattr(a, "dtype")]
    if len(found) < 2:
        return tuple(arrays)
    places: list[Any] = []
    for a in arrays:
        masked = hasattr(a, "dtype") and a.dtype == bool and a.ndim
        places += a.nonzero() if masked else [a]
    return tuple(places)


def only_arrays(x: Any, key: Any) -> tuple[Any, ...]:
    """What `split_index` gives for the usual indices by tensors alone; () for all others."""
    if key.__class__ is Tensor:
        pick = key.array
        if pick.__class__ is not ndarray or x.__class__ is not ndarray or not pick.ndim:
            return ()
        mask = pick.dtype.kind == "b" and pick.shape == x.shape[: pick.ndim]
        if mask or (pick.dtype is INT64 and x.ndim):
            return (pick,)
        return ()
    if key.__class__ is not tuple or len(key) > x.ndim or x.__class__ is not ndarray:
        return ()
    picks: list[Any] = []
    for item in key:
        if item.__class__ is Tensor and item.array.dtype is INT64 and item.array.ndim:
            picks.append(item.array)
        elif item.__class__ is slice and item == WHOLE:
            picks.append(item)
        else:
            return ()
    return tuple(picks) if picks and picks[-1].__class__ is ndarray else ()
