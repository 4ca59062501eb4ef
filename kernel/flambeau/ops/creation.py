"""Making tensors: from data, of one value."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from math import prod
from threading import get_ident
from typing import Any

import numpy as np

from .. import dtypes
from ..autograd.grad_mode import inference
from ..device import CPU, cupy, get_default_device, move, usable
from ..device import device as Device
from ..dtypes import dtype as Dtype
from ..subclasses import PLAIN
from ..tensor import Size, Tensor, wrap
from .meta import MAKER
from .registry import function, in_front
from .scalars import number_for
from .shape import sizes


def place(device: Any) -> tuple[Any, Device]:
    """The array module and the device for a ``device`` argument."""
    where = usable(device)
    if where is CPU:
        return np, where
    return (MAKER if where.type == "meta" else cupy()), where


def finish(array: Any, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of a NumPy array, moved to the device asked for."""
    made = wrap(array if device is None or device is CPU else move(array, usable(device)))
    if inference and get_ident() in inference:
        made._counter = None
    return made.requires_grad_() if requires_grad else made


def numpy_type(dtype: Dtype | None, otherwise: Any = None) -> Any:
    if dtype is None:
        return otherwise if otherwise is not None else dtypes.get_default_dtype().numpy
    if not isinstance(dtype, Dtype):
        if dtype in (float, int, bool, complex):
            return np.dtype(np.float64) if dtype is float else dtypes.of(dtype).numpy
        raise TypeError(f"argument 'dtype' must be torch.dtype, not {type(dtype).__name__}")
    return dtype.numpy


def sized(body: Any) -> Any:
    """Lets a function of ``*size`` take ``size=`` as well."""

    @functools.wraps(body)
    def called(*args: Any, size: Any = None, **kwargs: Any) -> Any:
        return body(*args, **kwargs) if size is None else body(*args, size, **kwargs)

    return called


def unlaid(body: Any) -> Any:
    """Lets a function take the keywords on memory, which is always laid out in rows and dense."""

    @functools.wraps(body)
    def called(
        *args: Any,
        layout: Any = None,
        pin_memory: Any = None,
        memory_format: Any = None,
        **kwargs: Any,
    ) -> Any:
        return body(*args, **kwargs)

    return called


# From data


def first_of(data: Any) -> Any:
    """The first number of nested lists."""
    while isinstance(data, (list, tuple)) and data:
        data = next((d for d in data if not isinstance(d, (list, tuple)) or d), None)
    return None if isinstance(data, (list, tuple)) else data


def unwrapped(data: Any) -> Any:
    if isinstance(data, Tensor):
        return move(data.array, CPU)
    if isinstance(data, (list, tuple)):
        return [unwrapped(d) for d in data]
    return data


def _plain(data: Any) -> Any:
    """Ranges, deques, sparse matrices of SciPy, tables of pandas as what NumPy understands."""
    if isinstance(data, Sequence) and not isinstance(data, (list, tuple, str, bytes)):
        return list(data)
    library = type(data).__module__.partition(".")[0]
    if library == "scipy" and hasattr(data, "toarray"):
        return data.toarray()
    return data.to_numpy() if library == "pandas" and hasattr(data, "to_numpy") else data


_NUMBERS = {bool, int, float, complex}


def array_of(data: Any, dtype: Dtype | None) -> np.ndarray:
    """A new NumPy array of numbers, nested lists, arrays or tensors, in the type PyTorch gives."""
    data = _plain(data)
    first = first_of(data)
    if isinstance(first, (str, bytes)) or first is ...:
        raise TypeError(f"new(): invalid data type '{type(first).__name__}'")
    if not isinstance(first, (bool, int, float, complex, type(None))) and not hasattr(
        first, "__array__"
    ):
        raise RuntimeError(f"Could not infer dtype of {type(first).__name__}")
    try:
        array = np.array(unwrapped(data))
    except ValueError as error:
        raise ValueError(f"expected sequences of equal lengths at each depth: {error}") from None
    if not dtypes.is_number(array.dtype):
        if array.dtype.kind in "US":
            raise TypeError("new(): invalid data type 'str'")
        strange = _strange(data)
        if strange is None:
            raise ValueError("an integer is too large: tensors hold integers of up to 64 bits")
        kind = type(strange[0]).__name__
        raise RuntimeError(f"Could not infer dtype of {kind}")
    if dtype is None and (isinstance(data, (list, tuple)) or not hasattr(data, "dtype")):
        dtype = _common_type(data, array)
    to = numpy_type(dtype, array.dtype)
    if not hasattr(first, "dtype"):
        _check_fit(array, to)
    return array.astype(dtypes.of(to).numpy, copy=False)


