"""Live bytes by category over an iteration, and what makes the peak."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from flambeau.record.graph import last_whole_iteration
from flambeau.record.schema import CATEGORIES
from flambeau.record.trace import Trace, readable_bytes

from . import card, chart
from .card import Panel
from .chart import WIDTH, Axis
from .svg import ACCENT, BACKWARD, FAINT, INK, PAPER, SOFT, dot, fit, path, tag, text_width, words

# From the bottom up: what stays lies below what comes and goes.
STACK = ("parameter", "buffer", "optimizer", "data", "gradient", "activation", "other")
COLOURS = {
    "other": "#a3abb4",
    "data": "#56b4e9",
    "parameter": "#0072b2",
    "buffer": "#7a6fc4",
    "activation": "#e69f00",
    "gradient": "#d55e00",
    "optimizer": "#009e73",
}
LABELS = {
    "other": "other",
    "data": "data",
    "parameter": "parameters",
    "buffer": "buffers",
    "activation": "kept for backward",
    "gradient": "gradients",
    "optimizer": "optimizer state",
}
_DARK = {"parameter", "buffer", "gradient", "optimizer"}  # that white letters are legible on
POINTS = 240
_LEFT, _RIGHT = 62.0, 202.0


@dataclass
class Curve:
    """Bytes by category (``bytes[moment, category]``) at the ticks where they changed."""

    ticks: np.ndarray
    bytes: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Bytes of all categories."""
        return self.bytes.sum(1)

    @property
    def peak(self) -> float:
        """The most bytes alive at once."""
        return float(self.total.max(initial=0.0))


def shown_ticks(trace: Trace, iteration: int) -> tuple[int, float]:
    """The tick at which an iteration began, and the one at which the next did."""
    table = trace["iterations"]
    row = np.flatnonzero(table["number"] == iteration)
    if not len(row):
        return 0, np.inf
    after = row[-1] + 1
    return int(table["tick"][row[-1]]), table["tick"][after] if after < len(table) else np.inf


def curve_of(trace: Trace, iteration: int | None = None) -> Curve:
    """The memory curve of an iteration (None: the last whole one), a point for each change.

    Each block counts under the last category that it was given.
    """
    first, last = shown_ticks(
        trace, last_whole_iteration(trace) if iteration is None else iteration
    )
    blocks, frees, changes = (trace[n] for n in ("blocks", "frees", "categories"))
    category = blocks["category"].copy()
    category[changes["block"]] = changes["category"]
    which = np.concatenate([np.arange(len(blocks)), frees["block"]])
    change = np.concatenate([blocks["bytes"], -blocks["bytes"][frees["block"]]])
    ticks = np.concatenate([blocks["tick"], frees["tick"]]).astype(float)
    order = np.argsort(ticks, kind="stable")
    order = order[ticks[order] < last]
    moments = np.maximum(ticks[order], first)
    steps = np.zeros((len(order), len(CATEGORIES)))
    steps[np.arange(len(order)), category[which[order]]] = change[order]
    ends = np.flatnonzero(np.diff(moments, append=np.inf))  # the last change of each tick
    return Curve(moments[ends], np.cumsum(steps, 0)[ends])


def culprit(trace: Trace, tick: float) -> str:
    """What ran when a tick passed: ``conv2d (net.conv1)``."""
    ops = trace["ops"]
    row = int(np.searchsorted(ops["tick"], tick))  # what an op makes is noted just before it
    if row >= len(ops):
        return ""
    backward = bool(ops["phase"][row])
    name, call = trace.strings[ops["name"][row]], int(ops["call"][row])
    text = f"the backward of {name}" if backward else name
    if call < 0:
        return text
    module = trace.tables["calls"]["module"][call]
    return f"{text} ({trace.strings[trace.tables['modules']['path'][module]]})"


def panel(trace: Trace) -> Panel:
    """Stacked areas with the peak marked, and a legend in the same order."""
    curve = curve_of(trace)
    if not curve.peak:
        return card.panel("Memory", "No tensor has been recorded yet.", WIDTH, 0, "")
    highest = int(curve.total.argmax())
    where = culprit(trace, curve.ticks[highest])
    summary = f"Peak {readable_bytes(curve.peak)}" + (f" in {where}" if where else "")
    x = Axis(*_span(trace, curve), _LEFT, WIDTH - _RIGHT)
    y = Axis(0.0, curve.peak * 1.12, 200.0, 8.0)
    body = chart.frame(x, y, _byte_labels(curve.peak))
    body += _areas(curve, x, y) + _phases(trace, curve, x, y.start)
    body += _peak(curve, highest, x, y) + _legend(curve.bytes[highest])
    return card.panel("Memory", summary, WIDTH, y.start + 30, body)


def _span(trace: Trace, curve: Curve) -> tuple[float, float]:
    """From the first change to the last, or to the last operation where that is later."""
    ticks = trace["ops"]["tick"]
    ran = ticks[ticks < shown_ticks(trace, last_whole_iteration(trace))[1]]
    first = float(curve.ticks[0])
    return first, max(first + 1, float(curve.ticks[-1]), float(ran.max(initial=0)))


