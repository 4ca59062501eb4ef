"""Power-average pooling, and pooling undone."""

from __future__ import annotations

from math import prod

from .registry import OPS, SPACES, function
from .windows import each


def _define_lp(n):
    name = f"lp_pool{n}d"

    def body(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        kernel = each(kernel_size, n, "kernel_size")
        mean = SPACES["F"][f"avg_pool{n}d"]
        mean = mean(input**norm_type, kernel, stride or kernel, 0, ceil_mode)
        return (mean.sign() * mean.abs() * prod(kernel)) ** (1.0 / norm_type)

    body.__name__ = body.__qualname__ = name
    body.__doc__ = (
        f"(Σ x^norm_type)^(1/norm_type) of each window over the last {n} dimensions.\n\n"
        f"Mirrors ``torch.nn.functional.{name}``."
    )
    function(body, on="F")


def _unpooled_size(sizes, kernel, stride, padding, output_size):
    usual = [
        (m - 1) * s - 2 * p + k for m, k, s, p in zip(sizes, kernel, stride, padding, strict=True)
    ]
    if output_size is None:
        return usual
    wanted = list(output_size)[-len(kernel) :]
    for want, least, s in zip(wanted, usual, stride, strict=True):
        if not least - s < want < least + s:
            raise ValueError(
                f"invalid output_size {wanted}: each entry must be less than the stride, {stride}, "
                f"away from {usual}"
            )
    return wanted


def _define_unpool(n):
    name = f"max_unpool{n}d"

    def body(input, indices, kernel_size, stride=None, padding=0, output_size=None):
        kernel = each(kernel_size, n, "kernel_size")
        stride = kernel if stride is None else each(stride, n, "stride")
        if tuple(input.shape) != tuple(indices.shape):
            raise RuntimeError(
                f"Expected shape of indices to be same as that of the input tensor "
                f"({list(input.shape)}) but got indices tensor with shape: {list(indices.shape)}"
            )
        padding = each(padding, n, "padding")
        size = _unpooled_size(input.shape[-n:], kernel, stride, padding, output_size)
        lead = tuple(input.shape[:-n])
        if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < prod(size):
            raise RuntimeError(f"Found an invalid max index for an output of size {size}")
        flat = (*lead, prod(input.shape[-n:]))
        zeros = input.detach().new_zeros((*lead, prod(size)))
        out = OPS["scatter"](zeros, indices.reshape(flat), input.reshape(flat), -1)
        return out.reshape(*lead, *size)

    body.__name__ = body.__qualname__ = name
    body.__doc__ = (
        f"The maxima of max_pool{n}d at the places that they come from, zeros elsewhere.\n\n"
        f"Mirrors ``torch.nn.functional.{name}``."
    )
    function(body, on="F")


for _n in (1, 2, 3):
    _define_lp(_n)
    _define_unpool(_n)
