"""The exponential distribution."""

from __future__ import annotations

from typing import Any

import flambeau as fb

from . import constraints
from .exp_family import ExponentialFamily
from .utils import broadcast_all, uniform

__all__ = ["Exponential"]


class Exponential(ExponentialFamily):
    """The time up to an event that comes ``rate`` times per unit: density rate · exp(-rate · x).

    >>> Exponential(4.0).mean
    tensor(0.2500)
    """

    arg_constraints = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.rate.reciprocal()

    @property
    def mode(self) -> Any:
        return fb.zeros_like(self.rate)

    @property
    def stddev(self) -> Any:
        return self.rate.reciprocal()

    @property
    def variance(self) -> Any:
        return self.rate.pow(-2)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return -fb.log1p(-uniform(self._extended_shape(sample_shape), self.rate)) / self.rate

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value: Any) -> Any:
        self._check(value)
        return 1 - fb.exp(-self.rate * value)

    def icdf(self, value: Any) -> Any:
        return -fb.log1p(-value) / self.rate

    def entropy(self) -> Any:
        return 1 - self.rate.log()

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return (-self.rate,)

    def _log_normalizer(self, x: Any) -> Any:
        return -fb.log(-x)
