"""Type promotion: bringing an operation's inputs to the type that PyTorch gives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..dtypes import FLOATING, common, floating

_WEAK = frozenset((float, int, bool))  # Python's numbers, to which NumPy gives way


def keeps_floats(rule: Any) -> Any:
    """Marks a rule that gives floats of one type back as they are: it need not be asked."""
    rule.keeps_floats = True
    return rule


def wants_numbers(rule: Any) -> Any:
    """Marks the rule of a forward that makes more of a number than of an array that holds it."""
    rule.wants_numbers = True
    return rule


@keeps_floats
def same(arrays: list[Any]) -> list[Any]:
    """All operands in their common type; Python numbers stay as they are where they fit."""
    if len(arrays) == 2:  # the usual cases, cheaply
        x, y = arrays
        if x.__class__ is ndarray:
            if y.__class__ is ndarray:
                if x.dtype is y.dtype:
                    return arrays
            elif x.dtype in FLOATING and y.__class__ in _WEAK:
                return arrays
        elif x.__class__ is float and y.__class__ is ndarray and y.dtype in FLOATING:
            return arrays
    given = [a for a in arrays if a is not None]
    if not given:
        return arrays
    to = common(given)
    first = next((a for a in given if hasattr(a, "ndim")), None)
    return [_cast(a, to, first) for a in arrays]


def _cast(a: Any, to: Any, like: Any) -> Any:
    if a is None:
        return None
    if isinstance(a, type(like)):
        return a if a.dtype == to else a.astype(to)
    return bool(a) if to.kind == "b" else number(a, to)


def number(value: Any, to: Any) -> Any:
    """A Python number in a NumPy type; an integer out of its range wraps around."""
    try:
        return to.type(value)
    except OverflowError:
        if not isinstance(value, int):
            raise
        return np.asarray(value).astype(to)[()]


@keeps_floats
def same_float(arrays: list[Any]) -> list[Any]:
    """As `same`, and integers become floats: ``1 / 2`` is 0.5."""
    for a in arrays:
        if hasattr(a, "astype") and a.dtype not in FLOATING:
            break
    else:
        return same(arrays)
    if common(arrays) in FLOATING:
        return same(arrays)
    return [floating(a if hasattr(a, "astype") else np.asarray(a)[()]) for a in arrays]


@keeps_floats
def to_float(arrays: list[Any]) -> list[Any]:
    """The first input as floats: ``exp`` of integers is float32."""
    x = arrays[0]
    if x.dtype in FLOATING:
        return arrays
    return [floating(x), *arrays[1:]]


@keeps_floats
def only_float(arrays: list[Any]) -> list[Any]:
    """The inputs as they are; NotImplementedError if the first holds no floats, as in PyTorch."""
    x = arrays[0]
    if x.dtype not in FLOATING:
        raise NotImplementedError(
            f"not defined for {x.dtype}, only for floating types; x.float() has one"
        )
    return arrays


@keeps_floats
def as_given(arrays: list[Any]) -> list[Any]:
    """The inputs as they are."""
    return arrays


_NUMBERS = frozenset((*_WEAK, complex))


def _like(rule: Any, promoted: Any) -> Any:
    promoted.keeps_floats = getattr(rule, "keeps_floats", False)
    return promoted


def only_tensors(rule: Any) -> Any:
    """A rule for operations that take no Python numbers: TypeError where one is given."""

    def promoted(arrays: list[Any]) -> list[Any]:
        for a in arrays:
            if a.__class__ in _NUMBERS:
                raise _number_given(arrays)
        return rule(arrays)

    return _like(rule, promoted)


def tensor_first(rule: Any) -> Any:
    """A rule for operations whose first input must be a tensor, where others may be numbers."""

    def promoted(arrays: list[Any]) -> list[Any]:
        if arrays[0].__class__ in _NUMBERS:
            raise _number_given(arrays)
        return rule(arrays)

    return _like(rule, promoted)


def some_tensor(rule: Any) -> Any:
    """A rule for operations of which either input may be a number, but not both."""

    def promoted(arrays: list[Any]) -> list[Any]:
        if arrays[0].__class__ in _NUMBERS and arrays[1].__class__ in _NUMBERS:
            raise _number_given(arrays)
        return rule(arrays)

    return _like(rule, promoted)


_KINDS = {"b": "booleans", "i": "integers", "u": "integers", "f": "floats", "c": "complex numbers"}


def without(kinds: str, rule: Any = as_given) -> Any:
    """A rule for operations that are not defined for kinds of numbers: "b", "iu", "f", "c".

    NotImplementedError where one is given, as in PyTorch.
    """

    def promoted(arrays: list[Any]) -> list[Any]:
        arrays = rule(arrays)
        for a in arrays:
            if a.__class__ not in _NUMBERS and a is not None and a.dtype.kind in kinds:
                raise NotImplementedError(f"not implemented for {_KINDS[a.dtype.kind]} ({a.dtype})")
        return arrays

    return promoted if "f" in kinds else _like(rule, promoted)


real_float = without("c", to_float)


def _number_given(arrays: list[Any]) -> TypeError:
    kinds = ", ".join("Tensor" if hasattr(a, "ndim") else type(a).__name__ for a in arrays)
    return TypeError(f"a number stands where a Tensor is needed, in ({kinds}); use torch.tensor(x)")


def _conversion(dtype: Any) -> str:
    short = {"float32": "float", "float64": "double", "float16": "half"}
    return f"x.{short[dtype.name]}()" if dtype.name in short else f"x.to(torch.{dtype.name})"


@keeps_floats
def alike(arrays: list[Any]) -> list[Any]:
    """The inputs as they are; RuntimeError if they differ in type (``None`` has none)."""
    to = arrays[0].dtype
    for a in arrays:
        if a is not None and a.dtype is not to and a.dtype != to:
            raise RuntimeError(
                f"expected all inputs to have the same dtype, but the input is {to} and another "
                f"(such as the weight) is {a.dtype}; {_conversion(a.dtype)} makes the input fit"
            )
    return arrays
