"""The multivariate normal distribution."""

from __future__ import annotations

import math
from typing import Any

import flambeau as fb

from . import constraints
from .distribution import Distribution
from .utils import lazy_property, standard_normal

__all__ = ["MultivariateNormal"]


def times(matrix: Any, vector: Any) -> Any:
    """Batches of matrix · vector."""
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


def mahalanobis(lower: Any, x: Any) -> Any:
    """xᵀ M⁻¹ x for M = L Lᵀ, with batches of either."""
    n = x.shape[-1]
    if lower.dim() == 2:  # one matrix for all: one solution with many right sides
        solved = fb.linalg.solve_triangular(lower, x.reshape(-1, n).T, upper=False)
        return solved.pow(2).sum(0).reshape(x.shape[:-1])
    batch = fb.broadcast_shapes(lower.shape[:-2], x.shape[:-1])
    lower, x = lower.expand(*batch, n, n), x.expand(*batch, n).unsqueeze(-1)
    return fb.linalg.solve_triangular(lower, x, upper=False).pow(2).sum((-2, -1))


def log_diagonal(lower: Any) -> Any:
    """The logarithm of the determinant of triangular matrices."""
    return lower.diagonal(0, -2, -1).log().sum(-1)


def factor_of_inverse(precision: Any) -> Any:
    """The lower triangular L with L Lᵀ = P⁻¹: of P read backwards it is a Cholesky factor."""
    backwards = fb.linalg.cholesky(precision.flip((-2, -1))).flip((-2, -1)).mT
    one = fb.eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    return fb.linalg.solve_triangular(backwards, one.expand(precision.shape), upper=False)


def the_only(**given: Any) -> tuple[str, Any]:
    """The one argument that is not None."""
    found = [(name, value) for name, value in given.items() if value is not None]
    if len(found) != 1:
        raise ValueError(
            "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
        )
    return found[0]


def factor(kind: str, matrix: Any) -> Any:
    """The Cholesky factor of the covariance that is given in one of three ways."""
    if kind == "scale_tril":
        return matrix
    return fb.linalg.cholesky(matrix) if kind == "covariance_matrix" else factor_of_inverse(matrix)


class ByMatrix(Distribution):
    """``scale_tril``, ``covariance_matrix`` and ``precision_matrix``, made of each other."""

    _unbroadcasted_scale_tril: Any
    _unexpanded = ("_unbroadcasted_scale_tril",)

    def _matrix_shape(self) -> tuple[int, ...]:
        return (*self._batch_shape, self._event_shape[-1], self._event_shape[-1])

    @lazy_property
    def scale_tril(self) -> Any:
        """The lower triangular L of the covariance L Lᵀ."""
        return self._unbroadcasted_scale_tril.expand(self._matrix_shape())

    @lazy_property
    def covariance_matrix(self) -> Any:
        """L Lᵀ."""
        lower = self._unbroadcasted_scale_tril
        return (lower @ lower.mT).expand(self._matrix_shape())

    @lazy_property
    def precision_matrix(self) -> Any:
        """The inverse of the covariance."""
        return fb.cholesky_inverse(self._unbroadcasted_scale_tril).expand(self._matrix_shape())


class MultivariateNormal(ByMatrix):
    """Normal vectors: loc + L · noise, where L Lᵀ is the covariance.

    The matrix is given as ``covariance_matrix``, as its inverse ``precision_matrix`` or as L,
    ``scale_tril``, which is fastest.

    >>> p = MultivariateNormal(fb.zeros(2), fb.tensor([[4.0, 0.0], [0.0, 1.0]]))
    >>> p.scale_tril
    tensor([[2., 0.],
            [0., 1.]])
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        kind, matrix = the_only(
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        if matrix.dim() < 2:
            raise ValueError(
                f"{kind} must be at least two-dimensional, with optional leading batch dimensions"
            )
        batch = fb.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, kind, matrix.expand(*batch, -1, -1))
        self.loc = loc.expand(*batch, -1)
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = factor(kind, matrix)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return self._unbroadcasted_scale_tril.pow(2).sum(-1).expand(self.loc.shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        noise = standard_normal(self._extended_shape(sample_shape), self.loc)
        return self.loc + times(self._unbroadcasted_scale_tril, noise)

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        lower = self._unbroadcasted_scale_tril
        constant = self.event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (constant + mahalanobis(lower, value - self.loc)) - log_diagonal(lower)

    def entropy(self) -> Any:
        constant = 0.5 * self.event_shape[0] * (1 + math.log(2 * math.pi))
        return (constant + log_diagonal(self._unbroadcasted_scale_tril)).expand(self.batch_shape)
