"""Linear algebra made of other operations: solutions, ranks, products, powers."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from ..device import module_of
from ..tensor import Tensor, wrap
from . import linalg as base
from .join import cat
from .registry import OPS, function
from .shape import at_dim, transpose
from .sort import result_type

_Qr, _Eigh, _Slogdet = (
    result_type("linalg_qr", "Q", "R"),
    result_type("linalg_eigh", "eigenvalues", "eigenvectors"),
    result_type("linalg_slogdet", "sign", "logabsdet"),
)
_Svd = result_type("linalg_svd", "U", "S", "Vh")
_Lstsq = result_type("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
_InvEx = result_type("linalg_inv_ex", "inverse", "info")
_SolveEx = result_type("linalg_solve_ex", "result", "info")
_CholeskyEx = result_type("linalg_cholesky_ex", "L", "info")
_OldSlogdet, _OldQr = result_type("slogdet", "sign", "logabsdet"), result_type("qr", "Q", "R")
_OldSvd = result_type("svd", "U", "S", "V")


def _mh(x: Tensor) -> Tensor:
    return x.mH


def _like(x: Tensor, value: Any) -> Tensor:
    return wrap(module_of(x.array).asarray(value))


# Inverse, solution, determinant, for callers


@function(on="linalg")
def inv(A):
    """A⁻¹; LinAlgError where there is none."""
    return base.inv(A)


@function(aliases=[])
def inverse(input):
    """The inverse of each matrix; LinAlgError where there is none."""
    return base.inv(input)


@function(on="linalg")
def inv_ex(A, *, check_errors=False):
    """The inverse, and 0 where it exists."""
    return _InvEx(base.inv(A), _no_info(A))


def _no_info(A):
    return _like(A, module_of(A.array).zeros(A.shape[:-2], "int32"))


@function
def det(input):
    """The determinant of each matrix."""
    return base.det(input)


@function(on="linalg")
def slogdet(A):
    """The sign of the determinant and the logarithm of its size."""
    return _Slogdet(*base.slogdet(A))


@function(name="slogdet")
def _(input):
    """The sign of the determinant and the logarithm of its size."""
    return _OldSlogdet(*base.slogdet(input))


@function
def logdet(input):
    """The logarithm of the determinant; NaN where that is negative."""
    sign, size = base.slogdet(input)
    return OPS["where"](sign < 0, float("nan"), size)


@function(on="linalg")
def solve(A, B, *, left=True):
    """The X with A X = B (or X A = B with ``left=False``); B holds matrices or vectors."""
    vector = B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])
    if vector:
        return base.solve(A, B.unsqueeze(-1)).squeeze(-1)
    if left:
        return base.solve(A, B)
    return transpose(base.solve(transpose(A, -2, -1), transpose(B, -2, -1)), -2, -1)


@function(on="linalg")
def solve_ex(A, B, *, left=True, check_errors=False):
    """The solution, and 0 where it exists."""
    return _SolveEx(solve(A, B, left=left), _no_info(A))


@function(on="linalg")
def solve_triangular(A, B, *, upper, left=True, unitriangular=False):
    """The X with A X = B, of which only one triangle of A is read."""
    side = OPS["triu" if upper else "tril"](A, int(unitriangular) * (1 if upper else -1))
    if unitriangular:
        side = side + _like(A, module_of(A.array).eye(A.shape[-1], dtype=A.array.dtype))
    if not left:
        return solve_triangular(_flip(side), _flip(B), upper=not upper).transpose(-2, -1)
    return base.solve(side, B)


def _flip(x):
    return transpose(x, -2, -1)


@function(on="linalg")
def tensorsolve(A, B, dims=None):
    """The X with tensordot(A, X, X.ndim) = B."""
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))
    rest = A.shape[B.ndim :]
    return solve(A.reshape(B.numel(), -1), B.reshape(-1)).reshape(rest)


@function(on="linalg")
def tensorinv(A, ind=2):
    """The inverse of A as a map from its last dimensions to its first ``ind``."""
    front, rest = A.shape[:ind], A.shape[ind:]
    return base.inv(A.reshape(int(np.prod(front)), -1)).reshape((*rest, *front))


# Factors, for callers


@function(on="linalg")
def cholesky(A, *, upper=False):
    """L with A = L L' (or its transpose); LinAlgError where A is not positive-definite."""
    found = base.cholesky(A.mH if upper else A)
    return found.mH if upper else found


