"""Gradients of convolutions, each by itself; mirrors ``torch.nn.grad``."""

from __future__ import annotations

from typing import Any

from ..autograd import grad
from ..autograd.grad_mode import enable_grad
from ..ops.creation import zeros
from ..tensor import Tensor
from . import functional as F

__all__ = [f"conv{n}d_{what}" for n in (1, 2, 3) for what in ("input", "weight")]


def _gradient(n: int, x: Tensor, weight: Tensor, of: Tensor, sent: Tensor, *how: Any) -> Tensor:
    """The gradient of ``conv(x, weight)`` with respect to ``of``, which is one of the two."""
    stride, padding, dilation, groups = how
    with enable_grad():
        out = getattr(F, f"conv{n}d")(x, weight, None, stride, padding, dilation, groups)
    if out.shape != sent.shape:
        raise ValueError(
            f"conv{n}d gives shape {tuple(out.shape)} here, and grad_output has shape "
            f"{tuple(sent.shape)}"
        )
    found: Any = grad(out, of, sent)[0]
    return found


def _of_input(n: int) -> Any:
    def conv_input(
        input_size: Any,
        weight: Tensor,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        """The gradient with respect to an input of shape ``input_size``."""
        like = {"dtype": weight.dtype, "device": weight.device}
        x = zeros(tuple(input_size), **like).requires_grad_()
        fixed = weight.detach()
        return _gradient(n, x, fixed, x, grad_output, stride, padding, dilation, groups)

    conv_input.__name__ = conv_input.__qualname__ = f"conv{n}d_input"
    return conv_input


def _of_weight(n: int) -> Any:
    def conv_weight(
        input: Tensor,
        weight_size: Any,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        """The gradient with respect to a weight of shape ``weight_size``."""
        like = {"dtype": input.dtype, "device": input.device}
        w = zeros(tuple(weight_size), **like).requires_grad_()
        fixed = input.detach()
        return _gradient(n, fixed, w, w, grad_output, stride, padding, dilation, groups)

    conv_weight.__name__ = conv_weight.__qualname__ = f"conv{n}d_weight"
    return conv_weight


conv1d_input, conv2d_input, conv3d_input = _of_input(1), _of_input(2), _of_input(3)
conv1d_weight, conv2d_weight, conv3d_weight = _of_weight(1), _of_weight(2), _of_weight(3)
