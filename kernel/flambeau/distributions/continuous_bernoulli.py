"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any

import flambeau as fb

from . import constraints
from ._binary import OneChance
from .exp_family import ExponentialFamily
from .utils import clamp_probs, lazy_property, logits_to_probs, uniform

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(OneChance, ExponentialFamily):
    """Numbers x between 0 and 1: density ∝ pˣ (1 - p)¹⁻ˣ.

    Around p = 1/2, between the two ``lims``, where formulas divide by 1 - 2p, their Taylor series
    stand in. Source: Loaiza-Ganem and Cunningham, "The continuous Bernoulli" (2019).
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        self._set_chance(probs, logits)
        if probs is not None:
            valid = self.arg_constraints["probs"].check(self.probs).all()
            if validate_args is not None and not valid:
                raise ValueError(f"The parameter probs has invalid values: {self.probs}")
            self.probs = self._param = clamp_probs(self.probs)
        self._lims = lims
        super().__init__(self._param.shape, validate_args=validate_args)

    @lazy_property
    def probs(self) -> Any:
        """The parameter p, inside (0, 1)."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _outside(self) -> Any:
        """Where the formulas hold."""
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _safe(self) -> tuple[Any, Any]:
        """p where the formulas hold, else the nearest such number; and log((1 - p) / p)."""
        p = fb.where(self._outside(), self.probs, self._lims[0])
        return p, fb.log1p(-p) - p.log()

    def _cont_bern_log_norm(self) -> Any:
        """The logarithm of 2 artanh(1 - 2p) / (1 - 2p)."""
        p, odds = self._safe()
        x = (self.probs - 0.5).pow(2)
        series = math.log(2) + (4 / 3 + 104 / 45 * x) * x
        return fb.where(self._outside(), odds.abs().log() - (1 - 2 * p).abs().log(), series)

    @property
    def mean(self) -> Any:
        p, odds = self._safe()
        x = self.probs - 0.5
        series = 0.5 + (1 / 3 + 16 / 45 * x.pow(2)) * x
        return fb.where(self._outside(), p / (2 * p - 1) + 1 / odds, series)

    @property
    def variance(self) -> Any:
        p, odds = self._safe()
        x = (self.probs - 0.5).pow(2)
        series = 1 / 12 - (1 / 15 - 128 / 945 * x) * x
        return fb.where(self._outside(), p * (p - 1) / (1 - 2 * p).pow(2) + odds.pow(-2), series)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.icdf(uniform(self._extended_shape(sample_shape), self.probs))

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        logits, value = fb.broadcast_tensors(self.logits, value)
        loss = fb.nn.functional.binary_cross_entropy_with_logits(logits, value, reduction="none")
        return self._cont_bern_log_norm() - loss

    def cdf(self, value: Any) -> Any:
        self._check(value)
        p, _ = self._safe()
        found = (p.pow(value) * (1 - p).pow(1 - value) + p - 1) / (2 * p - 1)
        return fb.where(self._outside(), found, value).clamp(0, 1)

    def icdf(self, value: Any) -> Any:
        p, odds = self._safe()
        found = (fb.log1p(-p + value * (2 * p - 1)) - fb.log1p(-p)) / -odds
        return fb.where(self._outside(), found, value)

    def entropy(self) -> Any:
        none, one = fb.log1p(-self.probs), self.probs.log()
        return self.mean * (none - one) - self._cont_bern_log_norm() - none

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Any) -> Any:
        low, high = (lim - 0.5 for lim in self._lims)
        outside = (x <= low) | (x > high)
        safe = fb.where(outside, x, low)
        series = 0.5 * x + x.pow(2) / 24 - x.pow(4) / 2880
        return fb.where(outside, fb.expm1(safe).abs().log() - safe.abs().log(), series)
