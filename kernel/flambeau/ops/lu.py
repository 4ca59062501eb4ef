"""Triangles: L U = A with rows exchanged, and equations with a triangular matrix."""

from __future__ import annotations

import warnings
from math import prod
from typing import Any

import numpy as np

from ..errors import here
from ..tensor import Tensor
from .lapack import each, routine
from .linalg import LinAlgError, identity, matrices, on_diagonal, squares
from .matrix import adjoint, numpy_dtype
from .registry import function, op
from .shape import transpose
from .sort import result_type

_Lu, _LuUnpack = (result_type(name, "P", "L", "U") for name in ("linalg_lu", "lu_unpack"))
_LuFactor = result_type("linalg_lu_factor", "LU", "pivots")
_LuFactorEx = result_type("linalg_lu_factor_ex", "LU", "pivots", "info")
_OldLu = result_type("_lu_with_info", "LU", "pivots", "info")
_Triangular = result_type("triangular_solve", "solution", "cloned_coefficient")


def deprecated(old: str, new: str) -> None:
    """Warns that a function of the package has moved to ``linalg``."""
    warnings.warn(
        f"torch.{old} is deprecated in favor of torch.linalg.{new} and will be removed in a "
        "future PyTorch release.",
        stacklevel=4,
    )


@op(name="linalg_solve_triangular", on="", promote=squares)
def triangular(xp, x, y, /, upper, unitriangular):
    """The X with x X = y where x is a triangle: one row of X after the other."""
    n = x.shape[-1]
    if y.shape[-2] != n:
        raise RuntimeError(f"Incompatible shapes of A and B for AX = B: {x.shape} and {y.shape}")
    lead = xp.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x, out = xp.broadcast_to(x, (*lead, n, n)), xp.empty((*lead, *y.shape[-2:]), y.dtype)
    out[...] = y
    for i in reversed(range(n)) if upper else range(n):
        known = slice(i + 1, n) if upper else slice(0, i)
        row = x[..., i : i + 1, known]
        out[..., i : i + 1, :] -= xp.matmul(row, out[..., known, :])
        if not unitriangular:
            out[..., i, :] /= x[..., i, i, None]
    return out


@triangular.gradient("x", "y")
def _(ns, g, x, out, upper, unitriangular):
    to_y = ns.linalg_solve_triangular(adjoint(ns, x), g, not upper, unitriangular)
    whole = -ns.matmul(to_y, adjoint(ns, out))
    k = int(unitriangular)
    return (ns.triu(whole, k) if upper else ns.tril(whole, -k)), to_y


@function(on="linalg")
def solve_triangular(A, B, *, upper, left=True, unitriangular=False):
    """The X with A X = B (or X A = B), of which only one triangle of A is read.

    >>> A = fb.tensor([[2.0, 0.0], [1.0, 1.0]])
    >>> fb.linalg.solve_triangular(A, fb.tensor([[2.0], [3.0]]), upper=False)
    tensor([[1.],
            [2.]])
    """
    if left:
        return triangular(A, B, upper, unitriangular)
    turned = triangular(transpose(A, -2, -1), transpose(B, -2, -1), not upper, unitriangular)
    return transpose(turned, -2, -1)


@function
def triangular_solve(input, A, upper=True, transpose=False, unitriangular=False):
    """The X with A X = input for a triangle A (or its transpose), and a copy of A."""
    deprecated("triangular_solve", "solve_triangular")
    if input.shape[-2:-1] != A.shape[-1:]:
        raise RuntimeError(
            f"Incompatible matrix sizes for triangular_solve: A has shape {tuple(A.shape)}, b has "
            f"{tuple(input.shape)}"
        )
    matrix, upper = (A.mT, not upper) if transpose else (A, upper)
    solution = triangular(matrix, input, upper, unitriangular)
    return _Triangular(solution, A.expand(*solution.shape[:-2], *A.shape[-2:]).clone())


# Factors


def _getrf(a):
    if not a.size:
        return a, np.zeros(min(a.shape), np.int32), np.int32(0)
    packed, pivots, info = routine("getrf", a.dtype)(a)
    return packed, (pivots + 1).astype(np.int32), np.int32(info)


@op(name="linalg_lu_factor", on="", promote=matrices, outputs=3)
def factor(xp, A):
    """L and U in one array, row i's partner in each exchange, and the first 0 in U's diagonal."""
    return each(xp, _getrf, A.shape[:-2], A)


@factor.gradient("A")
def _(ns, g, A, out):
    packed, pivots, _ = ns.linalg_lu_factor(A) if ns.taped else out
    m, n = A.shape[-2:]
    k = min(m, n)
    lower, upper = _unpacked(ns, packed, k)
    top, left = lower[..., :k, :], upper[..., :k]
    to_lower, to_upper = ns.tril(g[0][..., :k], -1), ns.triu(g[0][..., :k, :])
    in_lower = ns.matmul(adjoint(ns, top), to_lower[..., :k, :])
    in_upper = ns.matmul(to_upper[..., :k], adjoint(ns, left))
    if n > m:
        in_lower = in_lower - ns.matmul(to_upper[..., k:], adjoint(ns, upper[..., k:]))
    if m > n:
        in_upper = in_upper - ns.matmul(adjoint(ns, lower[..., k:, :]), to_lower[..., k:, :])
    out = _left(ns, top, ns.tril(in_lower, -1) + ns.triu(in_upper))
    out = ns.cat([out, to_lower[..., k:, :]], -2) if m > n else out
    out = adjoint(ns, ns.linalg_solve_triangular(left, adjoint(ns, out), True, False))
    if n > m:
        out = ns.cat([out, _left(ns, top, to_upper[..., k:])], -1)
    return ns.matmul(ns.lu_permutation(pivots, m, numpy_dtype(packed)), out)


