"""Pooling: the largest or the mean entry of each window.

All windows are done together, one position of the kernel after another, on shifted slices.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod

import numpy as np

from ..kernels import fast, spread
from ..kernels import pool as loops
from .pad import pad_constant
from .promote import only_float
from .registry import OPS, function, op
from .windows import each, inside, padded, taps


class Plan:
    """The sizes that a pooling's arguments mean, each a tuple for the pooled dimensions."""

    def __init__(self, sizes, kernel, stride, padding, dilation, ceil_mode):
        n = len(sizes)
        self.size, self.kernel = sizes, each(kernel, n, "kernel_size")
        self.stride = self.kernel if stride in (None, ()) else each(stride, n, "stride")
        self.dilation = each(dilation, n, "dilation")
        pad = each(padding, n, "padding")
        settings = zip(sizes, self.kernel, self.stride, pad, self.dilation, strict=True)
        each_out = [_length(*one, ceil_mode) for one in settings]
        self.out = tuple(out for out, _ in each_out)
        if min(self.out) < 1:
            raise RuntimeError(f"the input, {sizes}, is smaller than the kernel, {self.kernel}")
        self.before = pad
        self.pads = tuple((p, after) for p, (_, after) in zip(pad, each_out, strict=True))
        self.full = tuple(s + lo + hi for s, (lo, hi) in zip(sizes, self.pads, strict=True))
        self.taps = taps(self.kernel, self.stride, self.dilation, self.out)
        # Windows that do not touch share no input entry, so each is written once.
        self.apart = self.dilation == (1,) * n and all(
            s >= k for s, k in zip(self.stride, self.kernel, strict=True)
        )


def _length(size, kernel, stride, pad, dilation, ceil_mode):
    """How many windows there are, and how many entries are added after the last."""
    if min(kernel, stride, dilation) < 1:
        raise RuntimeError("kernel_size, stride and dilation must be positive")
    if not 0 <= pad <= (dilation * (kernel - 1) + 1) // 2:
        raise RuntimeError(
            "pad should be at most half of effective kernel size, "
            f"but got pad={pad}, kernel_size={kernel} and dilation={dilation}"
        )
    span = dilation * (kernel - 1) + 1
    room = size + 2 * pad - span
    out = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (out - 1) * stride >= size + pad:  # the last would begin in the padding
        out -= 1
    return out, max(0, (out - 1) * stride + span - size - pad)


_plan = lru_cache(maxsize=1024)(Plan)


def _planned(shape, n, kernel, stride, padding, dilation, ceil_mode):
    settings = (tuple(v) if isinstance(v, list) else v for v in (kernel, stride, padding, dilation))
    return _plan(tuple(shape[len(shape) - n :]), *settings, bool(ceil_mode))


def _two(plan, n):
    """Whether windows are of two, or two by two, side by side."""
    twos = (2,) * n
    return plan.kernel == plan.stride == twos and plan.apart and not any(plan.before)


def _check(x, n, name):
    if x.ndim not in (n + 1, n + 2) or 0 in x.shape[-n - 1 :]:
        raise RuntimeError(
            f"{name}: Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch "
            f"size for input, but got: {list(x.shape)}"
        )


# Largest entry


def _lowest(x):
    if x.dtype.kind == "f":
        return -float("inf")
    return 0 if x.dtype.kind in "bu" else -(1 << (8 * x.dtype.itemsize - 1))


def _largest(xp, x, plan):
    if _two(plan, 1) and plan.pads == ((0, 0),) and fast(x):
        out = np.empty((*x.shape[:-1], *plan.out), x.dtype)
        rows = x.reshape(-1, x.shape[-1]), out.reshape(-1, out.shape[-1])
        spread(loops.largest_of_two, x.size, rows)
        return out
    x = padded(xp, x, plan.pads, _lowest(x))
    first, *rest = plan.taps
    if not rest:
        return x[first].copy()
    out = xp.maximum(x[first], x[rest[0]])
    for place in rest[1:]:
        xp.maximum(out, x[place], out=out)
    return out


def _hits(xp, x, top, plan):
    """For each kernel position, the windows whose maximum is there; the first one of several."""
    x = padded(xp, x, plan.pads, _lowest(x))
    free = None
    for place in plan.taps:
        hit = x[place] == top
        if free is None:
            free = ~hit
        else:
            hit &= free
            free ^= hit
        yield place, hit


