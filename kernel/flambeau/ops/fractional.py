"""Fractional max pooling (Graham 2014): windows whose distances are drawn at random."""

from __future__ import annotations

from math import prod

import numpy as np

from ..device import module_of
from ..tensor import wrap
from .random import rand
from .registry import function
from .windows import each


def _starts(xp, size, out, kernel, drawn):
    """Where the windows along one dimension begin: (N, C, out), for each image its own."""
    step = (size - kernel) / (out - 1) if out > 1 else 0.0
    drawn = drawn[..., None]
    at = ((xp.arange(out) + drawn) * step).astype("int64") - (drawn * step).astype("int64")
    at[..., -1] = size - kernel
    return at


def _places(xp, image, kernel, sizes, drawn):
    """For each window the places of its entries in the flattened image: (N, C, *out, entries)."""
    n = len(image)
    total = 0
    for i in range(n):
        # The draws stand in the order (W, H) of images and (D, H, W) of volumes.
        own = drawn[..., n - 1 - i if n == 2 else i]
        at = _starts(xp, image[i], sizes[i], kernel[i], own)[..., None] + xp.arange(kernel[i])
        shape = [1] * (2 * n)
        shape[i], shape[n + i] = sizes[i], kernel[i]
        total = total * image[i] + at.reshape(*at.shape[:2], *shape)
    return total.reshape(*total.shape[: 2 + n], prod(kernel))


def _output(input, kernel, output_size, output_ratio, n, name):
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    image = tuple(input.shape[-n:])
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * n
        if len(ratios) != n:
            raise ValueError(f"{name} requires output_ratio to either be a single value or {n}")
        output_size = [int(m * r) for m, r in zip(image, ratios, strict=True)]
    sizes = each(output_size, n, "output_size")
    if input.ndim not in (n + 1, n + 2) or 0 in input.shape[-n - 1 :]:
        raise RuntimeError(
            f"{name}: Expected {n + 1}D or {n + 2}D tensor with non-empty images, but got "
            f"{list(input.shape)}"
        )
    for size, k, out in zip(image, kernel, sizes, strict=True):
        if out < 1 or k < 1 or out + k - 1 > size - (n == 3):  # as strict as PyTorch is
            raise RuntimeError(
                f"{name}: kernel_size {kernel} and output_size {sizes} are too large for images "
                f"of {image}, or not positive"
            )
    return sizes


def _samples(given, x, n, name):
    """The random numbers: one for each dimension of each image, (N, C, n) or more than that."""
    lead = tuple(x.shape[:2])
    if given is None:
        return rand((*lead, n), dtype=x.dtype, device=x.device)
    fits = given.ndim == 3 and given.shape[0] >= lead[0] and tuple(given.shape[1:]) == (lead[1], n)
    if not fits:
        raise RuntimeError(
            f"{name}: Expect _random_samples of shape {(*lead, n)}, got {tuple(given.shape)}"
        )
    return given[: lead[0]]


def _define(n):
    name = f"fractional_max_pool{n}d"

    def pool(
        input, kernel_size, output_size=None, output_ratio=None, return_indices=False,
        _random_samples=None,
    ):  # fmt: skip
        kernel = each(kernel_size, n, "kernel_size")
        sizes = _output(input, kernel, output_size, output_ratio, n, name)
        x = input if input.ndim == n + 2 else input.unsqueeze(0)
        drawn = _samples(_random_samples, x, n, name)
        image, xp = tuple(x.shape[2:]), module_of(x.array)
        places = _places(xp, image, kernel, sizes, drawn.array.astype("float64"))
        values = xp.take_along_axis(
            x.array.reshape(*x.shape[:2], prod(image)),
            places.reshape(*x.shape[:2], prod(places.shape[2:])),
            -1,
        ).reshape(places.shape)
        top = xp.argmax(values, -1)[..., None]
        index = wrap(xp.take_along_axis(places, top, -1)[..., 0].astype(np.int64))
        flat = x.reshape(*x.shape[:2], prod(image))
        out = flat.gather(-1, index.reshape(*x.shape[:2], prod(sizes))).reshape(index.shape)
        if input.ndim == n + 1:
            out, index = out.squeeze(0), index.squeeze(0)
        return (out, index) if return_indices else out

    pool.__name__ = pool.__qualname__ = name
    pool.__doc__ = (
        f"The largest entry of each of ``output_size`` windows, which begin at random places.\n\n"
        f"``output_ratio`` gives the size as a part of the input's. Mirrors "
        f"``torch.nn.functional.{name}``."
    )
    function(pool, on="F")

    def both(
        input, kernel_size, output_size=None, output_ratio=None, return_indices=False,
        _random_samples=None,
    ):  # fmt: skip
        return pool(input, kernel_size, output_size, output_ratio, True, _random_samples)

    both.__name__ = both.__qualname__ = f"{name}_with_indices"
    both.__doc__ = f"`{name}`, and where in the flattened image each maximum is."
    function(both, on="F")


for _n in (2, 3):
    _define(_n)
