"""Padding: the last dimensions made longer, or cut."""

from __future__ import annotations

from ..device import module_of
from ..tensor import wrap
from .index import index_select
from .registry import function, op
from .shape import sizes


@op(on="", backward="ConstantPadNdBackward0")
def pad_constant(xp, x, /, pad, value):
    """x with ``value`` around it, or cut where ``pad`` is negative."""
    widths = [(0, 0)] * (x.ndim - len(pad) // 2)
    widths += [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    if any(n + a + b < 0 for (a, b), n in zip(widths, x.shape, strict=True)):
        raise RuntimeError(f"padding {list(pad)} cuts away more than an input {x.shape} has")
    cut = tuple(
        slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(widths, x.shape, strict=True)
    )
    out = xp.full([n + a + b for (a, b), n in zip(widths, x.shape, strict=True)], value, x.dtype)
    inner = tuple(
        slice(max(a, 0), n - max(b, 0)) for (a, b), n in zip(widths, out.shape, strict=True)
    )
    out[inner] = x[cut]
    return out


pad_constant.gradients(x=lambda ns, g, pad: ns.pad_constant(g, tuple(-p for p in pad), 0))


@function(on="fb")
def constant_pad_nd(input, pad, value=0):
    """`nn.functional.pad` with a constant, by PyTorch's inner name."""
    pad = sizes(pad)
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise RuntimeError(
            f"Padding length must be divisible by 2 and at most twice the number of the dimensions "
            f"of the input, {input.ndim}; got {list(pad)}"
        )
    return pad_constant(input, pad, value)


@function(on="F")
def pad(input, pad, mode="constant", value=None):
    """The last dimensions padded: ``pad`` lists left and right of the last, then of the one before.

    ``mode`` "constant" fills with ``value``, "reflect" mirrors without the edge, "replicate"
    repeats the edge and "circular" takes what stands at the other end.

    >>> nn.functional.pad(fb.tensor([[1, 2]]), (1, 0, 0, 1))
    tensor([[0, 1, 2],
            [0, 0, 0]])
    """
    if mode == "constant":
        return constant_pad_nd(input, pad, value or 0)
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    pad = sizes(pad)
    if len(pad) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2, got {list(pad)}")
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if len(pad) not in (2, 4, 6) or input.ndim - len(pad) // 2 not in (1, 2):
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor: in mode "
            f"{mode!r} all dimensions but the first one or two are padded"
        )
    for i in range(0, len(pad), 2):
        input = _by_index(input, input.ndim - 1 - i // 2, pad[i], pad[i + 1], mode)
    return input


def _by_index(x, dim, before, after, mode):
    n, xp = x.shape[dim], module_of(x.array)
    places = xp.arange(-before, n + after)
    if mode == "replicate":
        places = places.clip(0, n - 1)
    elif mode == "circular":
        _at_most(max(before, after), n, mode, x)
        left, right = max(-before, 0), max(-after, 0)  # what is cut away comes not round again
        places = (places - left) % max(1, n - left - right) + left
    else:
        _at_most(max(before, after), n - 1, mode, x)
        places = n - 1 - xp.abs(n - 1 - xp.abs(places))
    return index_select(x, dim, wrap(places))


def _at_most(size, limit, mode, x):
    if size > limit:
        raise RuntimeError(
            f"Padding size {size} is too large for mode {mode!r} and an input of shape "
            f"{tuple(x.shape)}: at most {limit} fits"
        )
