"""Convolutions whose filters have one place: a matrix product for each image, with no copy."""

from __future__ import annotations

import numpy as np

from ..kernels import scratch


def convolve(x, weight, bias, s, out):
    """Fills out (N, O, D, H, W) with the convolution of x."""
    flat = out.reshape(*out.shape[:2], -1)
    np.matmul(weight.reshape(len(weight), -1), _met(x, s), out=flat)
    if bias.any():
        flat += bias[:, None]


def input_gradient(y, weight, s, out):
    """Fills out with the gradient of x; y is that of the output."""
    kernel, flat = weight.reshape(len(weight), -1).T, y.reshape(*y.shape[:2], -1)
    if s.stride == (1, 1, 1):
        np.matmul(kernel, flat, out=out.reshape(*out.shape[:2], -1))
        return
    out[...] = 0
    out[_places(s)] = np.matmul(kernel, flat).reshape(*out.shape[:2], *s.out)


def weight_gradient(y, x, s, out):
    """Adds the gradient of the weight to out."""
    total = out.reshape(len(out), -1)
    part = scratch("part", *total.shape)
    for image, of in zip(_met(x, s), y.reshape(*y.shape[:2], -1), strict=True):
        total += np.matmul(of, image.T, out=part)


def _places(s):
    return (..., *(slice(None, None, step) for step in s.stride))


def _met(x, s):
    """The entries of x that windows have, as (N, C, places)."""
    return x[_places(s)].reshape(*x.shape[:2], -1)
