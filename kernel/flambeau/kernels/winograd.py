"""Winograd's convolution: fewer multiplications, by way of polynomials.

A stretch of 6 numbers is taken for a polynomial and a filter of k for another. The product of two
polynomials, known at 6 points, is known everywhere; so 6 multiplications give the m = 7 - k outputs
that have all they need in the stretch, where the sums themselves need m·k. In two dimensions 36
give 4·4 outputs of a 3x3 filter, not 144. With the points 0, ±a, ±b and infinity,

    y = Aᵀ [(G w Gᵀ) ⊙ (Bᵀ d B)] A,

where Bᵀ brings the input to the points, G the filter, and Aᵀ the products back. All three are made
of short sums, and the ⊙ for all channels and tiles is 36 matrix products (Lavin and Gray, 2016).

The points decide how rounding errors grow. 5/8 and 3/2 are close to the best there are, exact in
float32, and err half as much as the usual 1 and 2.

Images have their channels last, and their columns apart by what they are modulo m: (N, H, m, tiles,
C). Then all that a step reads and writes are long runs of memory.
"""

from __future__ import annotations

import numpy as np

from .compiled import kernel

f32 = np.float32
A, B = 0.625, 1.5
a1, a2, b1, b2 = f32(A), f32(A**2), f32(B), f32(B**2)
a3, b3, both, product = f32(A**3), f32(B**3), f32(A**2 + B**2), f32(A**2 * B**2)


def _left_out(p: float) -> float:
    """What Bᵀ leaves out at a finite point: the product of its distances to the others."""
    return float(np.prod([p - q for q in (0, A, -A, B, -B) if q != p]))


g0, ga, gb = (f32(1 / _left_out(p)) for p in (0, A, B))


# Each takes whole arrays and says which of their lines it means: numba knows of those, and not of
# a view like ``p[:, 2]``, that neighbours lie side by side in memory.


@kernel
def to_points(d01, d23, d45, p, line):
    """p[:, line] = Bᵀ d for each column of d, given as three pairs of lines."""
    for i in range(p.shape[2]):
        d0, d1, d2, d3, d4, d5 = d01[0, i], d01[1, i], d23[0, i], d23[1, i], d45[0, i], d45[1, i]
        even, odd = d4 - b2 * d2, a1 * (d3 - b2 * d1)
        even_b, odd_b = d4 - a2 * d2, b1 * (d3 - a2 * d1)
        p[0, line, i] = product * d0 - both * d2 + d4
        p[1, line, i] = even + odd
        p[2, line, i] = even - odd
        p[3, line, i] = even_b + odd_b
        p[4, line, i] = even_b - odd_b
        p[5, line, i] = product * d1 - both * d3 + d5


@kernel
def from_points(p, line, y, to):
    """y[:, to] = Aᵀ p[:, line] for each column, where a tile has 4 outputs."""
    for i in range(p.shape[2]):
        p1, p2, p3, p4 = p[1, line, i], p[2, line, i], p[3, line, i], p[4, line, i]
        even, odd, even_b, odd_b = p1 + p2, p1 - p2, p3 + p4, p3 - p4
        y[0, to, i] = p[0, line, i] + even + even_b
        y[1, to, i] = a1 * odd + b1 * odd_b
        y[2, to, i] = a2 * even + b2 * even_b
        y[3, to, i] = a3 * odd + b3 * odd_b + p[5, line, i]


@kernel
def from_points_to_2(p, line, y, to):
    """The same where a tile has 2."""
    for i in range(p.shape[2]):
        p1, p2, p3, p4 = p[1, line, i], p[2, line, i], p[3, line, i], p[4, line, i]
        y[0, to, i] = p[0, line, i] + (p1 + p2) + (p3 + p4)
        y[1, to, i] = a1 * (p1 - p2) + b1 * (p3 - p4) + p[5, line, i]


@kernel
def back(y, p, line):
    """p[:, line] = A y for each column, the derivative of `from_points`."""
    for i in range(p.shape[2]):
        y0, y1, y2, y3 = y[0, i], y[1, i], y[2, i], y[3, i]
        even, odd = y0 + a2 * y2, a1 * y1 + a3 * y3
        even_b, odd_b = y0 + b2 * y2, b1 * y1 + b3 * y3
        p[0, line, i] = y0
        p[1, line, i] = even + odd
        p[2, line, i] = even - odd
        p[3, line, i] = even_b + odd_b
        p[4, line, i] = even_b - odd_b
        p[5, line, i] = y3


