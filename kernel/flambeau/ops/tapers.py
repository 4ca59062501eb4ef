"""Windows that fade a stretch of a signal in and out: Hann's, Kaiser's and others.

Each is a formula over M points. A symmetric one ends as it began; a periodic one leaves away the
last of M + 1 points, so that copies of it in a row make a period.
"""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from .. import dtypes
from ..tensor import Tensor
from .creation import finish
from .registry import function

HANN, HAMMING, BLACKMAN = (0.5, 0.5), (0.54, 0.46), (0.42, 0.5, 0.08)
NUTTALL = (0.3635819, 0.4891775, 0.1365995, 0.0106411)


def _steps(M: int, sym: bool) -> int:
    """How many steps a window's period has."""
    return M - 1 if sym and M > 1 else M


def middle(M: int, sym: bool) -> float:
    """Where the largest value is."""
    return (M - 1 if sym or M == 1 else M) / 2


def cosines(M: int, sym: bool, a: Any) -> np.ndarray:
    """Σ (-1)ⁱ aᵢ cos(2πi k / steps)."""
    if M == 1:
        return np.ones(1)
    k = np.arange(M) * (2 * pi / max(_steps(M, sym), 1))
    return sum((-1) ** i * part * np.cos(i * k) for i, part in enumerate(a)) + np.zeros(M)


def triangle(M: int, sym: bool) -> np.ndarray:
    """1 - |2k / steps - 1|."""
    return 1 - np.abs(2 * np.arange(M) / _steps(M, sym) - 1) if M > 1 else np.ones(M)


def bessel(M: int, sym: bool, beta: float) -> np.ndarray:
    """I₀(β √(1 - x²)) / I₀(β) for x from -1 to 1."""
    x = 2 * np.arange(M) / _steps(M, sym) - 1 if M > 1 else np.zeros(M)
    return np.i0(beta * np.sqrt(np.maximum(1 - x * x, 0))) / np.i0(beta)


def _window(name: str, length: int, values: Any, options: dict[str, Any]) -> Tensor:
    if not isinstance(length, int):
        raise TypeError(
            f"{name}(): argument 'window_length' must be int, not {type(length).__name__}"
        )
    if length < 0:
        raise RuntimeError(
            f"{name} requires non-negative window_length, got window_length={length}"
        )
    dtype = options.pop("dtype") or dtypes.get_default_dtype()
    if not dtype.is_floating_point:
        raise RuntimeError(f"{name} expects floating point dtypes, got: {dtype}")
    return finish(values(length).astype(dtype.numpy), options["device"], options["requires_grad"])


def _of_cosines(name: str, a: tuple[float, ...], what: str) -> None:
    def made(
        window_length, periodic=True, *, dtype=None, layout=None, device=None, pin_memory=False,
        requires_grad=False,
    ):  # fmt: skip
        options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
        return _window(name, window_length, lambda n: cosines(n, not periodic, a), options)

    made.__doc__ = f"{what} of ``window_length`` points, from 0 or near it to 1 and back."
    function(made, on="fb", name=name)


_of_cosines("hann_window", HANN, "Hann's window, sin² x,")
_of_cosines("blackman_window", BLACKMAN, "Blackman's window, of three cosines,")


@function(on="fb")
def hamming_window(
    window_length, periodic=True, alpha=0.54, beta=0.46, *, dtype=None, layout=None, device=None,
    pin_memory=False, requires_grad=False,
):  # fmt: skip
    """alpha - beta · cos(2πk / steps)."""
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    values = lambda n: cosines(n, not periodic, (alpha, beta))  # noqa: E731
    return _window("hamming_window", window_length, values, options)


@function(on="fb")
def bartlett_window(
    window_length, periodic=True, *, dtype=None, layout=None, device=None, pin_memory=False,
    requires_grad=False,
):  # fmt: skip
    """A triangle: 1 - |2k / steps - 1|."""
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    values = lambda n: triangle(n, not periodic)  # noqa: E731
    return _window("bartlett_window", window_length, values, options)


@function(on="fb")
def kaiser_window(
    window_length, periodic=True, beta=12.0, *, dtype=None, layout=None, device=None,
    pin_memory=False, requires_grad=False,
):  # fmt: skip
    """I₀(β √(1 - x²)) / I₀(β) for x from -1 to 1: the larger ``beta``, the narrower."""
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    values = lambda n: bessel(n, not periodic, beta)  # noqa: E731
    return _window("kaiser_window", window_length, values, options)
