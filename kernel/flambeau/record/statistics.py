"""Statistics of an array's values, and how often the recorder may stop to take them."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from ..meta import MetaArray
from .schema import HISTOGRAM_BINS, PREVIEW_VALUES

_SIDE = round(PREVIEW_VALUES**0.5)
_LARGE = 1 << 16  # larger arrays are looked at in steps


class Statistics(NamedTuple):
    """The columns of the statistics table after its kind."""

    mean: float
    std: float
    min: float
    max: float
    norm: float
    zeros: float
    nans: float
    infs: float
    histogram: np.ndarray
    preview: np.ndarray
    preview_shape: str


@np.errstate(all="ignore")  # whatever the values are, looking at them warns of nothing
def statistics_of(array: Any) -> Statistics:
    """Mean, spread, range, norm, share of zeros, NaN and Inf counts, histogram, a few values.

    The norm, NaN and Inf are of all elements; the histogram of an array larger than 65,536
    elements is of evenly spaced ones.
    """
    array = array if isinstance(array, np.ndarray) else _to_numpy(array)
    if isinstance(array, MetaArray):  # it has no values
        array = np.empty(0, np.float32)
    whole, array = array, _without_repeats(array)
    times = whole.size // max(1, array.size)
    if array.dtype.kind == "c":
        array = np.abs(array)
    values = array.reshape(-1)
    if values.dtype.kind != "f" or values.dtype.itemsize < 4:
        values = values.astype(np.float32)
    finite = values[np.isfinite(values)] if not np.isfinite(values.sum()) else values
    nans = float(np.isnan(values).sum()) * times if finite is not values else 0.0
    infs = float(len(values) - len(finite)) * times - nans
    preview, shape = preview_of(whole)
    if not len(finite):
        x, bins = float("nan"), np.zeros(HISTOGRAM_BINS)
        return Statistics(x, x, x, x, x, 0.0, nans, infs, bins, preview, shape)
    low, high = float(finite.min()), float(finite.max())
    norm = float(np.sqrt(np.dot(finite, finite) * times)) if nans == infs == 0 else float("nan")
    mean, std = float(finite.mean()), float(finite.std())
    zeros = 1.0 - np.count_nonzero(values) / len(values)
    bins = _histogram(finite, low, high)
    return Statistics(mean, std, low, high, norm, zeros, nans, infs, bins, preview, shape)


def _without_repeats(array: np.ndarray) -> np.ndarray:
    """An expanded array without its repetitions, of which there may be more than can be counted."""
    if 0 not in array.strides:
        return array
    return array[tuple(slice(0, 1) if step == 0 else slice(None) for step in array.strides)]


def _to_numpy(array: Any) -> np.ndarray:
    return array.get() if hasattr(array, "get") else np.asarray(array)


def _histogram(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Counts in equal bins; by scaling and bincount, which is much faster than np.histogram."""
    if len(values) > _LARGE:
        values = values[:: len(values) // _LARGE + 1]
    width = high - low
    if not width or not np.isfinite(width):
        bins = np.zeros(HISTOGRAM_BINS)
        bins[HISTOGRAM_BINS // 2] = len(values)
        return bins
    if width > np.finfo(values.dtype).max:
        values = values.astype(np.float64)
    places = ((values - low) * (HISTOGRAM_BINS * (1 - 1e-6) / width)).astype(np.intp)
    return np.bincount(places.clip(0, HISTOGRAM_BINS - 1), minlength=HISTOGRAM_BINS)


def preview_of(array: np.ndarray) -> tuple[np.ndarray, str]:
    """A few values as a small picture: the first matrix, thinned to at most 8 by 8."""
    first = array
    while first.ndim > 2:
        first = first[0] if len(first) else first.reshape(0, 0)
    if first.ndim < 2:
        first = first.reshape(1, -1)[:, :PREVIEW_VALUES]
        if first.size > _SIDE:
            first = first[:, : first.size // _SIDE * _SIDE].reshape(-1, _SIDE)
    rows, columns = (max(1, -(-n // _SIDE)) for n in first.shape)
    small = first[::rows, ::columns]
    small = np.abs(small) if small.dtype.kind == "c" else small
    out = np.full(PREVIEW_VALUES, np.nan, np.float32)
    with np.errstate(over="ignore"):
        out[: small.size] = small.reshape(-1)
    return out, f"{small.shape[0]},{small.shape[1]}"


class Sampling:
    """Says in which iterations values are sampled, so that it takes no more than its share.

    It stops within an iteration once it is a quarter of a second over its share, so that even
    the first iteration of a large model is not held up.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self.on = share > 0
        self.spent = 0.0
        self.began = perf_counter()

    def take(self, function: Callable[..., Any], *args: Any) -> Any:
        """Calls the function and counts its time."""
        start = perf_counter()
        result = function(*args)
        now = perf_counter()
        self.spent += now - start
        if self.spent > 0.25 + self.share * (now - self.began):
            self.on = False
        return result

    def next_iteration(self, seen: bool = True) -> None:
        """Decides about the iteration that begins; half of the share is for those that are seen."""
        share = self.share if seen else self.share / 2
        self.on = share > 0 and self.spent <= share * (perf_counter() - self.began)
