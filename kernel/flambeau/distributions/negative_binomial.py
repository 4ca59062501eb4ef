"""The negative binomial distribution."""

from __future__ import annotations

from typing import Any

import flambeau as fb

from . import constraints
from ._binary import OneChance
from .distribution import Distribution
from .gamma import Gamma
from .utils import lazy_property

__all__ = ["NegativeBinomial"]


class NegativeBinomial(OneChance, Distribution):
    """How many trials succeed, each with chance ``probs``, before ``total_count`` failures."""

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self,
        total_count: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        self._set_counted(total_count, probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Any:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0)

    @property
    def variance(self) -> Any:
        return self.mean / fb.sigmoid(-self.logits)

    @lazy_property
    def _gamma(self) -> Any:
        return Gamma(self.total_count, (-self.logits).exp(), validate_args=False)

    def sample(self, sample_shape: Any = ()) -> Any:
        with fb.no_grad():
            return fb.poisson(self._gamma.sample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        n, log_sigmoid = self.total_count, fb.nn.functional.logsigmoid
        choices = (n + value).lgamma() - (1 + value).lgamma() - n.lgamma()
        choices = choices.masked_fill(n + value == 0, 0)
        return n * log_sigmoid(-self.logits) + value * log_sigmoid(self.logits) + choices
