"""Layers that multiply by a matrix."""

from __future__ import annotations

import math
from typing import Any

from ..ops.creation import empty as uninitialised
from ..ops.einsum import einsum
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter


def empty(*size: int, device: Any = None, dtype: Any = None) -> Parameter:
    """A parameter of that shape, its values still to be set."""
    return Parameter(uninitialised(*size, device=device, dtype=dtype))


class Identity(Module):
    """Gives its input back, whatever arguments it was made with.

    >>> nn.Identity(54, anything=True)(fb.tensor([1, 2]))
    tensor([1, 2])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        """The input itself."""
        return input


class Linear(Module):
    """y = x Wᵀ + b, over the last dimension: (*, in_features) to (*, out_features).

    W and b start as U(-k, k) with k = 1/√in_features.

    >>> import flambeau as fb
    >>> fb.nn.Linear(4, 2)(fb.ones(3, 4)).shape
    torch.Size([3, 2])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = empty(out_features, in_features, device=device, dtype=dtype)
        made = empty(out_features, device=device, dtype=dtype) if bias else None
        self.register_parameter("bias", made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """x Wᵀ + b."""
        own = self._parameters
        if "weight" in own and "bias" in own:  # not, where something stands in their place
            return F.linear(input, own["weight"], own["bias"])
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Its sizes."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class NonDynamicallyQuantizableLinear(Linear):
    """A `Linear` under the name that PyTorch shows inside attention."""


class Bilinear(Module):
    """y = x1ᵀ W x2 + b, one matrix for each output feature.

    >>> nn.Bilinear(4, 5, 3)(fb.ones(2, 4), fb.ones(2, 5)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got {in1_features}")
        self.in1_features, self.in2_features = in1_features, in2_features
        self.out_features = out_features
        make = {"device": device, "dtype": dtype}
        self.weight = empty(out_features, in1_features, in2_features, **make)
        self.register_parameter("bias", empty(out_features, **make) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new values: U(-k, k) with k = 1/√in1_features."""
        bound = 1 / math.sqrt(self.weight.shape[1])
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """x1ᵀ W x2 + b."""
        out = einsum("...i,oij,...j->...o", input1, self.weight, input2)
        return out if self.bias is None else out + self.bias

    def extra_repr(self) -> str:
        """Its sizes."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
