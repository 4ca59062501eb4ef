"""Pooling by powers, pooling of windows drawn at random, and pooling undone."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import functional as F
from .conv import _tuple
from .module import Module


class _LPPool(Module):
    """(Σ xᵖ)^(1/p) of each window."""

    def __init__(
        self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type, self.kernel_size = norm_type, kernel_size
        self.stride, self.ceil_mode = stride, ceil_mode

    def _run(self, pool: Any, input: Tensor) -> Tensor:
        return pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        """Its options."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """(Σ xᵖ)^(1/p) of each window of (N, C, L)."""

    def forward(self, input: Tensor) -> Tensor:
        """The pooled input."""
        return self._run(F.lp_pool1d, input)


class LPPool2d(_LPPool):
    """(Σ xᵖ)^(1/p) of each window of (N, C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        """The pooled input."""
        return self._run(F.lp_pool2d, input)


class LPPool3d(_LPPool):
    """(Σ xᵖ)^(1/p) of each window of (N, C, D, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        """The pooled input."""
        return self._run(F.lp_pool3d, input)


class _MaxUnpool(Module):
    """The maxima of a pooling at the places that they come from, zeros elsewhere."""

    _dims = 0

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        self.kernel_size = _tuple(kernel_size, self._dims)
        self.stride = _tuple(kernel_size if stride is None else stride, self._dims)
        self.padding = _tuple(padding, self._dims)

    def _run(self, pool: Any, input: Tensor, indices: Tensor, output_size: Any) -> Tensor:
        return pool(
            *(input, indices, self.kernel_size, self.stride, self.padding),
            output_size=output_size,
        )

    def extra_repr(self) -> str:
        """Its options."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """`MaxPool1d` undone: the maxima at their places, zeros elsewhere.

    >>> out, places = nn.MaxPool1d(2, return_indices=True)(fb.tensor([[1.0, 5.0, 3.0, 2.0]]))
    >>> nn.MaxUnpool1d(2)(out, places)
    tensor([[0., 5., 3., 0.]])
    """

    _dims = 1

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """The larger tensor."""
        return self._run(F.max_unpool1d, input, indices, output_size)


class MaxUnpool2d(_MaxUnpool):
    """`MaxPool2d` undone: the maxima at their places, zeros elsewhere."""

    _dims = 2

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """The larger tensor."""
        return self._run(F.max_unpool2d, input, indices, output_size)


class MaxUnpool3d(_MaxUnpool):
    """`MaxPool3d` undone: the maxima at their places, zeros elsewhere."""

    _dims = 3

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """The larger tensor."""
        return self._run(F.max_unpool3d, input, indices, output_size)


class _FractionalMaxPool(Module):
    """The largest value of each window; the windows overlap by amounts drawn at random.

    Either ``output_size`` is given, or ``output_ratio`` times the input's size is taken.
    """

    _dims = 0

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.kernel_size, self.return_indices = _tuple(kernel_size, self._dims), return_indices
        self.register_buffer("_random_samples", _random_samples)
        if output_size is None and output_ratio is None:
            raise ValueError(
                f"{name} requires specifying either an output size, or a pooling ratio"
            )
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if isinstance(output_ratio, float):
            output_ratio = (output_ratio,) * self._dims
        self.output_size = None if output_size is None else _tuple(output_size, self._dims)
        self.output_ratio = None if output_ratio is None else _tuple(output_ratio, self._dims)
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def _run(self, pool: Any, input: Tensor) -> Any:
        return pool(
            *(input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices),
            _random_samples=self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """The largest values of overlapping windows of (N, C, H, W) or (C, H, W) (Graham 2014)."""

    _dims = 2

    def forward(self, input: Tensor) -> Any:
        """The maxima (and their places with ``return_indices``)."""
        return self._run(F.fractional_max_pool2d, input)


class FractionalMaxPool3d(_FractionalMaxPool):
    """The largest values of overlapping windows of (N, C, T, H, W) or (C, T, H, W)."""

    _dims = 3

    def forward(self, input: Tensor) -> Any:
        """The maxima (and their places with ``return_indices``)."""
        return self._run(F.fractional_max_pool3d, input)
