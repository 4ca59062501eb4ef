"""Which way a convolution of float32 numbers on the CPU is computed, and its gradients with it.

Each of the three functions gives None where the plain way of conv.py is to be taken. All settings
here are for three dimensions: an image has a depth of 1, a line a height of 1 as well.
"""

from __future__ import annotations

from functools import cached_property
from itertools import product
from math import prod

import numpy as np

from ..kernels import fast, planes
from . import conv_points, conv_rows, conv_runs, conv_tiles

_LARGE = 1 << 16  # multiplications; less is NumPy's
_DRIVERS = {"runs": conv_runs, "points": conv_points}
_FEW = 4  # channels of a group: windows of fewer are not worth laying out as rows
_FEW_ALONE = 12  # the same where there is one group


class Settings:
    """What a convolution does, in three dimensions, with a stride of 1 or more."""

    def __init__(self, plan):
        more = 3 - plan.n
        ones = (1,) * more
        self.kernel, self.stride = (*ones, *plan.kernel), (*ones, *plan.stride)
        self.dilation, self.groups = (*ones, *plan.dilation), plan.groups
        self.size, self.out = (*ones, *plan.size), (*ones, *plan.out)
        self.full = (*ones, *plan.full)
        self.before = (*(0,) * more, *(lo for lo, _ in plan.pads))
        self.channels, self.filters = plan.channels, plan.filters
        self._planes = {}
        self.way = self._way(plan)

    def _way(self, plan):
        if plan.batch * plan.filters * plan.rows * prod(plan.out) < _LARGE:
            return ""
        if prod(self.kernel) == self.groups == 1 and self.full == self.size:
            return "points"
        least = min(self.channels, self.filters) // self.groups
        flat = self.stride == (1, 1, 1) and least > 0
        if flat and self._tiled():
            return "tiles"
        if self.groups > 1:
            return "rows" if least >= _FEW else "planes"
        line = self.size[:2] == (1, 1) and self.stride[2] == 1
        return "runs" if line or least < _FEW_ALONE else "rows"

    def _tiled(self):
        channels, filters = self.channels // self.groups, self.filters // self.groups
        if self.kernel[0] > 1:  # planes of depth count as channels
            channels, filters = channels * self.kernel[0], filters * self.kernel[0]
        d = self.dilation[1:]
        sizes = [
            [-(-length // step) for length, step in zip(size[1:], d, strict=True)]
            for size in (self.size, self.out)
        ]
        pads = [
            (lo, max(0, full - size - lo))
            for lo, full, size in zip(self.before[1:], self.full[1:], self.size[1:], strict=True)
        ]
        pads = [[-(-p // step) for p in pair] for pair, step in zip(pads, d, strict=True)]
        return conv_tiles.serves(self.kernel[1:], pads, sizes, channels, filters)

    @cached_property
    def turned(self):
        """The settings of the way back, where the stride is 1."""
        back = object.__new__(Settings)
        back.__dict__.update(self.__dict__)
        back._planes = {}
        back.__dict__.pop("rows", None)
        reach = [d * (k - 1) for d, k in zip(self.dilation, self.kernel, strict=True)]
        back.before = tuple(r - b for r, b in zip(reach, self.before, strict=True))
        back.full = tuple(n + r for n, r in zip(self.size, reach, strict=True))
        back.size, back.out = self.out, self.size
        back.channels, back.filters = self.filters, self.channels
        return back

    def planes(self, parted=3):
        """Size of a plane, where each place of each channel begins, what goes before, strides.

        For a ``parted`` of 2, the columns of an image stay together.
        """
        if parted in self._planes:
            return self._planes[parted]
        stride = (*self.stride[:parted], *(1,) * (3 - parted))
        lattice = tuple(-(-f // t) for f, t in zip(self.full, stride, strict=True))
        shape = (self.channels // self.groups, *stride, *lattice)
        places = product(range(shape[0]), *map(range, self.kernel))
        at = []
        for channel, *k in places:
            reach = [d * i for d, i in zip(self.dilation, k, strict=True)]
            phase = [r % t for r, t in zip(reach, stride, strict=True)]
            first = [r // t for r, t in zip(reach, stride, strict=True)]
            at.append(np.ravel_multi_index((channel, *phase, *first), shape))
        self._planes[parted] = lattice, np.array(at, np.intp), self.before, stride
        return self._planes[parted]

    @cached_property
    def rows(self):
        """How windows of one group are laid out as rows."""
        return conv_rows.Rows(
            self.kernel, self.out, self.before, self.full, self.stride, self.dilation,
            self.channels // self.groups,
        )  # fmt: skip


@np.errstate(over="ignore", invalid="ignore")
def convolved(x, weight, bias, plan):
    """The convolution of x (N, C, *size), or None."""
    s = plan.settings
    given = s.way and _ready(x, weight, bias)
    if not given:
        return None
    out = np.empty((len(x), len(weight), *plan.out), np.float32)
    _forward(*given, s, out)
    return out


@np.errstate(over="ignore", invalid="ignore")
def input_gradient(y, weight, plan):
    """The gradient of a convolution's input, or None; y is that of its output."""
    s = plan.settings
    given = s.way and _ready(y, weight)
    if not given:
        return None
    y, weight = given
    out = np.empty((len(y), plan.channels, *plan.size), np.float32)
    turns = s.way != "runs" and s.way != "points" and s.stride == (1, 1, 1)
    if turns and (s.way in ("tiles", "planes") or s.channels // s.groups >= 16):
        # A convolution like the other, with the filters turned round.
        _forward(y, _turned(weight, s.groups), None, s.turned, out)
    else:
        _back(y.reshape(*y.shape[:2], *s.out), weight, s, out.reshape(*out.shape[:2], *s.size))
    return out


@np.errstate(over="ignore", invalid="ignore")
def weight_gradient(y, x, plan, w_shape):
    """The gradient of a convolution's weight, or None."""
    s = plan.settings
    given = s.way and _ready(y, x)
    if not given:
        return None
    y, x = (a.reshape(*a.shape[:2], *size) for a, size in zip(given, (s.out, s.size), strict=True))
    out = np.zeros(w_shape, np.float32)
    _weight_back(y, x, s, out.reshape(*w_shape[:2], *s.kernel))
    return out


def _ready(*arrays):
    """Arrays in C order, if compiled loops serve them; else None."""
    given = [a for a in arrays if a is not None]
    if any(a.__class__ is not np.ndarray or a.dtype != np.float32 for a in given):
        return None
    made = [a if a is None else np.ascontiguousarray(a) for a in arrays]
    return made if fast(*(a for a in made if a is not None), small=1) else None


def _turned(weight, groups):
    """Filters (O, C, *kernel) as those of the way back: (C, O, *kernel), in reverse."""
    split = weight.reshape(groups, -1, *weight.shape[1:]).swapaxes(1, 2)
    back = split[(..., *(slice(None, None, -1),) * (weight.ndim - 2))]
    return np.ascontiguousarray(back).reshape(-1, *back.shape[2:])


def _groups(a, groups):
    """Views of an array's channels (its second dimension), group by group."""
    if groups == 1:
        return [a]
    each = a.shape[1] // groups
    return [a[:, i * each : (i + 1) * each] for i in range(groups)]


def _grouped(weight, s):
    """Filters as (groups, filters of a group, places)."""
    return weight.reshape(s.groups, len(weight) // s.groups, -1)


def _forward(x, weight, bias, s, out):
    x, out = x.reshape(*x.shape[:2], *s.size), out.reshape(*out.shape[:2], *s.out)
    weight = weight.reshape(*weight.shape[:2], *s.kernel)
    bias = np.zeros(len(weight), np.float32) if bias is None else bias
    if s.way in _DRIVERS:
        return _DRIVERS[s.way].convolve(x, weight, bias, s, out)
    if s.way == "planes":
        return planes.convolve(x, _grouped(weight, s), bias, out, *s.planes(2), s.stride[2])
    parts = (np.split(weight, s.groups), np.split(bias, s.groups)) if s.groups > 1 else (
        [weight], [bias])  # fmt: skip
    parts = list(zip(*parts, _groups(x, s.groups), _groups(out, s.groups), strict=True))
    if s.way == "tiles":
        for kernel, more, one, to in parts:
            _by_tiles(one, kernel, more, s, to)
        if _finite(out):
            return None
    for kernel, more, one, to in parts:
        places = to.reshape(*to.shape[:2], -1)  # a view: the places of a channel are one run
        conv_rows.convolve(one, kernel, more, s.rows, places)
    return None


def _back(y, weight, s, out):
    if s.way in _DRIVERS:
        return _DRIVERS[s.way].input_gradient(y, weight, s, out)
    if s.way == "planes":
        return planes.input_gradient(y, _grouped(weight, s), out, *s.planes(2), s.stride[2])
    y = y.reshape(*y.shape[:2], -1)
    parts = np.split(weight, s.groups), _groups(y, s.groups), _groups(out, s.groups)
    for kernel, one, to in zip(*parts, strict=True):
        conv_rows.input_gradient(one, kernel, s.rows, to)
    return None


def _weight_back(y, x, s, out):
    if s.way in _DRIVERS:
        return _DRIVERS[s.way].weight_gradient(y, x, s, out)
    if s.way == "planes":
        return planes.weight_gradient(y, x, _grouped(out, s), *s.planes(2), s.stride[2])
    parts = np.split(out, s.groups), _groups(y, s.groups), _groups(x, s.groups)
    parts = list(zip(*parts, strict=True))
    if s.way == "tiles" and s.kernel[0] == 1:  # for 3d its rounding error would be too large
        for to, one, other in parts:
            _weight_by_tiles(one, other, s, to)
        if _finite(out):
            return None
    for to, one, other in parts:
        flat, places = to.reshape(*to.shape[:2], -1), one.reshape(*one.shape[:2], -1)
        conv_rows.weight_gradient(places, other, s.rows, flat)
    return None


def _finite(out):
    """Whether tiles served. Infinity or NaN anywhere in a tile spoils all of it, which windows
    would keep apart; and at the points, huge numbers become infinite sooner than in sums."""
    flat = out.reshape(-1)
    return bool(np.isfinite(np.dot(flat, flat)))


def _by_tiles(x, weight, bias, s, out):
    count, _, depth, k, _ = weight.shape
    flat = np.ascontiguousarray(weight.swapaxes(1, 2)) if depth > 1 else weight
    filters = conv_tiles.filters_at_points(flat.reshape(count, -1, k, k))
    for images, to in _planes(x, out, s):
        for before, part, made in _phases(images, to, s):
            conv_tiles.convolve(part, filters, k, bias, before, made)


def _weight_by_tiles(y, x, s, out):
    out[...] = 0
    part = np.empty((len(out), out.shape[1], *s.kernel[1:]), np.float32)
    for images, given in _planes(x, y, s):
        for before, some, of in _phases(images, given, s):
            conv_tiles.weight_gradient(of, some, before, part)
            out[:, :, 0] += part


def _planes(x, y, s):
    """Convolutions in two dimensions that make up one in three: (images, what comes of them).

    For each plane of the output, the planes that its windows reach are put together as channels.
    """
    if s.kernel[0] == 1 and s.out[0] == 1 and s.size[0] == 1:
        yield x[:, :, 0], y[:, :, 0]
        return
    reach, step = s.kernel[0], s.dilation[0]
    for image, to in zip(x, y, strict=True):
        wide = np.zeros((s.out[0], reach, x.shape[1], *s.size[1:]), np.float32)
        for d, k in product(range(s.out[0]), range(reach)):
            at = d + k * step - s.before[0]
            if 0 <= at < s.size[0]:
                wide[d, k] = image[:, at]
        yield wide.reshape(s.out[0], -1, *s.size[1:]), to.swapaxes(0, 1)


def _phases(x, y, s):
    """Undilated convolutions that make up a dilated one: (zeros before, input, output)."""
    (dh, dw), (top, left) = s.dilation[1:], s.before[1:]
    for p, q in product(range(dh), range(dw)):
        r, t = (p - top) % dh, (q - left) % dw
        before = (top + r - p) // dh, (left + t - q) // dw
        to = y[:, :, p::dh, q::dw]
        if to.size:
            yield before, x[:, :, r::dh, t::dw], to
