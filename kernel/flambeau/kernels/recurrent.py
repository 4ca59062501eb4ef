"""One step of recurrent layers, forward and back: what stands between the products of matrices.

Rows are sequences. Gates stand side by side, each as wide as the state. A step is given what the
gates get from the input and from the state before (``x`` and ``h``) and the biases of both; it
leaves what the step back needs in ``x``, and writes the state into ``new``.

A step back is given the gradient ``g`` of the new state, and ``carry``, what has come back to it
from the steps after; it writes the gradients of ``x`` and of ``h``, and leaves in ``carry`` what
goes to the state before other than by ``h``.
"""

from __future__ import annotations

from .compiled import kernel
from .curves import sigmoid, tanh
from .numbers import f32

# Few arrays in each loop: with many, LLVM gives up asking whether they overlap, and vectors too.


@kernel
def _sigmoid_sum(x, h, bx, bh):
    for j in range(len(x)):
        x[j] = sigmoid(x[j] + bx[j] + (h[j] + bh[j]))


@kernel
def _tanh_sum(x, h, bx, bh):
    for j in range(len(x)):
        x[j] = tanh(x[j] + bx[j] + (h[j] + bh[j]))


@kernel
def _sum(x, y, out):
    for j in range(len(out)):
        out[j] = x[j] + y[j]


@kernel
def _slope(d, gate, times, out):
    """The gradient of a gate's sum: d times the other factor, by the slope of the sigmoid."""
    for j in range(len(out)):
        out[j] = d[j] * times[j] * (gate[j] * (f32(1) - gate[j]))


# The layer without gates: h = tanh(x + h')


@kernel
def rnn_tanh(x, h, bx, bh, prev, new):
    """The new state, which is also what is saved."""
    for r in range(len(x)):
        _tanh_sum(x[r], h[r], bx, bh)
        new[r] = x[r]


@kernel
def rnn_tanh_back(g, carry, saved, prev, new, dx, dh, work):
    """dx is also dh."""
    for r in range(len(g)):
        _sum(g[r], carry[r], dx[r])
        for j in range(dx.shape[1]):
            dx[r, j] *= f32(1) - new[r, j] * new[r, j]


# Gated recurrent units


@kernel
def _mixed(n, z, prev, new):
    for j in range(len(new)):
        new[j] = n[j] + z[j] * (prev[j] - n[j])


@kernel
def gru(x, h, bx, bh, prev, new):
    """r, z = sigmoid(x + h), n = tanh(x + r h); n + z (h' - n). Leaves r, z, n, and h of n."""
    k = new.shape[1]
    for r in range(len(x)):
        two, row = 2 * k, x[r]
        reset, n, h_n, b_n = row[:k], row[two : 3 * k], row[3 * k :], bx[two:]
        _sigmoid_sum(row[:two], h[r, :two], bx[:two], bh[:two])
        _sum(h[r, two:], bh[two:], h_n)
        for j in range(len(n)):
            n[j] = tanh(n[j] + b_n[j] + reset[j] * h_n[j])
        _mixed(n, row[k:two], prev[r], new[r])


@kernel
def _new_back(d, z, n, dn):
    for j in range(len(dn)):
        dn[j] = d[j] * (f32(1) - z[j]) * (f32(1) - n[j] * n[j])


@kernel
def gru_back(g, carry, saved, prev, new, dx, dh, work):
    """As the formulas of `gru` differentiated; ``work`` has the width of the state."""
    k = len(work)
    for r in range(len(g)):
        row, d, two = saved[r], carry[r], 2 * k
        reset, z, n, h_n = row[:k], row[k:two], row[two : 3 * k], row[3 * k :]
        dn, before = dx[r, two:], prev[r]
        _sum(g[r], d, d)
        _new_back(d, z, n, dn)
        for j in range(len(work)):
            work[j] = before[j] - n[j]
        _slope(d, z, work, dx[r, k:two])
        _slope(dn, reset, h_n, dx[r, :k])
        for j in range(two):
            dh[r, j] = dx[r, j]
        dh_n = dh[r, two:]
        for j in range(len(dh_n)):
            dh_n[j] = dn[j] * reset[j]
        for j in range(len(d)):
            d[j] *= z[j]


# Long short-term memory: the state is h and c side by side


@kernel
def _cell(i, f, g, before, c):
    for j in range(len(c)):
        c[j] = f[j] * before[j] + i[j] * g[j]


@kernel
def _shown(o, c, h):
    for j in range(len(h)):
        h[j] = o[j] * tanh(c[j])


@kernel
def lstm(x, h, bx, bh, prev, new):
    """i, f, o = sigmoid(x + h), g = tanh(x + h); c = f c' + i g, h = o tanh(c).

    Leaves the gates.
    """
    k = new.shape[1] // 2
    for r in range(len(x)):
        two, three, row = 2 * k, 3 * k, x[r]
        i, f, g, o = row[:k], row[k:two], row[two:three], row[three:]
        _sigmoid_sum(row[:two], h[r, :two], bx[:two], bh[:two])
        _tanh_sum(g, h[r, two:three], bx[two:three], bh[two:three])
        _sigmoid_sum(o, h[r, three:], bx[three:], bh[three:])
        _cell(i, f, g, prev[r, k:], new[r, k:])
        _shown(o, new[r, k:], new[r, :k])


@kernel
def _cell_back(dh, o, tanh_c, dc):
    for j in range(len(dc)):
        dc[j] += dh[j] * o[j] * (f32(1) - tanh_c[j] * tanh_c[j])


@kernel
def _candidate_back(dc, g, i, d):
    for j in range(len(d)):
        d[j] = dc[j] * i[j] * (f32(1) - g[j] * g[j])


@kernel
def lstm_back(g, carry, saved, prev, new, dx, dh, work):
    """As the formulas of `lstm` differentiated; dx is also dh."""
    k = len(work)
    for r in range(len(g)):
        row, two, three = saved[r], 2 * k, 3 * k
        i, f, n, o = row[:k], row[k:two], row[two:three], row[three:]
        _sum(g[r], carry[r], carry[r])
        d_h, d_c, c = carry[r, :k], carry[r, k:], new[r, k:]
        for j in range(len(work)):
            work[j] = tanh(c[j])
        _cell_back(d_h, o, work, d_c)
        _slope(d_h, o, work, dx[r, three:])
        _slope(d_c, i, n, dx[r, :k])
        _slope(d_c, f, prev[r, k:], dx[r, k:two])
        _candidate_back(d_c, n, i, dx[r, two:three])
        for j in range(len(d_c)):
            d_c[j] *= f[j]