def _left(ns, lower, x):
    """The inverse of L', times x."""
    return ns.linalg_solve_triangular(adjoint(ns, lower), x, True, True)


def _unpacked(ns, packed, k):
    """L with ones on its diagonal, and U, from the array that holds both."""
    ones = ns.zeros_of(ns.diagonal(packed, 0, -2, -1)) + 1
    lower = ns.tril(packed[..., :k], -1)
    return lower + on_diagonal(ns, ones, lower.shape), ns.triu(packed[..., :k, :])


@op(on="", name="lu_permutation")
def permutation(xp, pivots, /, rows, dtype):
    """The matrix P of the exchanges: P L U = A."""
    lead, k = pivots.shape[:-1], pivots.shape[-1]
    flat = pivots.reshape((prod(lead), k)) - 1
    order = xp.tile(xp.arange(rows), (flat.shape[0], 1))
    each_one = xp.arange(flat.shape[0])
    for i in range(k):
        at = flat[:, i]
        here, there = order[:, i].copy(), order[each_one, at]
        order[:, i] = there
        order[each_one, at] = here
    return (order[:, None, :] == xp.arange(rows)[:, None]).astype(dtype).reshape(*lead, rows, rows)


def _factored(A: Tensor, pivot: bool) -> Any:
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    return factor(A)


@function(on="linalg")
def lu_factor_ex(A, *, pivot=True, check_errors=False):
    """As `lu_factor`, and for each matrix the first 0 in U's diagonal, counted from 1, or 0."""
    packed, pivots, info = _factored(A, pivot)
    if check_errors:
        _check(info)
    return _LuFactorEx(packed, pivots, info)


@function(on="linalg")
def lu_factor(A, *, pivot=True):
    """P L U = A: L and U in one array, and the exchanges of rows that make P."""
    packed, pivots, info = _factored(A, pivot)
    _check(info)
    return _LuFactor(packed, pivots)


def _check(info: Any) -> None:
    if bool((info > 0).any()):
        at = int(info.max())
        problem = f"U[{at},{at}] is zero: the matrix is singular, no equation can be solved with it"
        raise LinAlgError("linalg.lu_factor", problem, "lu_factor_ex does not mind.", here())


@function(on="linalg")
def lu(A, *, pivot=True):
    """P, L and U with P L U = A: exchanged rows, a lower and an upper triangle.

    >>> P, L, U = fb.linalg.lu(fb.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> L, U
    (tensor([[1.0000, 0.0000],
            [0.2500, 1.0000]]), tensor([[4., 4.],
            [0., 1.]]))
    """
    packed, pivots, _ = _factored(A, pivot)
    return _Lu(*lu_unpack(packed, pivots))


@function(name="lu")
def _(A, pivot=True, get_infos=False):
    """L and U in one array, and the exchanges of rows; also `info` where asked for."""
    deprecated("lu", "lu_factor / torch.linalg.lu_factor_ex")
    packed, pivots, info = _factored(A, pivot)
    return _OldLu(packed, pivots, info) if get_infos else (packed, pivots)


@function(on="fb")
def lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True):
    """P, L and U from what `linalg.lu_factor` gives; what is not asked for is empty."""
    if str(LU_pivots.array.dtype) != "int32":
        raise RuntimeError(
            f"torch.lu_unpack: LU_pivots is expected to hold int32, as those of linalg.lu_factor "
            f"do, not {LU_pivots.dtype}"
        )
    m, n = LU_data.shape[-2:]
    P = L = U = LU_data.detach().new_empty((0,))
    if unpack_pivots:
        P = permutation(LU_pivots, m, LU_data.array.dtype)
    if unpack_data:
        k = min(m, n)
        packed = LU_data[..., :k].tril(-1)
        L, U = packed + identity(packed), LU_data[..., :k, :].triu()
    return _LuUnpack(P, L, U)


@function(on="linalg")
def lu_solve(LU, pivots, B, *, left=True, adjoint=False):
    """The X with A X = B (X A = B; with A' for A) from A's factors."""
    if str(pivots.array.dtype) != "int32":
        raise RuntimeError("linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32")
    if not left:
        return lu_solve(LU, pivots, B.mH, adjoint=not adjoint).mH
    if LU.shape[-1] != B.shape[-2]:
        raise RuntimeError(
            "linalg.lu_solve: Incompatible shapes of A and B for the equation AX = B "
            f"({tuple(LU.shape)} and {tuple(B.shape)})"
        )
    P = permutation(pivots, LU.shape[-1], LU.array.dtype)
    if adjoint:
        middle = triangular(LU.mH, B, False, False)
        return P @ triangular(LU.mH, middle, True, True)
    return triangular(LU, triangular(LU, P.mT @ B, False, True), True, False)


@function(name="lu_solve")
def _(input, LU_data, LU_pivots):
    """The X with A X = input from A's factors, as `linalg.lu_solve`."""
    deprecated("lu_solve", "lu_solve")
    return lu_solve(LU_data, LU_pivots, input)
