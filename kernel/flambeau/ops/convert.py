"""Changing the type and the device of a tensor, and asking about types."""

from __future__ import annotations

from typing import Any

from numpy import ndarray

from .. import dtypes
from ..device import device as Device
from ..device import move as move_array
from ..device import of as device_of
from ..device import usable
from ..layouts import preserve_format
from ..subclasses import PLAIN
from ..tensor import Tensor
from .registry import function, in_front, op


@op(on="", backward="ToCopyBackward0")
def cast(xp, x, /, dtype):
    """x in a NumPy dtype."""
    return x.astype(dtype)


cast.gradients(x=lambda g: g)


@op(on="", backward="ToCopyBackward0")
def move(xp, x, /, device, source):
    """x on another device; ``source`` is where it was."""
    return move_array(x, device)


move.gradients(x=lambda ns, g, device, source: ns.move(g, source, device))


_OF_PYTHON: dict[Any, dtypes.dtype] = {
    float: dtypes.float64, int: dtypes.int64, bool: dtypes.bool_, complex: dtypes.complex128,
}  # fmt: skip


def _target(args: tuple[Any, ...], dtype: Any, device: Any) -> tuple[Any, Any]:
    for arg in args:
        if isinstance(arg, dtypes.dtype):
            dtype = arg
        elif isinstance(arg, Tensor):
            dtype, device = arg.dtype, arg.device
        elif isinstance(arg, (str, Device, int)) and not isinstance(arg, bool):
            device = arg
        elif arg in _OF_PYTHON:
            dtype = _OF_PYTHON[arg]
        elif arg is not None and not isinstance(arg, bool):
            raise TypeError(
                f"to() received an invalid argument of type {type(arg).__name__}; "
                "it takes a dtype, a device or a tensor"
            )
    return dtype, device


@function(on="Tensor")
def to(
    self,
    *args,
    dtype=None,
    device=None,
    non_blocking=False,
    copy=False,
    memory_format=None,
    other=None,
):
    """This tensor in a dtype, on a device, or as another tensor; itself if it is so already.

    >>> fb.tensor([1.7, -1.7]).to(fb.int64)
    tensor([ 1, -1])
    """
    dtype, device = _target(args if other is None else (*args, other), dtype, device)
    dtype = _OF_PYTHON.get(dtype, dtype)
    flags = [arg for arg in args if isinstance(arg, bool)]  # non_blocking, copy
    copy = copy or flags[1:2] == [True]
    out = self
    if device is not None:
        where = usable(device)
        if where != device_of(out.array):
            out = move(out, where, device_of(out.array))
    if dtype is not None:
        if not isinstance(dtype, dtypes.dtype):
            raise TypeError(f"to(): dtype must be torch.dtype, not {type(dtype).__name__}")
        if dtype.numpy != out.array.dtype:
            out = cast(out, dtype.numpy)
    if memory_format not in (None, preserve_format):
        out = out.contiguous(memory_format=memory_format)
    return out.clone() if copy and out is self else out


@in_front(to)
def _(self, *args, **kwargs):
    if len(args) == 1 and not kwargs and self.__class__ in PLAIN:
        (asked,), array = args, self.array
        if asked.__class__ is dtypes.dtype:
            return self if array.dtype is asked.numpy else cast(self, asked.numpy)
        if array.__class__ is ndarray and (
            asked.type == "cpu" if asked.__class__ is Device else asked == "cpu"
        ):
            return self
    return to(self, *args, **kwargs)


@function(on="Tensor")
def cpu(self, memory_format=None):
    """This tensor in the memory of the CPU."""
    return to(self, "cpu", memory_format=memory_format)


@function(on="Tensor")
def cuda(self, device=None, non_blocking=False, memory_format=None):
    """This tensor in the memory of a CUDA device."""
    return to(self, "cuda" if device is None else device, memory_format=memory_format)


