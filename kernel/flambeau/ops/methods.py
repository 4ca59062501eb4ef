"""Older methods of a tensor: Python functions run on its elements, other shapes, other classes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.grad_mode import no_grad
from ..tensor import Tensor, wrap, wrap_as
from .legacy import legacy_array
from .registry import function
from .shape import alias, reshape, sizes


def _on_elements(name: str, self: Tensor, others: tuple[Any, ...], f: Callable[..., Any]) -> Tensor:
    if self.requires_grad:
        raise RuntimeError(
            f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() "
            "instead."
        )
    if not self.is_cpu:
        raise TypeError(f"{name} is only implemented on CPU tensors, this one is on {self.device}")
    for t in others:
        if t.dtype is not self.dtype:
            raise TypeError(f"{name}: expected a tensor of {self.dtype}, got one of {t.dtype}")
    arrays = np.broadcast_arrays(self.array, *(t.array for t in others))
    if arrays[0].shape != self.array.shape:
        raise RuntimeError(f"{name}: the others have more elements than this tensor")
    rows = zip(*(a.reshape(-1).tolist() for a in arrays), strict=True)
    with no_grad():
        made = np.array([f(*values) for values in rows], self.array.dtype)
        self.copy_(wrap(made.reshape(self.array.shape)))
    return self


@function(on="Tensor")
def apply_(self, callable):
    """Replaces each element by what a Python function makes of it; slow, and on the CPU alone."""
    return _on_elements("apply_", self, (), callable)


@function(on="Tensor")
def map_(self, tensor, callable):
    """Replaces each element by ``callable(element, other)``."""
    return _on_elements("map_", self, (tensor,), callable)


@function(on="Tensor")
def map2_(self, x, y, callable):
    """Replaces each element by ``callable(element, x, y)``."""
    return _on_elements("map2_", self, (x, y), callable)


@function(on="Tensor")
def new(self, *data, device=None):
    """``Tensor(*data)`` in this tensor's type and place: of a shape, or of values."""
    return wrap(legacy_array(data, self.dtype, device or self.device))


@function(on="Tensor")
def resize(self, *size):
    """The old name of ``reshape``, for as many elements."""
    warnings.warn("non-inplace resize is deprecated; use reshape", stacklevel=4)
    wanted, count = sizes(size), 1
    for n in wanted:
        count *= n
    if count != self.numel():
        raise RuntimeError(
            f"requested resize to {'x'.join(map(str, wanted))} ({count} elements in total), but "
            f"the given tensor has a size of {'x'.join(map(str, self.shape))} ({self.numel()} "
            "elements). autograd's resize can only change the shape of a given tensor"
        )
    return reshape(self, wanted)


@function(on="Tensor")
def resize_as(self, tensor):
    """The old name of ``reshape_as``."""
    return resize(self, *tensor.shape)


@function(on="Tensor")
def module_load(self, other, assign=False):
    """What a module stores when it loads ``other`` for this tensor: its values, or itself."""
    if assign:
        return other.detach()
    with no_grad():
        return self.copy_(other).detach()


@function(on="Tensor")
def as_subclass(self, cls):
    """The same memory and history as an instance of a subclass of Tensor."""
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise TypeError(f"as_subclass(): cls must be a subclass of Tensor, not {cls!r}")
    same = alias(self)
    made = wrap_as(cls, same.array)
    for name in ("_counter", "_node", "_needs_grad", "_view"):
        setattr(made, name, getattr(same, name))
    if same._view is not None:
        made._seen = same._seen
    return made
