"""Recurrent layers over packed sequences: products by BLAS, steps between them by compiled loops.

The arguments are those of `ops.recurrent`, whose formulas these follow; ``rows`` has the first and
the last row of each step, in the order in which the steps are taken.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from . import recurrent, sequences
from .compiled import Kernel
from .gate import SMALL, fast
from .products import few


class Cell(NamedTuple):
    """A cell's loops, and how many widths of the state its gates and what it saves have."""

    forward: Kernel
    back: Kernel
    steps: Kernel  # all of them in one call
    steps_back: Kernel
    gates: int
    saved: int


CELLS = {
    name: Cell(
        getattr(recurrent, name),
        getattr(recurrent, f"{name}_back"),
        getattr(sequences, f"{name}_steps"),
        getattr(sequences, f"{name}_steps_back"),
        gates,
        saved,
    )
    for name, gates, saved in (("rnn_tanh", 1, 1), ("gru", 3, 4), ("lstm", 4, 4))
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
    if _even(rows, state, w_hh):
        turned = np.ascontiguousarray(w_hh.T)
        cell.steps.run(saved, turned, b_ih, b_hh, state, out, from_h, rows[0][0] > 0)
        out[total:] = out[slice(*rows[-1])]
        return out, saved
    for start, end in rows:
        n = end - start
        now, prev, h = out[start:end], state[:n], from_h[:n]
        np.dot(prev[:, :hidden], w_hh.T, out=h)
        run(saved[start:end], h, b_ih, b_hh, prev, now)
        state = now if n == len(state) else np.concatenate([now, state[n:]])
    out[total:] = state
    return out, saved


def _even(rows: Any, state: Any, w_hh: Any) -> bool:
    """Whether all steps have the same few sequences, so that one call can take them."""
    n = len(state)
    return few(n, w_hh) and all(end - start == n for start, end in rows)


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
    if _even(rows, carry, w_hh):
        given = (g, carry, saved, prev, out, dx, dh, work, w_hh, back)
        cell.steps_back.run(*given, rows[0][0] > 0)
        return dx, dh, carry
    for start, end in reversed(rows):
        n, at = end - start, slice(start, end)
        here, from_h, product = carry[:n], dh[at], back[:n]
        run(g[at], here, saved[at], prev[at], out[at], dx[at], from_h, work)
        np.dot(from_h, w_hh, out=product)
        if name == "gru":
            here += product
        else:
            here[:, :hidden] = product
    return dx, dh, carry
