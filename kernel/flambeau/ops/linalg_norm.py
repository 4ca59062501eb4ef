"""Norms of vectors and of matrices."""

from __future__ import annotations

from ..dtypes import FLOATING
from ..tensor import Tensor
from . import linalg as base
from .reduce import axes
from .registry import OPS, function
from .shape import at_dim


def _floats(x: Tensor, name: str) -> None:
    if x.array.dtype not in FLOATING:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor, got {x.dtype}")


@function(on="linalg")
def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """(Σ |x|ᵒʳᵈ)^(1/ord) over ``dim``, or over all elements."""
    _floats(x, "linalg.vector_norm")
    return OPS["norm"](x if dtype is None else x.to(dtype), float(ord), axes(dim), keepdim)


@function(on="linalg")
def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    """ "fro", "nuc" (Σ σ), ±2 (largest, smallest σ), ±1 (columns), ±inf (rows)."""
    _floats(A, "linalg.matrix_norm")
    A = A if dtype is None else A.to(dtype)
    row, column = (at_dim(d, A.ndim) for d in dim)
    if row == column or A.ndim < 2:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got {dim}")
    if ord == "fro":
        return OPS["norm"](A, 2.0, (row, column), keepdim)
    if ord in ("nuc", 2, -2):
        s = base.svdvals(A.movedim((row, column), (-2, -1)))
        out = s.sum(-1) if ord == "nuc" else s.amax(-1) if ord == 2 else s.amin(-1)
    elif ord in (1, -1, float("inf"), -float("inf")):
        first, then = (row, column) if abs(ord) == 1 else (column, row)
        sums = A.abs().sum(first, keepdim=True)
        out = (sums.amax if ord > 0 else sums.amin)((first, then))
    else:
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    if keepdim:
        low, high = sorted((row, column))
        out = out.unsqueeze(low).unsqueeze(high)
    return out


@function(on="linalg", name="norm")
def norm(A, ord=None, dim=None, keepdim=False, *, dtype=None):
    """`vector_norm`, or `matrix_norm` where ``dim`` has two dimensions or ``ord`` is given."""
    if dim is None and ord is None:
        flat = vector_norm(A.reshape(-1), dtype=dtype)
        return flat.reshape((1,) * A.ndim) if keepdim else flat
    both = (isinstance(dim, (tuple, list)) and len(dim) == 2) or (dim is None and A.ndim == 2)
    if isinstance(ord, str) or (both and ord is not None):
        where = (-2, -1) if dim is None else tuple(dim)
        return matrix_norm(A, ord, where, keepdim, dtype=dtype)
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


@function(on="linalg")
def cond(A, p=None):
    """How much a solution may change with its input: ‖A‖ · ‖A⁻¹‖."""
    if p in (None, 2, -2):
        s = base.svdvals(A)
        return s[..., 0] / s[..., -1] if p != -2 else s[..., -1] / s[..., 0]
    return matrix_norm(A, p) * matrix_norm(base.inv(A), p)


@function(on="fb")
def frobenius_norm(input, dim=(), keepdim=False):
    """√Σ x² over ``dim``, or over all elements."""
    return OPS["norm"](input, 2.0, axes(dim), keepdim)


@function(on="fb")
def nuclear_norm(input, dim=(-2, -1), keepdim=False):
    """The sum of the singular values."""
    return matrix_norm(input, "nuc", dim, keepdim)
