"""Exponential families: densities of the form h(x) exp(⟨η, t(x)⟩ - A(η))."""

from __future__ import annotations

from typing import Any

import flambeau as fb

from .distribution import Distribution
from .utils import sum_rightmost

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """A distribution known by its natural parameters η and its log normalizer A.

    Its entropy, A - ⟨η, ∇A⟩ - E[log h], follows from them by differentiation.
    """

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Any) -> Any:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        raise NotImplementedError

    def _normalizer_and_slopes(self) -> tuple[Any, Any, Any]:
        """η, A(η) and ∇A(η)."""
        with fb.enable_grad():
            eta = [p.detach().requires_grad_() for p in self._natural_params]
            normalizer = self._log_normalizer(*eta)
            slopes = fb.autograd.grad(normalizer.sum(), eta, create_graph=True)
        return eta, normalizer, slopes

    def entropy(self) -> Any:
        """A - ⟨η, ∇A⟩ - E[log h]."""
        eta, normalizer, slopes = self._normalizer_and_slopes()
        result = normalizer - self._mean_carrier_measure
        for parameter, slope in zip(eta, slopes, strict=True):
            inner = parameter.dim() - len(self._batch_shape)
            result = result - sum_rightmost(parameter * slope, inner)
        return result