def _common_type(data: Any, array: np.ndarray) -> Dtype:
    """The type that holds all numbers of nested lists; Python's floats are of the default type."""
    default = dtypes.get_default_dtype()
    usual = {"b": bool, "i": int, "u": int, "c": complex}.get(array.dtype.kind, float)
    found = [t or usual for t in _types_in(data)]
    kinds = [default if t is float else dtypes.of(t) for t in found] or [default]
    return functools.reduce(dtypes.promote_types, kinds)


def _types_in(data: Any) -> set[Any]:
    """The types of the numbers in nested lists, None for what is neither number nor array."""
    if isinstance(data, (list, tuple)):
        kinds = set(map(type, data))
        return kinds if kinds <= _NUMBERS else set().union(*map(_types_in, data))
    if hasattr(data, "dtype"):
        return {data.dtype}
    return {next((k for k in (bool, int, float, complex) if isinstance(data, k)), None)}


def _strange(data: Any) -> tuple[Any] | None:
    """What is no number in nested lists, in a tuple; None if all are."""
    if isinstance(data, (list, tuple)):
        return next((found for d in data if (found := _strange(d)) is not None), None)
    plain = isinstance(data, (bool, int, float, complex))
    is_array = hasattr(data, "dtype") and data.dtype != object
    return None if plain or is_array else (data,)


def _check_fit(array: np.ndarray, to: np.dtype) -> None:
    """An error if a Python integer is out of the range of its type; NumPy would wrap it."""
    if array.dtype.kind not in "iu" or to.kind not in "iu" or not array.size:
        return
    limits = np.iinfo(to)
    low = -limits.max if to.kind == "u" else limits.min  # PyTorch lets -1 be the largest
    if array.max() > limits.max or array.min() < low:
        wrong = array.max() if array.max() > limits.max else array.min()
        error = ValueError if to.itemsize == 8 else RuntimeError
        raise error(f"value {wrong} cannot be converted to type {to} without overflow")


