"""Factors of matrices, as callers know them: Cholesky's, QR, eigenvectors, singular values."""

from __future__ import annotations

import numpy as np

from . import linalg as base
from .lapack import each, routine
from .linalg import LinAlgError
from .linalg_more import mended, no_info
from .lu import deprecated, triangular
from .matrix import adjoint
from .registry import OPS, function, op
from .sort import result_type

_CholeskyEx = result_type("linalg_cholesky_ex", "L", "info")
_Qr, _OldQr = result_type("linalg_qr", "Q", "R"), result_type("qr", "Q", "R")
_Eigh = result_type("linalg_eigh", "eigenvalues", "eigenvectors")
_Svd, _OldSvd = result_type("linalg_svd", "U", "S", "Vh"), result_type("svd", "U", "S", "V")


# Cholesky's factor


@function(on="linalg")
def cholesky(A, *, upper=False):
    """L with A = L L' (or its transpose); LinAlgError where A is not positive-definite.

    >>> fb.linalg.cholesky(fb.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    return base.cholesky(A, upper)


@function(name="cholesky")
def _(input, upper=False):
    """L with A = L L' (or its transpose); LinAlgError where A is not positive-definite."""
    deprecated("cholesky", "cholesky")
    return base.cholesky(input, upper)


def _potrf(upper):
    def run(a):
        found, info = routine("potrf", a.dtype)(a, lower=not upper, clean=1)
        broken = np.isnan(np.diagonal(found))  # not every LAPACK counts NaN as not above 0
        return found, np.int32(np.argmax(broken) + 1 if broken.any() else info)

    return run


@function(on="linalg")
def cholesky_ex(A, *, upper=False, check_errors=False):
    """The factor and 0 where it exists, elsewhere what there is and the first minor not above 0."""
    try:
        return _CholeskyEx(base.cholesky(A, upper), no_info(A))
    except LinAlgError:
        if check_errors:
            raise
    partly, info = cholesky_steps(A.detach(), upper)
    whole = base.cholesky(mended(A, info), upper)
    return _CholeskyEx(OPS["where"]((info > 0)[..., None, None], partly, whole), info)


@op(on="", outputs=2)
def cholesky_steps(xp, A, /, upper):
    """Cholesky's factor as far as it goes, and the size of the minor where it ends, or 0."""
    return each(xp, _potrf(upper), A.shape[:-2], A)


@op(promote=base.squares)
def cholesky_inverse(xp, x, /, upper=False):
    """The inverse of A, from its Cholesky factor."""
    side = xp.triu(x) if upper else xp.conj(xp.tril(x)).swapaxes(-1, -2)
    eye = xp.eye(x.shape[-1], dtype=x.dtype)
    half = triangular.forward(xp, side, eye, True, False)
    return xp.matmul(half, xp.conj(half).swapaxes(-1, -2))


@cholesky_inverse.gradient("x")
def _(ns, g, x, out, upper):
    both = g + adjoint(ns, g)
    if upper:
        return -ns.matmul(x, ns.matmul(ns.matmul(out, both), out))
    return -ns.matmul(ns.matmul(ns.matmul(out, both), out), x)


@op(promote=lambda arrays: base.squares(arrays[::-1])[::-1])
def cholesky_solve(xp, x, input2, /, upper=False):
    """The X with A X = input, from A's Cholesky factor ``input2``."""
    first = xp.conj(input2).swapaxes(-1, -2) if upper else input2
    last = input2 if upper else xp.conj(input2).swapaxes(-1, -2)
    middle = triangular.forward(xp, first, x, False, False)
    return triangular.forward(xp, last, middle, True, False)


@cholesky_solve.gradient("x", "input2")
def _(ns, g, input2, out, upper):
    to_x = ns.cholesky_solve(g, input2, upper)
    common = ns.matmul(to_x, adjoint(ns, out))
    common = common + adjoint(ns, common)
    return to_x, -(ns.matmul(input2, common) if upper else ns.matmul(common, input2))


# Orthogonal factors


@function(on="linalg")
def qr(A, mode="reduced"):
    """A = Q R, with Q's columns orthonormal and R an upper triangle.

    >>> Q, R = fb.linalg.qr(fb.ones(3, 2))
    >>> Q.shape, R.shape
    (torch.Size([3, 2]), torch.Size([2, 2]))
    """
    return _Qr(*base.qr(A, mode))


@function(name="qr")
def _(input, some=True):
    """A = Q R, with Q's columns orthonormal and R an upper triangle."""
    deprecated("qr", "qr")
    return _OldQr(*base.qr(input, "reduced" if some else "complete"))


@function(on="linalg")
def eigh(A, UPLO="L"):
    """Eigenvalues, in rising order, and eigenvectors of a symmetric (Hermitian) matrix.

    >>> fb.linalg.eigh(fb.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])
    """
    return _Eigh(*base.eigh(A, UPLO))


@function(on="linalg")
def eigvalsh(A, UPLO="L"):
    """The eigenvalues, in rising order, of a symmetric (Hermitian) matrix."""
    return base.eigvalsh(A, UPLO)


def _check_driver(driver):
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
            "cuSOLVER backend."
        )


@function(on="linalg")
def svd(A, full_matrices=True, *, driver=None):
    """A = U diag(S) Vh, with the singular values S in falling order.

    >>> U, S, Vh = fb.linalg.svd(fb.ones(3, 2), full_matrices=False)
    >>> U.shape, S.shape, Vh.shape
    (torch.Size([3, 2]), torch.Size([2]), torch.Size([2, 2]))
    """
    _check_driver(driver)
    return _Svd(*base.svd(A, full_matrices))


@function(on="linalg")
def svdvals(A, *, driver=None):
    """The singular values, in falling order.

    >>> fb.linalg.svdvals(fb.tensor([[3.0, 0.0], [0.0, -4.0]]))
    tensor([4., 3.])
    """
    _check_driver(driver)
    return base.svdvals(A)


@function(name="svd")
def _(input, some=True, compute_uv=True):
    """A = U diag(S) V', with the singular values S in falling order."""
    u, s, vh = base.svd(input, not some)
    if not compute_uv:
        u, vh = (OPS["zeros_of"](t) for t in (u, vh))
    return _OldSvd(u, s, vh.mH)
