"""Recurrent layers over packed sequences: products by BLAS, steps between them by compiled loops.

The arguments are those of `ops.recurrent`, whose formulas these follow; ``rows`` has the first and
the last row of each step, in the order in which the steps are taken.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from . import recurrent
from .compiled import Kernel
from .gate import SMALL, fast
from .products import for_steps


class Cell(NamedTuple):
    """A cell's loops, and how many widths of the state its gates and what it saves have."""

    forward: Kernel
    back: Kernel
    gates: int
    saved: int


CELLS = {
    "rnn_tanh": Cell(recurrent.rnn_tanh, recurrent.rnn_tanh_back, 1, 1),
    "gru": Cell(recurrent.gru, recurrent.gru_back, 3, 4),
    "lstm": Cell(recurrent.lstm, recurrent.lstm_back, 4, 4),
}


def serves(name: str, x: Any, state: Any, weights: Any, *others: Any) -> bool:
    """Whether these layers can be run so: float32 in main memory, enough of it, no projection."""
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    if name not in CELLS or w_hr is not None or getattr(x, "size", 0) == 0:
        return False
    small = SMALL * state.size // max(x.shape[0] * w_hh.shape[0], 1)  # by the work there is
    biases = [b for b in (b_ih, b_hh) if b is not None]
    return x.dtype == np.float32 and fast(state, w_ih, w_hh, *biases, *others, small=small)


def forward(name: str, x: Any, state: Any, weights: Any, rows: Any) -> tuple[Any, Any]:
    """The states after each step with the last ones appended, and what the steps back need."""
    w_ih, w_hh, b_ih, b_hh, _ = weights
    cell, hidden, total = CELLS[name], w_hh.shape[1], len(x)
    saved = np.dot(x, w_ih.T)
    if cell.saved > cell.gates:
        given, saved = saved, np.empty((total, cell.saved * hidden), np.float32)
        saved[:, : given.shape[1]] = given
    none = np.zeros(0 if b_ih is not None is not b_hh else len(w_hh), np.float32)
    b_ih, b_hh = (none if b is None else b for b in (b_ih, b_hh))
    out = np.empty((total + len(state), state.shape[1]), np.float32)
    from_h, run = np.empty((len(state), len(w_hh)), np.float32), cell.forward.run
    multiply, turned = for_steps(len(state), w_hh.T)
    for start, end in rows:
        n = end - start
        now, prev, h = out[start:end], state[:n], from_h[:n]
        multiply(prev[:, :hidden], turned, h)
        run(saved[start:end], h, b_ih, b_hh, prev, now)
        state = now if n == len(state) else np.concatenate([now, state[n:]])
    out[total:] = state
    return out, saved


def before(out: Any, state: Any, rows: Any) -> Any:
    """The states that every step began with; ``out`` has those that it ended with."""
    found = np.empty((len(out) - len(state), out.shape[1]), np.float32)
    for start, end in rows:
        n = end - start
        found[start:end] = state[:n]
        now = out[start:end]
        state = now if n == len(state) else np.concatenate([now, state[n:]])
    return found


def backward(
    name: str, g: Any, weights: Any, out: Any, saved: Any, prev: Any, rows: Any
) -> tuple[Any, Any, Any]:
    """The gradients of what the gates got from the inputs, from the states, and of the first."""
    cell, w_hh = CELLS[name], weights[1]
    hidden, total = w_hh.shape[1], len(saved)
    dx = np.empty((total, len(w_hh)), np.float32)
    dh = np.empty_like(dx) if name == "gru" else dx
    carry, work = g[total:].copy(), np.empty(hidden, np.float32)
    back, run = np.empty((len(carry), hidden), np.float32), cell.back.run
    multiply, w_hh = for_steps(len(carry), w_hh)
    for start, end in reversed(rows):
        n, at = end - start, slice(start, end)
        here, from_h, product = carry[:n], dh[at], back[:n]
        run(g[at], here, saved[at], prev[at], out[at], dx[at], from_h, work)
        multiply(from_h, w_hh, product)
        if name == "gru":
            here += product
        else:
            here[:, :hidden] = product
    return dx, dh, carry
