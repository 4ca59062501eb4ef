"""``assert_close``: equal up to rounding, or an AssertionError that says where not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..tensor import Tensor, wrap

# (rtol, atol) by type: what rounding explains. Other types must be equal.
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """AssertionError unless |actual - expected| <= atol + rtol · |expected| everywhere.

    Tensors, numbers, and sequences and mappings of them; the tolerances follow the types unless
    both are given. ``msg`` replaces the message or is called with it. As
    ``torch.testing.assert_close``.

    >>> fb.testing.assert_close(fb.tensor([1.0]), fb.tensor([1.0 + 1e-7]))
    """
    if (rtol is None) != (atol is None):
        raise ValueError(
            "rtol and atol must both be given or both be left out, "
            f"but rtol is {rtol} and atol is {atol}"
        )
    options = {
        "tolerances": None if rtol is None else (rtol, atol),
        "equal_nan": equal_nan,
        "same": [
            name
            for name, wanted in (
                ("device", check_device),
                ("dtype", check_dtype),
                ("stride", check_stride),
            )
            if wanted
        ],
        "allow_subclasses": allow_subclasses,
    }
    found = _difference(actual, expected, "", options)
    if found is not None:
        text = found if msg is None else msg(found) if callable(msg) else msg
        raise AssertionError(text)


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """As `assert_close` without a look at types; the older name."""
    given = (v if isinstance(v, Tensor) else wrap(np.asarray(v)) for v in (actual, expected))
    actual, expected = given
    assert_close(
        actual,
        expected,
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_device=True,
        check_dtype=False,
        msg=msg or None,
    )


def _difference(a: Any, b: Any, where: str, options: dict[str, Any]) -> str | None:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if set(a) != set(b):
            return _at(
                "The keys of the mappings do not match:\n"
                f"Missing in the actual mapping: {sorted(map(str, set(b) - set(a)))}\n"
                f"Additional in the actual mapping: {sorted(map(str, set(a) - set(b)))}",
                where,
            )
        pairs = [(a[k], b[k], f"{where}[{k!r}]") for k in a]
        return next((d for x in pairs if (d := _difference(*x, options)) is not None), None)
    both = (list, tuple, Sequence)
    if isinstance(a, both) and isinstance(b, both) and not isinstance(a, (str, bytes)):
        if len(a) != len(b):
            return _at(f"The length of the sequences mismatch: {len(a)} != {len(b)}", where)
        pairs = [(x, y, f"{where}[{i}]") for i, (x, y) in enumerate(zip(a, b, strict=True))]
        return next((d for x in pairs if (d := _difference(*x, options)) is not None), None)
    return _values_differ(a, b, where, options)


def _values_differ(a: Any, b: Any, where: str, options: dict[str, Any]) -> str | None:
    if a is None or b is None:
        return None if a is b else _at(f"None mismatch: {a} is not {b}", where)
    scalars = not isinstance(a, Tensor) and not isinstance(b, Tensor)
    numbers = (bool, int, float, complex, np.ndarray, np.generic)
    for value in (a, b):
        if not isinstance(value, (Tensor, *numbers)):
            raise TypeError(
                f"no comparison is known for the types {type(a).__name__} and {type(b).__name__}"
                + (f" (of the items at {where})" if where else "")
            )
    if isinstance(a, Tensor) != isinstance(b, Tensor) or (
        not options["allow_subclasses"] and type(a) is not type(b)
    ):
        kinds = f"{type(a).__name__} and {type(b).__name__}"
        raise TypeError(_at(f"only what is alike is compared, not {kinds}", where))
    if scalars and isinstance(a, bool) != isinstance(b, bool):
        return _at(f"Booleans mismatch: {a} is not {b}", where)
    if not scalars:
        for name in options["same"]:
            x, y = getattr(a, name), getattr(b, name)
            x, y = (x(), y()) if name == "stride" else (x, y)
            if x != y:
                return _at(f"The values for attribute '{name}' do not match: {x} != {y}.", where)
    x, y = (_array(v) for v in (a, b))
    if x.shape != y.shape:
        return _at(
            f"The values for attribute 'shape' do not match: {_list(x)} != {_list(y)}.", where
        )
    return _far_apart(x, y, scalars, where, options)


def _array(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)


def _list(x: np.ndarray) -> str:
    return f"torch.Size({list(x.shape)})"


def _far_apart(
    x: np.ndarray, y: np.ndarray, scalars: bool, where: str, options: dict[str, Any]
) -> str | None:
    tolerances = options["tolerances"]
    if tolerances is None:
        each = [_TOLERANCES.get(v.dtype.name, (0.0, 0.0)) for v in (x, y)]
        tolerances = tuple(max(pair) for pair in zip(*each, strict=True))
    rtol, atol = tolerances
    wide = np.complex128 if "c" in (x.dtype.kind, y.dtype.kind) else np.float64
    exact = x.dtype.kind in "biu" and y.dtype.kind in "biu" and not (rtol or atol)
    with np.errstate(all="ignore"):
        if exact:
            close = x == y
        else:
            close = np.isclose(x.astype(wide), y.astype(wide), rtol, atol, options["equal_nan"])
    if close.all():
        return None
    off = np.abs(x.astype(wide) - y.astype(wide))
    scale = np.abs(y.astype(wide))
    if scalars and x.ndim == 0:
        return _at(
            f"Scalars are not {'equal' if not (rtol or atol) else 'close'}!\n\n"
            f"Expected {y.item()} but got {x.item()}.\n"
            f"Absolute difference: {off.item()} (up to {atol} allowed)\n"
            f"Relative difference: {_over(off, scale).item()} (up to {rtol} allowed)",
            where,
        )
    if exact:
        off = np.abs(x.astype(np.int64) - y.astype(np.int64))
    off = np.where(close, 0, off)
    relative = np.where(close, 0, _over(off, scale))
    at, at_relative = (_index(v) for v in (off, relative))
    return _at(
        f"Tensor-likes are not {'equal' if not (rtol or atol) else 'close'}!\n\n"
        f"Mismatched elements: {int((~close).sum())} / {close.size} "
        f"({100 * (~close).mean():.1f}%)\n"
        f"Greatest absolute difference: {off[at]} at index {at}{_allowed(atol)}\n"
        f"Greatest relative difference: {relative[at_relative]} at index {at_relative}"
        f"{_allowed(rtol)}",
        where,
    )


def _allowed(tolerance: float) -> str:
    return f" (up to {tolerance} allowed)" if tolerance else ""


def _over(off: np.ndarray, scale: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.where(off == 0, 0.0, off / scale)


def _index(values: np.ndarray) -> tuple[int, ...]:
    flat = int(np.nan_to_num(values, nan=math.inf).argmax())
    return tuple(int(i) for i in np.unravel_index(flat, values.shape))


def _at(text: str, where: str) -> str:
    return f"{text}\n\nThe failure occurred for item {where}" if where else text
