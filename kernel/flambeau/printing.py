"""How a tensor prints: PyTorch's text, character for character."""

from __future__ import annotations

from math import inf, isfinite
from typing import Any

import numpy as np

from . import dtypes
from .device import CPU, move

_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": inf, "edgeitems": 3, "linewidth": 80},
}
_options: dict[str, Any] = {**_PROFILES["default"], "sci_mode": None}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """How tensors print: decimals, when to shorten (elements), what to keep at the edges, width.

    ``profile`` is "default", "short" or "full"; ``sci_mode`` None lets the numbers decide.

    >>> fb.set_printoptions(precision=2)
    >>> fb.tensor(2 / 3)
    tensor(0.67)
    >>> fb.set_printoptions(profile="default")
    """
    if profile is not None:
        _options.update(_PROFILES[profile])
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    _options.update({k: v for k, v in given.items() if v is not None}, sci_mode=sci_mode)


class _Format:
    """One format for all numbers of a tensor: decimals, exponents or neither, and a width."""

    def __init__(self, values: np.ndarray) -> None:
        self.floating = values.dtype.kind == "f"
        self.whole = True
        self.exponents = False
        self.width = 1
        flat = values.reshape(-1)
        if not self.floating:
            self.width = max([1, *(len(str(v)) for v in flat.tolist())])
            return
        self._choose(flat[np.isfinite(flat) & (flat != 0)].astype(np.float64))

    def _choose(self, numbers: np.ndarray) -> None:
        if not numbers.size:
            return
        sizes = abs(numbers)
        smallest, largest = float(sizes.min()), float(sizes.max())
        self.whole = bool((numbers == np.ceil(numbers)).all())
        with np.errstate(over="ignore"):
            wide = np.float64(largest) / np.float64(smallest) > 1000.0
        self.exponents = _options["sci_mode"]
        if self.exponents is None:
            self.exponents = bool(wide or largest > 1e8 or smallest < 1e-4)
        digits = _options["precision"]
        if self.exponents:
            texts = [f"{v:.{digits}e}" for v in numbers.tolist()]
        elif self.whole:
            texts = [f"{v:.0f}." for v in numbers.tolist()]
        else:
            texts = [f"{v:.{digits}f}" for v in numbers.tolist()]
        self.width = max(map(len, texts))

    def __call__(self, value: Any) -> str:
        if not self.floating:
            text = str(value)
        elif self.exponents:
            text = f"{value:{self.width}.{_options['precision']}e}"
        elif self.whole:
            text = f"{value:.0f}" + ("." if isfinite(value) else "")
        else:
            text = f"{value:.{_options['precision']}f}"
        return text.rjust(self.width)


class _ComplexFormat:
    """The same for complex numbers: a format for either part."""

    def __init__(self, values: np.ndarray) -> None:
        self.real, self.imag = _Format(values.real), _Format(values.imag)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, value: complex) -> str:
        imag = (self.imag(value.imag) + "j").lstrip()
        return self.real(value.real) + ("" if imag[0] in "+-" else "+") + imag


def _edges(array: np.ndarray) -> np.ndarray:
    """The elements that a shortened print shows."""
    edge = _options["edgeitems"]
    for dim, n in enumerate(array.shape):
        if n > 2 * edge:
            keep = np.r_[0:edge, n - edge : n]
            array = array.take(keep, axis=dim)
    return array


def _row(array: np.ndarray, indent: int, short: bool, form: Any) -> str:
    per_line = max(1, (_options["linewidth"] - indent) // (form.width + 2))
    edge = _options["edgeitems"]
    if short and not edge:
        texts = ["..."]
    elif short and len(array) > 2 * edge:
        head, tail = array[:edge].tolist(), array[-edge:].tolist()
        texts = [*map(form, head), " ...", *map(form, tail)]
    else:
        texts = [form(v) for v in array.tolist()]
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested(array: np.ndarray, indent: int, short: bool, form: Any) -> str:
    if array.ndim == 0:
        return form(array.item())
    if array.ndim == 1:
        return _row(array, indent, short, form)
    edge = _options["edgeitems"]
    if short and len(array) > 2 * edge:
        rows = [_nested(a, indent + 1, short, form) for a in array[:edge]]
        rows += ["...", *(_nested(a, indent + 1, short, form) for a in array[len(array) - edge :])]
    else:
        rows = [_nested(a, indent + 1, short, form) for a in array]
    between = "," + "\n" * (array.ndim - 1) + " " * (indent + 1)
    return "[" + between.join(rows) + "]"


def array_text(array: Any, indent: int = 0) -> str:
    """The numbers of an array in brackets."""
    array = move(array, CPU)
    if array.size == 0:
        return "[]"
    if array.dtype in dtypes.NARROW or array.dtype == np.float16:
        array = array.astype(np.float32)
    short = array.size > _options["threshold"]
    shown = _edges(array) if short else array
    form = (_ComplexFormat if array.dtype.kind == "c" else _Format)(shown)
    return _nested(array, indent, short, form)


def _suffixes(t: Any) -> list[str]:
    """What stands behind the numbers: device, size, dtype, place in the graph."""
    found = []
    if t.device != CPU:
        found.append(f"device='{t.device}'")
    default = dtypes.get_default_dtype()
    empty = t.array.size == 0 or t.is_meta
    if t.is_meta or (t.ndim != 1 if empty else not _options["edgeitems"]):
        found.append(f"size={tuple(t.shape)}")
    pair = dtypes.complex128 if default is dtypes.float64 else dtypes.complex64
    usual = (default,) if empty else (default, dtypes.int64, dtypes.bool_, pair)
    if t.dtype not in usual:
        found.append(f"dtype={t.dtype!r}")
    if t.grad_fn is not None:
        found.append(f"grad_fn=<{t.grad_fn.name()}>")
    elif t.requires_grad:
        found.append("requires_grad=True")
    return found


def tensor_text(t: Any, *, tensor_contents: str | None = None) -> str:
    """The text of a tensor: ``tensor([1., 2.], requires_grad=True)``.

    Subclasses print under their own name; ``tensor_contents`` stands in place of the numbers.
    """
    plain = type(t).__name__ in ("Tensor", "Parameter", "Buffer")
    prefix = "tensor(" if plain else f"{type(t).__name__}("
    if tensor_contents is None:
        tensor_contents = "..." if t.is_meta else array_text(t.array, len(prefix))
    text = prefix + tensor_contents
    width = len(text) - text.rfind("\n") + 1
    for suffix in _suffixes(t):
        if width + len(suffix) + 2 > _options["linewidth"]:
            text += ",\n" + " " * len(prefix) + suffix
            width = len(prefix) + len(suffix)
        else:
            text += ", " + suffix
            width += len(suffix) + 2
    return text + ")"