@op(on="")
def max_pool_back(xp, y, x, top, /, plan):
    """Each window's value (y) handed to the entry of x that is its maximum (top)."""
    if _two(plan, 2) and not any(map(any, plan.pads)) and fast(x):
        y = np.ascontiguousarray(y, x.dtype)
        out = np.empty_like(x)
        planes = [a.reshape(-1, *a.shape[-2:]) for a in (y, x, out)]
        spread(loops.largest_of_four_back, x.size, tuple(planes))
        return out
    total = xp.zeros((*x.shape[: x.ndim - len(plan.full)], *plan.full), y.dtype)
    for place, hit in _hits(xp, x, top, plan):
        if plan.apart:
            xp.multiply(y, hit, out=total[place])
        else:
            total[place] += y * hit
    return total[inside(plan.pads, plan.size)]


@op(on="")
def max_pool_pick(xp, y, x, top, /, plan):
    """The entry of y in each window at the place where x has its maximum (top)."""
    y = padded(xp, y, plan.pads)
    out = 0
    for place, hit in _hits(xp, x, top, plan):
        out = out + y[place] * hit
    return out


max_pool_back.gradients(y=lambda ns, g, x, top, plan: ns.max_pool_pick(g, x, top, plan))
max_pool_pick.gradients(y=lambda ns, g, x, top, plan: ns.max_pool_back(g, x, top, plan))


@op(on="")
def max_pool_indices(xp, x, top, /, plan):
    """Where in the flattened image each window has its maximum."""
    grid = xp.arange(prod(plan.size)).reshape(plan.size)
    grid = padded(xp, grid, plan.pads)
    out = xp.zeros(top.shape, "int64")
    for place, hit in _hits(xp, x, top, plan):
        out += grid[place] * hit
    return out


def _define_max(n):
    name = f"max_pool{n}d"

    @op(on="", name=name, backward=f"MaxPool{n}DWithIndicesBackward0", extras=["top"])
    def pool(xp, x, /, kernel_size, stride, padding, dilation, ceil_mode):
        _check(x, n, name)
        plan = _planned(x.shape, n, kernel_size, stride, padding, dilation, ceil_mode)
        out = _largest(xp, x, plan)
        return out, out.copy()  # a ReLU that follows may work in place

    @pool.gradient("x")
    def _(ns, g, x, top, kernel_size, stride, padding, dilation, ceil_mode):
        plan = _planned(x.shape, n, kernel_size, stride, padding, dilation, ceil_mode)
        return ns.max_pool_back(g, x, top, plan)

    _define_with_indices(n, name, pool)


def _define_with_indices(n, name, pool):
    def body(
        input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
        return_indices=False,
    ):  # fmt: skip
        out = pool(input, kernel_size, stride, padding, dilation, ceil_mode)
        if not return_indices:
            return out
        plan = _planned(input.shape, n, kernel_size, stride, padding, dilation, ceil_mode)
        return out, max_pool_indices(input.detach(), out.detach(), plan)

    body.__name__ = body.__qualname__ = name
    body.__doc__ = (
        f"The largest entry of each window over the last {n} dimensions.\n\n"
        "With ``return_indices`` also its place in the flattened image. "
        f"Mirrors ``torch.nn.functional.{name}``.\n\n"
        f">>> fb.nn.functional.{name}(fb.ones(2, 3{', 8' * n}), 2).shape\n"
        f"torch.Size([2, 3{', 4' * n}])\n"
    )
    function(body, on="fb F")

    def both(
        input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
        return_indices=False,
    ):  # fmt: skip
        return body(input, kernel_size, stride, padding, dilation, ceil_mode, True)

    both.__name__ = both.__qualname__ = f"{name}_with_indices"
    both.__doc__ = f"`{name}`, and where in the flattened image each maximum is."
    function(both, on="fb F" if n == 1 else "F")


# Mean


