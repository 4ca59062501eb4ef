"""Layers that add entries at the ends of the last dimensions."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import functional as F
from .module import Module


class _Pad(Module):
    """``padding`` is one number, or (left, right, top, bottom, front, back)."""

    _dims = 0
    _mode = "constant"
    value: float | None = None

    def __init__(self, padding: Any) -> None:
        super().__init__()
        many = isinstance(padding, (tuple, list))
        self.padding = tuple(padding) if many else (padding,) * (2 * self._dims)
        if len(self.padding) != 2 * self._dims:
            raise ValueError(f"padding has {len(self.padding)} entries, not {2 * self._dims}")

    def forward(self, input: Tensor) -> Tensor:
        """The padded input."""
        self._check(input)
        return F.pad(input, self.padding, self._mode, self.value)

    def _check(self, input: Any) -> None:
        """Whether the input has the right number of dimensions."""

    def extra_repr(self) -> str:
        """Its options."""
        return f"{self.padding}"


class _Constant(_Pad):
    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        """Its options."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_Constant):
    """(C, W) or (N, C, W) with ``value`` added at both ends.

    >>> nn.ConstantPad1d((1, 2), 9)(fb.tensor([[1, 2]]))
    tensor([[9, 1, 2, 9, 9]])
    """

    _dims = 1


class ConstantPad2d(_Constant):
    """(C, H, W) or (N, C, H, W) with ``value`` added all around."""

    _dims = 2


class ConstantPad3d(_Constant):
    """(C, D, H, W) or (N, C, D, H, W) with ``value`` added all around."""

    _dims = 3


class _Zero(_Constant):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """Its options."""
        return f"{self.padding}"


class ZeroPad1d(_Zero):
    """(C, W) or (N, C, W) with zeros added at both ends."""

    _dims = 1


class ZeroPad2d(_Zero):
    """(C, H, W) or (N, C, H, W) with zeros added all around.

    >>> nn.ZeroPad2d(1)(fb.ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    _dims = 2


class ZeroPad3d(_Zero):
    """(C, D, H, W) or (N, C, D, H, W) with zeros added all around."""

    _dims = 3


class ReflectionPad1d(_Pad):
    """(C, W) or (N, C, W) mirrored at both ends; the edge is not repeated.

    >>> nn.ReflectionPad1d(2)(fb.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 2., 1., 2., 3., 2., 1.]])
    """

    _dims, _mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """(C, H, W) or (N, C, H, W) mirrored at its edges, which are not repeated.

    >>> nn.ReflectionPad2d((1, 1, 0, 0))(fb.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    tensor([[[2., 1., 2., 1.],
             [4., 3., 4., 3.]]])
    """

    _dims, _mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """(C, D, H, W) or (N, C, D, H, W) mirrored at its edges, which are not repeated."""

    _dims, _mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """(C, W) or (N, C, W) with its edges repeated.

    >>> nn.ReplicationPad1d(1)(fb.tensor([[1.0, 2.0, 3.0]]))
    tensor([[1., 1., 2., 3., 3.]])
    """

    _dims, _mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """(C, H, W) or (N, C, H, W) with its edges repeated."""

    _dims, _mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """(C, D, H, W) or (N, C, D, H, W) with its edges repeated."""

    _dims, _mode = 3, "replicate"


class _Circular(_Pad):
    _mode = "circular"

    def _check(self, input: Any) -> None:
        few = self._dims + 1
        if input.dim() not in (few, few + 1):
            raise ValueError(f"expected {few}D or {few + 1}D input (got {input.dim()}D input)")


class CircularPad1d(_Circular):
    """(C, W) or (N, C, W) continued at each end with what stands at the other.

    >>> nn.CircularPad1d(1)(fb.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 1., 2., 3., 1.]])
    """

    _dims = 1


class CircularPad2d(_Circular):
    """(C, H, W) or (N, C, H, W) continued at each edge with what stands at the opposite one."""

    _dims = 2


class CircularPad3d(_Circular):
    """(C, D, H, W) or (N, C, D, H, W) continued at each edge with what stands opposite."""

    _dims = 3