@kernel
def back_from_2(y, p, line):
    """p[:, line] = A y for each column, the derivative of `from_points_to_2`."""
    for i in range(p.shape[2]):
        y0, y1 = y[0, i], y[1, i]
        p[0, line, i] = y0
        p[1, line, i] = y0 + a1 * y1
        p[2, line, i] = y0 - a1 * y1
        p[3, line, i] = y0 + b1 * y1
        p[4, line, i] = y0 - b1 * y1
        p[5, line, i] = y1


@kernel
def filter_to_points(w, p, line):
    """p[:, line] = G w for each column, where filters have 3 or 5 numbers."""
    five = w.shape[0] == 5
    for i in range(p.shape[2]):
        w0, w1, w2 = w[0, i], w[1, i], w[2, i]
        w3, w4 = (w[3, i], w[4, i]) if five else (f32(0), f32(0))
        even, odd = ga * (w0 + a2 * (w2 + a2 * w4)), ga * a1 * (w1 + a2 * w3)
        even_b, odd_b = gb * (w0 + b2 * (w2 + b2 * w4)), gb * b1 * (w1 + b2 * w3)
        p[0, line, i] = g0 * w0
        p[1, line, i] = even + odd
        p[2, line, i] = even - odd
        p[3, line, i] = even_b + odd_b
        p[4, line, i] = even_b - odd_b
        p[5, line, i] = w4 if five else w2


@kernel
def back_to_filter(p, line, w):
    """w = Gᵀ p[:, line] for each column, the derivative of `filter_to_points`."""
    five = w.shape[0] == 5
    for i in range(p.shape[2]):
        even, odd = ga * (p[1, line, i] + p[2, line, i]), ga * a1 * (p[1, line, i] - p[2, line, i])
        even_b = gb * (p[3, line, i] + p[4, line, i])
        odd_b = gb * b1 * (p[3, line, i] - p[4, line, i])
        w[0, i] = g0 * p[0, line, i] + even + even_b
        w[1, i] = odd + odd_b
        w[2, i] = a2 * even + b2 * even_b
        if five:
            w[3, i] = a2 * odd + b2 * odd_b
            w[4, i] = a2 * a2 * even + b2 * b2 * even_b + p[5, line, i]
        else:
            w[2, i] += p[5, line, i]


@kernel
def filters(w, out):
    """G w Gᵀ for filters (O, C, k, k), as out (6, 6, C, O)."""
    count, channels, k, _ = w.shape
    first, half = np.empty((k, k, count), f32), np.empty((6, 1, k * count), f32)
    for c in range(channels):
        for o in range(count):
            for i in range(k):
                for j in range(k):
                    first[i, j, o] = w[o, c, i, j]
        filter_to_points(first.reshape(k, -1), half, 0)
        for i in range(6):
            filter_to_points(half[i].reshape(k, count), out[i], c)


@kernel
def back_to_filters(p, out):
    """Gᵀ p G for p (6, 6, C, O), as filters (O, C, k, k)."""
    count, channels, k, _ = out.shape
    half, last = np.empty((6, 1, k * count), f32), np.empty((k, k, count), f32)
    for c in range(channels):
        for i in range(6):
            back_to_filter(p[i], c, half[i].reshape(k, count))
        back_to_filter(half, 0, last.reshape(k, k * count))
        for o in range(count):
            for i in range(k):
                for j in range(k):
                    out[o, c, i, j] = last[i, j, o]


