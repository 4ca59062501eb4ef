"""Products of matrices and vectors, and linear algebra in batches."""

from __future__ import annotations

from typing import Any

from ...ops.registry import OPS
from .table import RULES, decomposed, line_up, rank, rule, run


@rule("matmul")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    ranks = [rank(v, f) for v, f in zip(values, flags, strict=True)]
    if 0 in ranks:
        return None
    x, y = values
    if ranks[0] == 1 and flags[0]:
        x = OPS["unsqueeze"](x, -2)
    if ranks[1] == 1 and flags[1]:
        y = OPS["unsqueeze"](y, -1)
    as_row = ranks[0] == 1 and not flags[0]
    as_column = ranks[1] == 1 and not flags[1]
    ndim = max(2, *ranks)
    x = x if as_row else line_up(x, flags[0], ndim)
    y = y if as_column else line_up(y, flags[1], ndim)
    made = run(op, (x, y))
    if ranks[0] == 1 and flags[0]:
        made = OPS["squeeze"](made, -1 if as_column else -2)
    if ranks[1] == 1 and flags[1]:
        made = OPS["squeeze"](made, -1)
    return made


def _checked(ndim_x: int, ndim_y: int) -> Any:
    """matmul of tensors that have just these dimensions; None leaves the error to the op."""

    def product(x: Any, y: Any) -> Any:
        if x.ndim != ndim_x or y.ndim != ndim_y or x.shape[-1] != y.shape[-2 if ndim_y > 1 else 0]:
            return None
        return OPS["matmul"](x, y)

    return product


decomposed("mm")(_checked(2, 2))
decomposed("bmm")(_checked(3, 3))
decomposed("mv")(_checked(2, 1))
decomposed("dot")(_checked(1, 1))


@decomposed("outer")
def _(x: Any, y: Any) -> Any:
    return x[:, None] * y if x.ndim == y.ndim == 1 else None


@rule("linear")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    if flags[1:] == [False, False] and rank(values[0], True):
        return run(op, values)
    return RULES["linear of slices"](op, size, values, flags, params, level)


@decomposed("linear of slices")
def _(x: Any, weight: Any, bias: Any) -> Any:
    if weight.ndim != 2 or not x.ndim or x.shape[-1] != weight.shape[-1]:
        return None
    made = OPS["matmul"](x, OPS["transpose"](weight, 0, 1))
    return made if bias is None else made + bias


def _combined(name: str, ndims: tuple[int, int], product: Any) -> None:
    """beta · x + alpha · (a · b)."""

    def said(x: Any, a: Any, b: Any, beta: Any, alpha: Any) -> Any:
        if (a.ndim, b.ndim) != ndims or a.dtype != b.dtype or x.dtype != a.dtype:
            return None
        made = product(a, b)
        made = made if alpha == 1 else made * alpha
        return made if beta == 0 else made + (x if beta == 1 else x * beta)

    decomposed(name)(said)


_combined("addmm", (2, 2), lambda a, b: OPS["matmul"](a, b))
_combined("addmv", (2, 1), lambda a, b: OPS["matmul"](a, b))
_combined("baddbmm", (3, 3), lambda a, b: OPS["matmul"](a, b))
_combined("addbmm", (3, 3), lambda a, b: OPS["sum"](OPS["matmul"](a, b), 0))
_combined("addr", (1, 1), lambda a, b: a[:, None] * b)


@rule(
    "linalg_inv", "linalg_det", "linalg_slogdet", "linalg_cholesky", "linalg_qr", "linalg_eigh",
    "linalg_eigvalsh", "linalg_svd", "linalg_svdvals", "matrix_exp", "linalg_eig",
)  # fmt: skip
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    if params == ("r",) or rank(values[0], True) < 2:
        return None
    return run(op, values, params)
