"""Layer norm and batch norm of whole arrays: the loops of `norm`, given room for what they find."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from . import norm as loops
from .norm import GROUP
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
    out, count = np.empty(x.shape, np.float32), n * inner
    weight, bias = _flat(weight, c, 1), _flat(bias, c, 0)
    if inner > 1:
        means, variances = _room(c)
        three = (n, c, inner)
        others = (x.reshape(three), out.reshape(three), weight, bias, float(eps))
        spread(loops.batch_norm, x.size, (np.arange(c), means, variances), *others)
        return out, means, variances, (1 / np.sqrt(variances + np.float32(eps)))
    rows, to = x.reshape(n, c), out.reshape(n, c)
    means = _grouped(loops.column_sums, x.size, n, c, 1, rows)[0] * np.float32(1 / count)
    squares = _grouped(loops.column_squares, x.size, n, c, 1, rows, means)[0]
    variances = squares * np.float32(1 / count)
    rstds = 1 / np.sqrt(variances + np.float32(eps))
    spread(loops.columns_normed, x.size, (rows, to), means, rstds, weight, bias)
    return out, means, variances, rstds


def batch_norm_back(g: Any, x: Any, weight: Any, means: Any, rstds: Any, needs: Any) -> Any:
    """The gradients of x, weight and bias; None for x if nobody needs it."""
    n, c, inner = x.shape[0], x.shape[1], prod(x.shape[2:])
    weight, means, rstds = _flat(weight, c, 1), means.ravel(), rstds.ravel()
    gx = np.empty(x.shape, np.float32) if needs[0] else None
    if inner > 1:
        along, plain = _room(c)
        three = (n, c, inner)
        to = gx.reshape(three) if needs[0] else np.empty((0, c, inner), np.float32)
        others = (g.reshape(three), x.reshape(three), means, rstds, weight, to)
        spread(loops.batch_norm_slope, x.size, (np.arange(c), along, plain), *others)
        return gx, along, plain
    g, x = g.reshape(n, c), x.reshape(n, c)
    along, plain = _grouped(loops.column_gradient_sums, x.size, n, c, 2, g, x, means, rstds)
    if gx is not None:
        share = np.float32(1 / n)
        given = (means, rstds, weight, along * share, plain * share)
        spread(loops.columns_slope, x.size, (g, x, gx.reshape(n, c)), *given)
    return gx, along, plain


def scaled(x: Any, scale: Any, shift: Any) -> Any:
    """x (n, channels, ...) times a number for each channel, plus one."""
    out, three = np.empty(x.shape, np.float32), (*x.shape[:2], prod(x.shape[2:]))
    spread(loops.scaled, x.size, (x.reshape(three), out.reshape(three)), scale, shift)
    return out
