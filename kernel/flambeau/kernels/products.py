"""Products of a few rows with a matrix that is used again and again: what recurrent steps do.

BLAS rearranges the matrix for each product, which pays for many rows only.
"""

from __future__ import annotations

from typing import Any

from .compiled import kernel
from .numbers import f32

FEW = 32  # rows
SMALL_MATRIX = 1 << 18  # elements


@kernel
def few_rows(x, w, out):
    """out = x @ w: four rows of each at a time, so that what is read is used four times."""
    n, inner = x.shape
    out[:] = f32(0)
    for i in range(0, n - 3, 4):
        o0, o1, o2, o3 = out[i], out[i + 1], out[i + 2], out[i + 3]
        for k in range(0, inner - 3, 4):
            w0, w1, w2, w3 = w[k], w[k + 1], w[k + 2], w[k + 3]
            a0, a1, a2, a3 = x[i, k], x[i, k + 1], x[i, k + 2], x[i, k + 3]
            b0, b1, b2, b3 = x[i + 1, k], x[i + 1, k + 1], x[i + 1, k + 2], x[i + 1, k + 3]
            c0, c1, c2, c3 = x[i + 2, k], x[i + 2, k + 1], x[i + 2, k + 2], x[i + 2, k + 3]
            d0, d1, d2, d3 = x[i + 3, k], x[i + 3, k + 1], x[i + 3, k + 2], x[i + 3, k + 3]
            for j in range(len(o0)):
                v0, v1, v2, v3 = w0[j], w1[j], w2[j], w3[j]
                o0[j] += a0 * v0 + a1 * v1 + a2 * v2 + a3 * v3
                o1[j] += b0 * v0 + b1 * v1 + b2 * v2 + b3 * v3
                o2[j] += c0 * v0 + c1 * v1 + c2 * v2 + c3 * v3
                o3[j] += d0 * v0 + d1 * v1 + d2 * v2 + d3 * v3
    for i in range(n):
        _rest(x[i], w, out[i], inner - inner % 4 if i < n - n % 4 else 0)


@kernel
def _rest(x, w, out, start):
    """Adds to one row the products from ``start`` on."""
    whole = len(x) - len(x) % 4
    for k in range(start, whole, 4):
        w0, w1, w2, w3 = w[k], w[k + 1], w[k + 2], w[k + 3]
        a0, a1, a2, a3 = x[k], x[k + 1], x[k + 2], x[k + 3]
        for j in range(len(out)):
            out[j] += a0 * w0[j] + a1 * w1[j] + a2 * w2[j] + a3 * w3[j]
    for k in range(whole, len(x)):
        a, row = x[k], w[k]
        for j in range(len(out)):
            out[j] += a * row[j]


def few(rows: int, w: Any) -> bool:
    """Whether `few_rows` is the faster way to multiply so many rows by w."""
    return bool(rows <= FEW and w.size <= SMALL_MATRIX)
