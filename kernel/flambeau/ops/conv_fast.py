"""Which way a convolution of float32 numbers on the CPU is computed, and its gradients with it.

Each function gives None where the plain way of conv.py is to be taken.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ..kernels import fast
from . import conv_rows, conv_tiles

_FEW = 4  # channels of a group: windows of fewer are not worth laying out as rows


def way(plan):
    """The name of the method for a convolution's sizes."""
    if plan.pointwise:
        return "product"
    if conv_tiles.serves(plan):
        return "tiles"
    if min(plan.channels, plan.filters) // plan.groups >= _FEW:
        return "rows"
    return ""


def _ready(*arrays):
    """Arrays in C order, if compiled loops serve them; else None."""
    made = [a if a is None else np.ascontiguousarray(a) for a in arrays]
    return made if fast(*(a for a in made if a is not None), small=1) else None


def convolved(x, weight, bias, plan):
    """The convolution of x (N, C, *size)."""
    given = plan.way and _ready(x, weight, bias)
    if not given:
        return None
    x, weight, bias = given
    if plan.way == "tiles":
        return conv_tiles.convolve(x, weight, bias, [lo for lo, _ in plan.pads], plan.out)
    if plan.way == "rows":
        return _by_rows(x, weight, bias, plan.groups, _three(plan), plan.out)
    return None


def input_gradient(y, weight, plan):
    """The gradient of a convolution's input; y is that of its output."""
    given = plan.way and _ready(y, weight)
    if not given:
        return None
    y, weight = given
    if plan.way == "tiles":
        before = [plan.kernel[0] - 1 - lo for lo, _ in plan.pads]
        return conv_tiles.convolve(y, _turned(weight, 1), None, before, plan.size)
    if plan.way == "rows":
        settings = _three(plan)
        if plan.wide:  # stride 1: a convolution like the other, with the filters turned round
            return _by_rows(y, _turned(weight, plan.groups), None, plan.groups, _back(settings),
                            plan.size)  # fmt: skip
        return _from_rows(y, weight, plan, settings)
    return None


def weight_gradient(y, x, plan, w_shape):
    """The gradient of a convolution's weight."""
    given = plan.way and _ready(y, x)
    if not given:
        return None
    y, x = given
    if plan.way == "tiles":
        return conv_tiles.weight_gradient(y, x, w_shape, [lo for lo, _ in plan.pads])
    if plan.way == "rows":
        return _weight_by_rows(y, x, plan, w_shape)
    return None


def _turned(weight, groups):
    """Filters (O, C, *kernel) as those of the way back: (C, O, *kernel), in reverse."""
    split = weight.reshape(groups, -1, *weight.shape[1:]).swapaxes(1, 2)
    back = split[(..., *(slice(None, None, -1),) * (weight.ndim - 2))]
    return np.ascontiguousarray(back).reshape(-1, *back.shape[2:])


def _three(plan):
    """The settings of `Rows` but the channels, for three dimensions."""
    more = 3 - plan.n
    ones, zeros = (1,) * more, (0,) * more
    before = (*zeros, *(lo for lo, _ in plan.pads))
    return {
        "kernel": (*ones, *plan.kernel),
        "out": (*ones, *plan.out),
        "before": before,
        "full": (*ones, *plan.full),
        "stride": (*ones, *plan.stride),
        "dilation": (*ones, *plan.dilation),
        "size": (*ones, *plan.size),
    }


def _back(s):
    """The settings of the way back, where the stride is 1."""
    reach = tuple(d * (k - 1) for d, k in zip(s["dilation"], s["kernel"], strict=True))
    before = tuple(r - b for r, b in zip(reach, s["before"], strict=True))
    full = tuple(n + r for n, r in zip(s["size"], reach, strict=True))
    return {**s, "out": s["size"], "before": before, "full": full, "size": s["out"]}


def _rows(s, channels):
    names = ("kernel", "out", "before", "full", "stride", "dilation")
    return conv_rows.Rows(*(s[name] for name in names), channels)


def _groups(a, groups):
    """Views of an array's channels (its second dimension), group by group."""
    each = a.shape[1] // groups
    return [a[:, i * each : (i + 1) * each] for i in range(groups)]


def _by_rows(x, weight, bias, groups, s, out_size):
    rows = _rows(s, weight.shape[1])
    x = x.reshape(*x.shape[:2], *s["size"])
    out = np.empty((len(x), len(weight), prod(out_size)), np.float32)
    each = len(weight) // groups
    parts = zip(_groups(x, groups), _groups(out, groups), strict=True)
    for i, (one, to) in enumerate(parts):
        part = slice(i * each, (i + 1) * each)
        conv_rows.convolve(one, weight[part], None if bias is None else bias[part], rows, to)
    return out.reshape(len(x), len(weight), *out_size)


def _from_rows(y, weight, plan, s):
    rows = _rows(s, weight.shape[1])
    out = np.empty((plan.batch, plan.channels, *s["size"]), np.float32)
    y = y.reshape(*y.shape[:2], -1)
    each = len(weight) // plan.groups
    parts = zip(_groups(y, plan.groups), _groups(out, plan.groups), strict=True)
    for i, (one, to) in enumerate(parts):
        conv_rows.input_gradient(one, weight[i * each : (i + 1) * each], rows, to)
    return out.reshape(plan.batch, plan.channels, *plan.size)


def _weight_by_rows(y, x, plan, w_shape):
    s = _three(plan)
    rows = _rows(s, w_shape[1])
    x = x.reshape(*x.shape[:2], *s["size"])
    y = y.reshape(*y.shape[:2], -1)
    out = np.empty((*w_shape[:2], prod(w_shape[2:])), np.float32)
    each = w_shape[0] // plan.groups
    parts = zip(_groups(y, plan.groups), _groups(x, plan.groups), strict=True)
    for i, (one, other) in enumerate(parts):
        conv_rows.weight_gradient(one, other, rows, out[i * each : (i + 1) * each])
    return out.reshape(w_shape)
