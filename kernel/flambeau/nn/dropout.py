"""Layers that set values to zero at random, in training only."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .module import Module


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def extra_repr(self) -> str:
        """Its options."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Sets each element to zero with probability p, and divides the rest by 1 - p.

    >>> drop = nn.Dropout(0.5)
    >>> drop(fb.ones(100)).unique(), drop.eval()(fb.ones(100)).unique()
    (tensor([0., 2.]), tensor([1.]))
    """

    def forward(self, input: Tensor) -> Tensor:
        """The input with elements dropped; the input itself in evaluation mode."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """Sets whole channels of (N, C, L) or (C, L) to zero with probability p."""

    def forward(self, input: Tensor) -> Tensor:
        """The input with channels dropped."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """Sets whole channels of (N, C, H, W) or (C, H, W) to zero with probability p.

    >>> nn.Dropout2d()(fb.ones(1, 100, 2, 2)).sum((2, 3)).unique()
    tensor([0., 8.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The input with channels dropped."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """Dropout that keeps mean 0 and variance 1, for `SELU` networks."""

    def forward(self, input: Tensor) -> Tensor:
        """The input with elements dropped."""
        return F.alpha_dropout(input, self.p, self.training)


class Dropout3d(_Dropout):
    """Sets whole channels of (N, C, D, H, W) or (C, D, H, W) to zero with probability p."""

    def forward(self, input: Tensor) -> Tensor:
        """The input with channels dropped."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels."""

    def forward(self, input: Tensor) -> Tensor:
        """The input with channels dropped."""
        return F.feature_alpha_dropout(input, self.p, self.training)
