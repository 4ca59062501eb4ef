"""Data types, and PyTorch's rules for the type that an operation gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class dtype:  # noqa: N801  (PyTorch's name)
    """The type of a tensor's elements; mirrors ``torch.dtype``.

    It prints as ``torch.float32``, because output is compared with PyTorch's word for word.
    ``numpy`` is NumPy's own type for it; that of `bfloat16` comes from the package ml_dtypes.

    >>> import flambeau as fb
    >>> fb.float64.itemsize
    8
    """

    __slots__ = ("is_complex", "is_floating_point", "is_signed", "itemsize", "name", "numpy")
    numpy: np.dtype

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_floating_point = "float" in name
        self.is_complex = name.startswith("complex")
        self.is_signed = name[0] != "u" and name != "bool"
        self.itemsize = 1 if name == "bool" else int(name.lstrip("abcdefghijklmnopqrstuvwxyz")) // 8

    def __getattr__(self, name: str) -> Any:
        if name != "numpy":
            raise AttributeError(f"a dtype has no attribute {name!r}")
        self.numpy = _first_use(self)  # from now on `numpy` is found without coming here
        return self.numpy

    def to_real(self) -> dtype:
        """The type of the real part: float32 for complex64, itself for what is real."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    def to_complex(self) -> dtype:
        """The complex type with such parts: complex64 for float32."""
        found = complex128 if self.name in ("float64", "complex128") else complex64
        if not (self.is_floating_point or self.is_complex):
            raise RuntimeError(f"there are no complex numbers with {self.name} as their parts")
        return found

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (of_name, (self.name,))


bool_ = dtype("bool")
uint8, int8, int16 = dtype("uint8"), dtype("int8"), dtype("int16")
int32, int64 = dtype("int32"), dtype("int64")
uint16, uint32, uint64 = dtype("uint16"), dtype("uint32"), dtype("uint64")
float16, bfloat16 = dtype("float16"), dtype("bfloat16")
float32, float64 = dtype("float32"), dtype("float64")
complex64, complex128 = dtype("complex64"), dtype("complex128")

ALL = (
    bool_, uint8, int8, int16, int32, int64, uint16, uint32, uint64,
    float16, bfloat16, float32, float64, complex64, complex128,
)  # fmt: skip
# Names that `import flambeau as fb; fb.<name>` shows, aliases included.
PUBLIC: dict[str, dtype] = {d.name: d for d in ALL} | {
    "half": float16,
    "float": float32,
    "double": float64,
    "short": int16,
    "int": int32,
    "long": int64,
    "cfloat": complex64,
    "cdouble": complex128,
}
# The floats of 16 bits are computed with as float32; what that takes (`ops/narrow_floats.py`) is
# done when one of them is used first, so that programs without them pay nothing for it.
NARROW: set[np.dtype] = set()
FLOATING: set[np.dtype] = {np.dtype(n) for n in "efdFD"}  # and bfloat16, once it is used
when_narrow: list[Callable[[], None]] = []  # what is to be done then


class _OfNumpy(dict[np.dtype, dtype]):
    def __missing__(self, kind: np.dtype) -> dtype:
        if kind.name in ("float16", "bfloat16"):
            found = PUBLIC[kind.name]
            return found if found.numpy == kind else self[found.numpy]
        raise KeyError(kind)


OF_NUMPY: dict[np.dtype, dtype] = _OfNumpy()
for _d in ALL:
    if _d not in (float16, bfloat16):
        _d.numpy = np.dtype(_d.name)
        OF_NUMPY[_d.numpy] = _d


def _first_use(kind: dtype) -> np.dtype:
    """NumPy's type for a float of 16 bits, when it is asked for the first time."""
    if kind is bfloat16:
        from ml_dtypes import bfloat16 as of_numpy
    else:
        of_numpy = np.float16
    found = np.dtype(of_numpy)
    OF_NUMPY[found] = kind
    FLOATING.add(found)
    NARROW.add(found)
    while when_narrow:
        when_narrow.pop()()
    return found


_default = float32


def of_name(name: str) -> dtype:
    """The dtype of that name, ``"float32"``; ValueError for an unknown one."""
    if name not in PUBLIC:
        raise ValueError(f"no dtype is called {name!r}; there are {', '.join(PUBLIC)}")
    return PUBLIC[name]


