"""Products of several matrices, powers, and products of vectors."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Any

from ..tensor import Tensor
from . import linalg as base
from .join import cat
from .linalg import identity
from .registry import OPS, function
from .shape import at_dim

# Matrices


@function(on="linalg")
def multi_dot(tensors):
    """The product of several matrices, in the cheapest order; first and last may be vectors.

    >>> fb.linalg.multi_dot([fb.ones(2, 3), fb.ones(3, 4), fb.ones(4)]).shape
    torch.Size([2])
    """
    n = len(tensors)
    if n < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {n}")
    for i, t in enumerate(tensors):
        if t.ndim != 2 and not (t.ndim == 1 and i in (0, n - 1)):
            wanted = "1D or 2D" if i in (0, n - 1) else "2D"
            raise RuntimeError(f"multi_dot(): tensor {i} must be {wanted} but got {t.ndim}D")
    for i, (a, b) in enumerate(pairwise(tensors)):
        if a.shape[-1] != b.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {i} and {i + 1} with shapes {list(a.shape)} and "
                f"{list(b.shape)} cannot be multiplied"
            )
    return _product(tensors, _splits(tensors), 0, n - 1)


def _splits(tensors: Any) -> dict[tuple[int, int], int]:
    """Where each run of matrices is best cut in two: T. Cormen et al., chapter 15.2."""
    first = 1 if tensors[0].ndim == 1 else tensors[0].shape[0]
    sizes = [first, *(t.shape[0] for t in tensors[1:])]
    sizes.append(1 if tensors[-1].ndim == 1 else tensors[-1].shape[1])
    count = len(tensors)
    cost, split = {(i, i): 0 for i in range(count)}, {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )
    return split


def _product(tensors: Any, split: Any, i: int, j: int) -> Any:
    if i == j:
        return tensors[i]
    k = split[i, j]
    return _product(tensors, split, i, k) @ _product(tensors, split, k + 1, j)


@function(on="fb")
def chain_matmul(*matrices):
    """The product of several matrices."""
    warnings.warn(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use "
        "torch.linalg.multi_dot instead, which accepts a list of two or more tensors rather than "
        "multiple parameters.",
        stacklevel=3,
    )
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


@function(on="linalg", name="matrix_power")
def matrix_power(A, n):
    """A multiplied n times with itself; with n < 0 the inverse of A.

    >>> fb.linalg.matrix_power(fb.tensor([[1, 1], [0, 1]]), 5)
    tensor([[1, 5],
            [0, 1]])
    """
    if not isinstance(n, int):
        raise TypeError(f"matrix_power(): argument 'n' must be int, not {type(n).__name__}")
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise RuntimeError(
            "linalg.matrix_power: A must be batches of square matrices, the shape is "
            f"{tuple(A.shape)}"
        )
    if n < 0:
        A, n = base.inv(A), -n
    if n == 0:
        return OPS["zeros_of"](A) + identity(A)
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


# Vectors


@function(on="linalg")
def vecdot(x, y, *, dim=-1):
    """Sum of the products of conj(x) and y along a dimension.

    >>> fb.linalg.vecdot(fb.tensor([[1.0, 2.0], [3.0, 4.0]]), fb.tensor([1.0, 10.0]))
    tensor([21., 43.])
    """
    return ((x.conj() if x.is_complex() else x) * y).sum(dim)


@function
def vdot(input, other):
    """Sum of the products of conj(input) and other, two vectors."""
    return OPS["dot"](input.conj() if input.is_complex() else input, other)


@function(on="linalg", name="cross")
def cross(input, other, *, dim=-1):
    """The vector product of vectors of three numbers.

    >>> fb.linalg.cross(fb.tensor([1, 0, 0]), fb.tensor([0, 1, 0]))
    tensor([0, 0, 1])
    """
    if input.ndim != other.ndim:
        raise RuntimeError(
            "linalg.cross: inputs must have the same number of dimensions, the shapes are "
            f"{tuple(input.shape)} and {tuple(other.shape)}"
        )
    at = at_dim(dim, input.ndim)
    if input.shape[at] != 3 or other.shape[at] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[at]} and "
            f"{other.shape[at]}"
        )
    a, b = OPS["unbind"](input, at), OPS["unbind"](other, at)
    parts = [a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3] for i in range(3)]
    return OPS["stack"](parts, at)


@function(name="cross")
def _(input, other, dim=None):
    """The vector product of vectors of three numbers, by default along the first such dimension."""
    if dim is None:
        warnings.warn(
            "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass "
            "the dim explicitly or simply use torch.linalg.cross.",
            stacklevel=3,
        )
        dim = next((i for i, n in enumerate(input.shape) if n == 3), None)
        if dim is None:
            raise RuntimeError(f"no dimension of size 3 in input of shape {tuple(input.shape)}")
    return cross(input, other, dim=dim)


@function(on="linalg", name="diagonal")
def _(A, *, offset=0, dim1=-2, dim2=-1):
    """The diagonal of each matrix."""
    return OPS["diagonal"](A, offset, dim1, dim2)


@function(on="linalg", name="vander")
def vander(x, *, N=None):
    """The powers 0 to N - 1 of each element as a row.

    >>> fb.linalg.vander(fb.tensor([2, 3]), N=3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
    x = x.unsqueeze(0) if x.ndim == 0 else x
    n = x.shape[-1] if N is None else N
    if n <= 1:
        raise RuntimeError(f"N must be greater than 1, got {n}")
    return _powers(x, n)


def _powers(x: Tensor, N: int | None) -> Tensor:
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
    found = _powers(x, N)
    return found if increasing else OPS["flip"](found, (1,))
