"""The geometric distribution."""

from __future__ import annotations

from typing import Any

import flambeau as fb

from . import constraints
from ._binary import OneChance
from .distribution import Distribution
from .utils import broadcast_all, uniform

__all__ = ["Geometric"]


class Geometric(OneChance, Distribution):
    """How many trials fail before the first success: chance (1 - p)ᵏ p.

    >>> Geometric(fb.tensor([0.25])).mean
    tensor([3.])
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._set_chance(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not (self.probs > 0).all():
            raise ValueError(
                f"Expected parameter probs (Tensor of shape {tuple(self.probs.shape)}) of "
                f"distribution {self!r} to be positive but found invalid values:\n{self.probs}"
            )

    @property
    def mean(self) -> Any:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Any:
        return fb.zeros_like(self.probs)

    @property
    def variance(self) -> Any:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Any = ()) -> Any:
        with fb.no_grad():
            drawn = 1 - uniform(self._extended_shape(sample_shape), self.probs)
            return (drawn.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        value, probs = broadcast_all(value, self.probs)
        failing = fb.where((probs == 1) & (value == 0), 0, probs)
        return value * (-failing).log1p() + self.probs.log()

    def entropy(self) -> Any:
        loss = fb.nn.functional.binary_cross_entropy_with_logits
        return loss(self.logits, self.probs, reduction="none") / self.probs
