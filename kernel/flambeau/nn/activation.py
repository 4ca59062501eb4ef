"""Nonlinearities as modules. Each has the parameters of the function of its name."""

from __future__ import annotations

import warnings
from typing import Any

from ..ops.creation import full
from ..tensor import Tensor
from . import functional as F
from .init import constant_
from .module import Module
from .parameter import Parameter


class _Elementwise(Module):
    """Base of those that may write their result into the input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def _shown(self) -> list[str]:
        return []

    def extra_repr(self) -> str:
        """Its options."""
        return ", ".join(self._shown() + (["inplace=True"] if self.inplace else []))


class ReLU(_Elementwise):
    """max(x, 0).

    >>> nn.ReLU()(fb.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """max(x, 0)."""
        return F.relu(input, inplace=self.inplace)


class ReLU6(_Elementwise):
    """min(max(x, 0), 6)."""

    def forward(self, input: Tensor) -> Tensor:
        """min(max(x, 0), 6)."""
        return F.relu6(input, inplace=self.inplace)


class SELU(_Elementwise):
    """scale · (x for x > 0, α(eˣ - 1) else), which keeps mean 0 and variance 1."""

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.selu(input, inplace=self.inplace)


class SiLU(_Elementwise):
    """x · sigmoid(x)."""

    def forward(self, input: Tensor) -> Tensor:
        """x · sigmoid(x)."""
        return F.silu(input, inplace=self.inplace)


class Mish(_Elementwise):
    """x · tanh(softplus(x))."""

    def forward(self, input: Tensor) -> Tensor:
        """x · tanh(softplus(x))."""
        return F.mish(input, inplace=self.inplace)


class Hardswish(_Elementwise):
    """x · min(max(x + 3, 0), 6) / 6."""

    def forward(self, input: Tensor) -> Tensor:
        """x · min(max(x + 3, 0), 6) / 6."""
        return F.hardswish(input, self.inplace)

    def extra_repr(self) -> str:
        """Nothing, as in PyTorch."""
        return ""


class Hardsigmoid(_Elementwise):
    """min(max(x + 3, 0), 6) / 6."""

    def forward(self, input: Tensor) -> Tensor:
        """min(max(x + 3, 0), 6) / 6."""
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:
        """Nothing, as in PyTorch."""
        return ""


class LeakyReLU(_Elementwise):
    """x for x > 0, negative_slope · x else.

    >>> nn.LeakyReLU(0.1)(fb.tensor([-1.0, 2.0]))
    tensor([-0.1000,  2.0000])
    """

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        """x for x > 0, negative_slope · x else."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def _shown(self) -> list[str]:
        return [f"negative_slope={self.negative_slope}"]


class ELU(_Elementwise):
    """x for x > 0, alpha · (eˣ - 1) else."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        """x for x > 0, alpha · (eˣ - 1) else."""
        return F.elu(input, self.alpha, self.inplace)

    def _shown(self) -> list[str]:
        return [f"alpha={self.alpha}"]


class CELU(_Elementwise):
    """max(x, 0) + min(alpha · (exp(x / alpha) - 1), 0)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        """The function of each element."""
        return F.celu(input, self.alpha, self.inplace)

    def _shown(self) -> list[str]:
        return [f"alpha={self.alpha}"]


class RReLU(_Elementwise):
    """x for x > 0, a x else; a is drawn from U(lower, upper) in training, their mean else."""

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.lower, self.upper = lower, upper

    def forward(self, input: Tensor) -> Tensor:
        """x for x > 0, a x else."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def _shown(self) -> list[str]:
        return [f"lower={self.lower}", f"upper={self.upper}"]


class _Shrink(Module):
    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        """Its options."""
        return str(self.lambd)


class Hardshrink(_Shrink):
    """x where |x| > lambd, 0 elsewhere."""

    def forward(self, input: Tensor) -> Tensor:
        """x where |x| > lambd, 0 elsewhere."""
        return F.hardshrink(input, self.lambd)


class Softshrink(_Shrink):
    """x moved by lambd towards 0, and 0 where |x| < lambd."""

    def forward(self, input: Tensor) -> Tensor:
        """x moved by lambd towards 0."""
        return F.softshrink(input, self.lambd)


class Tanhshrink(Module):
    """x - tanh(x)."""

    def forward(self, input: Tensor) -> Tensor:
        """x - tanh(x)."""
        return F.tanhshrink(input)


class Threshold(_Elementwise):
    """x where x > threshold, value elsewhere."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold, self.value = threshold, value

    def forward(self, input: Tensor) -> Tensor:
        """x where x > threshold, value elsewhere."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def _shown(self) -> list[str]:
        return [f"threshold={self.threshold}", f"value={self.value}"]


class Hardtanh(_Elementwise):
    """x, cut off to [min_val, max_val]."""

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__(inplace)
        for old, value in (("min_value", min_value), ("max_value", max_value)):
            if value is not None:
                warnings.warn(
                    f"keyword argument `{old}` is deprecated and rename to `{old[:-2]}`",
                    FutureWarning,
                    stacklevel=2,
                )
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        if self.max_val <= self.min_val:
            raise AssertionError("max_val must be larger than min_val")

    def forward(self, input: Tensor) -> Tensor:
        """x, cut off to [min_val, max_val]."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def _shown(self) -> list[str]:
        return [f"min_val={self.min_val}", f"max_val={self.max_val}"]


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ)."""

    def forward(self, input: Tensor) -> Tensor:
        """1 / (1 + e⁻ˣ)."""
        return F.sigmoid(input)


class LogSigmoid(Module):
    """log(1 / (1 + e⁻ˣ))."""

    def forward(self, input: Tensor) -> Tensor:
        """log(1 / (1 + e⁻ˣ))."""
        return F.logsigmoid(input)


class Tanh(Module):
    """Hyperbolic tangent."""

    def forward(self, input: Tensor) -> Tensor:
        """tanh(x)."""
        return F.tanh(input)


class Softsign(Module):
    """x / (1 + |x|)."""

    def forward(self, input: Tensor) -> Tensor:
        """x / (1 + |x|)."""
        return F.softsign(input)


class Softplus(Module):
    """log(1 + e^(beta x)) / beta; x itself where beta x > threshold."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        """log(1 + e^(beta x)) / beta."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Its options."""
        return f"beta={self.beta}, threshold={self.threshold}"


