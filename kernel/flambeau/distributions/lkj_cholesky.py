"""The LKJ distribution of correlation matrices."""

from __future__ import annotations

import math
from typing import Any

import flambeau as fb

from . import constraints
from .beta import Beta
from .distribution import Distribution
from .utils import broadcast_all, standard_normal

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Lower Cholesky factors of ``dim`` × ``dim`` correlation matrices.

    The density of the matrix is ∝ det^(concentration - 1): with 1 all are alike, larger ones
    are nearer to the identity. Samples are made row by row, as in Lewandowski, Kurowicka and Joe,
    "Generating random correlation matrices based on vines and extended onion method" (2009).
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(
        self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}."
            )
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        c = self.concentration
        row = fb.arange(-1, dim - 1, dtype=c.dtype, device=c.device).clamp(min=0)
        self._beta = Beta(row + 0.5, (c + 0.5 * (dim - 2)).unsqueeze(-1) - 0.5 * row)
        super().__init__(c.shape, (dim, dim), validate_args)

    def sample(self, sample_shape: Any = ()) -> Any:
        with fb.no_grad():
            share = self._beta.sample(sample_shape).unsqueeze(-1)
            direction = standard_normal(self._extended_shape(sample_shape), share).tril(-1)
            length = (direction**2).sum(-1, True).sqrt()
            below = share.sqrt() * direction / fb.where(length == 0, 1, length)
            left = (1 - (below**2).sum(-1)).clamp(min=fb.finfo(share.dtype).tiny)
            return below + fb.diag_embed(left.sqrt())

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        n, c = self.dim, self.concentration
        diagonal = value.diagonal(0, -2, -1)[..., 1:].log()
        power = 2 * (c - 1).unsqueeze(-1) + n - fb.arange(2, n + 1, device=c.device)
        alpha = c + 0.5 * (n - 1)
        constant = 0.5 * (n - 1) * math.log(math.pi) + fb.mvlgamma(alpha - 0.5, n - 1)
        return (power * diagonal).sum(-1) - constant + alpha.lgamma() * (n - 1)
