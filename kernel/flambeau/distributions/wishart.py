"""The Wishart distribution."""

from __future__ import annotations

import math
import warnings
from numbers import Number
from typing import Any

import flambeau as fb

from . import constraints
from .chi2 import Chi2
from .exp_family import ExponentialFamily
from .multivariate_normal import ByMatrix, factor, log_diagonal
from .utils import standard_normal

__all__ = ["Wishart"]


class Wishart(ByMatrix, ExponentialFamily):
    """X Xᵀ, with ``df`` normal vectors as the columns of X; the covariance is theirs.

    Samples are made by Bartlett's decomposition: L A Aᵀ Lᵀ, with A lower triangular, the square
    roots of χ² numbers on its diagonal and normal numbers below.
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        df: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix,
                 "scale_tril": scale_tril}  # fmt: skip
        named = [(k, v) for k, v in given.items() if v is not None]
        if len(named) != 1:
            raise AssertionError(f"Exactly one of {' or '.join(given)} may be specified.")
        ((kind, matrix),) = named
        if matrix.dim() < 2:
            raise ValueError(
                f"{kind} must be at least two-dimensional, with optional leading batch dimensions"
            )
        if isinstance(df, Number):
            df = matrix.new_full((), df)
        batch, p = fb.broadcast_shapes(matrix.shape[:-2], df.shape), matrix.shape[-1]
        self.df = df.expand(batch)
        self._check_df(p)
        setattr(self, kind, matrix.expand(*batch, -1, -1))
        self._event_shape = matrix.shape[-2:]  # the constraint of df asks for it
        super().__init__(batch, matrix.shape[-2:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = factor(kind, matrix)
        steps = fb.arange(p, dtype=matrix.dtype, device=matrix.device)
        self._dist_chi2 = Chi2(self.df.unsqueeze(-1) - steps)

    def _check_df(self, p: int) -> None:
        if (self.df <= p - 1).any():
            raise ValueError(
                f"Value of df={self.df} expected to be greater than ndim - 1 = {p - 1}."
            )
        if (self.df < p).any():
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for "
                "ndim - 1 < df < ndim.",
                stacklevel=3,
            )

    @property
    def arg_constraints(self) -> Any:
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

    def _df(self) -> Any:
        return self.df[..., None, None]

    @property
    def mean(self) -> Any:
        return self._df() * self.covariance_matrix

    @property
    def mode(self) -> Any:
        above = self._df() - self.event_shape[-1] - 1
        return fb.where(above <= 0, math.nan, above) * self.covariance_matrix

    @property
    def variance(self) -> Any:
        v = self.covariance_matrix
        diagonal = v.diagonal(0, -2, -1)
        return self._df() * (v.pow(2) + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def _bartlett_sampling(self, sample_shape: Any) -> Any:
        eps = fb.finfo(self.df.dtype).eps
        diagonal = self._dist_chi2.rsample(sample_shape).sqrt().clamp(min=eps)
        below = standard_normal(self._extended_shape(sample_shape), self.df).tril(-1)
        made = self._unbroadcasted_scale_tril @ (below + fb.diag_embed(diagonal))
        return made @ made.mT

    def rsample(self, sample_shape: Any = (), max_try_correction: int | None = None) -> Any:
        sample = self._bartlett_sampling(sample_shape)
        for _ in range(10 if max_try_correction is None else max_try_correction):
            regular = self.support.check(sample)
            if regular.all():
                break
            warnings.warn("Singular sample detected.", stacklevel=2)
            again = self._bartlett_sampling(sample_shape)
            sample = fb.where(regular[..., None, None], sample, again)
        return sample

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        p, lower = self.event_shape[-1], self._unbroadcasted_scale_tril
        logdet = fb.linalg.slogdet(value)[1]
        batch = fb.broadcast_shapes(lower.shape[:-2], value.shape[:-2])
        trace = fb.cholesky_solve(value.expand(*batch, p, p), lower.expand(*batch, p, p))
        constant = self.df * (p * math.log(2) / 2 + log_diagonal(lower))
        return (
            (self.df - p - 1) / 2 * logdet
            - trace.diagonal(0, -2, -1).sum(-1) / 2
            - constant
            - fb.mvlgamma(self.df / 2, p)
        )

    def entropy(self) -> Any:
        p, df = self.event_shape[-1], self.df
        steps = fb.arange(p, dtype=df.dtype, device=df.device) / 2
        digammas = (df.unsqueeze(-1) / 2 - steps).digamma().sum(-1)
        return (
            (p + 1) * (p * math.log(2) / 2 + log_diagonal(self._unbroadcasted_scale_tril))
            + fb.mvlgamma(df / 2, p)
            - (df - p - 1) / 2 * digammas
            + df * p / 2
        )

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return -self.precision_matrix / 2, (self.df - self.event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        p = self.event_shape[-1]
        half_df = y + (p + 1) / 2
        logdet = fb.linalg.slogdet(-2 * x)[1]
        return half_df * (p * math.log(2) - logdet) + fb.mvlgamma(half_df, p)
