"""Student's t-distribution."""

from __future__ import annotations

import math
from typing import Any

import flambeau as fb

from . import constraints
from .chi2 import Chi2
from .distribution import Distribution
from .utils import broadcast_all, standard_normal

__all__ = ["StudentT"]


class StudentT(Distribution):
    """loc + scale · N / √(C / df), with N standard normal and C from `Chi2` with ``df``.

    >>> StudentT(4.0).variance
    tensor(2.)
    """

    arg_constraints = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.real
    has_rsample = True

    def __init__(
        self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return fb.where(self.df <= 1, math.nan, self.loc)

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        finite = self.scale.pow(2) * self.df / (fb.where(self.df > 2, self.df, 3) - 2)
        return fb.where(self.df > 2, finite, fb.where(self.df > 1, math.inf, math.nan))

    def rsample(self, sample_shape: Any = ()) -> Any:
        normal = standard_normal(self._extended_shape(sample_shape), self.df)
        return self.loc + self.scale * normal * fb.rsqrt(self._chi2.rsample(sample_shape) / self.df)

    def _log_scale(self) -> Any:
        """log of scale · √df · B(1/2, df/2)."""
        half = self.df / 2
        log_beta = half.lgamma() + math.lgamma(0.5) - (half + 0.5).lgamma()
        return self.scale.log() + self.df.log() / 2 + log_beta

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        away = (value - self.loc) / self.scale
        return -(self.df + 1) / 2 * fb.log1p(away**2 / self.df) - self._log_scale()

    def entropy(self) -> Any:
        half = self.df / 2
        return (half + 0.5) * ((half + 0.5).digamma() - half.digamma()) + self._log_scale()
