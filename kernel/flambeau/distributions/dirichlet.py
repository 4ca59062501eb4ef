"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any

import flambeau as fb

from . import constraints
from .exp_family import ExponentialFamily

__all__ = ["Dirichlet"]


class Dirichlet(ExponentialFamily):
    """Vectors of positive parts that sum to 1: density ∝ ∏ xᵢ^(concentrationᵢ - 1).

    >>> Dirichlet(fb.tensor([1.0, 3.0])).mean
    tensor([0.2500, 0.7500])
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        *batch, parts = concentration.shape
        super().__init__(batch, (parts,), validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Any:
        above = (self.concentration - 1).clamp(min=0)
        corner = fb.nn.functional.one_hot(above.argmax(-1), above.shape[-1]).to(above.dtype)
        flat = (self.concentration < 1).all(-1, keepdim=True)
        return fb.where(flat, corner, above / fb.where(flat, 1, above.sum(-1, True)))

    @property
    def variance(self) -> Any:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return fb._sample_dirichlet(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        powers = fb.xlogy(self.concentration - 1, value).sum(-1)
        return powers - self._log_normalizer(self.concentration)

    def entropy(self) -> Any:
        a, total = self.concentration, self.concentration.sum(-1)
        spread = (total - a.shape[-1]) * total.digamma() - ((a - 1) * a.digamma()).sum(-1)
        return self._log_normalizer(a) + spread

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return (self.concentration,)

    def _log_normalizer(self, x: Any) -> Any:
        return x.lgamma().sum(-1) - x.sum(-1).lgamma()