@function(name="cholesky")
def _(input, upper=False):
    """L with A = L L' (or its transpose); LinAlgError where A is not positive-definite."""
    return cholesky(input, upper=upper)


@function(on="linalg")
def cholesky_ex(A, *, upper=False, check_errors=False):
    """The Cholesky factor, and 0 where it exists."""
    return _CholeskyEx(cholesky(A, upper=upper), _no_info(A))


@function
def cholesky_inverse(input, upper=False):
    """The inverse of A, from its Cholesky factor."""
    side = OPS["triu" if upper else "tril"](input)
    return base.inv(_mh(side) @ side if upper else side @ _mh(side))


@function
def cholesky_solve(input, input2, upper=False):
    """The X with A X = input, from A's Cholesky factor ``input2``."""
    side = OPS["triu" if upper else "tril"](input2)
    lower = _mh(side) if upper else side
    return base.solve(_mh(lower), base.solve(lower, input))


@function(on="linalg")
def qr(A, mode="reduced"):
    """A = Q R, with Q's columns orthonormal and R an upper triangle."""
    return _Qr(*base.qr(A, mode))


@function(name="qr")
def _(input, some=True):
    """A = Q R, with Q's columns orthonormal and R an upper triangle."""
    return _OldQr(*base.qr(input, "reduced" if some else "complete"))


@function(on="linalg")
def eigh(A, UPLO="L"):
    """Eigenvalues, in rising order, and eigenvectors of a symmetric (Hermitian) matrix."""
    return _Eigh(*base.eigh(A, UPLO))


@function(on="linalg")
def svd(A, full_matrices=True, *, driver=None):
    """A = U diag(S) Vh, with the singular values S in falling order."""
    return _Svd(*base.svd(A, full_matrices))


@function(name="svd")
def _(input, some=True, compute_uv=True):
    """A = U diag(S) V', with the singular values S in falling order."""
    u, s, vh = base.svd(input, not some)
    if not compute_uv:
        u, vh = (OPS["zeros_of"](t) for t in (u, vh))
    return _OldSvd(u, s, _mh(vh))


# Rank and what is close to an inverse


def _tolerance(A: Tensor, rtol: Any) -> float:
    eps = float(np.finfo(A.array.dtype).eps)
    return max(A.shape[-2:]) * eps if rtol is None else float(rtol)


@function(on="linalg")
def pinv(A, *, atol=None, rtol=None, hermitian=False):
    """The pseudo-inverse; singular values up to rtol times the largest count as 0."""
    rtol = 0.0 if rtol is None and atol else rtol
    if atol:
        top = float(base.svdvals(A.detach()).max())
        rtol = max(_tolerance(A, rtol), float(atol) / top if top else 0.0)
    return base.pinv(A, _tolerance(A, rtol), hermitian)


@function
def pinverse(input, rcond=1e-15):
    """The pseudo-inverse of each matrix."""
    return base.pinv(input, rcond, False)


@function(on="linalg")
def matrix_rank(A, tol=None, *, atol=None, rtol=None, hermitian=False):
    """How many singular values are above max(atol, rtol · the largest)."""
    s = base.svdvals(A.detach())
    if tol is not None:
        atol, rtol = tol, 0.0
    relative = 0.0 if rtol is None and atol is not None else _tolerance(A, rtol)
    limit = OPS["clamp"](s.amax(-1, keepdim=True) * relative, 0.0 if atol is None else atol)
    return (s > limit).sum(-1)


