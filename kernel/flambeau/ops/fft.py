"""Discrete Fourier transforms: one operation on complex numbers, and its relatives made of it.

Real signals take the same road: their spectrum is half of the full one, X[n - k] = conj X[k].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor
from .complex import as_complex, conj, real_op
from .creation import finish, numpy_type
from .join import cat, narrow
from .registry import FUNCTIONS, OPS, function, op
from .shape import at_dim

_DUAL = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


@op(on="", name="fft_c2c")
def transform(xp, x, /, dims, norm, inverse):
    """X[k] = Σ x[j] exp(∓2πi jk/n) along each dimension."""
    if not dims:
        return x.copy()
    return (xp.fft.ifftn if inverse else xp.fft.fftn)(x, axes=dims, norm=norm)


# The matrix of the transform is symmetric, so its adjoint is the transform the other way round.
transform.gradients(
    x=lambda ns, g, dims, norm, inverse: ns.fft_c2c(g, dims, _DUAL[norm], not inverse)
)


def _norm(norm: str | None) -> str:
    if norm not in (None, *_DUAL):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    return norm or "backward"


def _complex(x: Tensor) -> Tensor:
    return x if x.is_complex() else as_complex(x)


def _resize(x: Tensor, n: int | None, dim: int) -> Tensor:
    """x cut off or filled up with zeros to n entries along ``dim``."""
    at, now = at_dim(dim, x.ndim), x.shape[dim]
    n = now if n is None else int(n)
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")
    if n <= now:
        return narrow(x, at, 0, n) if n < now else x
    return FUNCTIONS["pad"](x, [0, 0] * (x.ndim - 1 - at) + [0, n - now])


def _check(name: str, x: Tensor, road: Any) -> None:
    """RuntimeError for a type of which the transform is not computed."""
    if x.array.dtype == "float16":
        raise RuntimeError(f"{name}: Unsupported dtype Half; x.float() has a transform")
    if road is _half and x.is_complex():
        raise RuntimeError(f"{name} expects a real-valued input tensor, but got {x.dtype}")


def _plan(x: Tensor, s: Any, dim: Any) -> tuple[list[int | None], tuple[int, ...]]:
    """The sizes and the dimensions that ``s`` and ``dim`` stand for."""
    s = [s] if isinstance(s, int) else s
    if dim is None and s is not None and len(s) > x.ndim:
        raise RuntimeError(
            f"Got shape with {len(s)} values but input tensor only has {x.ndim} dimensions."
        )
    if dim is None:
        dims: Any = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    else:
        dims = [dim] if isinstance(dim, int) else dim
        if dims and not x.ndim:
            raise IndexError(f"Dimension specified as {dims[0]} but tensor has no dimensions")
    found = tuple(at_dim(d, x.ndim) for d in dims)
    if len(set(found)) < len(found):
        raise RuntimeError("FFT dims must be unique")
    s = [None] * len(found) if s is None else list(s)
    if len(s) != len(found):
        raise RuntimeError("When given, dim and shape arguments must have the same length")
    return [None if n == -1 else n for n in s], found


def _full(x: Tensor, s: Any, dims: tuple[int, ...], norm: str | None, inverse: bool) -> Tensor:
    for n, d in zip(s, dims, strict=True):
        x = _resize(x, n, d)
    return transform(_complex(x), dims, _norm(norm), inverse)


def _half(x: Tensor, s: Any, dims: tuple[int, ...], norm: str | None, inverse: bool) -> Tensor:
    """The transform of real numbers, without the half that follows from the other."""
    out = _full(x, s, dims, norm, inverse)
    return narrow(out, dims[-1], 0, out.shape[dims[-1]] // 2 + 1)


def _from_half(x: Tensor, s: Any, dims: tuple[int, ...], norm: str | None, inverse: bool) -> Tensor:
    """The real numbers whose half transform is x."""
    last, x = dims[-1], _complex(x)
    n = 2 * (x.shape[last] - 1) if s[-1] is None else int(s[-1])
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")
    if dims[:-1]:
        x = _full(x, s[:-1], dims[:-1], norm, inverse)
    x = _resize(x, n // 2 + 1, last)
    rest = OPS["flip"](narrow(x, last, 1, n - n // 2 - 1), (last,))
    return real_op(
        transform(cat([x, conj(rest)], last), (last,), _norm(norm), inverse)
    ).contiguous()


# name: (the road it takes, inverse, what it computes)
_ROADS = {
    "fft": (_full, False, "The Fourier transform"),
    "ifft": (_full, True, "The inverse Fourier transform"),
    "rfft": (_half, False, "The Fourier transform of real numbers, its first half,"),
    "irfft": (_from_half, True, "The real numbers whose half Fourier transform is the input,"),
    "hfft": (_from_half, False, "The transform, which is real, of half a Hermitian signal"),
    "ihfft": (_half, True, "The first half of the inverse transform of real numbers"),
}


def _one(name: str, road: Any, inverse: bool, what: str) -> None:
    def along(input, n=None, dim=-1, norm=None):
        if n is not None and not isinstance(n, int):
            raise TypeError(f"fft_{name}(): argument 'n' must be int, not {type(n).__name__}")
        _check(name, input, road)
        if not input.ndim:
            raise IndexError(f"{name}: Dimension specified as {dim} but tensor has no dimensions")
        return road(input, [n], (at_dim(dim, input.ndim),), norm, inverse)

    along.__doc__ = f"{what} along ``dim``, cut or filled with zeros to ``n`` points."
    _shown(name, along)


def _several(name: str, road: Any, inverse: bool, what: str, dims: Any) -> None:
    def over(input, s=None, dim=dims, norm=None):
        sizes, where = _plan(input, s, dim)
        _check(name, input, road)
        if not where:
            if road is not _full:
                raise RuntimeError(f"{name} must transform at least one axis")
            return _complex(input)
        return road(input, sizes, where, norm, inverse)

    over.__doc__ = f"{what} over the dimensions ``dim``, of sizes ``s``."
    _shown(name, over)


def _shown(name: str, body: Any) -> None:
    function(body, on="fft", name=name)


for _name, (_road, _inverse, _what) in _ROADS.items():
    _one(_name, _road, _inverse, _what)
    _several(f"{_name}2", _road, _inverse, _what, (-2, -1))
    _several(f"{_name}n", _road, _inverse, _what, None)


# Frequencies and their order


def _whole(name: str, n: Any, dtype: Any, count: int | None = None) -> np.ndarray:
    """The numbers from 0, as many as there are points or as ``count`` says."""
    if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError(f"{name} requires a floating point or complex dtype, got {dtype}")
    if not isinstance(n, int):
        raise TypeError(f"fft_{name}(): argument 'n' must be int, not {type(n).__name__}")
    return np.arange(n if count is None else count)


def _spaced(whole: np.ndarray, n: int, d: float, kind: Any) -> np.ndarray:
    """``whole`` times the step 1 / (d · n), which is rounded before the product as PyTorch does."""
    finer = np.dtype("float64" if kind in (np.float64, np.complex128) else "float32")
    step = np.asarray(1 / np.float64(n * d), finer)
    return (whole.astype(finer) * step).astype(kind)


@function(on="fft")
def fftfreq(n, d=1.0, *, dtype=None, device=None, requires_grad=False):
    """The frequencies of ``fft``'s entries: [0, 1, ..., -2, -1] / (d · n).

    >>> fb.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    order = _whole("fftfreq", n, dtype) + (n // 2)
    found = _spaced(order % max(n, 1) - n // 2, n, d, numpy_type(dtype))
    return finish(found, device, requires_grad)


@function(on="fft")
def rfftfreq(n, d=1.0, *, dtype=None, device=None, requires_grad=False):
    """The frequencies of ``rfft``'s entries: [0, 1, ..., n/2] / (d · n)."""
    found = _spaced(_whole("rfftfreq", n, dtype, n // 2 + 1), n, d, numpy_type(dtype))
    return finish(found, device, requires_grad)


def _shift(input, dim, sign):
    dims = range(input.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    dims = tuple(at_dim(d, input.ndim) for d in dims)
    half = tuple(input.shape[d] // 2 if sign > 0 else (input.shape[d] + 1) // 2 for d in dims)
    return OPS["roll"](input, half, dims)


@function(on="fft")
def fftshift(input, dim=None):
    """The frequency 0 moved to the middle.

    >>> fb.fft.fftshift(fb.fft.fftfreq(4))
    tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    return _shift(input, dim, 1)


@function(on="fft")
def ifftshift(input, dim=None):
    """The frequency 0 moved back from the middle."""
    return _shift(input, dim, -1)
