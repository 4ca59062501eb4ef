"""``squeeze_``, ``t_`` and others: a tensor that itself becomes what a view of it would show."""

from __future__ import annotations

from typing import Any

from ..autograd.grad_mode import is_grad_enabled
from ..tensor import Tensor, wrap
from .apply import _check_writable
from .registry import OPS, show
from .shape import squeeze, t, transpose, unsqueeze
from .strided import as_strided


def _before(x: Tensor) -> Tensor:
    """Another face of the same memory and history, which keeps the shape that x has now."""
    old = wrap(x.array)
    old._counter, old._node, old._needs_grad = x._counter, x._node, x._needs_grad
    old._view = x._view
    if x._view is not None:
        old._seen = x._seen
    if "_before" in x.__dict__:
        old.__dict__["_before"] = x.__dict__["_before"]
    return old


def _become(x: Tensor, made: Tensor, old: Tensor) -> None:
    """Makes x a view of what it was, which the views there are of it go on to be views of."""
    x.array, x._node, x._needs_grad = made.array, made._node, made._needs_grad
    x.__dict__["_before"] = old
    x._view = made._view
    if x._counter is not None:
        x._counter[0] += 1
        x._seen = x._counter[0]


def _in_place(view: Any, name: str) -> None:
    def reshaped(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if self.requires_grad and is_grad_enabled():
            _check_writable(OPS.get(name[:-1], transpose), self)
        old = _before(self)
        _become(self, view(old, *args, **kwargs), old)
        return self

    reshaped.__name__ = name
    reshaped.__doc__ = f"In-place version of ``{name[:-1]}``: changes this tensor's own shape."
    show(name, reshaped, "fb Tensor" if view is as_strided else "Tensor")


for _name, _view in {
    "as_strided_": as_strided, "squeeze_": squeeze, "unsqueeze_": unsqueeze, "t_": t,
    "transpose_": transpose, "swapaxes_": transpose, "swapdims_": transpose,
}.items():  # fmt: skip
    _in_place(_view, _name)
