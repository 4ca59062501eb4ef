"""The largest singular values of a matrix, from a few random combinations of its columns."""

from __future__ import annotations

from ..tensor import Tensor
from . import linalg as base
from .registry import FUNCTIONS, function


def _basis(A: Tensor, q: int, niter: int) -> Tensor:
    """Orthonormal columns that nearly span A's: N. Halko et al. (2009), algorithm 4.4."""
    mix = FUNCTIONS["randn"](A.shape[-1], q, dtype=A.dtype, device=A.device)
    Q = base.qr(A @ mix, "reduced")[0]
    for _ in range(niter):
        Q = base.qr(A.mH @ Q, "reduced")[0]
        Q = base.qr(A @ Q, "reduced")[0]
    return Q


@function(on="fb")
def svd_lowrank(A, q=6, niter=2, M=None):
    """About the q largest singular values of A (less M), with their vectors: A ≈ U diag(S) V'."""
    A = A if M is None else A - M
    if A.shape[-2] < A.shape[-1]:
        U, S, V = svd_lowrank(A.mH, q, niter)
        return V, S, U
    Q = _basis(A, 6 if q is None else q, niter)
    U, S, Vh = base.svd(Q.mH @ A, False)
    return Q @ U, S, Vh.mH


@function(on="fb")
def pca_lowrank(A, q=None, center=True, niter=2):
    """About the q principal components of the rows of A, which are centred first: A ≈ U S V'."""
    smallest = min(A.shape[-2:])
    q = min(6, smallest) if q is None else q
    if not 0 <= q <= smallest:
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={smallest}"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