def _byte_labels(peak: float) -> list[tuple[float, str]]:
    unit = 1024.0 ** max(0, min(3, int(np.log2(max(peak, 1)) // 10)))
    return [(v * unit, readable_bytes(v * unit)) for v in chart.ticks(0, peak * 1.05 / unit, 4)]


def _areas(curve: Curve, x: Axis, y: Axis) -> str:
    """Each category from its top down to the ground, the topmost first, so that all are seen."""
    at = peaks_kept(curve.total, POINTS)
    order = [CATEGORIES.index(name) for name in STACK]
    tops = np.cumsum(curve.bytes[at][:, order], 1)
    xs = np.append(x(curve.ticks[at]), x.end)  # what is there at the end holds to the end
    areas, names = "", ""
    for i in reversed(range(len(STACK))):
        low = tops[:, i - 1] if i else np.zeros(len(at))
        if (tops[:, i] - low).max() > 0:
            ys = y(tops[:, i])
            outline = _steps(xs, ys) + f"V{y.start:g}H{xs[0]:.1f}Z"
            fill = COLOURS[STACK[i]]
            areas += tag("path", d=outline, fill=fill, stroke=PAPER, stroke_width=0.8)
            names += _name_inside(STACK[i], xs, ys, y(low))
    return areas + names


def peaks_kept(total: np.ndarray, most: int) -> np.ndarray:
    """Indexes of at most so many moments: the highest of each of as many spans."""
    if len(total) <= most:
        return np.arange(len(total))
    edges = np.linspace(0, len(total), most + 1).astype(int)
    return np.array([a + int(total[a:b].argmax()) for a, b in pairwise(edges)])


def _steps(xs: np.ndarray, ys: np.ndarray) -> str:
    """A staircase: each height holds until the next moment."""
    parts, before = [f"M{xs[0]:.1f} {ys[0]:.1f}"], ys[0]
    for x, y in zip(xs[1:-1].tolist(), ys[1:].tolist(), strict=True):
        if abs(y - before) > 0.05:
            parts.append(f"H{x:.1f}V{y:.1f}")
            before = y
    return "".join(parts) + f"H{xs[-1]:.1f}"


def _name_inside(name: str, xs: np.ndarray, tops: np.ndarray, lows: np.ndarray) -> str:
    """The category's name where its band is thickest, if it is thick enough to hold it."""
    need = text_width(LABELS[name], 10.5) + 10
    best, place = 13.0, (0.0, 0.0)
    for begin, end in enumerate(np.searchsorted(xs, xs[:-1] + need).tolist()):
        if end < len(xs):
            top, low = float(tops[begin:end].max()), float(lows[begin:end].min())
            if low - top > best:
                best, place = low - top, (float(xs[begin] + xs[end]) / 2, (top + low) / 2)
    if not place[0]:
        return ""
    fill = PAPER if name in _DARK else INK
    return words(place[0], place[1] + 3.5, LABELS[name], 10.5, fill, "middle")


def _phases(trace: Trace, curve: Curve, x: Axis, y: float) -> str:
    """A strip under the plot: where forward and backward ran."""
    ops = trace["ops"]
    inside = (ops["tick"] >= x.low) & (ops["tick"] <= x.high)
    ticks, phase = ops["tick"][inside], ops["phase"][inside]
    if not len(ticks):
        return words(x.start, y + 18, "no operation ran", 10.5, FAINT)
    begins = np.flatnonzero(np.diff(phase, prepend=2))
    ends = [*begins[1:].tolist(), len(ticks) - 1]
    drawn = ""
    for begin, end in list(zip(begins.tolist(), ends, strict=True))[:40]:
        left, right = float(x(ticks[begin])), float(x(ticks[end]))
        name, colour = (("forward", ACCENT), ("backward", BACKWARD))[phase[begin]]
        dash = "3 2" if phase[begin] else None
        drawn += path(f"M{left:.1f} {y + 8:g}H{right:.1f}", colour, 3.0, stroke_dasharray=dash)
        if right - left > text_width(name, 10.5):
            drawn += words((left + right) / 2, y + 24, name, 10.5, colour, "middle", 600)
    return drawn


def _peak(curve: Curve, highest: int, x: Axis, y: Axis) -> str:
    px, py = float(x(curve.ticks[highest])), float(y(curve.peak))
    text = f"peak {readable_bytes(curve.peak)}"
    right = px + text_width(text, 11) + 14 > x.end
    mark = path(f"M{px:.1f} {py:.1f}V{y.start:g}", INK, 1.0, stroke_dasharray="2 3")
    anchor, shift = ("end", -8) if right else (None, 8)
    label = words(px + shift, py - 3, text, 11, INK, anchor, 600)
    return mark + dot(px, py, 3.5) + label


def _legend(bytes_: np.ndarray) -> str:
    """Categories in the order of the stack, with their bytes at the peak."""
    left, y = WIDTH - _RIGHT + 22, 24.0
    drawn = words(left, y - 10, "at the peak", 10.5, FAINT)
    for name in reversed(STACK):
        count = float(bytes_[CATEGORIES.index(name)])
        if count:
            drawn += tag("rect", x=left, y=y, width=10, height=10, rx=2, fill=COLOURS[name])
            drawn += words(left + 17, y + 9, fit(LABELS[name], 112, 11), 11)
            drawn += words(WIDTH, y + 9, readable_bytes(count), 11, SOFT, "end")
            y += 19
    return drawn


def peak_bytes(trace: Trace) -> float:
    """The peak of the last whole iteration."""
    return curve_of(trace).peak
