"""Operations along dimensions: the slices' dimension stands in front, so all others move by one."""

from __future__ import annotations

from typing import Any

from ...ops.registry import OPS
from ...ops.shape import at_dim
from .table import all_repeated, rule, run

ALONG = (
    "sum", "mean", "nansum", "prod", "var", "std", "norm", "logsumexp", "amax", "amin", "argmax",
    "argmin", "all", "any", "count_nonzero", "nanmean", "cumsum", "cumprod", "softmax",
    "log_softmax", "max_dim", "min_dim", "sort", "kthvalue", "median", "mode", "cummax", "cummin",
    "logcumsumexp", "flip", "roll", "narrow", "diagonal", "unfold", "unbind", "split",
    "transpose", "fft_c2c",
)  # fmt: skip
_DIMS = ("dim", "dims", "dim0", "dim1", "dim2", "dimension")


def moved(dim: Any, ndim: int) -> Any:
    """A dimension (or several) of a slice as one of all slices."""
    if isinstance(dim, (tuple, list)):
        return tuple(at_dim(d, ndim) + 1 for d in dim)
    return at_dim(dim, ndim) + 1


@rule(*ALONG)
def along(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    """Moves the dimensions named; where none is named, a slice counts as one row."""
    x, ndim = values[0], values[0].array.ndim - 1
    if ndim == 0:
        return None
    names = dict(zip(op.param_names, params, strict=True))
    keys = [k for k in _DIMS if k in names]
    if any(names[k] is None or names[k] in ((), []) for k in keys):
        return _as_row(op, x, names)
    given = [moved(v, ndim) if k in keys else v for k, v in names.items()]
    return run(op, (x,), given)


def _as_row(op: Any, x: Any, names: dict[str, Any]) -> Any:
    """The same of each slice as a whole."""
    shape = x.array.shape
    if op.name == "norm" or "dim" not in names or op.outputs != 1:
        return None
    row = OPS["reshape"](x, (shape[0], -1)) if x.array.size else None
    if row is None:
        return None
    given = [1 if k == "dim" else False if k == "keepdim" else v for k, v in names.items()]
    made = run(op, (row,), given)
    if names.get("keepdim"):
        made = OPS["reshape"](made, (shape[0], *(1,) * (len(shape) - 1)))
    return made


@rule("max", "min")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    (x,) = values
    if x.array.ndim == 1:
        return OPS["clone"](x)
    return OPS["amax" if op.name == "max" else "amin"](OPS["reshape"](x, (size, -1)), 1)


@rule("sum_to")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    (x,), (shape,) = values, params
    missing = (1,) * (x.array.ndim - 1 - len(shape))
    made = run(op, (x,), ((size, *missing, *shape),))
    return OPS["reshape"](made, (size, *shape))


@rule("sort_put", "gather_put")
def _(op: Any, size: int, values: Any, flags: Any, params: Any, level: Any) -> Any:
    shape, dim = params
    if not len(shape) or values[0].array.ndim - flags[0] != len(shape):
        return None
    values = all_repeated(size, values, flags)
    return run(op, values, ((size, *shape), moved(dim, len(shape))))
