"""Layer norm and batch norm of whole arrays: the loops of `norm`, given room for what they find."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from . import norm as loops
from .norm import COLUMNS, GROUP
from .threads import spread


def _flat(v: Any, n: int, default: float) -> Any:
    return np.full(n, default, np.float32) if v is None else np.ascontiguousarray(v).reshape(n)


def _room(count: int) -> list[Any]:
    return [np.empty(count, np.float32) for _ in range(2)]


def _grouped(loop: Any, work: int, rows: int, n: int, how_many: int, *others: Any) -> list[Any]:
    """Sums over groups of rows, at once where there is much work, added up: each (n,)."""
    starts = np.arange(0, rows, GROUP)
    sums = [np.zeros((len(starts), n), np.float32) for _ in range(how_many)]
    spread(loop, work, (starts, *sums), *others)
    return [s.sum(0) if len(s) > 1 else s[0] for s in sums]


def layer_norm(x: Any, weight: Any, bias: Any, n: int, eps: float) -> tuple[Any, Any, Any]:
    """The rows of n elements normalised; their means and 1 / √(variance + eps): (rows,)."""
    rows, out = x.reshape(-1, n), np.empty(x.shape, np.float32)
    means, rstds = _room(len(rows))
    given = (_flat(weight, n, 1), _flat(bias, n, 0), float(eps))
    spread(loops.layer_norm, x.size, (rows, out.reshape(-1, n), means, rstds), *given)
    return out, means, rstds


def layer_norm_back(g: Any, x: Any, weight: Any, means: Any, rstds: Any, needs: Any) -> Any:
    """The gradients of x, weight and bias, those of the last two flat or None."""
    n, gx = x.size // means.size, np.empty(x.shape, np.float32)
    rows, g, to = x.reshape(-1, n), g.reshape(-1, n), gx.reshape(-1, n)
    given = (g, rows, means.ravel(), rstds.ravel())
    weight = _flat(weight, n, 1)
    if not (needs[1] or needs[2]):
        run = lambda g, x, m, r, gx: loops.layer_norm_slope(g, x, m, r, weight, gx)  # noqa: E731
        spread(run, x.size, (*given, to))
        return gx, None, None
    sums = _grouped(loops.layer_norm_slopes, x.size, len(rows), n, 2, *given, weight, to)
    return gx, *sums


def batch_norm(x: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any, Any]:
    """x (n, channels, ...) normalised; means, variances, 1 / √(variance + eps): (channels,)."""
    n, c, inner = x.shape[0], x.shape[1], prod(x.shape[2:])
    out, (means, variances) = np.empty(x.shape, np.float32), _room(c)
    weight, bias, eps = _flat(weight, c, 1), _flat(bias, c, 0), float(eps)
    if inner > 1:
        x, to = x.reshape(n, c, inner), out.reshape(n, c, inner)
        parts = (np.arange(c), means, variances)
        spread(loops.batch_norm, x.size, parts, x, to, weight, bias, eps)
    else:
        given = (x.reshape(n, c), out.reshape(n, c), means, variances, weight, bias, eps)
        spread(loops.batch_norm_columns, x.size, (np.arange(0, c, COLUMNS),), *given)
    return out, means, variances, 1 / np.sqrt(variances + np.float32(eps))


def batch_norm_back(g: Any, x: Any, weight: Any, means: Any, rstds: Any, needs: Any) -> Any:
    """The gradients of x, weight and bias; None for x if nobody needs it."""
    n, c, inner = x.shape[0], x.shape[1], prod(x.shape[2:])
    shape = (n, c, inner) if inner > 1 else (n, c)
    gx: Any = np.empty(x.shape, np.float32) if needs[0] else None
    to = gx.reshape(shape) if needs[0] else np.empty((0, *shape[1:]), np.float32)
    numbers, (along, plain) = (means.ravel(), rstds.ravel(), _flat(weight, c, 1)), _room(c)
    given = (g.reshape(shape), x.reshape(shape), *numbers, to)
    if inner > 1:
        spread(loops.batch_norm_slope, x.size, (np.arange(c), along, plain), *given)
    else:
        starts = (np.arange(0, c, COLUMNS),)
        spread(loops.batch_norm_columns_slope, x.size, starts, along, plain, *given)
    return gx, along, plain


def scaled(x: Any, scale: Any, shift: Any) -> Any:
    """x (n, channels, ...) times a number for each channel, plus one."""
    out, three = np.empty(x.shape, np.float32), (*x.shape[:2], prod(x.shape[2:]))
    spread(loops.scaled, x.size, (x.reshape(three), out.reshape(three)), scale, shift)
    return out
