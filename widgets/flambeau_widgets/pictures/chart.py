"""Axes, lines and labels of the charts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .svg import FAINT, GRID, LINE, path, words

WIDTH = 560.0  # of a chart's panel
# Okabe and Ito's colours, dark enough for lines on white; dashes tell them apart without colour.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b0619a", "#b07a00", "#2f8fc4", "#7a6fc4", "#4d5661")
DASHES = (None, "6 3", "2 2", "8 3 2 3", "4 2", "1 3", "10 3", "5 2 1 2 1 2")


@dataclass
class Axis:
    """From values to pixels: linear, or logarithmic to the base of 10."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, values: np.ndarray | float) -> np.ndarray:
        """The pixels at values; those beyond the ends of the axis lie on its ends."""
        v = np.asarray(values, float)
        low, high = self.low, self.high
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                v, low, high = np.log10(v), math.log10(low), math.log10(high)
        share = np.clip((v - low) / ((high - low) or 1.0), 0, 1)
        return self.start + share * (self.end - self.start)

    def ticks(self, count: int = 4) -> list[float]:
        """Round values along the axis, about as many as asked for."""
        return (
            log_ticks(self.low, self.high, count) if self.log else ticks(self.low, self.high, count)
        )


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten between two values."""
    span = high - low
    if not (span > 0 and math.isfinite(span)):
        return [low]
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [step * i for i in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Powers of ten between two values, thinned to about as many as asked for."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    step = max(1, math.ceil((last - first + 1) / (count + 1)))
    return [10.0**e for e in range(first, last + 1, step)]


def log_bounds(values: np.ndarray) -> tuple[float, float]:
    """Powers of ten around the values that are finite and above nought."""
    found = values[np.isfinite(values) & (values > 0)]
    if not len(found):
        return 0.1, 1.0
    low, high = (math.log10(v) for v in (float(found.min()), float(found.max())))
    first = math.floor(low)
    return 10.0**first, 10.0 ** max(math.ceil(high), first + 1)


def number(value: float) -> str:
    """Three significant digits: ``0.0123``, ``1.2e-7``, ``NaN``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size and not 1e-3 <= size < 1e5:
        mantissa, _, power = f"{size:.1e}".partition("e")
        text = f"{mantissa.removesuffix('.0')}e{int(power)}"
    else:
        text = f"{size:,.0f}" if size >= 1000 else f"{size:.3g}"
    return text.replace("e-", "e−") if value >= 0 else "−" + text.replace("e-", "e−")


def frame(x: Axis, y: Axis, labels: Sequence[tuple[float, str]], bottom: bool = True) -> str:
    """The plot's ground: horizontal grid lines with their labels, and the line at the bottom."""
    out = ""
    for value, text in labels:
        place = float(y(value))
        out += path(f"M{x.start:g} {place:.1f}H{x.end:g}", GRID)
        out += words(x.start - 8, place + 3.5, text, 10.5, FAINT, "end")
    return out + (path(f"M{x.start:g} {y.start:.1f}H{x.end:g}", LINE) if bottom else "")


def below(x: Axis, y: float, title: str) -> str:
    """Whole numbers under the x axis, and what they count."""
    out = words(x.end, y + 28, title, 10.5, FAINT, "end")
    for value in ticks(x.low, x.high, 6):
        if value == round(value):
            out += words(float(x(value)), y + 14, f"{value:,.0f}", 10.5, FAINT, "middle")
    return out


def line(xs: np.ndarray, ys: np.ndarray) -> str:
    """Path data through points in pixels, with gaps where a value is not finite."""
    parts, pen = [], False
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        if math.isfinite(y):
            parts.append(f"{'L' if pen else 'M'}{x:.1f} {y:.1f}")
        pen = math.isfinite(y)
    return "".join(parts)


def thinned(count: int, most: int = 200) -> np.ndarray:
    """Indexes of at most so many points, evenly spaced, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Labels' places moved apart so that none overlaps, each near where it was."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    out = [0.0] * len(places)
    above = low - gap
    for i in order:
        above = out[i] = max(places[i], above + gap)
    under = high + gap
    for i in reversed(order):
        under = out[i] = min(out[i], under - gap)
    return out
