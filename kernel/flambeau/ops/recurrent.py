"""Recurrent layers: a whole layer over a whole sequence is one operation.

Its input is packed: the rows of all steps under each other, ``batch_sizes`` saying how many
sequences are still running at each step (all of them, where none is shorter). What it gives is
packed in the same way, with the last state of every sequence appended; the state of an LSTM is its
hidden and its cell values side by side. Its rule walks back through time; for second derivatives
it computes the gates again, all steps at once, from the states that the layer gave.
"""

from __future__ import annotations

from itertools import pairwise

from ..kernels import unrolled
from .promote import alike
from .registry import OPS, op


def _rows(batch_sizes, reverse):
    """The rows of each step, in the order in which the steps are taken."""
    ends = [0]
    for n in batch_sizes:
        ends.append(ends[-1] + n)
    found = list(pairwise(ends))
    return found[::-1] if reverse else found


def _times(ns, x, weight, bias):
    out = x @ ns.transpose(weight, 0, 1)
    return out if bias is None else out + bias


class Simple:
    """h' = tanh(X + H), or max(X + H, 0): X comes from the input, H from the state before."""

    gates = states = 1

    def __init__(self, curve):
        self.name, self.curve = f"rnn_{curve}", curve
        self.derivative = getattr(self, f"_{curve}")

    def saved(self, ns, x, h, prev, weight):
        """What a step's gradient needs: h' alone."""
        return getattr(ns, self.curve)(x + h)

    def state(self, ns, saved, prev, weight):
        """The state after a step."""
        return saved

    def back(self, ns, d, saved, prev, weight):
        """From the gradient of the new state those of X, of H and, directly, of the old state."""
        d = d * self.derivative(saved)
        return d, d, None

    def _tanh(self, out):
        return 1 - out * out

    def _relu(self, out):
        return out > 0


class Gru:
    """r, z = σ(X + H); n = tanh(X + r H); h' = n + z (h - n) (Cho et al. 2014)."""

    gates, states = 3, 1
    name = "gru"

    def saved(self, ns, x, h, prev, weight):
        """r, z, n, and H of n, side by side."""
        k = h.shape[1] // 3
        rz = ns.sigmoid(x[:, : 2 * k] + h[:, : 2 * k])
        n = ns.tanh(x[:, 2 * k :] + rz[:, :k] * h[:, 2 * k :])
        return ns.cat([rz, n, h[:, 2 * k :]], 1)

    def state(self, ns, saved, prev, weight):
        """The state after a step."""
        _, z, n, _ = _parts(saved, 4)
        return n + z * (prev - n)

    def back(self, ns, d, saved, prev, weight):
        """From the gradient of the new state those of X, of H and, directly, of the old state."""
        r, z, n, h = _parts(saved, 4)
        dn = d * (1 - z) * (1 - n * n)
        dz = d * (prev - n) * z * (1 - z)
        dr = dn * h * r * (1 - r)
        return ns.cat([dr, dz, dn], 1), ns.cat([dr, dz, dn * r], 1), d * z


class Lstm:
    """i, f, o = σ(X + H), g = tanh(X + H); c' = f c + i g; h' = o tanh(c'), projected if asked."""

    gates, states = 4, 2
    name = "lstm"

    def saved(self, ns, x, h, prev, weight):
        """i, f, g, o, side by side."""
        total = x + h
        k = total.shape[1] // 4
        i_f, g = ns.sigmoid(total[:, : 2 * k]), ns.tanh(total[:, 2 * k : 3 * k])
        return ns.cat([i_f, g, ns.sigmoid(total[:, 3 * k :])], 1)

    def cell(self, saved, prev):
        """c' after a step."""
        i, f, g, _ = _parts(saved, 4)
        return f * prev[:, prev.shape[1] - f.shape[1] :] + i * g

    def state(self, ns, saved, prev, weight):
        """The state after a step: hidden and cell values."""
        c = self.cell(saved, prev)
        h = _parts(saved, 4)[3] * ns.tanh(c)
        if weight is not None:
            h = h @ ns.transpose(weight, 0, 1)
        return ns.cat([h, c], 1)

    def back(self, ns, d, saved, prev, weight):
        """From the gradient of the new state those of the gates and, directly, of the old cell."""
        i, f, g, o = _parts(saved, 4)
        tanh_c = ns.tanh(self.cell(saved, prev))
        split = d.shape[1] - i.shape[1]
        dh, dc = d[:, :split], d[:, split:]
        if weight is not None:
            dh = dh @ weight
        do = dh * tanh_c * o * (1 - o)
        dc = dc + dh * o * (1 - tanh_c * tanh_c)
        di, df = dc * g * i * (1 - i), dc * prev[:, split:] * f * (1 - f)
        gates = ns.cat([di, df, dc * i * (1 - g * g), do], 1)
        return gates, gates, dc * f


def _parts(x, count):
    k = x.shape[1] // count
    return [x[:, i * k : (i + 1) * k] for i in range(count)]


def _with_rest(ns, new, carry):
    """The states of all sequences after a step that has changed the first ones."""
    n = new.shape[0]
    return new if n == carry.shape[0] else ns.cat([new, carry[n:]], 0)


def _before(ns, out, state, rows):
    """The states that every step began with, packed; from those it ended with."""
    found = {}
    for start, end in rows:
        found[start] = state[: end - start]
        state = _with_rest(ns, out[start:end], state)
    return _joined(ns, [found[start] for start in sorted(found)])


def _joined(ns, parts):
    """The steps one after the other; a cell has but one."""
    return parts[0] if len(parts) == 1 else ns.cat(parts, 0)


