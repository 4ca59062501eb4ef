"""The Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any

import flambeau as fb

from . import constraints
from ._binary import OneChance
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Bernoulli"]


class Bernoulli(OneChance, ExponentialFamily):
    """1 with the chance ``probs``, else 0.

    >>> Bernoulli(fb.tensor([0.3])).variance
    tensor([0.2100])
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._set_chance(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.probs

    @property
    def mode(self) -> Any:
        likely = (self.probs >= 0.5).to(self.probs.dtype)
        return fb.where(self.probs == 0.5, math.nan, likely)

    @property
    def variance(self) -> Any:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        with fb.no_grad():
            return fb.bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        logits, value = broadcast_all(self.logits, value)
        return -_cross_entropy(logits, value)

    def entropy(self) -> Any:
        return _cross_entropy(self.logits, self.probs)

    def enumerate_support(self, expand: bool = True) -> Any:
        values = fb.arange(2, dtype=self._param.dtype, device=self._param.device)
        values = values.view(-1, *(1 for _ in self.batch_shape))
        return values.expand(-1, *self.batch_shape) if expand else values

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return (fb.logit(self.probs),)

    def _log_normalizer(self, x: Any) -> Any:
        return fb.nn.functional.softplus(x)


def _cross_entropy(logits: Any, target: Any) -> Any:
    return fb.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
