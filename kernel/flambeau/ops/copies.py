"""``expand_copy``, ``t_copy`` and all the others: what a view shows, in memory of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..dtypes import dtype
from ..tensor import Tensor
from .arrange import unfold_dim
from .complex import view_as_complex, view_as_real
from .index import narrow, select, slice_dim
from .registry import function
from .rows import row_major
from .shape import (
    alias,
    diagonal,
    expand,
    permute,
    reshape,
    squeeze,
    t,
    transpose,
    unsqueeze,
    view,
)  # fmt: skip
from .split import split, split_with_sizes, unbind
from .strided import as_strided


def _copying(view: Callable[..., Any], name: str, on: str = "fb") -> None:
    def copied(*args: Any, **kwargs: Any) -> Any:
        made = view(*args, **kwargs)
        return row_major(made) if isinstance(made, Tensor) else tuple(map(row_major, made))

    copied.__name__ = f"{name}_copy"
    copied.__doc__ = f"A copy of what ``{name}`` gives: the same values, in memory of its own."
    function(copied, on=on)


def _detach(input: Tensor) -> Tensor:
    return input.detach()


def _narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    if dim >= input.ndim:
        raise RuntimeError(f"narrow_copy: dim {dim} is out of range for {input.ndim} dimensions")
    return narrow(input, dim, start, length)


def _expand(input: Tensor, size: Any, *, implicit: bool = False) -> Tensor:
    return expand(input, size)


def _view(input: Tensor, size: Any) -> Tensor:
    """With memory of its own it can have any shape, however the input lies in memory."""
    return view(input, size) if isinstance(size, dtype) else reshape(input, size)


for _name, _shown in {
    "alias": alias, "as_strided": as_strided, "detach": _detach, "diagonal": diagonal,
    "expand": _expand, "permute": permute, "select": select, "slice": slice_dim, "split": split,
    "split_with_sizes": split_with_sizes, "squeeze": squeeze, "t": t, "transpose": transpose,
    "unbind": unbind, "unfold": unfold_dim, "unsqueeze": unsqueeze, "view": _view,
    "view_as_complex": view_as_complex, "view_as_real": view_as_real,
}.items():  # fmt: skip
    _copying(_shown, _name)
_copying(_narrow, "narrow", on="fb Tensor")