@function(on="linalg")
def lstsq(A, B, rcond=None, *, driver=None):
    """The X for which ‖A X - B‖ is smallest; with residuals where A is tall and of full rank."""
    vector = B.ndim == 1 or A.ndim - 1 == B.ndim
    m, n = A.shape[-2:]
    solution = pinv(A, rtol=rcond) @ (B.unsqueeze(-1) if vector else B)
    rank, empty = matrix_rank(A, rtol=rcond), A.detach().new_empty((0,))
    residuals = empty
    if m > n and driver not in (None, "gelsy") and bool((rank == n).all()):
        away = A @ solution - (B.unsqueeze(-1) if vector else B)
        residuals = (away * away).sum(-2)
        residuals = residuals.squeeze(-1) if vector else residuals
    if vector:
        solution = solution.squeeze(-1)
    singular = base.svdvals(A) if driver in ("gelss", "gelsd") else empty
    return _Lstsq(solution, residuals, rank, singular)


# Products and powers


@function(on="linalg")
def multi_dot(tensors):
    """The product of several matrices; the first and the last may be vectors."""
    if len(tensors) < 2:
        raise RuntimeError("multi_dot(): expected at least 2 tensors but got fewer")
    return reduce(lambda a, b: a @ b, tensors)


@function(on="fb")
def chain_matmul(*matrices):
    """The product of several matrices."""
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


@function(on="linalg", name="matrix_power")
def matrix_power(A, n):
    """A multiplied n times with itself; with n < 0 the inverse of A."""
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f"must be batches of square matrices, the shape is {tuple(A.shape)}")
    if n < 0:
        A, n = base.inv(A), -n
    if n == 0:
        eye = _like(A, module_of(A.array).eye(A.shape[-1], dtype=A.array.dtype))
        return OPS["zeros_of"](A) + eye
    out = None
    while n:
        out = (A if out is None else out @ A) if n & 1 else out
        n >>= 1
        A = A @ A if n else A
    return out


@function(name="matrix_power")
def _(input, n):
    """The input multiplied n times with itself; with n < 0 its inverse."""
    return matrix_power(input, n)


@function(on="linalg", name="matmul")
def _(input, other):
    """Matrix product over the last two dimensions."""
    return OPS["matmul"](input, other)


@function(on="linalg")
def vecdot(x, y, *, dim=-1):
    """Sum of the products of conj(x) and y along a dimension."""
    return ((x.conj() if x.is_complex() else x) * y).sum(dim)


@function
def vdot(input, other):
    """Sum of the products of conj(input) and other, two vectors."""
    return OPS["dot"](input.conj() if input.is_complex() else input, other)


@function(on="linalg", name="cross")
def cross(input, other, *, dim=-1):
    """The vector product of vectors of three numbers."""
    at = at_dim(dim, input.ndim)
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError(
            f"inputs dimension {dim} must have length 3. Got {input.shape[dim]} and "
            f"{other.shape[dim]}"
        )
    a, b = OPS["unbind"](input, at), OPS["unbind"](other, at)
    parts = [a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3] for i in range(3)]
    return OPS["stack"](parts, at)


@function(name="cross")
def _(input, other, dim=None):
    """The vector product of vectors of three numbers, by default along the first such dimension."""
    if dim is None:
        dim = next((i for i, n in enumerate(input.shape) if n == 3), -1)
    return cross(input, other, dim=dim)


@function(on="linalg", name="diagonal")
def _(A, *, offset=0, dim1=-2, dim2=-1):
    """The diagonal of each matrix."""
    return OPS["diagonal"](A, offset, dim1, dim2)


@function(on="linalg", name="vander")
def vander(x, *, N=None):
    """The powers 0 to N - 1 of each element as a row."""
    n = x.shape[-1] if N is None else N
    ones = OPS["zeros_of"](x).unsqueeze(-1) + 1
    if n < 2:
        return ones[..., :n]
    powers = OPS["cumprod"](x.unsqueeze(-1).expand((*x.shape, n - 1)), -1)
    return cat([ones, powers], -1)


@function(on="fb", name="vander")
def _(x, N=None, increasing=False):
    """The powers N - 1 to 0 (or rising) of each element as a row."""
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    found = vander(x, N=N)
    return found if increasing else OPS["flip"](found, (1,))