def of(kind: Any) -> dtype:
    """The Flambeau dtype for a NumPy dtype, a Python type or a Flambeau dtype."""
    if isinstance(kind, dtype):
        return kind
    if isinstance(kind, type) and kind in (bool, int, float, complex):
        of_complex = complex128 if _default is float64 else complex64
        return {bool: bool_, int: int64, float: _default, complex: of_complex}[kind]
    if kind == "bfloat16":  # a name that NumPy knows only when ml_dtypes is imported
        return bfloat16
    try:
        return OF_NUMPY[np.dtype(kind)]
    except (KeyError, TypeError):
        known = ", ".join(d.name for d in ALL)
        raise TypeError(f"no tensor can hold {kind!r}; the types are {known}") from None


def get_default_dtype() -> dtype:
    """The dtype of tensors made from Python floats; mirrors ``torch.get_default_dtype``."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Sets the dtype of tensors made from Python floats; mirrors ``torch.set_default_dtype``."""
    global _default
    if not (isinstance(d, dtype) and d.is_floating_point):
        raise TypeError(f"only floating-point types are supported as the default type, not {d!r}")
    _default = d


_LEVEL = {"b": 0, "u": 1, "i": 1, "f": 2, "V": 2, "c": 3}  # bool < int < float < complex


def level(kind: np.dtype) -> int:
    """0 for bool, 1 for integers, 2 for floats, 3 for complex numbers."""
    return _LEVEL[kind.kind]  # bfloat16, which NumPy has not of its own, is of kind "V"


def promote_types(a: dtype, b: dtype) -> dtype:
    """The smallest type both fit, as ``torch.promote_types``: int64 with float32 is float32."""
    return OF_NUMPY[_promote(a.numpy, b.numpy)]


def is_number(kind: np.dtype) -> bool:
    """Whether a tensor can hold NumPy's type: no strings, objects or records."""
    return kind.kind in "biufc" or kind in NARROW


def is_float(kind: np.dtype) -> bool:
    """Whether it is a type of real floats."""
    return kind.kind == "f" or kind in NARROW


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether results of one type may be written into the other: never to a lower kind."""
    return level(from_.numpy) <= level(to.numpy)


def _is_wide_unsigned(kind: np.dtype) -> bool:
    return kind.kind == "u" and kind.itemsize > 1


def _promote(a: np.dtype, b: np.dtype) -> np.dtype:
    if a == b:
        return a
    low, high = (a, b) if level(a) <= level(b) else (b, a)
    if (_is_wide_unsigned(a) or _is_wide_unsigned(b)) and level(high) != 2:
        raise RuntimeError(
            "promotion for uint16, uint32 and uint64 is not supported, attempted to promote "
            f"{a} and {b}; x.to(torch.int64) makes them meet"
        )
    if level(low) < 2 <= level(high):  # an integer never widens a float
        return high
    if a in NARROW and b in NARROW:
        return float32.numpy
    return np.promote_types(a, b)


def _scalar_type(value: Any) -> np.dtype:
    if isinstance(value, (bool, np.bool_)):
        return bool_.numpy
    if isinstance(value, (int, np.integer)):
        return int64.numpy
    if isinstance(value, (complex, np.complexfloating)):
        return (complex128 if _default is float64 else complex64).numpy
    return _default.numpy


def common(operands: Any) -> np.dtype:
    """PyTorch's result type for arrays and Python numbers together.

    Tensors with dimensions decide; one of none counts only when it is of a higher kind
    (bool < int < float < complex), and a Python number only when higher still.
    Source: ``torch.result_type``.
    """
    groups: list[np.dtype | None] = [None, None, None]
    for x in operands:
        is_array = hasattr(x, "ndim") and not isinstance(x, np.generic)
        rank = (0 if x.ndim else 1) if is_array else 2
        found = x.dtype if is_array else _scalar_type(x)
        before = groups[rank]
        groups[rank] = found if before is None else _promote(before, found)
    result: np.dtype | None = None
    for group in groups:
        if group is None:
            continue
        if result is None:
            result = group
        elif level(group) > level(result):
            wider = level(group) == 3 and level(result) == 2
            result = np.result_type(result, np.complex64) if wider else group
    assert result is not None
    return result


def floating(x: Any) -> Any:
    """The array itself if it holds floats, else in the default floating type."""
    return x if x.dtype in FLOATING else x.astype(_default.numpy)
