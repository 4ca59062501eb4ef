"""Windows as columns and back, and channels as places."""

from __future__ import annotations

from math import prod

from .registry import function, op
from .rows import row_major
from .windows import each, inside, padded, taps, windows


def _plan(size, kernel, dilation, padding, stride):
    """Each setting as a tuple, and how many windows there are along each dimension."""
    names = ("kernel_size", "dilation", "padding", "stride")
    settings = [
        each(v, 2, name) for v, name in zip((kernel, dilation, padding, stride), names, strict=True)
    ]
    each_dim = zip(size, *settings, strict=True)
    out = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in each_dim)
    if min(out) < 1:
        raise RuntimeError(
            f"Given a spatial size of {tuple(size)}, kernel_size={settings[0]}, "
            f"dilation={settings[1]}, padding={settings[2]}, stride={settings[3]}, "
            f"the array of sliding blocks would have shape {out}, but it must be at least one"
        )
    return *settings, out


@op(on="", name="im2col")
def im2col(xp, x, /, kernel_size, dilation, padding, stride):
    """The windows of (N, C, H, W) as columns: (N, C·kernel places, windows)."""
    kernel, dilation, pad, stride, out = _plan(x.shape[2:], kernel_size, dilation, padding, stride)
    wide = padded(xp, x, [(p, p) for p in pad])
    found = windows(xp, wide, kernel, stride, dilation, out)
    return xp.ascontiguousarray(found).reshape(x.shape[0], x.shape[1] * prod(kernel), prod(out))


@op(on="", name="col2im")
def col2im(xp, x, /, output_size, kernel_size, dilation, padding, stride):
    """Columns added up at the places that they come from: (N, C, *output_size)."""
    size = each(output_size, 2, "output_size")
    kernel, dilation, pad, stride, out = _plan(size, kernel_size, dilation, padding, stride)
    if x.shape[1] % prod(kernel) or x.shape[2] != prod(out):
        raise RuntimeError(
            f"fold: the input has shape {tuple(x.shape)}; an output of {size} with kernel_size="
            f"{kernel} needs a multiple of {prod(kernel)} rows, and {prod(out)} columns"
        )
    channels = x.shape[1] // prod(kernel)
    x = x.reshape(x.shape[0], channels, prod(kernel), *out)
    pads = [(p, p) for p in pad]
    total = xp.zeros((*x.shape[:2], *(n + 2 * p for n, p in zip(size, pad, strict=True))), x.dtype)
    for i, place in enumerate(taps(kernel, stride, dilation, out)):
        total[place] += x[:, :, i]
    return total[inside(pads, size)]


im2col.gradients(
    x=lambda ns, g, x_shape, kernel_size, dilation, padding, stride: ns.col2im(
        g, tuple(x_shape[2:]), kernel_size, dilation, padding, stride
    )
)
col2im.gradients(
    x=lambda ns, g, kernel_size, dilation, padding, stride: ns.im2col(
        g, kernel_size, dilation, padding, stride
    )
)


@function(on="F")
def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """Every window of (N, C, H, W) as a column: (N, C·kernel places, windows).

    Mirrors ``torch.nn.functional.unfold``.

    >>> nn.functional.unfold(fb.ones(1, 3, 4, 4), kernel_size=2).shape
    torch.Size([1, 12, 9])
    """
    if input.ndim not in (3, 4):
        raise RuntimeError(f"unfold: expected (N, C, H, W) or (C, H, W), got {tuple(input.shape)}")
    settings = (kernel_size, dilation, padding, stride)
    if input.ndim == 3:
        return im2col(input.unsqueeze(0), *settings).squeeze(0)
    return im2col(input, *settings)


@function(on="F")
def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns (N, C·kernel places, windows) added up where `unfold` takes them from.

    Mirrors ``torch.nn.functional.fold``.
    """
    if input.ndim not in (2, 3):
        raise RuntimeError(f"fold: expected (N, C·k, L) or (C·k, L), got {tuple(input.shape)}")
    settings = (output_size, kernel_size, dilation, padding, stride)
    if input.ndim == 2:
        return col2im(input.unsqueeze(0), *settings).squeeze(0)
    return col2im(input, *settings)


@function(on="fb F")
def pixel_shuffle(input, upscale_factor):
    """(*, C·r², H, W) to (*, C, H·r, W·r): r² channels become the places of a square.

    >>> nn.functional.pixel_shuffle(fb.ones(1, 8, 2, 3), 2).shape
    torch.Size([1, 2, 4, 6])
    """
    r = _factor(input, upscale_factor, "pixel_shuffle", "upscale_factor")
    *lead, c, h, w = input.shape
    if c % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
            f"of upscale_factor, but {c} is not divisible by {r * r}"
        )
    x = input.reshape(prod(lead), c // (r * r), r, r, h, w).permute(0, 1, 4, 2, 5, 3)
    return row_major(x).reshape(*lead, c // (r * r), h * r, w * r)


@function(on="fb F")
def pixel_unshuffle(input, downscale_factor):
    """(*, C, H·r, W·r) to (*, C·r², H, W): the inverse of `pixel_shuffle`."""
    r = _factor(input, downscale_factor, "pixel_unshuffle", "downscale_factor")
    *lead, c, h, w = input.shape
    if h % r or w % r:
        raise RuntimeError(
            "pixel_unshuffle expects height and width to be divisible by downscale_factor, "
            f"but {h} x {w} is not divisible by {r}"
        )
    x = input.reshape(prod(lead), c, h // r, r, w // r, r).permute(0, 1, 3, 5, 2, 4)
    return row_major(x).reshape(*lead, c * r * r, h // r, w // r)


def _factor(input, factor, name, argument):
    if input.ndim < 3:
        raise RuntimeError(f"{name} expects input to have at least 3 dimensions, got {input.ndim}")
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {argument}, but got {factor}")
    return factor


@function(on="fb F", aliases=("native_channel_shuffle",))
def channel_shuffle(input, groups):
    """The channels of (N, C, *), dealt out: first one of each group, then the second of each."""
    if input.ndim < 3:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes "
            f"{list(input.shape)}"
        )
    n, c, *rest = input.shape
    if groups <= 0 or c % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {c} and {groups}")
    return input.reshape(n, groups, c // groups, *rest).transpose(1, 2).reshape(n, c, *rest)
