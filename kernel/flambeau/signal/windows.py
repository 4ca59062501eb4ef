"""Windows that fade a stretch of a signal in and out; mirrors ``torch.signal.windows``.

Each has M points, its largest value 1, and is symmetric unless ``sym=False`` asks for a periodic
one. ValueError for a negative M, a type other than float32 and float64, or a layout not dense.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .. import dtypes
from ..ops.creation import finish
from ..ops.tapers import BLACKMAN, HAMMING, HANN, NUTTALL, bessel, cosines, middle, triangle
from ..tensor import Tensor

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]


def _check(name: str, M: int, layout: Any, dtype: Any) -> None:
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if not isinstance(M, int):
        raise TypeError(f"{name}: the length M must be int, not {type(M).__name__}")
    if not str(layout).endswith("strided"):
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if dtype not in (dtypes.float32, dtypes.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")


def _window(formula: Callable[..., np.ndarray]) -> Callable[..., Tensor]:
    """A function that makes a tensor of what a formula of M and ``sym`` gives."""

    @functools.wraps(formula)
    def made(
        M: int,
        *,
        sym: bool = True,
        dtype: Any = None,
        layout: Any = "strided",
        device: Any = None,
        requires_grad: bool = False,
        **own: Any,
    ) -> Tensor:
        dtype = dtype or dtypes.get_default_dtype()
        _check(formula.__name__, M, layout, dtype)
        return finish(formula(M, sym, **own).astype(dtype.numpy), device, requires_grad)

    length, _, *own = inspect.signature(formula).parameters.values()
    *_, last = options = list(inspect.signature(made, follow_wrapped=False).parameters.values())
    assert last.kind is inspect.Parameter.VAR_KEYWORD
    every = [length, *own, *options[1:-1]]
    made.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
    return made


@_window
def bartlett(M: int, sym: bool) -> np.ndarray:
    """A triangle: 1 - |2k / (M - 1) - 1|."""
    return triangle(M, sym)


@_window
def blackman(M: int, sym: bool) -> np.ndarray:
    """0.42 - 0.5 cos(2πk / (M - 1)) + 0.08 cos(4πk / (M - 1))."""
    return cosines(M, sym, BLACKMAN)


@_window
def cosine(M: int, sym: bool) -> np.ndarray:
    """sin(π (k + ½) / M)."""
    period = M if sym or M == 1 else M + 1
    return np.sin((np.arange(M) + 0.5) * (np.pi / max(period, 1)))


@_window
def exponential(M: int, sym: bool, *, center: float | None = None, tau: float = 1.0) -> np.ndarray:
    """exp(-|k - center| / tau), by default around the middle."""
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    center = middle(M, sym) if center is None else center
    return np.exp(-np.abs(np.arange(M) - center) / tau)


@_window
def gaussian(M: int, sym: bool, *, std: float = 1.0) -> np.ndarray:
    """exp(-½ ((k - middle) / std)²)."""
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    return np.exp(-0.5 * ((np.arange(M) - middle(M, sym)) / std) ** 2)


@_window
def general_cosine(M: int, sym: bool, *, a: Iterable[float]) -> np.ndarray:
    """Σ (-1)ⁱ aᵢ cos(2πi k / (M - 1))."""
    if not isinstance(a, Iterable):
        raise TypeError(f"Coefficients must be a list/tuple, not {type(a).__name__}")
    weights = list(a)
    if not weights:
        raise ValueError("Coefficients cannot be empty")
    return cosines(M, sym, weights)


@_window
def general_hamming(M: int, sym: bool, *, alpha: float = 0.54) -> np.ndarray:
    """alpha - (1 - alpha) cos(2πk / (M - 1))."""
    return cosines(M, sym, (alpha, 1.0 - alpha))


@_window
def hamming(M: int, sym: bool) -> np.ndarray:
    """0.54 - 0.46 cos(2πk / (M - 1))."""
    return cosines(M, sym, HAMMING)


@_window
def hann(M: int, sym: bool) -> np.ndarray:
    """½ - ½ cos(2πk / (M - 1)) = sin²(πk / (M - 1)).

    >>> fb.signal.windows.hann(4, sym=False)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return cosines(M, sym, HANN)


@_window
def kaiser(M: int, sym: bool, *, beta: float = 12.0) -> np.ndarray:
    """I₀(β √(1 - x²)) / I₀(β) for x from -1 to 1: the larger ``beta``, the narrower."""
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    return bessel(M, sym, beta)


@_window
def nuttall(M: int, sym: bool) -> np.ndarray:
    """Four cosines, after Nuttall: side lobes below -93 dB."""
    return cosines(M, sym, NUTTALL)
