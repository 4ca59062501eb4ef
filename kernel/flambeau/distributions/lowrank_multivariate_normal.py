"""Multivariate normal distributions whose covariance is W Wᵀ + D, W narrow and D diagonal."""

from __future__ import annotations

import math
from typing import Any

import flambeau as fb

from . import constraints
from .distribution import Distribution
from .multivariate_normal import log_diagonal, mahalanobis, times
from .utils import lazy_property, standard_normal

__all__ = ["LowRankMultivariateNormal"]


def capacitance(w: Any, d: Any) -> Any:
    """The Cholesky factor of I + Wᵀ D⁻¹ W, which is small."""
    one = fb.eye(w.shape[-1], dtype=w.dtype, device=w.device)
    return fb.linalg.cholesky(one + (w.mT / d.unsqueeze(-2)) @ w)


class LowRankMultivariateNormal(Distribution):
    """Normal vectors with the covariance W Wᵀ + D: ``cov_factor`` is W, ``cov_diag`` D's diagonal.

    No matrix of the full size is inverted.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True
    _unexpanded = ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril")

    def __init__(
        self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None
    ) -> None:
        _check_shapes(loc, cov_factor, cov_diag)
        try:
            batch = fb.broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, "
                f"cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_diag = loc.expand(*batch, -1), cov_diag.expand(*batch, -1)
        self.cov_factor = cov_factor.expand(*batch, -1, -1)
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        self._capacitance_tril = capacitance(cov_factor, cov_diag)
        super().__init__(batch, loc.shape[-1:], validate_args=validate_args)

    def _parts(self) -> tuple[Any, Any]:
        return self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag

    def _expanded(self, matrix: Any) -> Any:
        return matrix.expand(*self.batch_shape, *self.event_shape, *self.event_shape)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @lazy_property
    def variance(self) -> Any:  # type: ignore[override]
        """The diagonal of the covariance."""
        w, d = self._parts()
        return (w.pow(2).sum(-1) + d).expand(self.loc.shape)

    @lazy_property
    def scale_tril(self) -> Any:
        """The Cholesky factor of the covariance."""
        w, d = self._parts()
        root = d.sqrt().unsqueeze(-1)
        one = fb.eye(w.shape[-2], dtype=w.dtype, device=w.device)
        return self._expanded(root * fb.linalg.cholesky(one + (w / root) @ (w / root).mT))

    @lazy_property
    def covariance_matrix(self) -> Any:
        """W Wᵀ + D."""
        w, d = self._parts()
        return self._expanded(w @ w.mT + fb.diag_embed(d))

    @lazy_property
    def precision_matrix(self) -> Any:
        """The inverse of the covariance, by Woodbury's formula."""
        w, d = self._parts()
        inner = w.mT / d.unsqueeze(-2)
        inner = fb.linalg.solve_triangular(self._capacitance_tril, inner, upper=False)
        return self._expanded(fb.diag_embed(d.reciprocal()) - inner.mT @ inner)

    def rsample(self, sample_shape: Any = ()) -> Any:
        w, d = self._parts()
        shape = self._extended_shape(sample_shape)
        narrow = standard_normal((*shape[:-1], w.shape[-1]), self.loc)
        return self.loc + times(w, narrow) + d.sqrt() * standard_normal(shape, self.loc)

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        constant = self.event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (constant + self._logdet() + self._distance(value - self.loc))

    def _logdet(self) -> Any:
        """The logarithm of the determinant of the covariance."""
        return 2 * log_diagonal(self._capacitance_tril) + self._unbroadcasted_cov_diag.log().sum(-1)

    def _distance(self, x: Any) -> Any:
        """xᵀ (W Wᵀ + D)⁻¹ x, by Woodbury's formula."""
        w, d = self._parts()
        inner = times(w.mT / d.unsqueeze(-2), x)
        return (x.pow(2) / d).sum(-1) - mahalanobis(self._capacitance_tril, inner)

    def entropy(self) -> Any:
        constant = self.event_shape[0] * (1 + math.log(2 * math.pi))
        return (0.5 * (constant + self._logdet())).expand(self.batch_shape)


def _check_shapes(loc: Any, cov_factor: Any, cov_diag: Any) -> None:
    """ValueError for parameters that do not belong together."""
    if loc.dim() < 1:
        raise ValueError("loc must be at least one-dimensional.")
    n = loc.shape[-1]
    if cov_factor.dim() < 2:
        raise ValueError(
            "cov_factor must be at least two-dimensional, with optional leading batch dimensions"
        )
    if cov_factor.shape[-2] != n:
        raise ValueError(f"cov_factor must be a batch of matrices with shape {n} x m")
    if tuple(cov_diag.shape[-1:]) != (n,):
        raise ValueError(f"cov_diag must be a batch of vectors with shape ({n},)")