def _converter(name: str, kind: dtypes.dtype) -> None:
    def convert(self: Tensor, memory_format: Any = None) -> Tensor:
        return to(self, kind, memory_format=memory_format)

    convert.__name__ = name
    convert.__doc__ = f"This tensor as {kind.name}."
    composite = function(on="Tensor")(convert)
    if kind in (dtypes.float16, dtypes.bfloat16):
        return
    to_type = kind.numpy

    @in_front(composite)
    def usual(self: Tensor, memory_format: Any = None) -> Tensor:
        if memory_format is not None or self.__class__ not in PLAIN:
            return composite(self, memory_format)
        return self if self.array.dtype is to_type else cast(self, to_type)


for _name in (
    "float", "double", "half", "bfloat16", "int", "short", "long", "bool", "cfloat", "cdouble"
):  # fmt: skip
    _converter(_name, dtypes.PUBLIC[_name])
_converter("byte", dtypes.uint8)
_converter("char", dtypes.int8)

_LEGACY_NAMES = {
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int",
    "int64": "Long", "float16": "Half", "float32": "Float", "float64": "Double",
    "complex64": "ComplexFloat", "complex128": "ComplexDouble", "bfloat16": "BFloat16",
    "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64",
}  # fmt: skip


@function(on="Tensor", name="type")
def type_(self, dtype=None, non_blocking=False):
    """The old name of its type ("torch.FloatTensor"), or this tensor in another type."""
    if dtype is None:
        prefix = "torch.cuda." if self.is_cuda else "torch."
        return f"{prefix}{_LEGACY_NAMES[self.dtype.name]}Tensor"
    if isinstance(dtype, str):
        short = dtype.rpartition(".")[2].removesuffix("Tensor")
        names = [name for name, old in _LEGACY_NAMES.items() if old == short]
        if not names:
            raise ValueError(f"invalid type: {dtype!r}")
        dtype = dtypes.of_name(names[0])
    if isinstance(dtype, type) and dtype not in _OF_PYTHON:  # torch.FloatTensor
        dtype = dtypes.get_default_dtype() if dtype is Tensor else getattr(dtype, "dtype", dtype)
    if not isinstance(dtype, dtypes.dtype) and dtype not in _OF_PYTHON:
        raise ValueError(f"invalid type: {dtype!r}")
    return to(self, dtype)


@function(on="Tensor")
def type_as(self, other):
    """This tensor in the type and on the device of another.

    >>> fb.tensor([1, 2]).type_as(fb.tensor(0.5))
    tensor([1., 2.])
    """
    return to(self, other)


# Asking about types


@function(on="fb")
def is_tensor(obj: Any) -> bool:
    """Whether it is a Tensor."""
    return isinstance(obj, Tensor)


@function(on="fb")
def is_floating_point(input: Tensor) -> bool:
    """Whether its elements are floats."""
    return input.is_floating_point()


@function(on="fb")
def is_complex(input: Tensor) -> bool:
    """Whether its elements are complex."""
    return input.is_complex()


@function(on="fb")
def result_type(tensor: Any, other: Any) -> dtypes.dtype:
    """The type that arithmetic on the two gives.

    >>> fb.result_type(fb.tensor([1, 2]), 0.5)
    torch.float32
    """
    operands = [v.array if isinstance(v, Tensor) else v for v in (tensor, other)]
    return dtypes.OF_NUMPY[dtypes.common(operands)]


@function(on="fb")
def promote_types(type1: dtypes.dtype, type2: dtypes.dtype) -> dtypes.dtype:
    """The smallest type that both fit; an integer never widens a float.

    >>> fb.promote_types(fb.int64, fb.float16)
    torch.float16
    """
    return dtypes.promote_types(type1, type2)


@function(on="fb")
def can_cast(from_: dtypes.dtype, to: dtypes.dtype) -> bool:
    """Whether a result of one type may be written into the other: never into a lower kind."""
    return dtypes.can_cast(from_, to)
