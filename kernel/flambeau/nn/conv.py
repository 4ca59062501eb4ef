"""Convolutions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..device import module_of
from ..tensor import Tensor, wrap
from . import functional as F
from . import init
from .linear import empty
from .module import Module

_PAD = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # NumPy's names


def _tuple(value: Any, n: int) -> tuple[int, ...]:
    return (value,) * n if isinstance(value, int) else tuple(value)


def padded(input: Any, before_after: list[tuple[int, int]], mode: str) -> Tensor:
    """The input with its last dimensions continued past their ends, by picking elements."""
    xp = module_of(input.array)
    first = input.ndim - len(before_after)
    for i, pair in enumerate(before_after):
        places = np.pad(np.arange(input.shape[first + i]), pair, mode=_PAD[mode])  # type: ignore[call-overload]
        input = input.index_select(first + i, wrap(xp.asarray(places)))
    return input


class _Conv(Module):
    """What all convolutions have in common."""

    _dims = 0
    _transposed = False

    def _setup(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
        output_padding: Any = 0,
    ) -> None:
        """Keeps the options, and makes weight and bias."""
        Module.__init__(self)
        n = self._dims
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = _tuple(kernel_size, n), _tuple(stride, n)
        self.padding: Any = padding if isinstance(padding, str) else _tuple(padding, n)
        self.dilation, self.output_padding = _tuple(dilation, n), _tuple(output_padding, n)
        self.padding_mode = padding_mode
        self._check()
        rows = (in_channels, out_channels // groups)
        if not self._transposed:
            rows = (out_channels, in_channels // groups)
        self.weight = empty(*rows, *self.kernel_size, device=device, dtype=dtype)
        made = empty(out_channels, device=device, dtype=dtype) if bias else None
        self.register_parameter("bias", made)
        self.reset_parameters()

    def _check(self) -> None:
        if self.groups <= 0:
            raise ValueError("groups must be a positive integer")
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups != 0:
                raise ValueError(f"{name} must be divisible by groups")
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(
                    f"Invalid padding string '{self.padding}', should be one of ['same', 'valid']"
                )
            if self.padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in ("zeros", *_PAD):
            modes = ", ".join(map(repr, ("zeros", *_PAD)))
            raise ValueError(f"padding_mode must be one of {modes}, got '{self.padding_mode}'")
        if self._transposed and self.padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')

    def reset_parameters(self) -> None:
        """Draws new values: U(-k, k) with k = 1/√(in_channels/groups · kernel places)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in:
                init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def _margins(self) -> list[tuple[int, int]]:
        """How much is added before and after each dimension."""
        if self.padding == "valid":
            return [(0, 0)] * self._dims
        if self.padding == "same":
            both = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return [(b // 2, b - b // 2) for b in both]
        return [(p, p) for p in self.padding]

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The convolution with these weights in place of its own."""
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = padded(input, self._margins(), self.padding_mode), (0,) * self._dims
        conv = (F.conv1d, F.conv2d, F.conv3d)[self._dims - 1]
        return conv(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def _run_transposed(self, conv: Any, input: Tensor, output_size: Any) -> Tensor:
        more = self.output_padding if output_size is None else self._missing(input, output_size)
        return conv(
            *(input, self.weight, self.bias, self.stride, self.padding),
            *(more, self.groups, self.dilation),
        )

    def _missing(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """The output padding that gives ``output_size``."""
        n = self._dims
        wanted = tuple(output_size)[-n:]
        each: Any = zip(
            *(input.shape[-n:], self.stride, self.padding, self.dilation, self.kernel_size),
            strict=True,
        )
        least = [(size - 1) * s - 2 * p + d * (k - 1) + 1 for size, s, p, d, k in each]
        most = [m + s - 1 for m, s in zip(least, self.stride, strict=True)]
        if any(not a <= w <= b for a, w, b in zip(least, wanted, most, strict=True)):
            raise ValueError(
                f"requested an output size of {wanted}, but valid sizes range from {least} to "
                f"{most} (for an input of {tuple(input.shape[-n:])})"
            )
        return tuple(w - m for w, m in zip(wanted, least, strict=True))

    def extra_repr(self) -> str:
        """Its sizes and options."""
        n = self._dims
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            if getattr(self, name) != (usual,) * n:
                text += f", {name}={getattr(self, name)}"
        text += f", groups={self.groups}" if self.groups != 1 else ""
        text += ", bias=False" if self.bias is None else ""
        return text + (
            f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else ""
        )


class _Plain(_Conv):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self._setup(
            *(in_channels, out_channels, kernel_size, stride, padding, dilation, groups),
            *(bias, padding_mode, device, dtype),
        )


class _Transposed(_Conv):
    _transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self._setup(
            *(in_channels, out_channels, kernel_size, stride, padding, dilation, groups),
            *(bias, padding_mode, device, dtype, output_padding),
        )


class Conv1d(_Plain):
    """out[o] = bias[o] + Σ over channels c of weight[o, c] ⋆ x[c]: (N, C, L) to (N, O, L').

    >>> nn.Conv1d(3, 6, kernel_size=5, stride=2)(fb.ones(2, 3, 21)).shape
    torch.Size([2, 6, 9])
    """

    _dims = 1

    def forward(self, input: Tensor) -> Tensor:
        """The convolution."""
        return self._conv_forward(input, self.weight, self.bias)


class Conv2d(_Plain):
    """out[o] = bias[o] + Σ over channels c of weight[o, c] ⋆ x[c]: (N, C, H, W) to (N, O, H', W').

    ``padding`` may be a number, one for each dimension, "same" or "valid".

    >>> import flambeau as fb
    >>> fb.nn.Conv2d(1, 6, 3, padding=1)(fb.ones(2, 1, 8, 8)).shape
    torch.Size([2, 6, 8, 8])
    """

    _dims = 2

    def forward(self, input: Tensor) -> Tensor:
        """The convolution."""
        return self._conv_forward(input, self.weight, self.bias)


class ConvTranspose1d(_Transposed):
    """The gradient of `Conv1d` with respect to its input, as a layer.

    >>> nn.ConvTranspose1d(3, 6, 4, stride=2)(fb.ones(1, 3, 10)).shape
    torch.Size([1, 6, 22])
    """

    _dims = 1

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """The transposed convolution."""
        return self._run_transposed(F.conv_transpose1d, input, output_size)


class ConvTranspose2d(_Transposed):
    """The gradient of `Conv2d` with respect to its input, as a layer: makes images larger.

    >>> nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1)(fb.ones(1, 8, 16, 16)).shape
    torch.Size([1, 3, 32, 32])
    """

    _dims = 2

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """The transposed convolution."""
        return self._run_transposed(F.conv_transpose2d, input, output_size)


class Conv3d(_Plain):
    """out[o] = bias[o] + Σ over channels c of weight[o, c] ⋆ x[c], for (N, C, D, H, W).

    >>> nn.Conv3d(1, 4, 3)(fb.ones(2, 1, 8, 8, 8)).shape
    torch.Size([2, 4, 6, 6, 6])
    """

    _dims = 3

    def forward(self, input: Tensor) -> Tensor:
        """The convolution."""
        return self._conv_forward(input, self.weight, self.bias)


class ConvTranspose3d(_Transposed):
    """The gradient of `Conv3d` with respect to its input, as a layer."""

    _dims = 3

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """The transposed convolution."""
        return self._run_transposed(F.conv_transpose3d, input, output_size)
