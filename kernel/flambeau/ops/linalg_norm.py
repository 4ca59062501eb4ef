"""Norms of vectors and of matrices."""

from __future__ import annotations

from typing import Any

from ..dtypes import FLOATING
from ..tensor import Tensor
from . import linalg as base
from .linalg_more import mended
from .lu import factor
from .reduce import axes
from .registry import OPS, function
from .shape import at_dim
from .short import apply_one

INF = float("inf")
_OF_MATRIX = ("fro", "nuc", 1, -1, 2, -2, INF, -INF)


def _converted(x: Tensor, dtype: Any, name: str) -> Tensor:
    """x in the type asked for; RuntimeError where it holds no floats, or would become narrower."""
    if x.array.dtype not in FLOATING:
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {x.dtype}"
        )
    if dtype is None:
        return x
    if dtype.is_complex != x.is_complex():
        kind = "complex" if x.is_complex() else "real"
        raise RuntimeError(f"{name}: dtype should be {kind} for {kind} inputs, but got {dtype}")
    if dtype.itemsize < x.dtype.itemsize:
        raise RuntimeError(
            f"{name}: the dtype of the input ({x.dtype}) should be convertible without narrowing "
            f"to the specified dtype ({dtype})"
        )
    return x.to(dtype)


@function(on="linalg")
def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """(Σ |x|ᵒʳᵈ)^(1/ord) over ``dim``, or over all elements.

    >>> fb.linalg.vector_norm(fb.tensor([3.0, -4.0]), ord=1)
    tensor(7.)
    """
    if isinstance(ord, str):
        raise TypeError(f"linalg_vector_norm(): argument 'ord' must be Number, not str ({ord!r})")
    x = _converted(x, dtype, "linalg.vector_norm")
    dims = axes(dim)
    over = range(x.ndim) if dims is None else (dims,) if isinstance(dims, int) else dims
    if not x.numel() and (ord < 0 or ord == INF):
        if any(x.shape[d] == 0 for d in over):
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the "
                "operation does not have an identity"
            )
        return OPS["abs"](x).sum(dims, keepdim)
    return OPS["norm"](x, float(ord), dims, keepdim)


def _matrix_dims(A: Tensor, ord: Any, dim: Any) -> tuple[int, int]:
    if isinstance(dim, int):
        raise TypeError(f"linalg.matrix_norm: dim must be a tuple of two ints, got {dim}")
    if A.ndim < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions")
    if len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {tuple(dim)}")
    row, column = (at_dim(d, A.ndim) for d in dim)
    if row == column:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got {tuple(dim)}")
    if ord not in _OF_MATRIX:
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported; there are {_OF_MATRIX}")
    return row, column


def _extreme(x: Tensor, ord: float, dim: int) -> Tensor:
    """The largest along a dimension (0 of none), or the smallest where ``ord`` is negative."""
    if ord < 0:
        return x.amin(dim)
    return x.amax(dim) if x.shape[dim] else x.sum(dim)


@function(on="linalg")
def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    """ "fro", "nuc" (Σ σ), ±2 (largest, smallest σ), ±1 (columns), ±inf (rows).

    >>> fb.linalg.matrix_norm(fb.ones(5, 2, 2)).shape
    torch.Size([5])
    """
    A = _converted(A, dtype, "linalg.matrix_norm")
    row, column = _matrix_dims(A, ord, dim)
    if ord == "fro":
        return OPS["norm"](A, 2.0, (row, column), keepdim)
    A = A.movedim((row, column), (-2, -1))
    if ord in ("nuc", 2, -2):
        s = base.svdvals(A)
        out = s.sum(-1) if ord == "nuc" else _extreme(s, ord, -1)
    else:
        out = _extreme(A.abs().sum(-2 if abs(ord) == 1 else -1), ord, -1)
    if keepdim:
        low, high = sorted((row, column))
        out = out.unsqueeze(low).unsqueeze(high)
    return out


@function(on="linalg", name="norm")
def norm(A, ord=None, dim=None, keepdim=False, *, dtype=None):
    """`vector_norm`, or `matrix_norm` where ``dim`` has two dimensions or ``ord`` is given.

    >>> fb.linalg.norm(fb.tensor([[3.0, 4.0], [0.0, 5.0]]), dim=1)
    tensor([5., 5.])
    """
    dims = (dim,) if isinstance(dim, int) else None if dim is None else tuple(dim)
    if dims is not None and ord is not None and len(dims) not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {dims}"
        )
    if dims is None and ord is not None and A.ndim not in (1, 2):
        raise RuntimeError(
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. "
            f"Got {A.ndim}D."
        )
    if isinstance(ord, str) or (ord is not None and (A.ndim if dims is None else len(dims)) == 2):
        return matrix_norm(A, ord, (-2, -1) if dims is None else dims, keepdim, dtype=dtype)
    return vector_norm(A, 2 if ord is None else ord, dims, keepdim, dtype=dtype)


@function(name="norm")
def _(input, p="fro", dim=None, keepdim=False, dtype=None):
    """(Σ |x|ᵖ)^(1/p) over ``dim`` or all elements; "nuc" of matrices; "fro" is p = 2."""
    usual = p == "fro" and dtype is None and (dim is None or dim.__class__ is int)
    if usual and input.array.dtype in FLOATING:
        return apply_one(OPS["norm"], input, (2.0, dim, keepdim))
    if isinstance(p, str) and (p != "fro" or (isinstance(dim, (tuple, list)) and len(dim) > 2)):
        dims = range(input.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
        return matrix_norm(input, p, tuple(dims), keepdim, dtype=dtype)
    return vector_norm(input, 2 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)


@function(on="linalg")
def cond(A, p=None):
    """How much a solution may change with its input: ‖A‖ · ‖A⁻¹‖, infinite for a singular A.

    >>> fb.linalg.cond(fb.tensor([[8.0, 0.0], [0.0, 2.0]]))
    tensor(4.)
    """
    if A.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    if p is not None and p not in _OF_MATRIX:
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}; there are {_OF_MATRIX}")
    if p in (None, 2, -2):
        s = base.svdvals(A)
        if not s.shape[-1]:
            return s.sum(-1)
        return s[..., 0] / s[..., -1] if p != -2 else s[..., -1] / s[..., 0]
    if A.shape[-1] != A.shape[-2]:
        raise RuntimeError(
            f"linalg.cond(ord={p}): A must be batches of square matrices, its shape is "
            f"{tuple(A.shape)}"
        )
    if not A.numel():
        return A.abs().sum((-2, -1))
    info = factor(A.detach())[2]
    inverse = base.inv(mended(A, info))
    return OPS["where"](info > 0, INF, matrix_norm(A, p) * matrix_norm(inverse, p))


@function(on="fb")
def frobenius_norm(input, dim=(), keepdim=False):
    """√Σ x² over ``dim``, or over all elements."""
    return OPS["norm"](input, 2.0, axes(dim), keepdim)


@function(on="fb")
def nuclear_norm(input, dim=(-2, -1), keepdim=False):
    """The sum of the singular values."""
    return matrix_norm(input, "nuc", dim, keepdim)