class _Forward:
    """The operations that a forward on arrays needs, as rules see them."""

    def __init__(self, xp):
        self.tanh = xp.tanh
        self.relu = lambda x: xp.maximum(x, 0)
        self.cat = lambda parts, dim: xp.concatenate(parts, axis=dim)
        self.transpose = lambda x, i, j: x.T
        self.sigmoid = lambda x: OPS["sigmoid"].forward(xp, x)


def _run(xp, cell, x, state, weights, batch_sizes, reverse):
    """All steps; the states, and what the rule wants kept."""
    if unrolled.serves(cell.name, x, state, weights):
        return unrolled.forward(cell.name, x, state, weights, _rows(batch_sizes, reverse))
    ns = _Forward(xp)
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    hidden = w_hh.shape[1]
    from_x = _times(ns, x, w_ih, b_ih)
    total = x.shape[0]
    out = xp.empty((total + state.shape[0], state.shape[1]), x.dtype)
    saved = None
    for start, end in _rows(batch_sizes, reverse):
        prev = state[: end - start]
        from_h = _times(ns, prev[:, :hidden], w_hh, b_hh)
        now = cell.saved(ns, from_x[start:end], from_h, prev, w_hr)
        if saved is None:
            saved = xp.empty((total, now.shape[1]), x.dtype)
        saved[start:end] = now
        out[start:end] = new = cell.state(ns, now, prev, w_hr)
        state = _with_rest(ns, new, state)
    out[total:] = state
    return out, saved


def _back(ns, cell, g, saved, before, weights, rows):
    """Back through time: the gradients of X, of H and of the first states; of the new ones too."""
    _, w_hh, _, _, w_hr = weights
    total, hidden = before.shape[0], w_hh.shape[1]
    carry, steps = g[total:], {}
    for start, end in reversed(rows):
        d = carry[: end - start] + g[start:end]
        prev = before[start:end]
        dx, dh, direct = cell.back(ns, d, saved[start:end], prev, w_hr)
        steps[start] = dx, dh, d[:, :hidden]
        new = dh @ w_hh
        if direct is not None:
            new = ns.cat([new, direct], 1) if cell.states == 2 else new + direct
        carry = _with_rest(ns, new, carry)
    found = [steps[start] for start in sorted(steps)]
    return *(_joined(ns, [one[i] for one in found]) for i in range(3)), carry


def _gradients(ns, cell, g, x, state, weights, out, saved, batch_sizes, reverse, needs):
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    rows, hidden = _rows(batch_sizes, reverse), w_hh.shape[1]
    if not ns.taped and unrolled.serves(cell.name, x, state, weights, g, out, saved):
        before = unrolled.before(out, state, rows)
        dx, dh, first = unrolled.backward(cell.name, g, weights, out, saved, before, rows)
        return _of_inputs(ns, needs, x, w_ih, dx, dh, first, before[:, :hidden])
    before = _before(ns, out, state, rows)
    if ns.taped:  # what the forward saved has no graph
        from_h = _times(ns, before[:, :hidden], w_hh, b_hh)
        saved = cell.saved(ns, _times(ns, x, w_ih, b_ih), from_h, before, w_hr)
    dx, dh, new, first = _back(ns, cell, g, saved, before, weights, rows)
    projected = None
    if needs[6]:
        o = _parts(saved, 4)[3]
        projected = ns.transpose(new, 0, 1) @ (o * ns.tanh(cell.cell(saved, before)))
    return (*_of_inputs(ns, needs, x, w_ih, dx, dh, first, before[:, :hidden])[:6], projected)


def _of_inputs(ns, needs, x, w_ih, dx, dh, first, hidden):
    """The gradients of all inputs but the projection, from those of the gates' two parts."""
    return (
        dx @ w_ih if needs[0] else None,
        first if needs[1] else None,
        ns.transpose(dx, 0, 1) @ x if needs[2] else None,
        ns.transpose(dh, 0, 1) @ hidden if needs[3] else None,
        ns.sum(dx, 0, False) if needs[4] else None,
        ns.sum(dh, 0, False) if needs[5] else None,
        None,
    )


def _check(cell, x, state, w_ih, w_hh):
    if x.ndim != 2 or x.shape[1] != w_ih.shape[1]:
        raise RuntimeError(
            f"input.size(-1) must be equal to input_size. Expected {w_ih.shape[1]}, "
            f"got {x.shape[-1]}"
        )
    if w_hh.shape[0] != w_ih.shape[0]:
        raise RuntimeError(f"the weights have different gates: {w_ih.shape} and {w_hh.shape}")


def _define(cell):
    @op(on="", name=f"{cell.name}_layer", promote=alike, extras=["saved"])
    def layer(
        xp, x, state, w_ih, w_hh, b_ih=None, b_hh=None, w_hr=None, /, batch_sizes=(), reverse=False
    ):
        _check(cell, x, state, w_ih, w_hh)
        weights = (w_ih, w_hh, b_ih, b_hh, w_hr)
        return _run(xp, cell, x, state, weights, batch_sizes, reverse)

    layer.__doc__ = f"{cell.__doc__}\n\nOne layer over packed sequences, in one direction."

    @layer.gradient()
    def _(ns, g, x, state, w_ih, w_hh, b_ih, b_hh, w_hr, out, saved, batch_sizes, reverse, needs):
        weights = (w_ih, w_hh, b_ih, b_hh, w_hr)
        return _gradients(ns, cell, g, x, state, weights, out, saved, batch_sizes, reverse, needs)

    return layer


LAYERS = {
    "RNN_TANH": _define(Simple("tanh")),
    "RNN_RELU": _define(Simple("relu")),
    "GRU": _define(Gru()),
    "LSTM": _define(Lstm()),
}
