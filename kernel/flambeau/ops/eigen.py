"""Eigenvalues of matrices that need not be symmetric, and a few of those that are."""

from __future__ import annotations

import numpy as np

from ..errors import here
from .factors import cholesky
from .lapack import each, routine
from .linalg import LinAlgError, check_phases, eigh, on_diagonal, squares
from .lu import triangular
from .matrix import adjoint, is_complex
from .registry import OPS, function, op
from .sort import result_type

_Eig = result_type("linalg_eig", "eigenvalues", "eigenvectors")
_Ldl = result_type("linalg_ldl_factor", "LD", "pivots")
_LdlEx = result_type("linalg_ldl_factor_ex", "LD", "pivots", "info")


def _eig(a):
    values, vectors = np.linalg.eig(a)
    to = np.result_type(a.dtype, np.complex64)
    return values.astype(to), vectors.astype(to)


@op(name="linalg_eig", on="", promote=squares, outputs=2)
def eig_op(xp, A):
    """Eigenvalues λ and, as columns of length 1, eigenvectors v: A v = λ v."""
    if not xp.isfinite(A).all():
        raise RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")
    return each(xp, _eig, A.shape[:-2], A)


@eig_op.gradient("A")
def _(ns, g, A, out):  # C. Boeddeker et al., "Computation of Complex-valued Gradients" (2017)
    values, v = ns.linalg_eig(A) if ns.taped else out
    vh = adjoint(ns, v)
    turn = ns.matmul(vh, g[1])
    check_phases("linalg_eig", turn)
    along = ns.real(ns.diagonal(turn, 0, -2, -1))  # a column keeps its length
    turn = turn - ns.matmul(vh, v) * ns.unsqueeze(along, -2)
    gaps = ns.conj(ns.unsqueeze(values, -2) - ns.unsqueeze(values, -1))
    ones = on_diagonal(ns, ns.zeros_of(values) + 1, A.shape)
    inner = (turn - on_diagonal(ns, ns.diagonal(turn, 0, -2, -1), A.shape)) / (gaps + ones)
    inner = inner + on_diagonal(ns, g[0], A.shape)
    found = ns.linalg_solve(vh, ns.matmul(inner, vh))
    return found if is_complex(A) else ns.real(found)


@function(on="linalg")
def eig(A):
    """Eigenvalues and eigenvectors of any square matrix; both are complex, in no fixed order."""
    return _Eig(*eig_op(A))


@function(on="linalg")
def eigvals(A):
    """The eigenvalues of any square matrix, complex and in no fixed order.

    >>> fb.linalg.eigvals(fb.tensor([[0.0, -1.0], [1.0, 0.0]])).abs().round()
    tensor([1., 1.])
    """
    return eig_op(A)[0]


# Some of a symmetric matrix


@function(on="fb")
def lobpcg(
    A, k=None, B=None, X=None, n=None, iK=None, niter=None, tol=None, largest=None, method=None,
    tracker=None, ortho_iparams=None, ortho_fparams=None, ortho_bparams=None,
):  # fmt: skip
    """The k largest (or smallest) eigenvalues of A v = λ B v, and their eigenvectors as columns.

    A is symmetric, B symmetric and positive-definite. All eigenvalues are found by `eigh` and k
    are kept: the guess, the preconditioner and the number of steps, which PyTorch's iteration
    needs, make no difference.
    """
    k = (1 if X is None else X.shape[-1]) if k is None else k
    if A.shape[-1] < 3 * k:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={A.shape[-1]}) is "
            f"smaller than 3 x the number of requested eigenpairs (={k})"
        )
    if B is None:
        values, vectors = eigh(A, "L")
    else:
        lower = cholesky(B)
        left = triangular(lower, A, False, False)
        values, vectors = eigh(triangular(lower, left.mH, False, False).mH, "L")
        vectors = triangular(lower.mH, vectors, True, False)
    if largest is None or largest:
        values, vectors = (OPS["flip"](t, (-1,)) for t in (values, vectors))
    return values[..., :k], vectors[..., :k]


# L D L', for symmetric matrices that are not positive-definite


def _sytrf(hermitian):
    def run(a):
        if not a.size:
            return a, np.zeros(len(a), np.int32), np.int32(0)
        kind = "hetrf" if hermitian and a.dtype.kind == "c" else "sytrf"
        packed, pivots, info = routine(kind, a.dtype)(a, lower=1)
        return np.tril(packed), pivots.astype(np.int32), np.int32(info)

    return run


@op(name="linalg_ldl_factor", on="", promote=squares, outputs=3)
def ldl(xp, A, /, hermitian):
    """L and D in one array, which rows were exchanged, and the first zero of D."""
    return each(xp, _sytrf(hermitian), A.shape[:-2], A)


@function(on="linalg")
def ldl_factor_ex(A, *, hermitian=False, check_errors=False):
    """As `ldl_factor`, and for each matrix the first zero of D, counted from 1, or 0."""
    packed, pivots, info = ldl(A.detach(), hermitian)
    if check_errors and bool((info != 0).any()):
        at = int(info.max())
        raise LinAlgError("linalg.ldl_factor", f"D[{at},{at}] is zero", "", here())
    return _LdlEx(packed, pivots, info)


@function(on="linalg")
def ldl_factor(A, *, hermitian=False):
    """A = L D L' (or L D Lᵀ), D in blocks of 1 and 2: both in one array, and the exchanges."""
    packed, pivots, _ = ldl_factor_ex(A, hermitian=hermitian, check_errors=True)
    return _Ldl(packed, pivots)


def _sytrs(hermitian):
    def run(packed, pivots, b):
        if not b.size:
            return (b,)
        kind = "hetrs" if hermitian and b.dtype.kind == "c" else "sytrs"
        return (routine(kind, b.dtype)(packed, pivots, b, lower=1)[0],)

    return run


@op(name="linalg_ldl_solve", on="")
def ldl_solve_op(xp, LD, pivots, B, /, hermitian):
    """The X with A X = B from what `ldl_factor` gives."""
    n, shape = LD.shape[-1], B.shape[-2:]
    if shape[0] != n:
        raise RuntimeError(
            f"Incompatible matrix sizes for torch.linalg.ldl_solve: each A matrix is {n} by {n} "
            f"but each b matrix is {shape[0]} by {shape[1]}"
        )
    lead = xp.broadcast_shapes(LD.shape[:-2], B.shape[:-2])
    LD, B = xp.broadcast_to(LD, (*lead, n, n)), xp.broadcast_to(B, (*lead, *shape))
    pivots = xp.broadcast_to(pivots, (*lead, n))
    return each(xp, _sytrs(hermitian), lead, LD, pivots, B)[0]


@function(on="linalg")
def ldl_solve(LD, pivots, B, *, hermitian=False):
    """The X with A X = B from what `ldl_factor` gives."""
    if B.ndim < 2:
        raise RuntimeError(f"torch.linalg.ldl_solve: B needs 2 dimensions or more, has {B.ndim}")
    return ldl_solve_op(LD, pivots, B, hermitian)
