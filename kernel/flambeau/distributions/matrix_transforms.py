"""Transforms between real vectors or matrices and simplexes, triangular and other matrices."""

from __future__ import annotations

import math
from typing import Any

import flambeau as fb

from . import constraints
from .transform import Plain, Transform
from .utils import clipped_sigmoid, tril_matrix_to_vec, vec_to_tril_matrix


def _shifted(x: Any) -> Any:
    """The entries along the last dimension one place later, after a 1."""
    return fb.cat([fb.ones_like(x[..., :1]), x[..., :-1]], -1)


def _enough(shape: Any, dims: int) -> None:
    if len(shape) < dims:
        raise ValueError(f"Too few dimensions on input: {tuple(shape)}, at least {dims} wanted")


class CorrCholeskyTransform(Transform):
    """Real vectors of D(D - 1)/2 numbers as Cholesky factors of D × D correlation matrices.

    The tanh of each number says which share of the length that is left in its row it takes, up
    to the diagonal, which takes the rest: every row has length 1.
    """

    domain, codomain = constraints.real_vector, constraints.corr_cholesky
    bijective = True

    def _call(self, x: Any) -> Any:
        eps = fb.finfo(x.dtype).eps
        share = vec_to_tril_matrix(x.tanh().clamp(min=-1 + eps, max=1 - eps), diag=-1)
        left = (1 - share**2).sqrt().cumprod(-1)
        one = fb.eye(share.shape[-1], dtype=x.dtype, device=x.device)
        return (share + one) * _shifted(left)

    def _inverse(self, y: Any) -> Any:
        left = _shifted(1 - (y * y).cumsum(-1))
        share = tril_matrix_to_vec(y, diag=-1) / tril_matrix_to_vec(left, diag=-1).sqrt()
        return (share.log1p() - (-share).log1p()) / 2

    def log_abs_det_jacobian(self, x: Any, y: Any, intermediates: Any = None) -> Any:
        left = tril_matrix_to_vec(1 - (y * y).cumsum(-1), diag=-2)
        of_tanh = -2 * (x + fb.nn.functional.softplus(-2 * x) - math.log(2)).sum(-1)
        return 0.5 * left.log().sum(-1) + of_tanh

    def forward_shape(self, shape: Any) -> Any:
        _enough(shape, 1)
        count = shape[-1]
        d = round((0.25 + 2 * count) ** 0.5 + 0.5)
        if d * (d - 1) // 2 != count:
            raise ValueError(f"Input is not a flattened lower-diagonal number: {count}")
        return fb.Size((*shape[:-1], d, d))

    def inverse_shape(self, shape: Any) -> Any:
        _enough(shape, 2)
        if shape[-2] != shape[-1]:
            raise ValueError(f"Input is not square: {tuple(shape)}")
        return fb.Size((*shape[:-2], shape[-1] * (shape[-1] - 1) // 2))


class SoftmaxTransform(Plain):
    """y = exp(x), brought to sum 1; the inverse is the logarithm."""

    domain, codomain = constraints.real_vector, constraints.simplex

    def _call(self, x: Any) -> Any:
        return fb.softmax(x, -1)

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def forward_shape(self, shape: Any) -> Any:
        _enough(shape, 1)
        return shape

    inverse_shape = forward_shape


class StickBreakingTransform(Plain):
    """Real vectors as points of a simplex of one more dimension.

    The sigmoid of each number says which share it takes of what the ones before it left.
    """

    domain, codomain = constraints.real_vector, constraints.simplex
    bijective = True

    @staticmethod
    def _offset(x: Any, count: int) -> Any:
        """So that 0 gives equal parts."""
        return fb.arange(count, 0, -1, dtype=x.dtype, device=x.device).log()

    def _call(self, x: Any) -> Any:
        share = clipped_sigmoid(x - self._offset(x, x.shape[-1]))
        left = (1 - share).cumprod(-1)
        one = fb.ones_like(share[..., :1])
        return fb.cat([share, one], -1) * fb.cat([one, left], -1)

    def _inverse(self, y: Any) -> Any:
        parts = y[..., :-1]
        left = (1 - parts.cumsum(-1)).clamp(min=fb.finfo(y.dtype).tiny)
        return parts.log() - left.log() + self._offset(y, parts.shape[-1])

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        x = x - self._offset(x, x.shape[-1])
        return (fb.nn.functional.logsigmoid(x) - x + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        _enough(shape, 1)
        return fb.Size((*shape[:-1], shape[-1] + 1))

    def inverse_shape(self, shape: Any) -> Any:
        _enough(shape, 1)
        return fb.Size((*shape[:-1], shape[-1] - 1))


def _with_diagonal(x: Any, change: Any) -> Any:
    return x.tril(-1) + fb.diag_embed(change(x.diagonal(0, -2, -1)))


class LowerCholeskyTransform(Plain):
    """Square matrices as lower triangular ones with a positive diagonal, by its exponential."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Any) -> Any:
        return _with_diagonal(x, fb.exp)

    def _inverse(self, y: Any) -> Any:
        return _with_diagonal(y, fb.log)


class PositiveDefiniteTransform(Plain):
    """Square matrices as positive-definite ones: L Lᵀ of `LowerCholeskyTransform`."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Any) -> Any:
        lower = _with_diagonal(x, fb.exp)
        return lower @ lower.mT

    def _inverse(self, y: Any) -> Any:
        return _with_diagonal(fb.linalg.cholesky(y), fb.log)
