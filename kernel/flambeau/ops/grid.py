"""Images looked up at any places: grids of points, moved by an affine map."""

from __future__ import annotations

import warnings
from itertools import product
from math import prod

from .join import stack
from .promote import only_float
from .registry import OPS, function
from .steps import linspace

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


def _points(theta, size, align_corners):
    """The centres of an image's pixels in [-1, 1], (*size, n + 1) with a 1 at the end."""
    n = len(size)
    made = {"dtype": theta.dtype, "device": theta.device}
    axes = []
    for i, m in enumerate(size):
        edge = 1.0 if align_corners else 1.0 - 1.0 / m
        line = linspace(-edge, edge, m, **made) if m > 1 else linspace(0.0, 0.0, 1, **made)
        axes.append(line.reshape([m if j == i else 1 for j in range(n)]).expand(size))
    ones = theta.detach().new_ones(size)
    return stack([*reversed(axes), ones], -1)


@function(on="fb")
def affine_grid_generator(theta, size, align_corners):
    """`affine_grid` by PyTorch's inner name."""
    n = len(size) - 2
    points = _points(theta, tuple(size[2:]), align_corners)
    flat = points.reshape(1, prod(size[2:]), n + 1) @ theta.transpose(1, 2)
    return flat.reshape(theta.shape[0], *size[2:], n)


@function(on="F")
def affine_grid(theta, size, align_corners=None):
    """The points x of an image of ``size`` (N, C, H, W) moved by a map θ [x, 1]: (N, H, W, 2).

    ``theta`` is (N, 2, 3); (N, 3, 4) for volumes. Mirrors ``torch.nn.functional.affine_grid``.
    """
    align_corners = _aligned(align_corners, "affine_grid")
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    n = len(size) - 2
    if n not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {list(size)}."
        )
    if theta.ndim != 3 or tuple(theta.shape[1:]) != (n, n + 1):
        raise ValueError(
            f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size "
            f"{list(size)}. Got {list(theta.shape)}."
        )
    if theta.shape[0] != size[0]:
        raise RuntimeError(
            f"Expected a matrix for each of {size[0]} images, but theta has {theta.shape[0]}"
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {list(size)}")
    return affine_grid_generator(theta, size, align_corners)


def _aligned(align_corners, name):
    if align_corners is None:
        warnings.warn(
            f"Default {name} behavior has changed to align_corners=False since 1.3.0. Please "
            f"specify align_corners=True if the old behavior is desired.",
            stacklevel=4,
        )
    return bool(align_corners)


# Looking up


def _kept(x, low, high):
    """x kept in [low, high]; with no gradient where it is at an edge or outside."""
    return OPS["where"]((x > low) & (x < high), x, x.detach().clamp(low, high))


def _reflected(x, size, align_corners):
    """x mirrored at the outer pixels, or at their outer edges, until it is inside."""
    low, span = (0.0, size - 1) if align_corners else (-0.5, size)
    if span == 0:
        return x * 0
    x = (x - low).abs()
    turns = (x.detach() / span).floor()
    rest = x - turns * span
    return OPS["where"](turns % 2 == 0, rest + low, span - rest + low)


def _inside(x, size, padding, align_corners):
    """A coordinate after the padding's rule, in pixels."""
    if padding == "zeros":
        return x
    if padding == "reflection":
        x = _reflected(x, size, align_corners)
    return _kept(x, 0.0, size - 1.0)


def _looked_up(flat, sizes, places):
    """The entries at whole ``places``, a list with (N, P) for each dimension; 0 if outside."""
    at, valid = 0, None
    for size, x in zip(sizes, places, strict=True):
        within = (x >= 0) & (x < size)
        valid = within if valid is None else valid & within
        at = at * size + OPS["where"](within, x, 0.0).long()
    found = flat.gather(2, at.unsqueeze(1).expand(*flat.shape[:2], at.shape[1]))
    return found, valid.unsqueeze(1)


def _cubic(t):
    """Keys' weights of the four neighbours at distances t + 1, t, 1 - t and 2 - t."""
    a = -0.75

    def far(d):
        return ((d - 5) * d + 8) * d * a - 4 * a

    def near(d):
        return ((a + 2) * d - (a + 3)) * d * d + 1

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _neighbours(x, size, mode, padding, align_corners):
    """The whole places around a coordinate, and the weight of each."""
    if mode == "bicubic":
        base = x.detach().floor()
        places = [_inside(base + k, size, padding, align_corners).detach() for k in range(-1, 3)]
        return list(zip(places, _cubic(x - base), strict=True))
    x = _inside(x, size, padding, align_corners)
    if mode == "nearest":
        return [(x.detach().round(), None)]
    base = x.detach().floor()
    return [(base, base + 1 - x), (base + 1, x - base)]


def _sampled(input, grid, mode, padding, align_corners):
    sizes, n = tuple(input.shape[2:]), input.ndim - 2
    out_shape = (*input.shape[:2], *grid.shape[1:-1])
    flat = input.reshape(*input.shape[:2], prod(sizes))
    points = grid.reshape(grid.shape[0], prod(grid.shape[1:-1]), n)
    around = []
    for i, size in enumerate(sizes):
        x = points[..., n - 1 - i]
        x = (x + 1) * ((size - 1) / 2) if align_corners else ((x + 1) * size - 1) / 2
        around.append(_neighbours(x, size, mode, padding, align_corners))
    total = grid.sum() * 0 if mode == "nearest" else 0
    for corner in product(*around):
        found, valid = _looked_up(flat, sizes, [place for place, _ in corner])
        for _, weight in corner:
            found = found if weight is None else found * weight.unsqueeze(1)
        total = total + OPS["where"](valid, found, 0.0)
    return total.reshape(out_shape)


def _check(input, grid, mode):
    n = input.ndim - 2
    if n not in (2, 3) or grid.ndim != input.ndim:
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but "
            f"got input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with "
            f"sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if grid.shape[-1] != n:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {n} in last dimension, but got grid with "
            f"sizes {list(grid.shape)}"
        )
    if 0 in input.shape[2:]:
        raise RuntimeError(
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has "
            f"sizes {list(input.shape)}"
        )
    if mode == "bicubic" and n == 3:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    only_float([input.array])
    if input.dtype != grid.dtype:
        raise RuntimeError(
            "grid_sampler(): expected input and grid to have same dtype, but input has "
            f"{input.dtype} and grid has {grid.dtype}"
        )


