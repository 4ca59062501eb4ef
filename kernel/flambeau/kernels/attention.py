"""Attention in blocks: the scores of some queries at a time, which stay in the cache.

Neither direction ever holds all scores. Forward keeps, for each query, its highest score and the
sum of its e^score, from which backward makes the weights again (Dao et al. 2022).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backends import exact
from .compiled import kernel
from .curves import exp_low
from .gate import SMALL, installed
from .numbers import f32
from .totals import largest, total, total_product

BLOCK = 1 << 17  # scores at a time
NEAR = 2048  # of these, those that stay in the nearest cache
CAUSAL_ROWS = 64  # queries at a time where later keys are hidden: fewer are computed for nothing


@kernel
def _scaled(row, scale):
    for j in range(len(row)):
        row[j] *= scale


@kernel
def _raise(x):
    """e^x of each, in place: over several rows at once, since short loops are slow."""
    for j in range(len(x)):
        x[j] = exp_low(x[j])


@kernel
def _seen(r, queries, first, keys, causal):
    """How many keys the query of row r sees."""
    return min(keys, first + r % queries + 1) if causal else keys


@kernel
def weigh(s, sums, queries, first, scale, causal, hidden):
    """Softmax of each row times ``scale``, in place; of each row the top and 1 / Σ e^(x - top).

    Rows are those of ``queries`` queries after each other, the first being number ``first``;
    with ``causal`` each sees the keys up to its own number, and the others weigh 0. ``hidden``
    says that all may be hidden: a row of -inf then weighs 0.
    """
    keys = s.shape[1]
    step = max(1, NEAR // keys)
    for start in range(0, len(s), step):
        part, noted = s[start : start + step], sums[start : start + step]
        for r in range(len(part)):
            row = part[r, : _seen(start + r, queries, first, keys, causal)]
            part[r, len(row) :] = f32(-np.inf)
            _scaled(row, scale)
            top = largest(row)
            if hidden and top == f32(-np.inf):
                top = f32(0)
            for j in range(len(row)):
                row[j] -= top
            noted[r, 0] = top
        _raise(part.reshape(-1))
        for r in range(len(part)):
            mass = f32(total(part[r]))
            share = f32(1) / (f32(1) if hidden and mass == f32(0) else mass)
            _scaled(part[r], share)
            noted[r, 1] = share


@kernel
def weigh_back(s, d, sums, queries, first, scale, slope_by, causal):
    """From scores ``s`` and gradients ``d`` of the weights: the weights, and those of the scores.

    With weights p the latter are p (d - Σ p d), here times ``slope_by``.
    """
    keys = s.shape[1]
    step = max(1, NEAR // keys)
    for start in range(0, len(s), step):
        part, noted = s[start : start + step], sums[start : start + step]
        for r in range(len(part)):
            row, top = part[r, : _seen(start + r, queries, first, keys, causal)], noted[r, 0]
            part[r, len(row) :] = f32(-np.inf)
            _scaled(row, scale)
            for j in range(len(row)):
                row[j] -= top
        _raise(part.reshape(-1))
        for r in range(len(part)):
            row, slope = part[r], d[start + r]
            _scaled(row, noted[r, 1])
            mean = f32(total_product(row, slope))
            for j in range(len(row)):
                slope[j] = row[j] * (slope[j] - mean) * slope_by


def serves(q: Any, k: Any, v: Any, scale: float) -> bool:
    """Whether arrays (..., heads, length, width) are such that these loops serve them."""
    for a in (q, k, v):
        if a.__class__ is not np.ndarray or a.dtype != np.float32 or not a.size:
            return False
    scores = q.size // q.shape[-1] * k.shape[-2]
    return scores >= SMALL and 0 < scale < np.inf and not exact.enabled and installed()


def in_four(x: Any) -> Any:
    """As (batch, heads, length, width)."""
    if x.ndim == 4:
        return x
    return x.reshape((1,) * (4 - x.ndim) + x.shape if x.ndim < 4 else (-1, *x.shape[-3:]))


def blocks(q: Any, k: Any, causal: bool) -> Iterator[tuple[Any, int, int, int]]:
    """Index of batch and heads, first and last query, how many keys: the work in pieces."""
    batch, heads, length, _ = q.shape
    keys = k.shape[2]
    rows = min(
        length,
        max(64, BLOCK // keys),
        CAUSAL_ROWS if causal and length >= 2 * CAUSAL_ROWS else length,
    )
    at_once = max(1, BLOCK // (rows * keys))  # pairs of sample and head
    some = min(heads, at_once)
    samples = max(1, at_once // heads)
    for i in range(0, batch, samples):
        for j in range(0, heads, some):
            index = slice(i, i + samples), slice(j, j + some)
            for high in range(length, 0, -rows):
                low = max(0, high - rows)
                yield index, low, high, min(keys, high) if causal else keys


def _near(x: Any) -> Any:
    """The same in C order, for products that run over it more than once."""
    return np.ascontiguousarray(x)


def additive(mask: Any, query: Any, key: Any) -> Any:
    """A mask as numbers that are added to the scores, seen as (batch, heads, queries, keys)."""
    if mask is None:
        return None
    if mask.dtype.kind == "b":
        mask = np.where(mask, np.float32(0), np.float32(-np.inf))
    mask = mask.astype(np.float32, copy=False)
    return in_four(np.broadcast_to(mask, (*query.shape[:-1], key.shape[-2])))


def _score(queries: Any, keys: Any, mask: Any, scale: Any, out: Any) -> Any:
    """Scores of a block; what they are yet to be multiplied by."""
    np.matmul(queries, keys.swapaxes(2, 3), out=out)
    if mask is None:
        return scale
    out *= scale
    out += mask
    return np.float32(1)


def forward(q: Any, k: Any, v: Any, mask: Any, scale: float, causal: bool) -> tuple[Any, Any]:
    """The output, laid out in memory as the queries are, and what `weigh` notes of each."""
    out = np.empty_like(q, shape=(*q.shape[:3], v.shape[3]))
    sums = np.empty((*q.shape[:3], 2), np.float32)
    by, room = np.float32(scale), _Room()
    for index, low, high, keys in blocks(q, k, causal):
        some, seen = (*index, slice(low, high)), (*index, slice(keys))
        queries = _near(q[some])
        s = room.take(0, (*queries.shape[:3], keys))
        hide = None if mask is None else mask[some][..., :keys]
        rest = _score(queries, _near(k[seen]), hide, by, s)
        noted = room.take(1, (*queries.shape[:3], 2))
        given = (s.reshape(-1, keys), noted.reshape(-1, 2), high - low, low, rest, causal)
        weigh.run(*given, causal or mask is not None)
        sums[some] = noted
        np.matmul(s, v[seen], out=out[some])
    return out, sums


def backward(
    g: Any, q: Any, k: Any, v: Any, mask: Any, sums: Any, scale: float, causal: bool
) -> tuple[Any, Any, Any]:
    """The gradients of queries, keys and values."""
    length = q.shape[2]
    dq, dk, dv = map(np.empty_like, (q, k, v))
    if causal:
        dk[:, :, length:] = dv[:, :, length:] = 0  # nobody sees these
    by, room = np.float32(scale), _Room()
    for index, low, high, keys in blocks(q, k, causal):
        some, seen = (*index, slice(low, high)), (*index, slice(keys))
        queries, near_k, near_v, near_g = map(_near, (q[some], k[seen], v[seen], g[some]))
        s = room.take(0, (*queries.shape[:3], keys))
        d = room.take(1, s.shape)
        hide = None if mask is None else mask[some][..., :keys]
        rest = _score(queries, near_k, hide, by, s)
        np.matmul(near_g, near_v.swapaxes(2, 3), out=d)
        noted, rows = np.ascontiguousarray(sums[some]).reshape(-1, 2), (-1, keys)
        given = (s.reshape(rows), d.reshape(rows), noted, high - low, low)
        weigh_back.run(*given, rest, by, causal)
        np.matmul(d, near_k, out=dq[some])
        if high == length:  # the last queries come first, and see all keys that are seen at all
            np.matmul(d.swapaxes(2, 3), queries, out=dk[seen])
            np.matmul(s.swapaxes(2, 3), near_g, out=dv[seen])
        else:
            dk[seen] += np.matmul(d.swapaxes(2, 3), queries)
            dv[seen] += np.matmul(s.swapaxes(2, 3), near_g)
    return dq, dk, dv


class _Room:
    """Memory for the blocks of one pass, used again by each."""

    def __init__(self) -> None:
        self.kept: dict[int, Any] = {}

    def take(self, number: int, shape: tuple[int, ...]) -> Any:
        """An array of that shape, its values anything."""
        size = int(np.prod(shape))
        kept = self.kept.get(number)
        if kept is None or kept.size < size:
            kept = self.kept[number] = np.empty(size, np.float32)
        return kept[:size].reshape(shape)
