"""Orthogonal matrices as products of reflections: Hᵢ = 1 - τᵢ vᵢ vᵢ'."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from .lapack import each, routine
from .linalg import identity, matrices
from .registry import function, op
from .sort import result_type

_Geqrf = result_type("geqrf", "a", "tau")


def _geqrf(a):
    if not a.size:
        return a, a[:, 0].copy() if a.shape[1] else a.reshape(-1)
    return routine("geqrf", a.dtype)(a)[:2]


@op(name="geqrf", on="", promote=matrices, outputs=2)
def geqrf_op(xp, x):
    """x = Q R: R above, the vectors of Q's reflections below the diagonal, and their τ."""
    if not x.size:
        return x.copy(), xp.zeros((*x.shape[:-2], min(x.shape[-2:])), x.dtype)
    return each(xp, _geqrf, x.shape[:-2], x)


@function
def geqrf(input):
    """input = Q R: R above, the vectors of Q's reflections below the diagonal, and their τ."""
    return _Geqrf(*geqrf_op(input.detach()))


def _reflected(vectors: Any, tau: Any, x: Any, adjoint: bool) -> Tensor:
    """H₁ H₂ … Hₖ x, or its adjoint times x; vᵢ has zeros above, and 1 at, its place i."""
    below = vectors[..., : tau.shape[-1]].tril(-1)
    below = below + identity(below)
    tau = tau.conj() if adjoint and tau.is_complex() else tau
    order = range(tau.shape[-1])
    for i in order if adjoint else reversed(order):
        v = below[..., i : i + 1]
        x = x - tau[..., i, None, None] * (v @ (v.mH @ x))
    return x


def _check(name: str, vectors: Tensor, tau: Tensor) -> None:
    if vectors.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if vectors.shape[-1] < tau.shape[-1]:
        raise RuntimeError(
            f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1], they are "
            f"{vectors.shape[-1]} and {tau.shape[-1]}"
        )
    if vectors.ndim - tau.ndim != 1 or vectors.shape[:-2] != tau.shape[:-1]:
        raise RuntimeError(
            f"{name}: expected tau of one dimension less than input, and the same batch; the "
            f"shapes are {tuple(tau.shape)} and {tuple(vectors.shape)}"
        )
    if vectors.dtype != tau.dtype:
        raise RuntimeError(f"{name}: tau dtype {tau.dtype} does not match input {vectors.dtype}")


@function(on="linalg", name="householder_product")
def householder_product(input, tau):
    """The first n columns of H₁ H₂ … Hₖ: (m, n) vectors and (k) τ give an (m, n) matrix."""
    name = "torch.linalg.householder_product"
    _check(name, input, tau)
    if input.shape[-2] < input.shape[-1]:
        raise RuntimeError(
            f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1], the shape "
            f"is {tuple(input.shape)}"
        )
    nothing = input[..., :0].sum(-1, keepdim=True)  # the result depends on it without any τ, too
    return _reflected(input, tau, identity(input) + nothing, False)


@function(name="orgqr")
def _(input, input2):
    """The first columns of a product of reflections, as `linalg.householder_product`."""
    return householder_product(input, input2)


@function
def ormqr(input, input2, input3, left=True, transpose=False):
    """Q @ input3, with Q = H₁ H₂ … Hₖ; input3 @ Q if not left; Q' for Q if transposed."""
    vectors, tau, other = input, input2, input3
    _check_product(vectors, tau, other, left)
    if left:
        return _reflected(vectors, tau, other, transpose)
    return _reflected(vectors, tau, other.mH, not transpose).mH


def _check_product(vectors: Tensor, tau: Tensor, other: Tensor, left: bool) -> None:
    _check("torch.ormqr", vectors, tau)
    if other.ndim < 2:
        raise RuntimeError("torch.ormqr: other must have at least 2 dimensions.")
    at = -2 if left else -1
    if other.shape[at] != vectors.shape[-2]:
        raise RuntimeError(
            f"torch.ormqr: other.shape[{at}] must be equal to input.shape[-2], they are "
            f"{other.shape[at]} and {vectors.shape[-2]}"
        )