@function(on="fb")
def tensor(
    data: Any,
    dtype: Dtype | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor with a copy of the data: numbers, nested lists, arrays or tensors.

    Python floats become the default dtype (float32), ints int64; arrays keep theirs.
    """
    if device is None and isinstance(data, Tensor):
        device = data.device
    elif device is None:
        device = get_default_device()
    return finish(array_of(data, dtype), device, requires_grad)


_INT64 = np.dtype(np.int64)
_SHALLOW = ({float}, {int}, {float, int})


@in_front(tensor)
def _(data, dtype=None, device=None, requires_grad=False, pin_memory=False):
    kind = data.__class__
    if dtype is None and device is None and usual_size(()) is not None:
        if kind is list and data:
            types = set(map(type, data))
            if types == {list}:
                types = set().union(*[map(type, row) for row in data])
            kind = int if types == {int} else float if types in _SHALLOW else None
        to = dtypes.get_default_dtype().numpy if kind is float else _INT64
        if kind is float or kind is int:
            try:
                return usual_tensor(np.array(data, to), requires_grad)
            except (ValueError, OverflowError):  # which is explained there
                pass
    return tensor(data, dtype, device, requires_grad, pin_memory)


@function(on="fb")
def as_tensor(data: Any, dtype: Dtype | None = None, device: Any = None) -> Tensor:
    """The data as a tensor, without a copy where its type and device allow."""
    if isinstance(data, Tensor):
        made = data
    elif isinstance(data, np.ndarray):
        made = from_numpy(data)
    elif type(data).__module__.partition(".")[0] == "cupy":
        made = wrap(data)
    else:
        return tensor(data, dtype, device)
    return made.to(device=device, dtype=dtype)


@function(on="fb")
def asarray(
    obj: Any,
    *,
    dtype: Dtype | None = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """As `as_tensor`; ``copy=True`` always copies, ``copy=False`` never."""
    made = as_tensor(obj, dtype, device)
    shared = made is obj or (isinstance(obj, np.ndarray) and np.may_share_memory(made.array, obj))
    if copy is False and not shared:
        raise ValueError("asarray: a copy is needed for this object, dtype or device")
    made = made.clone() if copy and shared else made
    return made.requires_grad_() if requires_grad else made


@function(on="fb")
def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor that shares memory with a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.of(ndarray.dtype)
    return wrap(ndarray.view(np.ndarray) if type(ndarray) is not np.ndarray else ndarray)


@in_front(from_numpy)
def _(ndarray):
    if ndarray.__class__ is np.ndarray and ndarray.dtype in dtypes.OF_NUMPY and PLAIN:
        return wrap(ndarray)
    return from_numpy(ndarray)


@function(on="fb", name="scalar_tensor")
def _scalar(
    s: Any,
    *,
    dtype: Dtype | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor without dimensions."""
    kind = dtype or dtypes.get_default_dtype()
    return full((), s, dtype=kind, device=device, requires_grad=requires_grad)


# Of one value


def shape_of(size: tuple[Any, ...]) -> tuple[int, ...]:
    shape = sizes(size)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {list(shape)}")
    if prod(shape) >= 2**60:  # eight bytes each could not be counted
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)}")
    return shape


def _filled(size, value, dtype, device, requires_grad):
    xp, where = place(device)
    to = numpy_type(dtype)
    array = xp.full(shape_of(size), number_for(to, value), to)
    return finish(array, where, requires_grad)


@function(on="fb")
@unlaid
@sized
def zeros(*size, dtype=None, device=None, requires_grad=False):
    """Zeros of a shape."""
    xp, where = place(device)
    return finish(xp.zeros(shape_of(size), numpy_type(dtype)), where, requires_grad)


def usual_size(size: tuple[Any, ...]) -> tuple[int, ...] | None:
    """The sizes in ``zeros(2, 3)`` or ``zeros((2, 3))``, where new tensors are of the usual kind.

    None where they are not plain or not on the CPU, and where the sizes are anything but ints.
    """
    if not PLAIN or inference or get_default_device() is not CPU:
        return None
    if len(size) == 1 and (size[0].__class__ is tuple or size[0].__class__ is Size):
        (size,) = size
    count = 1
    for n in size:
        if n.__class__ is not int or n < 0:
            return None
        count *= n
    return size if count < _LARGE else None


def usual_kind(dtype: Any) -> np.dtype | None:
    """NumPy's type for a ``dtype=`` argument, None for what needs a closer look."""
    if dtype is None:
        return dtypes.get_default_dtype().numpy
    return dtype.numpy if dtype.__class__ is Dtype else None


def usual_tensor(array: Any, requires_grad: bool) -> Tensor:
    """A tensor on an array in the CPU's memory."""
    made = wrap(array)
    return made.requires_grad_() if requires_grad else made


_LARGE = 2**24  # for more elements there may be no memory, which is explained elsewhere


@in_front(zeros)
def _(*size, dtype=None, requires_grad=False, **options):
    shape, kind = usual_size(size), usual_kind(dtype)
    if options or shape is None or kind is None:
        return zeros(*size, dtype=dtype, requires_grad=requires_grad, **options)
    return usual_tensor(np.zeros(shape, kind), requires_grad)


@function(on="fb")
@unlaid
@sized
def ones(*size, dtype=None, device=None, requires_grad=False):
    """Ones of a shape."""
    return _filled(size, 1, dtype, device, requires_grad)


@in_front(ones)
def _(*size, dtype=None, requires_grad=False, **options):
    shape, kind = usual_size(size), usual_kind(dtype)
    if options or shape is None or kind is None:
        return ones(*size, dtype=dtype, requires_grad=requires_grad, **options)
    array = np.empty(shape, kind)
    array.fill(1)  # a quarter of what np.ones takes
    return usual_tensor(array, requires_grad)


