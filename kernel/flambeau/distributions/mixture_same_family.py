"""Mixtures of distributions of one family."""

from __future__ import annotations

from typing import Any

import flambeau as fb

from . import constraints
from .categorical import Categorical
from .distribution import Distribution

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """One of several distributions, chosen by a `Categorical` one.

    The components are the last batch dimension of ``component_distribution``.

    >>> parts = fb.distributions.Normal(fb.tensor([-1.0, 3.0]), 1.0)
    >>> which = fb.distributions.Categorical(fb.tensor([0.5, 0.5]))
    >>> MixtureSameFamily(which, parts).mean
    tensor(1.)
    """

    arg_constraints: dict[str, Any] = {}
    has_rsample = False

    def __init__(
        self,
        mixture_distribution: Any,
        component_distribution: Any,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError("The Mixture distribution needs to be an instance of Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution needs to be an instance of Distribution")
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        *batch, count = component_distribution.batch_shape
        chosen = mixture_distribution.batch_shape
        for a, b in zip(reversed(chosen), reversed(batch), strict=False):
            if a != b and 1 not in (a, b):
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({tuple(chosen)}) is not compatible with "
                    f"`component_distribution.batch_shape` ({tuple(batch)})"
                )
        self._num_component = mixture_distribution.logits.shape[-1]
        if self._num_component != count:
            raise ValueError(
                f"`mixture_distribution component` ({self._num_component}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({count})"
            )
        events = component_distribution.event_shape
        self._event_ndims = len(events)
        super().__init__(batch, events, validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> Any:
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Any:
        """The one that chooses."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Any:
        """Those to choose from."""
        return self._component_distribution

    def _pad(self, x: Any) -> Any:
        """A dimension for the components."""
        return x.unsqueeze(-1 - self._event_ndims)

    def _average(self, values: Any) -> Any:
        """The mean over the components, by their chances."""
        probs = self.mixture_distribution.probs
        probs = probs.reshape(*probs.shape, *(1 for _ in self.event_shape))
        return (probs * values).sum(-1 - self._event_ndims)

    @property
    def mean(self) -> Any:
        return self._average(self.component_distribution.mean)

    @property
    def variance(self) -> Any:
        away = self.component_distribution.mean - self._pad(self.mean)
        return self._average(self.component_distribution.variance) + self._average(away.pow(2))

    def cdf(self, x: Any) -> Any:
        found = self.component_distribution.cdf(self._pad(x))
        return (found * self.mixture_distribution.probs).sum(-1)

    def log_prob(self, x: Any) -> Any:
        self._check(x)
        found = self.component_distribution.log_prob(self._pad(x))
        return fb.logsumexp(found + fb.log_softmax(self.mixture_distribution.logits, -1), -1)

    def sample(self, sample_shape: Any = ()) -> Any:
        with fb.no_grad():
            dim = len(sample_shape) + len(self.batch_shape)
            chosen = self.mixture_distribution.sample(sample_shape)
            chosen = chosen.expand(*sample_shape, *self.batch_shape)
            chosen = chosen.reshape(*chosen.shape, *(1 for _ in range(1 + self._event_ndims)))
            drawn = self.component_distribution.sample(sample_shape)
            places = chosen.expand(*chosen.shape[: dim + 1], *self.event_shape)
            return drawn.gather(dim, places).squeeze(dim)

    def __repr__(self) -> str:
        inner = f"\n  {self.mixture_distribution},\n  {self.component_distribution}"
        return f"MixtureSameFamily({inner})"