class GELU(Module):
    """x · Φ(x), with Φ the normal distribution function; ``approximate="tanh"`` is cheaper."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """x · Φ(x)."""
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        """Its options."""
        return f"approximate={self.approximate!r}"


class PReLU(Module):
    """x for x > 0, weight · x else; the slope is learned, one for all or one for each channel."""

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(full((num_parameters,), float(init), device=device, dtype=dtype))

    def reset_parameters(self) -> None:
        """Sets all slopes to the first value."""
        constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """x for x > 0, weight · x else."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Its sizes."""
        return f"num_parameters={self.num_parameters}"


class GLU(Module):
    """a · sigmoid(b), where a and b are the halves of the input along ``dim``."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """a · sigmoid(b)."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """Its options."""
        return f"dim={self.dim}"


class _AlongDim(Module):
    """Base of those that normalise along one dimension."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        """Its options."""
        return f"dim={self.dim}"


class Softmax(_AlongDim):
    """eˣ / Σ eˣ along ``dim``.

    >>> nn.Softmax(dim=1)(fb.zeros(2, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500],
            [0.2500, 0.2500, 0.2500, 0.2500]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """eˣ / Σ eˣ."""
        return F.softmax(input, self.dim)


class Softmin(_AlongDim):
    """e⁻ˣ / Σ e⁻ˣ along ``dim``."""

    def forward(self, input: Tensor) -> Tensor:
        """e⁻ˣ / Σ e⁻ˣ."""
        return F.softmin(input, self.dim)


class LogSoftmax(_AlongDim):
    """log(eˣ / Σ eˣ) along ``dim``."""

    def forward(self, input: Tensor) -> Tensor:
        """x - log Σ eˣ."""
        return F.log_softmax(input, self.dim)


class Softmax2d(Module):
    """Softmax over the channels of (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        """eˣ / Σ eˣ over the channels."""
        if input.dim() not in (3, 4):
            raise ValueError(
                f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead"
            )
        return F.softmax(input, -3)