@function(on="fb")
@unlaid
@sized
def empty(
    *size,
    dtype=None,
    device=None,
    requires_grad=False,
):
    """A shape of memory with whatever stands in it."""
    xp, where = place(device)
    return finish(xp.empty(shape_of(size), numpy_type(dtype)), where, requires_grad)


@function(on="fb")
@unlaid
def full(size, fill_value, *, dtype=None, device=None, requires_grad=False):
    """A shape filled with one value, whose type it takes."""
    if isinstance(size, int):
        raise TypeError(f"full(): argument 'size' must be a tuple of ints, not int; ({size},) is")
    if isinstance(fill_value, Tensor):
        dtype, fill_value = dtype or fill_value.dtype, fill_value.item()
    if dtype is None:
        dtype = dtypes.of(type(fill_value))
    return _filled((size,), fill_value, dtype, device, requires_grad)


def like_of(input, dtype, device):
    """The keywords for something made like another tensor."""
    input.array[()]  # refused under vmap: what is like a slice has slices of its own
    return {"dtype": dtype or input.dtype, "device": device or input.device}


@function(on="fb")
@unlaid
def zeros_like(input, *, dtype=None, device=None, requires_grad=False):
    """Zeros in the shape, type and place of another tensor."""
    return zeros(input.array.shape, requires_grad=requires_grad, **like_of(input, dtype, device))


@function(on="fb")
@unlaid
def ones_like(input, *, dtype=None, device=None, requires_grad=False):
    """Ones in the shape, type and place of another tensor."""
    return ones(input.array.shape, requires_grad=requires_grad, **like_of(input, dtype, device))


@function(on="fb")
@unlaid
def empty_like(input, *, dtype=None, device=None, requires_grad=False):
    """Uninitialised memory in the shape, type and place of another tensor."""
    return empty(input.array.shape, requires_grad=requires_grad, **like_of(input, dtype, device))


@function(on="fb")
@unlaid
def full_like(
    input,
    fill_value,
    *,
    dtype=None,
    device=None,
    requires_grad=False,
):
    """One value in the shape, type and place of another tensor."""
    like = like_of(input, dtype, device)
    return full(input.array.shape, fill_value, requires_grad=requires_grad, **like)


@function(on="Tensor")
@unlaid
@sized
def new_zeros(self, *size, dtype=None, device=None, requires_grad=False):
    """Zeros in the type and place of this tensor."""
    return zeros(*size, requires_grad=requires_grad, **like_of(self, dtype, device))


@function(on="Tensor")
@unlaid
@sized
def new_ones(self, *size, dtype=None, device=None, requires_grad=False):
    """Ones in the type and place of this tensor."""
    return ones(*size, requires_grad=requires_grad, **like_of(self, dtype, device))


@function(on="Tensor")
@unlaid
@sized
def new_empty(self, *size, dtype=None, device=None, requires_grad=False):
    """Uninitialised memory in the type and place of this tensor."""
    return empty(*size, requires_grad=requires_grad, **like_of(self, dtype, device))


@function(on="Tensor")
@unlaid
def new_full(self, size, fill_value, *, dtype=None, device=None, requires_grad=False):
    """One value in the type and place of this tensor."""
    return full(size, fill_value, requires_grad=requires_grad, **like_of(self, dtype, device))


@function(on="Tensor")
@unlaid
def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False):
    """The data in the type and place of this tensor."""
    return tensor(data, requires_grad=requires_grad, **like_of(self, dtype, device))


@function(on="fb")
@unlaid
def eye(n, m=None, *, dtype=None, device=None, requires_grad=False):
    """Ones on the diagonal, zeros elsewhere."""
    if n < 0 or (m or 0) < 0:
        raise RuntimeError(f"eye: sizes must not be negative, got {n} and {m}")
    xp, where = place(device)
    return finish(xp.eye(n, n if m is None else m, dtype=numpy_type(dtype)), where, requires_grad)
