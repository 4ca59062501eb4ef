"""Making one batch of many samples."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from .... import dtypes
from ....device import module_of
from ....ops.creation import as_tensor, tensor
from ....ops.join import stack
from ....tensor import Tensor, wrap

_NO_NUMBERS = "SaUOTV"  # kinds of NumPy arrays that cannot be tensors


def _unknown(kind: Any) -> TypeError:
    return TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {kind}. DataLoader(collate_fn=...) can make batches of anything"
    )


def _like_mapping(like: Mapping[Any, Any], values: dict[Any, Any]) -> Any:
    """A mapping of the kind of ``like``, with what else it carries."""
    try:
        if isinstance(like, MutableMapping):
            made = copy.copy(like)
            made.update(values)
            return made
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:  # a mapping that is not made from a dict
        return values


def _like_sequence(like: Sequence[Any], values: list[Any]) -> Any:
    """A sequence of the kind of ``like``; a plain tuple becomes a list."""
    if isinstance(like, tuple):
        return type(like)(*values) if hasattr(like, "_fields") else values
    try:
        if isinstance(like, MutableSequence):
            made = copy.copy(like)
            for i, value in enumerate(values):
                made[i] = value
            return made
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:  # such as range
        return values


def default_convert(data: Any) -> Any:
    """One sample with its NumPy arrays and numbers as tensors; anything else stays as it is."""
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in _NO_NUMBERS else as_tensor(data)
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like_sequence(data, [default_convert(value) for value in data])
    return data


def collate(batch: Any, *, collate_fn_map: dict[Any, Callable[..., Any]] | None = None) -> Any:
    """Samples as one batch; ``collate_fn_map`` says for each type of element how.

    Its functions are called as ``f(batch, collate_fn_map=...)``; a type's own comes first, then
    those of its bases in the order of the map. Containers are collated place by place.
    """
    first = batch[0]
    known = collate_fn_map or {}
    found = known.get(type(first))
    if found is None:
        found = next((f for kind, f in known.items() if isinstance(first, kind)), None)
    if found is not None:
        return found(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        columns = {key: [sample[key] for sample in batch] for key in first}
        made = {key: collate(c, collate_fn_map=collate_fn_map) for key, c in columns.items()}
        return _like_mapping(first, made)
    if isinstance(first, Sequence):
        lengths = {len(sample) for sample in batch}
        if len(lengths) > 1 and not hasattr(first, "_fields"):
            raise RuntimeError(
                "each element in list of batch should be of equal size, but there are sizes "
                f"{sorted(lengths)}. A collate_fn can pad them"
            )
        places = zip(*batch, strict=False)
        return _like_sequence(first, [collate(p, collate_fn_map=collate_fn_map) for p in places])
    raise _unknown(type(first))


def default_collate(batch: Any) -> Any:
    """Samples as one batch: tensors and numbers are stacked, containers collated place by place.

    Numbers become int64 or float64 tensors, strings stay a list, tuples become lists. Further
    types can be entered in ``default_collate_fn_map``.

    >>> default_collate([(1, 2.0), (3, 4.0)])
    [tensor([1, 3]), tensor([2., 4.], dtype=torch.float64)]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


def collate_tensor_fn(batch: Any, *, collate_fn_map: Any = None) -> Tensor:
    """Tensors as one; where there is nothing to promote or to record, without an operation."""
    if all(type(t) is Tensor and not t.requires_grad for t in batch):
        arrays = [t.array for t in batch]
        first = arrays[0]
        if len({(a.shape, a.dtype, type(a)) for a in arrays}) == 1:
            if type(first) is np.ndarray and first.ndim:
                return wrap(_stacked(arrays, (len(arrays), *first.shape), first.dtype))
            return wrap(module_of(first).stack(arrays))
    return stack(list(batch), 0)


# What gives arrays in memory that a worker shares with its parent, or None: `Sender.empty`.
room_for: Callable[[tuple[int, ...], Any], Any] | None = None


def _stacked(arrays: list[np.ndarray], shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Arrays of at least one dimension as one, made where it need not be copied to be sent."""
    out = room_for(shape, dtype) if room_for is not None else None
    if out is None:
        out = np.empty(shape, dtype)
    np.concatenate(arrays, out=out.reshape(shape[0] * shape[1], *shape[2:]))
    return out


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Arrays as tensors, collated."""
    if batch[0].dtype.kind in _NO_NUMBERS:
        raise _unknown(batch[0].dtype)
    return collate([as_tensor(a) for a in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: Any = None) -> Tensor:
    """NumPy's numbers as a vector of their type."""
    return as_tensor(np.asarray(batch))


def collate_float_fn(batch: Any, *, collate_fn_map: Any = None) -> Tensor:
    """Numbers as a vector of float64."""
    return tensor(batch, dtypes.float64)


def collate_int_fn(batch: Any, *, collate_fn_map: Any = None) -> Tensor:
    """Integers as int64, truth values as bool."""
    return tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Texts, as they are."""
    return batch


default_collate_fn_map: dict[Any, Callable[..., Any]] = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}
