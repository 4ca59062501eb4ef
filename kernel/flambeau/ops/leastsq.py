"""Equations without an exact solution: least squares, pseudo-inverses, ranks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import FLOATING
from ..tensor import Tensor
from . import linalg as base
from .complex import real
from .matrix import adjoint
from .promote import alike
from .registry import OPS, function, op
from .sort import result_type

_Lstsq = result_type("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def _tolerances(A: Tensor, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """Below which size a singular value is 0, and which part of the largest; arrays or numbers."""
    atol, rtol = (t.array[..., None] if isinstance(t, Tensor) else t for t in (atol, rtol))
    atol = 0.0 if atol is None else atol
    if rtol is None:
        rtol = (atol <= 0) * (float(np.finfo(A.array.dtype).eps) * max(A.shape[-2:]))
    return atol, rtol


def _matrices(name: str, A: Tensor) -> None:
    if A.ndim < 2 or A.array.dtype not in FLOATING or A.array.dtype == "float16":
        raise RuntimeError(
            f"{name}: expected a tensor with 2 or more dimensions of floating type, got one of "
            f"{A.dtype} with shape {tuple(A.shape)}"
        )


def _limit(xp, s, atol, rtol):
    """The size up to which a singular value counts as 0."""
    largest = s.max(-1, keepdims=True) if s.shape[-1] else 0.0
    return xp.maximum(xp.asarray(atol), rtol * largest)


@op(name="linalg_pinv", on="", promote=base.matrices)
def pinv_op(xp, x, /, atol, rtol, hermitian):
    """The matrix that inverts x as far as that goes: of all X, the least with x X x = x."""
    if hermitian:
        base.squares([x])
        s, vectors = base.solved("eigh did not converge", xp.linalg.eigh, x)
        size = xp.abs(s)
        u, vh = vectors, xp.conj(vectors).swapaxes(-1, -2)
    else:
        u, s, vh = base.solved("svd did not converge", xp.linalg.svd, x, False)
        size = s
    keep = size > _limit(xp, size, atol, rtol)
    inverse = keep / xp.where(keep, s, 1)
    return xp.conj(xp.matmul(u * inverse[..., None, :], vh)).swapaxes(-1, -2).astype(x.dtype)


@pinv_op.gradient("x")
def _(ns, g, x, out):  # G. Golub and V. Pereyra (1973), formula 4.12
    p, ph, gh = out, adjoint(ns, out), adjoint(ns, g)
    a = ns.matmul(gh, ns.matmul(p, ph))  # g' P P'
    b = ns.matmul(ns.matmul(ph, p), gh)  # P' P g'
    total = a - ns.matmul(x, ns.matmul(p, a)) + b - ns.matmul(ns.matmul(b, p), x)
    return total - ns.matmul(ph, ns.matmul(g, ph))


@function(on="linalg")
def pinv(A, rcond=None, hermitian=False, *, atol=None, rtol=None):
    """The pseudo-inverse; singular values up to max(atol, rtol · the largest) count as 0."""
    _matrices("linalg.pinv", A)
    atol, rtol = _tolerances(A, atol, rcond if rtol is None else rtol)
    return pinv_op(A, atol, rtol, hermitian)


@function
def pinverse(input, rcond=1e-15):
    """The pseudo-inverse of each matrix."""
    return pinv(input, rcond)


@op(name="linalg_matrix_rank", on="")
def rank_op(xp, x, /, atol, rtol, hermitian):
    """How many singular values are above max(atol, rtol · the largest)."""
    if hermitian:
        s = xp.abs(base.eigvalsh.forward(xp, x, "L"))
    else:
        s = base.svdvals.forward(xp, x)
    return xp.sum(s > _limit(xp, s, atol, rtol), axis=-1)


@function(on="linalg")
def matrix_rank(A, tol=None, hermitian=False, *, atol=None, rtol=None):
    """How many singular values are above max(atol, rtol · the largest).

    >>> fb.linalg.matrix_rank(fb.ones(3, 3))
    tensor(1)
    """
    _matrices("linalg.matrix_rank", A)
    if tol is not None:
        atol, rtol = tol, 0.0
    return rank_op(A.detach(), *_tolerances(A, atol, rtol), hermitian)


def _check(A: Tensor, B: Tensor, driver: Any) -> bool:
    """RuntimeError where the two do not fit; else whether B holds vectors."""
    name = "torch.linalg.lstsq"
    if A.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions, it has {A.ndim}.")
    if B.ndim < 1:
        raise RuntimeError(f"{name}: other must have at least 1 dimension.")
    if driver not in (None, *_DRIVERS):
        raise RuntimeError(
            f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), not {driver}"
        )
    alike([A.array, B.array])
    vector = A.ndim - B.ndim == 1
    if not vector and A.ndim != B.ndim:
        raise RuntimeError(
            f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - "
            f"other.dim()) <= 1, they are {A.ndim} and {B.ndim}"
        )
    if A.shape[-2] != B.shape[-1 if vector else -2]:
        raise RuntimeError(
            f"{name}: input.size(-2) should match other.size(-2), the shapes are "
            f"{tuple(A.shape)} and {tuple(B.shape)}"
        )
    return vector


@function(on="linalg")
def lstsq(A, B, rcond=None, *, driver=None):
    """The X for which ‖A X - B‖ is smallest; also residuals ‖A X - B‖², rank, singular values.

    As in PyTorch, the residuals are empty with the driver "gelsy" (the one for None), with no more
    rows than columns, and without full rank; the singular values but with "gelss" and "gelsd".

    >>> A = fb.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> fb.linalg.lstsq(A, fb.tensor([[1.0], [3.0], [5.0]])).solution.round()
    tensor([[1.],
            [2.]])
    """
    vector = _check(A, B, driver)
    driver = driver or "gelsy"
    m, n = A.shape[-2:]
    B = B.unsqueeze(-1) if vector else B
    solution = pinv(A, rtol=rcond) @ B
    rank = matrix_rank(A, rtol=rcond)
    residuals = real(solution).reshape(-1)[:0]
    if m > n and driver != "gelsy" and (driver == "gels" or bool((rank == n).all())):
        away = OPS["abs"](A @ solution - B)
        residuals = (away * away).sum(-2)
    if driver == "gels":
        rank = rank.new_empty((0,))
    singular = residuals.detach().new_empty((0,))
    if driver in ("gelss", "gelsd"):
        singular = base.svdvals(A.detach())
    return _Lstsq(solution.squeeze(-1) if vector else solution, residuals, rank, singular)
