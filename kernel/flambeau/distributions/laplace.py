"""The Laplace distribution."""

from __future__ import annotations

import math
from typing import Any

import flambeau as fb

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, uniform

__all__ = ["Laplace"]


class Laplace(Distribution):
    """Two exponential distributions back to back: density exp(-|x - loc| / scale) / (2 scale).

    >>> Laplace(0.0, 1.0).entropy()
    tensor(1.6931)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def stddev(self) -> Any:
        return math.sqrt(2) * self.scale

    @property
    def variance(self) -> Any:
        return 2 * self.scale.pow(2)

    def rsample(self, sample_shape: Any = ()) -> Any:
        eps = fb.finfo(self.loc.dtype).eps
        return self.icdf(uniform(self._extended_shape(sample_shape), self.loc).clamp(min=eps / 2))

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        return -fb.log(2 * self.scale) - (value - self.loc).abs() / self.scale

    def cdf(self, value: Any) -> Any:
        self._check(value)
        away = value - self.loc
        return 0.5 - 0.5 * away.sign() * fb.expm1(-away.abs() / self.scale)

    def icdf(self, value: Any) -> Any:
        away = value - 0.5
        return self.loc - self.scale * away.sign() * fb.log1p(-2 * away.abs())

    def entropy(self) -> Any:
        return 1 + fb.log(2 * self.scale)