@lru_cache(maxsize=1024)
def _divisor(plan, count_include_pad, divisor_override, dtype):
    """How many entries each window has: a number where all have as many."""
    if divisor_override is not None:
        return dtype.type(divisor_override)
    counts = np.ones((), "int64")
    dims = zip(plan.size, plan.kernel, plan.stride, plan.before, plan.out, strict=True)
    for size, kernel, stride, pad, out in dims:
        begin = np.arange(out) * stride - pad
        end = np.minimum(begin + kernel, size + pad)
        if not count_include_pad:
            begin, end = np.maximum(begin, 0), np.minimum(end, size)
        counts = counts[..., None] * (end - begin)
    if (counts == counts.flat[0]).all():
        return dtype.type(counts.flat[0])
    return counts.astype(dtype)


def _divided(xp, x, plan, count_include_pad, divisor_override):
    found = _divisor(plan, bool(count_include_pad), divisor_override, x.dtype)
    found = found if isinstance(found, np.generic) else xp.asarray(found)
    if x.dtype.kind == "f":
        return x / found
    return xp.sign(x) * xp.sign(found) * (xp.abs(x) // xp.abs(found))


def _float_or_long(arrays):
    """Means are defined for floats and, rounded towards 0, for int64."""
    return arrays if arrays[0].dtype == "int64" else only_float(arrays)


@op(on="")
def window_means(xp, x, /, plan, count_include_pad, divisor_override):
    """The mean of each window."""
    x = padded(xp, x, plan.pads)
    first, *rest = plan.taps
    total = x[first].copy()
    for place in rest:
        total += x[place]
    return _divided(xp, total, plan, count_include_pad, divisor_override)


@op(on="")
def window_spread(xp, x, /, plan, count_include_pad, divisor_override):
    """Each window's value handed out in equal parts to its entries."""
    x = _divided(xp, x, plan, count_include_pad, divisor_override)
    total = xp.zeros((*x.shape[: x.ndim - len(plan.full)], *plan.full), x.dtype)
    for place in plan.taps:
        total[place] += x
    return total[inside(plan.pads, plan.size)]


window_means.gradients(
    x=lambda ns, g, plan, count_include_pad, divisor_override: ns.window_spread(
        g, plan, count_include_pad, divisor_override
    )
)
window_spread.gradients(
    x=lambda ns, g, plan, count_include_pad, divisor_override: ns.window_means(
        g, plan, count_include_pad, divisor_override
    )
)


def _define_mean(n):
    name = f"avg_pool{n}d"

    @op(on="fb F" if n == 1 else "F", name=name, promote=_float_or_long)
    def pool(xp, x, /, kernel_size, stride=None, padding=0, ceil_mode=False,
             count_include_pad=True, divisor_override=None):  # fmt: skip
        _check(x, n, name)
        if divisor_override == 0:
            raise RuntimeError("divisor must be not zero")
        plan = _planned(x.shape, n, kernel_size, stride, padding, 1, ceil_mode)
        return window_means.forward(xp, x, plan, count_include_pad, divisor_override)

    pool.__doc__ = (
        f"The mean of each window over the last {n} dimensions.\n\n"
        f"Mirrors ``torch.nn.functional.{name}``.\n\n"
        f">>> fb.nn.functional.{name}(fb.ones(2, 3{', 8' * n}), 3, stride=1).shape\n"
        f"torch.Size([2, 3{', 6' * n}])\n"
    )

    @pool.gradient("x")
    def _(ns, g, x_shape, kernel_size, stride, padding, ceil_mode, count_include_pad,
          divisor_override):  # fmt: skip
        plan = _planned(x_shape, n, kernel_size, stride, padding, 1, ceil_mode)
        return ns.window_spread(g, plan, count_include_pad, divisor_override)


for _n in (1, 2, 3):
    _define_max(_n)
    _define_mean(_n)


@function(on="F")
def local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
    """x / (k + alpha · mean of x² over ``size`` neighbouring channels) to the power beta."""
    if input.ndim < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)"
        )
    if not input.numel():
        return input
    flat = (input * input).reshape(input.shape[0], 1, input.shape[1], prod(input.shape[2:]))
    wide = pad_constant(flat, (0, 0, size // 2, (size - 1) // 2), 0)
    means = OPS["avg_pool2d"](wide, (size, 1), 1).reshape(input.shape)
    return input / (means * alpha + k) ** beta
