"""Making one batch of many samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ... import dtypes
from ...device import module_of
from ...ops.creation import tensor
from ...ops.join import stack
from ...tensor import Tensor, wrap


def _rebuilt(like: Any, values: Any) -> Any:
    """A sequence of the kind of ``like``."""
    if hasattr(like, "_fields"):  # a named tuple
        return type(like)(*values)
    return tuple(values) if isinstance(like, tuple) else list(values)


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples as one batch: tensors and numbers are stacked, containers collated place by place.

    Numbers become int64 or float64 tensors, strings stay a list.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return _stacked(batch)
    if isinstance(first, (np.ndarray, np.generic)):
        arrays = [np.asarray(x) for x in batch]
        if any(not dtypes.is_number(a.dtype) for a in arrays):
            raise _unknown(first)
        if any(a.shape != arrays[0].shape for a in arrays):
            return stack([wrap(a) for a in arrays], 0)  # whose error says which
        return wrap(np.stack(arrays))
    if isinstance(first, (bool, int, float)):
        return _numbers(batch, first)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        values = {key: default_collate([sample[key] for sample in batch]) for key in first}
        return values if type(first) is dict else _like_mapping(first, values)
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [default_collate(column) for column in zip(*batch, strict=True)]
        return _rebuilt(first, columns) if hasattr(first, "_fields") else columns
    raise _unknown(first)


def _numbers(batch: Sequence[Any], first: Any) -> Tensor:
    """Numbers as a vector: floats as float64, anything else as `tensor` would have them."""
    if isinstance(first, float):
        return tensor(batch, dtypes.float64)
    if all(type(x) is int for x in batch):
        return wrap(np.array(batch, np.int64))
    return tensor(batch)


def _stacked(batch: Sequence[Any]) -> Tensor:
    """Tensors as one; where there is nothing to promote or to record, without an operation."""
    if all(type(t) is Tensor and not t.requires_grad for t in batch):
        arrays = [t.array for t in batch]
        if len({(a.shape, a.dtype, type(a)) for a in arrays}) == 1:
            return wrap(module_of(arrays[0]).stack(arrays))
    return stack(list(batch), 0)


def default_convert(data: Any) -> Any:
    """One sample with its arrays as tensors; anything else stays as it is."""
    if isinstance(data, np.ndarray) and dtypes.is_number(data.dtype):
        return wrap(data)
    if isinstance(data, Mapping):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuilt(data, [default_convert(value) for value in data])
    return data


def _like_mapping(first: Any, values: dict[Any, Any]) -> Any:
    try:
        return type(first)(values)
    except TypeError:  # a mapping that is not made from a dict
        return values


def _unknown(value: Any) -> TypeError:
    return TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {type(value)}"
    )
