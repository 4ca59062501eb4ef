"""Layers that summarise neighbourhoods, and that change the size of images."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import functional as F
from .module import Module


def _single(size: Any) -> tuple[int, ...]:
    return (size,) if isinstance(size, int) else tuple(size)


class _MaxPool(Module):
    """The largest value of each window."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def _run(self, pool: Any, input: Tensor) -> Any:
        return pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        """Its options."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest value of each window of (N, C, L).

    >>> nn.MaxPool1d(2)(fb.tensor([[1.0, 5.0, 3.0, 2.0]]))
    tensor([[5., 3.]])
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima (and their places with ``return_indices``)."""
        return self._run(F.max_pool1d, input)


class MaxPool2d(_MaxPool):
    """The largest value of each window of (N, C, H, W).

    >>> nn.MaxPool2d(3, stride=2, padding=1)(fb.ones(2, 3, 8, 8)).shape
    torch.Size([2, 3, 4, 4])
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima (and their places with ``return_indices``)."""
        return self._run(F.max_pool2d, input)


class MaxPool3d(_MaxPool):
    """The largest value of each window of (N, C, D, H, W)."""

    def forward(self, input: Tensor) -> Any:
        """The maxima (and their places with ``return_indices``)."""
        return self._run(F.max_pool3d, input)


class _AvgPool(Module):
    def extra_repr(self) -> str:
        """Its options."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The mean of each window of (N, C, L).

    >>> nn.AvgPool1d(2)(fb.tensor([[1.0, 5.0, 3.0, 2.0]]))
    tensor([[3.0000, 2.5000]])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = _single(kernel_size)
        self.stride = _single(kernel_size if stride is None else stride)
        self.padding = _single(padding)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.avg_pool1d(
            *(input, self.kernel_size, self.stride, self.padding),
            *(self.ceil_mode, self.count_include_pad),
        )


class AvgPool2d(_AvgPool):
    """The mean of each window of (N, C, H, W).

    >>> nn.AvgPool2d(2)(fb.ones(2, 3, 8, 8)).shape
    torch.Size([2, 3, 4, 4])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.avg_pool2d(
            *(input, self.kernel_size, self.stride, self.padding),
            *(self.ceil_mode, self.count_include_pad, self.divisor_override),
        )


class AvgPool3d(AvgPool2d):
    """The mean of each window of (N, C, D, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.avg_pool3d(
            *(input, self.kernel_size, self.stride, self.padding),
            *(self.ceil_mode, self.count_include_pad, self.divisor_override),
        )


class _Adaptive(Module):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """Its options."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_Adaptive):
    """Means of as many windows as the output is to have places."""

    def forward(self, input: Tensor) -> Tensor:
        """The means: (N, C, output_size)."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_Adaptive):
    """Means of as many windows as the output is to have places; 1 is global average pooling.

    >>> nn.AdaptiveAvgPool2d(1)(fb.ones(2, 512, 7, 7)).shape
    torch.Size([2, 512, 1, 1])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The means: (N, C, *output_size)."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_Adaptive):
    """Means of as many windows as the output is to have places."""

    def forward(self, input: Tensor) -> Tensor:
        """The means: (N, C, *output_size)."""
        return F.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMax(_Adaptive):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMax):
    """The largest values of as many windows as the output is to have places."""

    def forward(self, input: Tensor) -> Any:
        """The maxima: (N, C, output_size)."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMax):
    """The largest values of as many windows as the output is to have places.

    >>> nn.AdaptiveMaxPool2d((5, 7))(fb.ones(1, 64, 8, 9)).shape
    torch.Size([1, 64, 5, 7])
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima: (N, C, *output_size)."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMax):
    """The largest values of as many windows as the output is to have places."""

    def forward(self, input: Tensor) -> Any:
        """The maxima: (N, C, *output_size)."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class Upsample(Module):
    """Images made larger, to ``size`` or by ``scale_factor``.

    >>> nn.Upsample(scale_factor=2)(fb.tensor([[[1.0, 2.0]]]))
    tensor([[[1., 1., 2., 2.]]])
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size, self.mode, self.align_corners = size, mode, align_corners
        if isinstance(scale_factor, tuple):
            self.scale_factor: Any = tuple(float(f) for f in scale_factor)
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """The larger images."""
        options = {} if self.align_corners is None else {"align_corners": self.align_corners}
        return F.interpolate(input, self.size, self.scale_factor, self.mode, **options)

    def extra_repr(self) -> str:
        """Its options."""
        if self.scale_factor is not None:
            return f"scale_factor={self.scale_factor!r}, mode={self.mode!r}"
        return f"size={self.size!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """`Upsample` that repeats the nearest entry."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """`Upsample` that interpolates between neighbours, corners aligned."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


class Flatten(Module):
    """Dimensions ``start_dim`` to ``end_dim`` as one: (N, C, H, W) to (N, C·H·W).

    >>> nn.Flatten()(fb.ones(32, 1, 28, 28)).shape
    torch.Size([32, 784])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Tensor:
        """The flattened input."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Its options."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One dimension as several.

    >>> nn.Unflatten(1, (2, 5))(fb.ones(32, 10)).shape
    torch.Size([32, 2, 5])
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(
                "unflattened_size must be tuple of ints, but found type "
                + type(unflattened_size).__name__
            )
        for i, n in enumerate(unflattened_size):
            if not isinstance(n, int):
                raise TypeError(
                    "unflattened_size must be tuple of ints, but found element of type "
                    f"{type(n).__name__} at pos {i}"
                )
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Any) -> Tensor:
        """The unflattened input."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """Its options."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
