"""Convolutions, by one matrix product for each run of images.

The windows of a few images (what fits the cache) are copied side by side as columns, and the
weight, one filter a row, is multiplied onto them. The gradients are operations themselves, each
the derivative of the others: `conv_input` puts columns back in their places and adds them up,
`conv_weight` multiplies the output's gradient with the columns.

With stride 1 a window position moves through the image, laid out as one line, without a gap. Its
column is then one run of memory, copied ten times as fast as row by row. It has a few entries too
many, where a line ends and the next begins; `_grid` leaves them out.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod

from . import conv_fast
from .promote import alike
from .registry import op
from .windows import each, inside, padded, taps, windows

_RUN = 1 << 19  # bytes of columns at a time: about what stays in a core's own cache
_DIMS = {1: "L", 2: "H, W", 3: "D, H, W"}
_CONVOLUTION = {"promote": alike, "backward": "ConvolutionBackward0", "holomorphic": True}


class Plan:
    """The sizes that a convolution's arguments mean, each a tuple for the dimensions."""

    def __init__(self, x_shape, w_shape, stride, padding, dilation, groups):
        n = self.n = len(w_shape) - 2
        self.kernel, self.size, self.groups = w_shape[2:], x_shape[2:], groups
        self.stride = each(stride, n, "stride")
        self.dilation = each(dilation, n, "dilation")
        self.pads = _pads(padding, self.kernel, self.stride, self.dilation)
        self.full = tuple(m + lo + hi for m, (lo, hi) in zip(self.size, self.pads, strict=True))
        self.out = self._out()
        self.batch, self.channels, self.filters = x_shape[0], x_shape[1], w_shape[0]
        self.rows = prod(w_shape[1:])  # of the columns, in one group
        self.pointwise = self.kernel == self.stride == (1,) * n and not any(map(any, self.pads))
        # How far apart neighbours are in the image as one line.
        self.steps = [prod(self.full[i + 1 :]) for i in range(n)]
        self.wide = set(self.stride) == {1}
        self.columns, self.places = self._wide() if self.wide else self._narrow()
        self.settings = conv_fast.Settings(self)

    def _out(self):
        span = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True)]
        if min(self.stride) < 1 or min(self.dilation) < 1:
            raise RuntimeError(
                f"stride {self.stride} and dilation {self.dilation} must be positive"
            )
        if any(f < s for f, s in zip(self.full, span, strict=True)):
            raise RuntimeError(
                f"Kernel size can't be greater than actual input size: "
                f"the padded input is {self.full}, the kernel spans {tuple(span)}"
            )
        sizes = zip(self.full, span, self.stride, strict=True)
        return tuple((f - s) // t + 1 for f, s, t in sizes)

    def _narrow(self):
        """How many columns an image has, and where each kernel position meets the image."""
        return prod(self.out), taps(self.kernel, self.stride, self.dilation, self.out)

    def _wide(self):
        """The same, in the image as one line."""
        last = [(o - 1) * s for o, s in zip(self.out, self.steps, strict=True)]
        columns = sum(last) + 1
        steps = [d * s for d, s in zip(self.dilation, self.steps, strict=True)]
        firsts = [
            sum(k * s for k, s in zip(at, steps, strict=True))
            for at in product(*map(range, self.kernel))
        ]
        return columns, [(..., slice(first, first + columns)) for first in firsts]

    def runs(self, xp, itemsize):
        """Slices of the batch: small ones on the CPU, all at once on the GPU."""
        step = self.batch or 1
        if xp.__name__ == "numpy":
            one = self.rows * self.groups * self.columns * itemsize
            step = max(1, _RUN // max(1, one))
        return [slice(i, i + step) for i in range(0, self.batch, step)]


_plan = lru_cache(maxsize=1024)(Plan)


def _planned(x_shape, w_shape, stride, padding, dilation, groups):
    """The plan, remembered; x_shape may lack the batch."""
    if len(x_shape) == len(w_shape) - 1:
        x_shape = (1, *x_shape)
    stride, padding, dilation = (
        tuple(v) if isinstance(v, list) else v for v in (stride, padding, dilation)
    )
    return _plan(x_shape, w_shape, stride, padding, dilation, groups)


def _pads(padding, kernel, stride, dilation):
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding == "same":
        if max(stride) > 1:
            raise RuntimeError("padding='same' is not supported for strided convolutions")
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return tuple((t // 2, t - t // 2) for t in total)
    if isinstance(padding, str):
        raise RuntimeError(f"padding must be a number, 'same' or 'valid', not {padding!r}")
    each_side = each(padding, len(kernel), "padding")
    if min(each_side) < 0:
        raise RuntimeError(f"negative padding is not supported: {each_side}")
    return tuple((p, p) for p in each_side)


def _columns(xp, plan, x, run):
    """The windows of a run of images: (groups, rows, columns of all images)."""
    x = x[run]
    n, many = plan.n, len(x)
    if plan.pointwise:
        found = x.reshape(many, plan.channels, plan.columns).swapaxes(0, 1)
    elif plan.wide:
        x = padded(xp, x, plan.pads)
        x = x if x.flags.c_contiguous else xp.ascontiguousarray(x)
        item = x.itemsize
        steps = [s * d * item for s, d in zip(plan.steps, plan.dilation, strict=True)]
        found = xp.lib.stride_tricks.as_strided(
            x,
            (plan.channels, *plan.kernel, many, plan.columns),
            (x.strides[1], *steps, x.strides[0], item),
        )
    else:
        x = padded(xp, x, plan.pads)
        found = windows(xp, x, plan.kernel, plan.stride, plan.dilation, plan.out)
        found = found.transpose(1, *range(2, n + 2), 0, *range(n + 2, 2 * n + 2))
    return found.reshape(plan.groups, plan.rows, many * plan.columns)


def _grid(xp, plan, flat):
    """What stands in columns, (filters, images, columns), as (filters, images, *out): a view."""
    if not plan.wide:
        return flat.reshape(*flat.shape[:2], *plan.out)
    steps = (s * flat.itemsize for s in plan.steps)
    shape = (*flat.shape[:2], *plan.out)
    return xp.lib.stride_tricks.as_strided(flat, shape, (*flat.strides[:2], *steps))


def _as_rows(xp, plan, g, run):
    """An output's gradient laid out as the product has it: (groups, filters, columns)."""
    g = g[run].swapaxes(0, 1)
    whole = plan.pointwise or not plan.wide
    flat = (xp.empty if whole else xp.zeros)((plan.filters, g.shape[1], plan.columns), g.dtype)
    _grid(xp, plan, flat)[...] = g
    return flat.reshape(plan.groups, plan.filters // plan.groups, g.shape[1] * plan.columns)


def _convolve(xp, x, weight, bias, plan):
    made = conv_fast.convolved(x, weight, bias, plan)
    if made is not None:
        return made
    out = xp.empty((plan.batch, plan.filters, *plan.out), x.dtype)
    kernel = weight.reshape(plan.groups, plan.filters // plan.groups, plan.rows)
    for run in plan.runs(xp, x.itemsize):
        made = xp.matmul(kernel, _columns(xp, plan, x, run)).reshape(plan.filters, -1, plan.columns)
        if bias is not None:
            made += bias[:, None, None]
        out[run] = _grid(xp, plan, made).swapaxes(0, 1)
    return out


def _check(x, weight, n, groups):
    if x.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to conv{n}d, "
            f"but got input of size: {list(x.shape)}"
        )
    if weight.ndim != n + 2:
        raise RuntimeError(f"weight should have {n + 2} dimensions, but has {weight.ndim}")
    if 0 in weight.shape[2:]:
        size = "x".join(map(str, weight.shape[2:]))
        raise RuntimeError(f"kernel size should be greater than zero, but got {size}")
    if groups < 1 or weight.shape[0] % groups:
        raise RuntimeError(f"{weight.shape[0]} filters cannot be split in {groups} groups")
    if x.shape[-n - 1] != weight.shape[1] * groups:
        raise RuntimeError(
            f"expected input to have {weight.shape[1] * groups} channels, "
            f"but got {x.shape[-n - 1]} channels instead"
        )


_CONV = """Convolution of (N, C, {dims}) with filters (O, C / groups, kernel), plus a bias (O).

``padding`` is a number, one for each dimension, 'same' or 'valid'; N may be missing.
Mirrors ``torch.nn.functional.conv{n}d``.

>>> fb.nn.functional.conv{n}d(fb.ones(2, 3{eights}), fb.ones(5, 3{threes})).shape
torch.Size([2, 5{sixes}])"""
_TRANSPOSED = """What gives conv{n}d its gradient, with a weight of (C, O / groups, kernel).

Mirrors ``torch.nn.functional.conv_transpose{n}d``."""


def _define(n):
    """conv1d, conv2d or conv3d."""

    @op(on="fb F", name=f"conv{n}d", **_CONVOLUTION)
    def conv(xp, x, weight, bias=None, /, stride=1, padding=0, dilation=1, groups=1):
        _check(x, weight, n, groups)
        plan = _planned(x.shape, weight.shape, stride, padding, dilation, groups)
        if x.ndim == n + 1:
            return _convolve(xp, x[None], weight, bias, plan)[0]
        return _convolve(xp, x, weight, bias, plan)

    conv.__doc__ = _CONV.format(
        n=n, dims=_DIMS[n], eights=", 8" * n, threes=", 3" * n, sixes=", 6" * n
    )
    conv.gradients(
        x=lambda ns, g, weight, x_shape, stride, padding, dilation, groups: ns.conv_input(
            g, weight, x_shape, stride, padding, dilation, groups
        ),
        weight=lambda ns, g, x, weight_shape, stride, padding, dilation, groups: ns.conv_weight(
            g, x, weight_shape, stride, padding, dilation, groups
        ),
        bias=lambda ns, g: ns.sum(g, _all_but_channels(g.ndim, n), False),
    )
    conv.explains(lambda x, weight, *rest: _explained(n, x, weight, *rest))


def _define_transposed(n):
    """conv_transpose1d, 2d or 3d."""

    @op(on="fb F", name=f"conv_transpose{n}d", **_CONVOLUTION)
    def transposed(
        xp, x, weight, bias=None, /, stride=1, padding=0, output_padding=0, groups=1, dilation=1
    ):
        _check_transposed(x, weight, n, groups)
        shape = _transposed_shape(
            x.shape, weight.shape, stride, padding, output_padding, groups, dilation
        )
        out = conv_input.forward(xp, x, weight, shape, stride, padding, dilation, groups)
        return out if bias is None else out + bias.reshape(-1, *(1,) * n)

    transposed.__doc__ = _TRANSPOSED.format(n=n)
    transposed.gradients(
        x=lambda ns, g, weight, x_shape, stride, padding, groups, dilation: _conv(
            ns, g, weight, x_shape, stride, padding, dilation, groups
        ),
        weight=lambda ns, g, x, weight_shape, stride, padding, groups, dilation: ns.conv_weight(
            x, g, weight_shape, stride, padding, dilation, groups
        ),
        bias=lambda ns, g: ns.sum(g, _all_but_channels(g.ndim, n), False),
    )


def _all_but_channels(ndim, n):
    channels = ndim - n - 1
    return tuple(d for d in range(ndim) if d != channels)


def _check_transposed(x, weight, n, groups):
    if x.ndim not in (n + 1, n + 2) or weight.ndim != n + 2:
        raise RuntimeError(
            f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input and a weight of {n + 2} "
            f"dimensions, but got sizes {list(x.shape)} and {list(weight.shape)}"
        )
    if x.shape[-n - 1] != weight.shape[0]:
        raise RuntimeError(
            f"expected input to have {weight.shape[0]} channels, "
            f"but got {x.shape[-n - 1]} channels instead"
        )
    if groups < 1 or weight.shape[0] % groups:
        raise RuntimeError(f"{weight.shape[0]} channels cannot be split in {groups} groups")


def _transposed_shape(x_shape, w_shape, stride, padding, output_padding, groups, dilation):
    n = len(w_shape) - 2
    stride, dilation = each(stride, n, "stride"), each(dilation, n, "dilation")
    padding, more = each(padding, n, "padding"), each(output_padding, n, "output_padding")
    for m, s, d in zip(more, stride, dilation, strict=True):
        if m < 0 or m >= max(s, d):
            raise RuntimeError(
                "output padding must be smaller than either stride or dilation, "
                f"but got output_padding {more}, stride {stride}, dilation {dilation}"
            )
    sizes = zip(x_shape[-n:], stride, padding, dilation, w_shape[2:], more, strict=True)
    out = tuple((m - 1) * s - 2 * p + d * (k - 1) + o + 1 for m, s, p, d, k, o in sizes)
    if min(out) < 1:
        raise RuntimeError(f"the output would be too small: {out}")
    return (*x_shape[: -n - 1], w_shape[1] * groups, *out)


def _fitted(xp, y, plan):
    """What was convolved as (N, O, *out). Of a transposed convolution it may lack the last rows
    and columns that its output padding makes room for: zeros."""
    if y.ndim != plan.n + 2:
        y = y.reshape(plan.batch, plan.filters, *y.shape[y.ndim - plan.n :])
    return padded(xp, y, [(0, o - m) for o, m in zip(plan.out, y.shape[2:], strict=True)])


@op(on="", promote=alike, holomorphic=True)
def conv_input(xp, y, weight, /, x_shape, stride, padding, dilation, groups):
    """The gradient of a convolution with respect to its input, of shape ``x_shape``."""
    plan = _planned(tuple(x_shape), weight.shape, stride, padding, dilation, groups)
    y = _fitted(xp, y, plan)
    made = conv_fast.input_gradient(y, weight, plan)
    if made is not None:  # a view would be copied by the leaf that keeps it
        return made if made.shape == tuple(x_shape) else made.reshape(x_shape)
    out = xp.empty((plan.batch, plan.channels, *plan.size), y.dtype)
    kernel = weight.reshape(groups, plan.filters // groups, plan.rows).swapaxes(1, 2)
    for run in plan.runs(xp, y.itemsize):
        columns = xp.matmul(kernel, _as_rows(xp, plan, y, run))
        many = columns.shape[-1] // plan.columns
        columns = columns.reshape(plan.channels, len(plan.places), many, plan.columns)
        total = xp.zeros((plan.channels, many, prod(plan.full)), y.dtype)
        view = total
        if not plan.wide:
            columns = columns.reshape(*columns.shape[:3], *plan.out)
            view = total.reshape(plan.channels, many, *plan.full)
        for k, place in enumerate(plan.places):
            view[place] += columns[:, k]
        total = total.reshape(plan.channels, many, *plan.full)
        out[run] = total[inside(plan.pads, plan.size)].swapaxes(0, 1)
    return out.reshape(x_shape)


@op(on="", promote=alike, holomorphic=True)
def conv_weight(xp, y, x, /, w_shape, stride, padding, dilation, groups):
    """The gradient of a convolution with respect to its weight, of shape ``w_shape``."""
    plan = _planned(x.shape, tuple(w_shape), stride, padding, dilation, groups)
    y = _fitted(xp, y, plan)
    x = x.reshape(plan.batch, plan.channels, *plan.size)
    made = conv_fast.weight_gradient(y, x, plan, tuple(w_shape))
    if made is not None:
        return made
    total = xp.zeros((groups, plan.rows, plan.filters // groups), y.dtype)
    for run in plan.runs(xp, y.itemsize):  # this way round BLAS is twice as fast
        total += xp.matmul(_columns(xp, plan, x, run), _as_rows(xp, plan, y, run).swapaxes(1, 2))
    return total.swapaxes(1, 2).reshape(w_shape)


conv_input.gradients(
    y=lambda ns, g, weight, y_shape, stride, padding, dilation, groups: _conv(
        ns, g, weight, y_shape, stride, padding, dilation, groups
    ),
    weight=lambda ns, g, y, weight_shape, stride, padding, dilation, groups: ns.conv_weight(
        y, g, weight_shape, stride, padding, dilation, groups
    ),
)
conv_weight.gradients(
    y=lambda ns, g, x, y_shape, stride, padding, dilation, groups: _conv(
        ns, x, g, y_shape, stride, padding, dilation, groups
    ),
    x=lambda ns, g, y, x_shape, stride, padding, dilation, groups: ns.conv_input(
        y, g, x_shape, stride, padding, dilation, groups
    ),
)


def _conv(ns, x, weight, shape, *settings):
    """The convolution of x, cut to the shape of what `_fitted` may have enlarged."""
    n = weight.ndim - 2
    out = getattr(ns, f"conv{n}d")(x, weight, None, *settings)
    return out if out.shape[-n:] == shape[-n:] else out[(..., *map(slice, shape[-n:]))]


def _explained(n, x, weight, bias, stride, padding, dilation, groups):
    a, w = tuple(x.shape), tuple(weight.shape)
    if len(w) != n + 2:
        return None
    if len(a) not in (n + 1, n + 2):
        hint = "x.unsqueeze(1) adds the channel." if len(a) == n else ""
        wanted = _DIMS[n]
        return f"input has shape {a}, expected (N, C, {wanted}) or (C, {wanted})", hint
    expected = w[1] * groups
    if a[-n - 1] != expected:
        hint = f"nn.Conv{n}d({a[-n - 1]}, {w[0]}, {_short(w[2:])}) would fit."
        if a[-1] == expected:
            hint = "The channels come right after the batch: x.movedim(-1, 1) would fit."
        return (
            f"input has {a[-n - 1]} channels (shape {a}), weight expects {expected} (shape {w})",
            hint,
        )
    if bias is not None and tuple(bias.shape) != w[:1]:
        return f"bias has shape {tuple(bias.shape)}, {w[0]} filters need ({w[0]},)", ""
    return None


def _short(kernel):
    return kernel[0] if len(set(kernel)) == 1 else tuple(kernel)


for _n in (1, 2, 3):
    _define(_n)
    _define_transposed(_n)
