"""The half-Cauchy distribution."""

from __future__ import annotations

from typing import Any

from ._half import Half
from .cauchy import Cauchy
from .utils import infinite_like

__all__ = ["HalfCauchy"]


class HalfCauchy(Half):
    """The absolute value of a Cauchy number around 0."""

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Cauchy, scale, validate_args)

    @property
    def mean(self) -> Any:
        return infinite_like(self.scale.detach())

    @property
    def variance(self) -> Any:
        return self.base_dist.variance
