"""Inverses, determinants and solutions of equations, as callers know them."""

from __future__ import annotations

from math import prod
from typing import Any

from ..dtypes import int32
from ..tensor import Tensor
from . import linalg as base
from .linalg import LinAlgError, identity
from .lu import factor
from .registry import OPS, function
from .shape import transpose
from .sort import result_type

_Slogdet = result_type("linalg_slogdet", "sign", "logabsdet")
_OldSlogdet = result_type("slogdet", "sign", "logabsdet")
_InvEx = result_type("linalg_inv_ex", "inverse", "info")
_SolveEx = result_type("linalg_solve_ex", "result", "info")


def no_info(A: Tensor) -> Tensor:
    """A zero for each matrix: nothing is wrong with it."""
    return A.detach().new_zeros(A.shape[:-2], dtype=int32)


def mended(A: Tensor, info: Any) -> Tensor:
    """The matrices, with the identity in place of those with something wrong."""
    return OPS["where"]((info > 0)[..., None, None], identity(A), A)


# Inverse and determinant


@function(on="linalg")
def inv(A):
    """A⁻¹; LinAlgError where there is none.

    >>> fb.linalg.inv(fb.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return base.inv(A)


@function
def inverse(input):
    """The inverse of each matrix; LinAlgError where there is none."""
    return base.inv(input)


@function(on="linalg")
def inv_ex(A, *, check_errors=False):
    """The inverse and 0 where it exists, elsewhere NaN and which pivot, from 1, was 0."""
    try:
        return _InvEx(base.inv(A), no_info(A))
    except LinAlgError:
        if check_errors:
            raise
    info = factor(A.detach())[2]
    bad = (info > 0)[..., None, None]
    return _InvEx(OPS["where"](bad, float("nan"), base.inv(mended(A, info))), info)


@function(on="linalg", name="det")
def _(A):
    """The determinant of each matrix."""
    return base.det(A)


@function
def det(input):
    """The determinant of each matrix.

    >>> fb.linalg.det(fb.tensor([[0.0, 2.0], [1.0, 0.0]]))
    tensor(-2.)
    """
    return base.det(input)


@function(on="linalg")
def slogdet(A):
    """The sign of the determinant and the logarithm of its size.

    >>> fb.linalg.slogdet(fb.tensor([[0.0, 2.0], [1.0, 0.0]])).sign
    tensor(-1.)
    """
    return _Slogdet(*base.slogdet(A))


@function(name="slogdet")
def _(input):
    """The sign of the determinant and the logarithm of its size."""
    return _OldSlogdet(*base.slogdet(input))


@function
def logdet(input):
    """The logarithm of the determinant; NaN where that is negative."""
    sign, size = base.slogdet(input)
    if input.is_complex():
        return sign.log() + size
    return OPS["where"](sign < 0, float("nan"), size)


# Solution of equations


def _is_vector(A, B):
    return B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])


@function(on="linalg")
def solve(A, B, *, left=True):
    """The X with A X = B (or X A = B with ``left=False``); B holds matrices or vectors.

    >>> A = fb.tensor([[2.0, 0.0], [0.0, 4.0]])
    >>> fb.linalg.solve(A, fb.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    if _is_vector(A, B):
        if not left:
            raise RuntimeError(
                "linalg.solve: Vector broadcasting of the left hand side is not supported for "
                "left=False. In this case linalg.solve is equivalent to B / A.squeeze(-1)"
            )
        return base.solve(A, B.unsqueeze(-1)).squeeze(-1)
    if left:
        return base.solve(A, B)
    return transpose(base.solve(transpose(A, -2, -1), transpose(B, -2, -1)), -2, -1)


@function(on="linalg")
def solve_ex(A, B, *, left=True, check_errors=False):
    """The solution and 0 where it exists, elsewhere NaN and which pivot, from 1, was 0."""
    try:
        return _SolveEx(solve(A, B, left=left), no_info(A))
    except LinAlgError:
        if check_errors:
            raise
    info = factor(A.detach())[2]
    bad = (info > 0)[..., None] if _is_vector(A, B) else (info > 0)[..., None, None]
    solution = solve(mended(A, info), B, left=left)
    return _SolveEx(OPS["where"](bad, float("nan"), solution), info)


def _check_map(A, split):
    """RuntimeError where A, with its first ``split`` dimensions as one, is no square matrix."""
    rows, columns = prod(A.shape[:split]), prod(A.shape[split:])
    if rows != columns:
        raise RuntimeError(
            f"Expected self of shape {tuple(A.shape)} to have as many elements in its first "
            f"{split} dimensions as in the others, but got {rows} and {columns}"
        )


@function(on="linalg")
def tensorsolve(A, B, dims=None):
    """The X with tensordot(A, X, X.ndim) = B."""
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))
    _check_map(A, B.ndim)
    rest = A.shape[B.ndim :]
    return solve(A.reshape(B.numel(), prod(rest)), B.reshape(-1)).reshape(rest)


@function(on="linalg")
def tensorinv(A, ind=2):
    """The inverse of A as a map from its last dimensions to its first ``ind``."""
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    _check_map(A, ind)
    front, rest = A.shape[:ind], A.shape[ind:]
    return base.inv(A.reshape(prod(front), prod(rest))).reshape((*rest, *front))
