"""All steps of a recurrent layer in one call, where every step has the same few sequences.

Between steps there is then no Python, whose calls would take longer than small steps do. Steps
are those of `recurrent`; ``state`` has the states to begin with, and ``h`` is room for what the
gates get from them. The ways back go from the last step to the first: ``carry`` comes with the
gradient of the last states and leaves with that of the first.
"""

from __future__ import annotations

from .compiled import kernel
from .products import few_rows
from .recurrent import gru, gru_back, lstm, lstm_back, rnn_tanh, rnn_tanh_back


@kernel
def _start(i, n, total, backward):
    """The first row of the i-th step, of n rows each."""
    return total - (i + 1) * n if backward else i * n


@kernel
def rnn_tanh_steps(x, w, bx, bh, state, out, h, reverse):
    """Steps of `recurrent.rnn_tanh`."""
    n = len(state)
    for i in range(len(x) // n):
        low = _start(i, n, len(x), reverse)
        few_rows(state, w, h)
        rnn_tanh(x[low : low + n], h, bx, bh, state, out[low : low + n])
        state = out[low : low + n]


@kernel
def gru_steps(x, w, bx, bh, state, out, h, reverse):
    """Steps of `recurrent.gru`."""
    n = len(state)
    for i in range(len(x) // n):
        low = _start(i, n, len(x), reverse)
        few_rows(state, w, h)
        gru(x[low : low + n], h, bx, bh, state, out[low : low + n])
        state = out[low : low + n]


@kernel
def lstm_steps(x, w, bx, bh, state, out, h, reverse):
    """Steps of `recurrent.lstm`."""
    n = len(state)
    for i in range(len(x) // n):
        low = _start(i, n, len(x), reverse)
        few_rows(state[:, : len(w)], w, h)
        lstm(x[low : low + n], h, bx, bh, state, out[low : low + n])
        state = out[low : low + n]


@kernel
def rnn_tanh_steps_back(g, carry, saved, prev, out, dx, dh, work, w, product, reverse):
    """Steps of `recurrent.rnn_tanh_back`."""
    n = len(carry)
    for i in range(len(saved) // n):
        low = _start(i, n, len(saved), not reverse)
        high = low + n
        d = dx[low:high]
        rnn_tanh_back(
            g[low:high], carry, saved[low:high], prev[low:high], out[low:high], d, d, work
        )
        few_rows(d, w, carry)


@kernel
def gru_steps_back(g, carry, saved, prev, out, dx, dh, work, w, product, reverse):
    """Steps of `recurrent.gru_back`."""
    n = len(carry)
    for i in range(len(saved) // n):
        low = _start(i, n, len(saved), not reverse)
        high = low + n
        d, now = dh[low:high], out[low:high]
        gru_back(g[low:high], carry, saved[low:high], prev[low:high], now, dx[low:high], d, work)
        few_rows(d, w, product)
        for r in range(n):
            to, more = carry[r], product[r]
            for j in range(len(to)):
                to[j] += more[j]


@kernel
def lstm_steps_back(g, carry, saved, prev, out, dx, dh, work, w, product, reverse):
    """Steps of `recurrent.lstm_back`."""
    n = len(carry)
    for i in range(len(saved) // n):
        low = _start(i, n, len(saved), not reverse)
        high = low + n
        d = dx[low:high]
        lstm_back(g[low:high], carry, saved[low:high], prev[low:high], out[low:high], d, d, work)
        few_rows(d, w, product)
        for r in range(n):
            carry[r, : len(work)] = product[r]
