"""Recurrent layers on top of each other, and PyTorch's inner names of them.

Sequences are packed as `recurrent` has it: the rows of all steps under each other, and how many
sequences are running at each step.
"""

from __future__ import annotations

from .join import cat
from .join import stack as stacked
from .recurrent import LAYERS
from .registry import OPS, function


def run_layers(mode, data, counts, first, weights, bidirectional, dropout=0.0):
    """All layers: the last one's output (rows, D·H), and all last states (D·layers, N, S).

    ``first`` are the states to begin with, (D·layers, N, S); ``weights`` has for each layer and
    direction what `recurrent` wants: w_ih, w_hh, b_ih, b_hh, w_hr.
    """
    each, last = 1 + bool(bidirectional), []
    total = data.shape[0]
    out = weights[0][1].shape[1]
    for layer in range(len(weights) // each):
        if layer and dropout:
            data = OPS["dropout"](data, dropout)
        found = []
        for i in range(layer * each, (layer + 1) * each):
            states = LAYERS[mode](data, first[i], *weights[i], counts, i % each == 1)
            found.append(states[:total, :out])
            last.append(states[total:])
        data = cat(found, 1) if bidirectional else found[0]
    return data, stacked(last)


def _grouped(params, has_biases, layers, projected):
    """A flat list of parameters as one for each layer and direction."""
    size = 2 + 2 * bool(has_biases) + projected
    if len(params) != size * layers:
        raise RuntimeError(
            f"expected {size} parameters for each of {layers} layers and directions, got "
            f"{len(params)}"
        )
    found = []
    for i in range(0, len(params), size):
        one = list(params[i : i + size])
        if not has_biases:
            one[2:2] = [None, None]
        found.append(one + [None] * (5 - len(one)))
    return found


_SETTINGS = ("params", "has_biases", "num_layers", "dropout", "train", "bidirectional")
_PADDED = ("input", "hx", *_SETTINGS, "batch_first")
_PACKED = ("data", "batch_sizes", "hx", *_SETTINGS)


def _given(name, args, kwargs):
    """The arguments by name: those of padded sequences, or those of packed ones."""
    packed = "data" in kwargs or isinstance(args[3] if len(args) > 3 else None, (list, tuple))
    names = _PACKED if packed else _PADDED
    found = dict(zip(names, args, strict=False)) | kwargs
    if set(found) != set(names) or len(args) > len(names):
        raise TypeError(f"{name}() takes the arguments {', '.join(names)}")
    return found


def _define(name):
    mode, states = name.upper(), 2 if name == "lstm" else 1

    def layers(*args, **kwargs):
        given = _given(name, args, kwargs)
        hx = tuple(given["hx"]) if states == 2 else (given["hx"],)
        widths = [s.shape[-1] for s in hx]
        count = given["num_layers"] * (1 + bool(given["bidirectional"]))
        weights = _grouped(given["params"], given["has_biases"], count, len(set(widths)) > 1)
        first = cat(list(hx), 2) if states == 2 else hx[0]
        if "data" in given:
            data, counts, shape = given["data"], tuple(int(n) for n in given["batch_sizes"]), None
        else:
            x = given["input"].transpose(0, 1) if given["batch_first"] else given["input"]
            shape, counts = tuple(x.shape[:2]), (x.shape[1],) * x.shape[0]
            data = x.reshape(shape[0] * shape[1], x.shape[2])
        dropout = given["dropout"] if given["train"] else 0.0
        out, last = run_layers(mode, data, counts, first, weights, given["bidirectional"], dropout)
        if shape is not None:
            out = out.reshape(*shape, out.shape[1])
            out = out.transpose(0, 1) if given["batch_first"] else out
        return (out, last) if states == 1 else (out, last[..., : widths[0]], last[..., widths[0] :])

    layers.__name__ = layers.__qualname__ = name
    layers.__doc__ = (
        f"What the recurrent module computes, by PyTorch's inner name: ({', '.join(_PADDED)}), or "
        f"packed ({', '.join(_PACKED)}).\n\nThe output and the last states."
    )
    function(layers, on="fb")


def _define_cell(name):
    mode = name.upper()

    def cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
        states = tuple(hx) if mode == "LSTM" else (hx,)
        single = input.ndim == 1
        if single:
            input, *states = (t.unsqueeze(0) for t in (input, *states))
        n, state = input.shape[0], cat(list(states), 1) if len(states) > 1 else states[0]
        out = LAYERS[mode](input, state, w_ih, w_hh, b_ih, b_hh, None, (n,), False)[n:]
        out = out.squeeze(0) if single else out
        return tuple(out.chunk(2, -1)) if mode == "LSTM" else out

    cell.__name__ = cell.__qualname__ = f"{name}_cell"
    cell.__doc__ = "The state after one step; of an LSTM hidden and cell values."
    function(cell, on="fb")


for _name in ("rnn_tanh", "rnn_relu", "gru", "lstm"):
    _define(_name)
    _define_cell(_name)
