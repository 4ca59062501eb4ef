"""Writing whole tensors: copied from others, or filled with a number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.grad_mode import is_grad_enabled
from ..autograd.layers import on as layers_on
from ..record.slot import slot
from ..subclasses import PLAIN
from ..tensor import Tensor
from .apply import apply_inplace
from .registry import function, in_front, op
from .scalars import number_for
from .short import apply_written


def fitting(x: Tensor, value: Any) -> Any:
    """A value that may be written into x: a tensor, or a number that its type can hold."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (bool, int, float, complex, np.generic)):
        return number_for(x.array.dtype, value)
    if isinstance(value, np.ndarray):
        from .creation import as_tensor

        return as_tensor(value)
    raise TypeError(f"can't assign a {type(value).__name__} to a tensor of {x.array.dtype}")


@op(on="", name="copy", backward="CopyBackwards")
def copy_op(xp, x, y):
    """x with every value replaced by y's."""
    return xp.broadcast_to(xp.asarray(y, x.dtype), x.shape).copy()


@copy_op.writes
def _(xp, x, y):
    x[...] = y


copy_op.gradients(x=lambda ns, g: ns.zeros_of(g), y=lambda g: g)


@function(on="Tensor")
def copy_(self, src, non_blocking=False):
    """Overwrites this tensor with the values of another, in this one's type.

    >>> fb.zeros(2, dtype=fb.int64).copy_(fb.tensor([1.9, 2.1]))
    tensor([1, 2])
    """
    if src.array.__class__ is not self.array.__class__:
        src = src.to(self.device)
    return apply_written(copy_op, (self, src))


@function
def fill_(self, value):
    """Overwrites every element with a value.

    >>> fb.zeros(2).fill_(7)
    tensor([7., 7.])
    """
    if isinstance(value, Tensor) and value.array.ndim:
        raise RuntimeError(
            "fill_ only supports 0-dimension value tensor but got tensor with "
            f"{value.ndim} dimensions."
        )
    return apply_inplace(copy_op, (self, fitting(self, value)))


@function
def zero_(self):
    """Overwrites every element with 0."""
    return apply_inplace(copy_op, (self, 0))


@in_front(zero_)
def _(self):
    if (
        self.__class__ not in PLAIN
        or (self._needs_grad and is_grad_enabled())
        or self._counter is None
        or layers_on()
        or self._view is not None
        or self.array.__class__ is not np.ndarray
        or slot.recorder is not None
    ):
        return zero_(self)
    self.array.fill(0)
    self._counter[0] += 1
    return self


@function(on="fb")
def fill(input, value):
    """A copy with every element replaced by a value."""
    return copy_op(input, value)
