"""The gamma distribution."""

from __future__ import annotations

from typing import Any

import flambeau as fb

from . import constraints
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Gamma"]


class Gamma(ExponentialFamily):
    """Density rateᵃ xᵃ⁻¹ exp(-rate · x) / Γ(a), where a is the concentration.

    >>> Gamma(3.0, 2.0).mean
    tensor(1.5000)
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / self.rate

    @property
    def mode(self) -> Any:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Any:
        return self.concentration / self.rate.pow(2)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        drawn = fb._standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        with fb.no_grad():  # what is too small for the type is its smallest number
            drawn.detach().clamp_(min=fb.finfo(drawn.dtype).tiny)
        return drawn

    def log_prob(self, value: Any) -> Any:
        value = fb.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        self._check(value)
        a = self.concentration
        return fb.xlogy(a, self.rate) + fb.xlogy(a - 1, value) - self.rate * value - a.lgamma()

    def cdf(self, value: Any) -> Any:
        self._check(value)
        return fb.special.gammainc(self.concentration, self.rate * value)

    def entropy(self) -> Any:
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1 - a) * a.digamma()

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        return fb.lgamma(x + 1) - (x + 1) * fb.log(-y)
