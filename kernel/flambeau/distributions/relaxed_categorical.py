"""One-hot vectors made continuous, so that gradients pass through samples."""

from __future__ import annotations

import math
from typing import Any

from . import constraints
from .categorical import Categorical
from .distribution import Distribution
from .transformed_distribution import TransformedDistribution
from .transforms import ExpTransform
from .utils import broadcast_all, clamp_probs, uniform

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(Distribution):
    """The logarithm of `RelaxedOneHotCategorical`: log softmax((logits + Gumbel noise) / t).

    Sources: Maddison et al., "The concrete distribution"; Jang et al., "Categorical
    reparameterization with Gumbel-softmax" (2017).
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector  # and e to their power sums to 1
    has_rsample = True
    _unexpanded = ("temperature",)

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        events = self._categorical.param_shape[-1:]
        super().__init__(self._categorical.batch_shape, events, validate_args=validate_args)

    def _new(self, *args: Any, **kwargs: Any) -> Any:
        return self._categorical._new(*args, **kwargs)

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter given."""
        return self._categorical.param_shape

    @property
    def logits(self) -> Any:
        """The log chances."""
        return self._categorical.logits

    @property
    def probs(self) -> Any:
        """The chances."""
        return self._categorical.probs

    def rsample(self, sample_shape: Any = ()) -> Any:
        drawn = clamp_probs(uniform(self._extended_shape(sample_shape), self.logits))
        scores = (self.logits - (-drawn.log()).log()) / self.temperature
        return scores - scores.logsumexp(-1, keepdim=True)

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        k = self.event_shape[0]
        logits, value = broadcast_all(self.logits, value)
        scores = logits - value * self.temperature
        scores = (scores - scores.logsumexp(-1, keepdim=True)).sum(-1)
        return scores + math.lgamma(k) + (k - 1) * self.temperature.log()


class RelaxedOneHotCategorical(TransformedDistribution):
    """Points of the simplex, close to its corners for a small ``temperature``."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex
    has_rsample = True

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Any:
        """How far from the corners the samples are."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Any:
        """The log chances."""
        return self.base_dist.logits

    @property
    def probs(self) -> Any:
        """The chances."""
        return self.base_dist.probs
