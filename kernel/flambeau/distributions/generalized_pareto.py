"""The generalized Pareto distribution."""

from __future__ import annotations

import math
from typing import Any

import flambeau as fb

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, uniform

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """What lies above a high threshold: chance (1 + c z)^(-1/c) to exceed loc + scale · z.

    c is the concentration; for c = 0 it is the exponential distribution.
    """

    arg_constraints = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }
    has_rsample = True

    def __init__(
        self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None
    ) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, fb.where(self.concentration < 0, end, math.inf))

    def _limit(self) -> tuple[Any, Any]:
        """Where c is 0, and a c that can be divided by."""
        zero = fb.isclose(self.concentration, fb.zeros_like(self.concentration))
        return zero, fb.where(zero, 1.0, self.concentration)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.icdf(uniform(self._extended_shape(sample_shape), self.loc))

    def log_survival_function(self, value: Any) -> Any:
        """The logarithm of the chance to exceed a value."""
        self._check(value)
        z = (value - self.loc) / self.scale
        zero, c = self._limit()
        return fb.where(zero, -z, -fb.log1p(c * z) / c)

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        z = (value - self.loc) / self.scale
        zero, c = self._limit()
        power = 1 / c + fb.ones_like(z)
        falling = fb.where(power == 0, power, power * fb.log1p(c * z))
        return -self.scale.log() - fb.where(zero, z, falling)

    def log_cdf(self, value: Any) -> Any:
        """The logarithm of `cdf`."""
        return fb.log1p(-self.log_survival_function(value).exp())

    def cdf(self, value: Any) -> Any:
        return self.log_cdf(value).exp()

    def icdf(self, value: Any) -> Any:
        zero, c = self._limit()
        above = fb.log1p(-value)
        z = fb.where(zero, -above, fb.expm1(-c * above) / c)
        return self.loc + self.scale * z

    @property
    def mean(self) -> Any:
        c = self.concentration
        finite = self.loc + self.scale / (1 - fb.where(c < 1, c, 0.5))
        return fb.where(c < 1, finite, math.nan)

    @property
    def variance(self) -> Any:
        c = self.concentration
        safe = fb.where(c < 0.5, c, 0.25)
        return fb.where(c < 0.5, self.scale**2 / ((1 - safe) ** 2 * (1 - 2 * safe)), math.nan)

    @property
    def mode(self) -> Any:
        return self.loc

    def entropy(self) -> Any:
        return self.scale.log() + self.concentration + 1
