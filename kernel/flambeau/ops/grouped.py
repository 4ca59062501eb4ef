"""Matrix products of groups of different sizes, as mixtures of experts need them."""

from __future__ import annotations

from itertools import pairwise

from .join import cat
from .join import stack as stacked
from .registry import function


def _groups(offs, dims, size):
    """Where each group begins and ends, from where each ends; the last may end before all do."""
    if offs is None or offs.ndim != 1 or offs.dtype.name != "int32":
        raise RuntimeError(
            f"grouped_mm: for {dims[0]}-D by {dims[1]}-D matrices `offs` must be a 1-D int32 tensor"
        )
    ends = [int(n) for n in offs]
    if any(a > b for a, b in pairwise([0, *ends])) or (ends and ends[-1] > size):
        raise RuntimeError(f"grouped_mm: offs {ends} must rise, up to at most {size}")
    return list(pairwise([0, *ends]))


def _each(a, b, offs):
    """The products of all groups, put together; rows or columns after the last group are 0."""
    dims = a.ndim, b.ndim
    if dims == (2, 2):
        return stacked([a[:, i:j] @ b[i:j] for i, j in _groups(offs, dims, a.shape[1])])
    if dims == (2, 3):
        groups = _groups(offs, dims, a.shape[0])
        parts = [a[i:j] @ b[k] for k, (i, j) in enumerate(groups)]
        return cat([*parts, a.detach().new_zeros((a.shape[0] - groups[-1][1], b.shape[2]))], 0)
    groups = _groups(offs, dims, b.shape[1])
    parts = [a[k] @ b[:, i:j] for k, (i, j) in enumerate(groups)]
    return cat([*parts, a.detach().new_zeros((a.shape[1], b.shape[1] - groups[-1][1]))], 1)


@function(on="F")
def grouped_mm(mat_a, mat_b, *, offs=None, bias=None, out_dtype=None):
    """mat_a @ mat_b for each group: 3-D matrices have one for each, 2-D ones are cut at ``offs``.

    (M, K) by (G, K, N) gives (M, N), with the rows cut; (M, K) by (K, N) gives (G, M, N), with K
    cut; (G, M, K) by (K, N) gives (M, N), with the columns cut. Mirrors
    ``torch.nn.functional.grouped_mm``.
    """
    dims = mat_a.ndim, mat_b.ndim
    if not {*dims} <= {2, 3}:
        raise RuntimeError(f"grouped_mm: both matrices must be 2-D or 3-D, they are {dims}")
    if mat_a.shape[-1] != mat_b.shape[-2]:
        raise RuntimeError(
            "grouped_mm: contraction dimension of mat_a and mat_b must match, got "
            f"{tuple(mat_a.shape)} and {tuple(mat_b.shape)}"
        )
    if bias is not None:
        raise RuntimeError("grouped_mm: Bias not supported yet")
    if out_dtype not in (None, mat_a.dtype):
        raise RuntimeError("grouped_mm: Grouped gemm output dtype must match `mat_a` dtype")
    if dims == (3, 3):
        if offs is not None:
            raise RuntimeError("grouped_mm: two 3-D matrices have their groups without `offs`")
        return mat_a.bmm(mat_b)
    return _each(mat_a, mat_b, offs)


@function(on="fb")
def _grouped_mm(input, mat2, offs=None, bias=None, out_dtype=None):
    """`nn.functional.grouped_mm`."""
    return grouped_mm(input, mat2, offs=offs, bias=bias, out_dtype=out_dtype)
