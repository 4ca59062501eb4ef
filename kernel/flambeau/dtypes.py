"""Data types, and PyTorch's rules for the type that an operation gives."""

from __future__ import annotations

from typing import Any

import numpy as np


class dtype:  # noqa: N801  (PyTorch's name)
    """The type of a tensor's elements; mirrors ``torch.dtype``.

    It prints as ``torch.float32``, because output is compared with PyTorch's word for word.

    >>> import flambeau as fb
    >>> fb.float64.itemsize
    8
    """

    __slots__ = ("is_complex", "is_floating_point", "is_signed", "itemsize", "name", "numpy")

    def __init__(self, name: str) -> None:
        self.name = name
        self.numpy = np.dtype(name)
        self.is_floating_point = self.numpy.kind == "f"
        self.is_complex = self.numpy.kind == "c"
        self.is_signed = self.numpy.kind in "ifc"
        self.itemsize = self.numpy.itemsize

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (of_name, (self.name,))


bool_ = dtype("bool")
uint8, int8, int16 = dtype("uint8"), dtype("int8"), dtype("int16")
int32, int64 = dtype("int32"), dtype("int64")
float16, float32, float64 = dtype("float16"), dtype("float32"), dtype("float64")
complex64, complex128 = dtype("complex64"), dtype("complex128")

ALL = (bool_, uint8, int8, int16, int32, int64, float16, float32, float64, complex64, complex128)
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
OF_NUMPY: dict[np.dtype, dtype] = {d.numpy: d for d in ALL}

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


_LEVEL = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}  # bool < int < float < complex


def _of_level(numpy_dtype: np.dtype) -> int:
    return _LEVEL[numpy_dtype.kind]


def promote_types(a: dtype, b: dtype) -> dtype:
    """The smallest type both fit, as ``torch.promote_types``: int64 with float32 is float32."""
    return OF_NUMPY[_promote(a.numpy, b.numpy)]


def _promote(a: np.dtype, b: np.dtype) -> np.dtype:
    level_a, level_b = _of_level(a), _of_level(b)
    if level_a < 2 <= level_b:  # an integer never widens a float
        return b
    if level_b < 2 <= level_a:
        return a
    return np.promote_types(a, b)


def _scalar_type(value: Any) -> np.dtype:
    if isinstance(value, (bool, np.bool_)):
        return bool_.numpy
    if isinstance(value, (int, np.integer)):
        return int64.numpy
    if isinstance(value, (float, np.floating)):
        return _default.numpy
    return (complex128 if _default is float64 else complex64).numpy


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
        elif _of_level(group) > _of_level(result):
            wider = _of_level(group) == 3 and _of_level(result) == 2
            result = np.result_type(result, np.complex64) if wider else group
    assert result is not None
    return result


FLOATING = frozenset(d.numpy for d in ALL if d.is_floating_point or d.is_complex)


def floating(x: Any) -> Any:
    """The array itself if it holds floats, else in the default floating type."""
    return x if x.dtype in FLOATING else x.astype(_default.numpy)
