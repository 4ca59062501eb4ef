"""Products of a few rows with a matrix: what small batches and recurrent steps do.

BLAS rearranges a matrix before it multiplies by it, which pays for many rows only. These loops take
it as it is: `by_rows` where rows of both are multiplied, `few_rows` where columns are.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .compiled import kernel
from .gate import fast
from .numbers import f32

FEW = 32  # rows, for `few_rows`
SMALL_MATRIX = 1 << 18  # elements
ROWS = 64  # for `by_rows`
LONG = 32  # so many elements in a row
WORK = 1 << 24  # products; with more of them BLAS may use several threads

# Rows with rows: out = x @ w.T + bias


@kernel
def _dot(x, y):
    s = f32(0)
    for k in range(len(x)):
        s += x[k] * y[k]
    return s


@kernel
def _edge(x, w, bias, out, rows, columns):
    """What tiles of whole numbers of rows have left over: from these on, one by one."""
    for i in range(len(x)):
        for j in range(columns if i < rows else 0, len(w)):
            out[i, j] = _dot(x[i], w[j]) + bias[j]


@kernel
def four_by_four(x, w, bias, out):
    """Four rows of x with four of w at a time: 16 sums, which stay in registers of 512 bits."""
    rows, columns = len(x) - len(x) % 4, len(w) - len(w) % 4
    for j in range(0, columns, 4):
        w0, w1, w2, w3 = w[j], w[j + 1], w[j + 2], w[j + 3]
        for i in range(0, rows, 4):
            x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
            s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = f32(0)
            s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = f32(0)
            for k in range(len(x0)):
                v0, v1, v2, v3 = w0[k], w1[k], w2[k], w3[k]
                a, b, c, d = x0[k], x1[k], x2[k], x3[k]
                s00, s01, s02, s03 = s00 + a * v0, s01 + a * v1, s02 + a * v2, s03 + a * v3
                s10, s11, s12, s13 = s10 + b * v0, s11 + b * v1, s12 + b * v2, s13 + b * v3
                s20, s21, s22, s23 = s20 + c * v0, s21 + c * v1, s22 + c * v2, s23 + c * v3
                s30, s31, s32, s33 = s30 + d * v0, s31 + d * v1, s32 + d * v2, s33 + d * v3
            _four(out[i], bias, j, s00, s01, s02, s03)
            _four(out[i + 1], bias, j, s10, s11, s12, s13)
            _four(out[i + 2], bias, j, s20, s21, s22, s23)
            _four(out[i + 3], bias, j, s30, s31, s32, s33)
    _edge(x, w, bias, out, rows, columns)


@kernel
def _four(out, bias, j, a, b, c, d):
    out[j], out[j + 1] = a + bias[j], b + bias[j + 1]
    out[j + 2], out[j + 3] = c + bias[j + 2], d + bias[j + 3]


@kernel
def two_by_four(x, w, bias, out):
    """The same with two rows of x, for processors with half as many registers, of 256 bits."""
    rows, columns = len(x) - len(x) % 2, len(w) - len(w) % 4
    for j in range(0, columns, 4):
        w0, w1, w2, w3 = w[j], w[j + 1], w[j + 2], w[j + 3]
        for i in range(0, rows, 2):
            x0, x1 = x[i], x[i + 1]
            s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = f32(0)
            for k in range(len(x0)):
                v0, v1, v2, v3 = w0[k], w1[k], w2[k], w3[k]
                a, b = x0[k], x1[k]
                s00, s01, s02, s03 = s00 + a * v0, s01 + a * v1, s02 + a * v2, s03 + a * v3
                s10, s11, s12, s13 = s10 + b * v0, s11 + b * v1, s12 + b * v2, s13 + b * v3
            _four(out[i], bias, j, s00, s01, s02, s03)
            _four(out[i + 1], bias, j, s10, s11, s12, s13)
    _edge(x, w, bias, out, rows, columns)


@functools.cache
def wide() -> bool:
    """Whether the processor has registers of 512 bits."""
    from llvmlite import binding  # type: ignore[import-untyped]

    return bool(binding.get_host_cpu_features().get("avx512f", False))


@functools.cache
def _no_bias(n: int) -> Any:
    return np.zeros(n, np.float32)


def by_rows(x: Any, w: Any, bias: Any) -> Any:
    """x @ w.T + bias for matrices that `suits` has found fit; ``bias`` may be None."""
    out = np.empty((len(x), len(w)), np.float32)
    bias = _no_bias(len(w)) if bias is None else bias
    (four_by_four if wide() else two_by_four).run(x, w, bias, out)
    return out


def suits(x: Any, w: Any, bias: Any) -> bool:
    """Whether `by_rows` is the faster way to compute x @ w.T + bias."""
    if not (x.ndim == w.ndim == 2 and 1 < len(x) <= ROWS and w.shape[1] >= LONG):
        return False
    if x.shape[1] != w.shape[1] or x.size * len(w) > WORK:
        return False
    if bias is None:
        return fast(w, x)
    return bias.shape == w.shape[:1] and fast(w, x, bias)


# Rows with columns: out = x @ w


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
