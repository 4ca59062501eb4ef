"""The von Mises distribution."""

from __future__ import annotations

import math
from typing import Any

import flambeau as fb

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, lazy_property

__all__ = ["VonMises"]


def _log_bessel(x: Any, order: int) -> Any:
    """The logarithm of the modified Bessel function."""
    scaled = fb.special.i0e(x) if order == 0 else fb.special.i1e(x)
    return scaled.log() + x


class VonMises(Distribution):
    """The normal distribution of angles: density ∝ exp(concentration · cos(x - loc)).

    Mean and variance are the circular ones.
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @lazy_property
    def variance(self) -> Any:  # type: ignore[override]
        """1 - I₁ / I₀ of the concentration."""
        c = self.concentration
        return 1 - (_log_bessel(c, 1) - _log_bessel(c, 0)).exp()

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        c = self.concentration
        return c * fb.cos(value - self.loc) - math.log(2 * math.pi) - _log_bessel(c, 0)

    def _envelope(self) -> Any:
        """The parameter r of the wrapped Cauchy distribution that candidates come from."""
        k = self.concentration.double()
        tau = 1 + (1 + 4 * k**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * k)
        return fb.where(k < 1e-5, 1 / k + k, (1 + rho**2) / (2 * rho))

    def sample(self, sample_shape: Any = ()) -> Any:
        """Samples, by Best and Fisher, "Efficient simulation of the von Mises distribution"."""
        shape = self._extended_shape(sample_shape)
        with fb.no_grad():
            r, k = self._envelope(), self.concentration.double()
            angle = fb.zeros(shape, dtype=fb.double, device=k.device)
            waiting = fb.ones(shape, dtype=fb.bool, device=k.device)
            while waiting.any():
                first, second, side = fb.rand((3, *shape), dtype=fb.double, device=k.device)
                z = fb.cos(math.pi * first)
                f = ((1 + r * z) / (r + z)).clamp(-1, 1)
                c = k * (r - f)
                taken = (c * (2 - c) > second) | ((c / second).log() + 1 >= c)
                angle = fb.where(waiting & taken, (side - 0.5).sign() * f.acos(), angle)
                waiting = waiting & ~taken
            turned = (angle + math.pi + self.loc.double()) % (2 * math.pi) - math.pi
            return turned.to(self.loc.dtype)