@kernel
def spread_out(x, top, left, out):
    """(N, C, H, W) into the middle of (N, H', m, tiles, C), zeros around it."""
    m, tiles, channels = out.shape[2], out.shape[3], out.shape[4]
    low, high = max(0, left), max(0, min(m * tiles, x.shape[3] + left))
    places = np.empty(max(0, high - low), np.intp)
    for w in range(len(places)):
        places[w] = ((low + w) % m * tiles + (low + w) // m) * channels
    for n in range(len(x)):
        for h in range(out.shape[1]):
            if not 0 <= h - top < x.shape[2]:
                out[n, h] = f32(0)
                continue
            for w in range(low):
                out[n, h, w % m, w // m] = f32(0)
            for w in range(high, m * tiles):
                out[n, h, w % m, w // m] = f32(0)
        _to_last(x[n], top, low - left, places, out[n].reshape(-1), m * tiles * channels)


@kernel
def _to_last(x, top, left, places, out, width):
    """Copies x (C, H, W), from column ``left`` on, to lines of out at ``places``, C side by side.

    Eight channels at once: what stands in a cache line is then written together, and a loop with
    fewer would be made into scattered stores, which are slow.
    """
    first, end = max(0, top), min(len(out) // width, x.shape[1] + top)
    whole = len(x) // 8 * 8
    for c in range(0, whole, 8):
        for line in range(first, end):
            y = x[:, line - top, left:]
            a, b, d, e = y[c], y[c + 1], y[c + 2], y[c + 3]
            f, g, h, i = y[c + 4], y[c + 5], y[c + 6], y[c + 7]
            to = out[line * width + c :]
            for w in range(len(places)):
                at = places[w]
                to[at], to[at + 1], to[at + 2], to[at + 3] = a[w], b[w], d[w], e[w]
                to[at + 4], to[at + 5], to[at + 6], to[at + 7] = f[w], g[w], h[w], i[w]
    for c in range(whole, len(x)):
        for line in range(first, end):
            y, to = x[c, line - top, left:], out[line * width + c :]
            for w in range(len(places)):
                to[places[w]] = y[w]


@kernel
def inputs(x, out, first, rows):
    """Bᵀ d B for tiles: x as `spread_out` lays it, out (6, 6, lines, tiles·C).

    Lines of tiles are counted through the images, ``rows`` in each; ``first`` is the first one.
    """
    m, channels = x.shape[2], x.shape[4]
    wide = x.shape[3] * channels  # the columns of one phase
    half = np.empty(6 * m * wide + 2 * channels, f32)
    whole = half[: 6 * m * wide].reshape(6, 1, m * wide)
    for line in range(out.shape[2]):
        n, top = (first + line) // rows, (first + line) % rows * m
        d = x[n, top : top + 6].reshape(6, -1)
        to_points(d[:2], d[2:4], d[4:], whole, 0)
        for i in range(6):
            at = i * m * wide
            d01 = half[at : at + 2 * wide].reshape(2, wide)
            at += 2 * wide if m == 4 else channels
            d23 = half[at : at + 2 * wide].reshape(2, wide)
            at += channels - (2 * wide if m == 4 else 0)
            d45 = half[at : at + 2 * wide].reshape(2, wide)
            to_points(d01, d23, d45, out[i], line)


@kernel
def outputs(p, bias, out, first, rows, m):
    """Aᵀ p A for tiles, p (6, 6, lines, tiles·O), into out (N, O, H, W), plus a bias."""
    lines, wide = p.shape[2], p.shape[3]
    flat = p.reshape(6, 6 * lines, wide)
    half, made = np.empty((m, 6, wide), f32), np.empty((m, 1, wide), f32)
    places = np.empty(out.shape[3], np.intp)
    for w in range(len(places)):
        places[w] = w % m * wide + w // m * out.shape[1]
    for line in range(lines):
        n, top = (first + line) // rows, (first + line) % rows * m
        for j in range(6):
            if m == 4:
                from_points(flat, j * lines + line, half, j)
            else:
                from_points_to_2(flat, j * lines + line, half, j)
        for i in range(min(m, out.shape[2] - top)):
            if m == 4:
                from_points(half[i].reshape(6, 1, wide), 0, made, 0)
            else:
                from_points_to_2(half[i].reshape(6, 1, wide), 0, made, 0)
            _as_lines(made.reshape(-1), places, bias, out, n, top + i)


@kernel
def _as_lines(made, places, bias, out, n, h):
    for o in range(out.shape[1]):
        line, column, more = out[n, o, h], made[o:], bias[o]
        for w in range(len(places)):
            line[w] = column[places[w]] + more


@kernel
def backs(y, out, first, rows):
    """A y Aᵀ for tiles: y as `spread_out` lays it, out (6, 6, lines, tiles·O)."""
    m = y.shape[2]
    half = np.empty((6, m, out.shape[3]), f32)
    whole = half.reshape(6, 1, -1)
    for line in range(out.shape[2]):
        n, top = (first + line) // rows, (first + line) % rows * m
        d = y[n, top : top + m].reshape(m, -1)
        if m == 4:
            back(d, whole, 0)
        else:
            back_from_2(d, whole, 0)
        for i in range(6):
            if m == 4:
                back(half[i], out[i], line)
            else:
                back_from_2(half[i], out[i], line)