@function(on="F")
def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """``input`` (N, C, H, W) at the points of ``grid`` (N, H', W', 2), x and y in [-1, 1].

    ``mode`` is bilinear, nearest or bicubic; outside the image are zeros, the border, or its
    reflection. Volumes likewise. Mirrors ``torch.nn.functional.grid_sample``.

    >>> image = fb.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    >>> nn.functional.grid_sample(image, fb.zeros(1, 1, 1, 2), align_corners=False)
    tensor([[[[1.5000]]]])
    """
    if mode not in _MODES:
        raise ValueError(f"grid_sample(): expected mode to be one of {_MODES}, but got: '{mode}'")
    if padding_mode not in _PADDINGS:
        raise ValueError(
            f"grid_sample(): expected padding_mode to be one of {_PADDINGS}, but got: "
            f"'{padding_mode}'"
        )
    align_corners = _aligned(align_corners, "grid_sample")
    _check(input, grid, mode)
    return _sampled(input, grid, mode, padding_mode, align_corners)


def _define(name):
    def sampler(input, grid, interpolation_mode, padding_mode, align_corners):
        mode, padding = _MODES[interpolation_mode], _PADDINGS[padding_mode]
        return grid_sample(input, grid, mode, padding, bool(align_corners))

    sampler.__name__ = sampler.__qualname__ = name
    sampler.__doc__ = (
        f"`grid_sample` by PyTorch's inner name, its modes by number: {_MODES} and {_PADDINGS}."
    )
    function(sampler, on="fb")


for _name in ("grid_sampler", "grid_sampler_2d", "grid_sampler_3d"):
    _define(_name)
