"""The loss and the gradients of the parameters over the iterations."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from flambeau.record.trace import Trace

from . import card, chart
from .card import Panel
from .chart import COLOURS, DASHES, WIDTH, Axis, number
from .svg import (
    ACCENT,
    ERROR,
    FAINT,
    GRID,
    INK,
    LINE,
    SOFT,
    dot,
    failed_sign,
    fit_path,
    path,
    tag,
    text_width,
    words,
)

LINES, BARS = 8, 30  # shown with a name at most
_LEFT, _RIGHT = 52.0, 178.0  # room for the labels beside a plot


@dataclass
class Norms:
    """Gradient norms, ``values[iteration, name]``, NaN where there was none or it was not finite.

    ``broken`` are the places in ``iterations`` and ``names`` where a gradient held NaN or Inf.
    """

    iterations: np.ndarray
    names: list[str]
    values: np.ndarray
    broken: list[tuple[int, int]]


def norms_of(trace: Trace) -> Norms:
    """The parameters' gradient norms, in the order in which the parameters were first seen."""
    table = trace["gradients"]
    iterations, row = np.unique(table["iteration"], return_inverse=True)
    ids, first, column = np.unique(table["name"], return_index=True, return_inverse=True)
    place = np.argsort(np.argsort(first))[column]
    values = np.full((len(iterations), len(ids)), np.nan)
    values[row, place] = table["norm"]
    bad = np.flatnonzero((table["nans"] > 0) | np.isinf(table["norm"]))
    values[row[bad], place[bad]] = np.nan
    names = [trace.strings[i] for i in ids[np.argsort(first)]]
    return Norms(iterations, names, values, [(int(row[i]), int(place[i])) for i in bad])


def panel(trace: Trace) -> Panel:
    """The loss above, the norms below; one iteration alone is a list of bars."""
    norms, losses = norms_of(trace), losses_of(trace)
    parts, y = [], 0.0
    if len(losses[0]) > 1:
        parts.append(_loss(*losses))
    if len(norms.iterations) > 1:
        parts.append(_lines(norms))
    elif len(norms.iterations):
        parts.append(_bars(norms.names, norms.values[0], {c for _, c in norms.broken}))
    elif not parts and (found := output_gradients(trace)):
        parts.append(_bars([n for n, _ in found], np.array([v for _, v in found]), set()))
    body = ""
    for height, drawn in parts:
        body += card.group(drawn, 0, y)
        y += height
    return card.panel("Gradients", summary(trace, norms, losses), WIDTH, max(0.0, y - 4), body)


def losses_of(trace: Trace) -> tuple[np.ndarray, np.ndarray]:
    """Iterations that had a loss, and the losses."""
    table = trace["summaries"]
    had = ~np.isnan(table["loss"])
    return table["iteration"][had], table["loss"][had]


def summary(trace: Trace, norms: Norms, losses: tuple[np.ndarray, np.ndarray]) -> str:
    """The sentence under the title."""
    count = len(np.union1d(losses[0], norms.iterations))
    if not count:
        found = output_gradients(trace)
        if found:
            return f"Norm of the gradient at the output of {len(found)} operations."
        return "No backward pass has been recorded yet."
    text = f"{count} iteration{'s' * (count != 1)}"
    if len(losses[1]):
        first, last = number(losses[1][0]), number(losses[1][-1])
        text += f", loss {last}" if len(losses[1]) == 1 else f", loss {first} → {last}"
    if norms.broken:
        row, column = norms.broken[0]
        name = fit_path(norms.names[column], 200, 12)
        where = f"{name} in iteration {norms.iterations[row]}"
        return f"{text}. First NaN or Inf: {where}"
    if norms.names:
        return text
    if len(trace["steps"]):
        return f"{text}. The parameters' gradients were not sampled"
    return f"{text}. Gradient norm at the output of each operation"


def output_gradients(trace: Trace) -> list[tuple[str, float]]:
    """Where no optimizer has stepped: operations with the gradient norm at their output."""
    table, uses, ops = trace["statistics"], trace["uses"], trace.tables["ops"]
    of_gradients = table["kind"] == 1
    norm = dict(
        zip(
            table["tensor"][of_gradients].tolist(),
            table["norm"][of_gradients].tolist(),
            strict=True,
        )
    )
    made = uses["role"] == 1
    maker = dict(zip(uses["tensor"][made].tolist(), uses["op"][made].tolist(), strict=True))
    calls, modules = trace.tables["calls"]["module"], trace.tables["modules"]["path"]
    out = []
    for tensor, value in sorted(norm.items()):
        if tensor in maker:
            op = maker[tensor]
            name, call = trace.strings[ops["name"][op]], int(ops["call"][op])
            module = trace.strings[modules[calls[call]]] if call >= 0 else ""
            out.append((f"{module} {name}".strip(), value))
    return out


# Drawing; each gives its height and what is drawn


def _loss(iterations: np.ndarray, losses: np.ndarray) -> tuple[float, str]:
    height = 84.0
    finite = losses[np.isfinite(losses)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    low = min(low, 0.0) if low < 0.5 * high else low
    x, y = _axes(iterations, height, low, high + (high - low) * 0.05 or low + 1.0)
    at = chart.thinned(len(losses))
    xs, ys = x(iterations[at]), y(losses[at])
    ys[~np.isfinite(losses[at])] = np.nan
    drawn = chart.frame(x, y, [(v, number(v)) for v in y.ticks(3)])
    drawn += path(chart.line(xs, ys), INK, 1.8, stroke_linejoin="round")
    if math.isfinite(ys[-1]):
        drawn += dot(float(xs[-1]), float(ys[-1]))
        drawn += words(x.end + 12, float(ys[-1]) + 4, f"loss {number(losses[-1])}", 11, weight=600)
    else:
        drawn += failed_sign(x.end, 8) + words(x.end + 12, 12, "loss is not finite", 11, ERROR)
    return height + 40, drawn


def _axes(
    iterations: np.ndarray, height: float, low: float, high: float, log: bool = False
) -> tuple[Axis, Axis]:
    first, last = float(iterations[0]), float(iterations[-1])
    return Axis(first, last, _LEFT, WIDTH - _RIGHT), Axis(low, high, height, 6.0, log)


def _lines(norms: Norms) -> tuple[float, str]:
    height = 190.0
    x, y = _axes(norms.iterations, height, *chart.log_bounds(norms.values), log=True)
    drawn = chart.frame(x, y, [(v, number(v)) for v in y.ticks(5)])
    drawn += chart.below(x, height, "iteration")
    drawn += words(_LEFT, -10, "gradient norm", 10.5, FAINT)
    at = chart.thinned(len(norms.iterations))
    xs, ys = x(norms.iterations[at]), y(norms.values[at])
    named = chart.thinned(len(norms.names), LINES).tolist()
    for column in sorted(set(range(len(norms.names))) - set(named))[:200]:
        drawn += path(chart.line(xs, ys[:, column]), LINE, 0.8)
    for i, column in enumerate(named):
        drawn += path(
            chart.line(xs, ys[:, column]),
            COLOURS[i],
            1.6,
            stroke_dasharray=DASHES[i],
            stroke_linejoin="round",
        )
    for row, _ in norms.broken[:20]:
        drawn += failed_sign(float(x(norms.iterations[row])), 8)
    return height + 32, drawn + _line_labels(norms, named, x, y)


def _line_labels(norms: Norms, named: list[int], x: Axis, y: Axis) -> str:
    """Names and last values at the right ends of the lines."""
    last = [_last(norms.values[:, c]) for c in named]
    ends = [float(y(v)) if math.isfinite(v) else y.start for v in last]
    places = chart.spread(ends, 17.0, 8.0, y.start + 4)
    drawn, names = "", without_common_start(norms.names)
    for i, (column, value, end, place) in enumerate(zip(named, last, ends, places, strict=True)):
        drawn += path(f"M{x.end + 2:g} {end:.1f}L{x.end + 12:g} {place:.1f}h6", COLOURS[i], 1.0)
        shown = number(value)
        room = _RIGHT - 30 - text_width(shown, 10.5)
        name = fit_path(names[column], room, 10.5, bold=True)
        drawn += words(x.end + 22, place + 3.5, name, 10.5, COLOURS[i], weight=600)
        drawn += words(WIDTH, place + 3.5, shown, 10.5, SOFT, "end")
    hidden = len(norms.names) - len(named)
    if hidden:
        drawn += words(x.end + 22, y.start + 28, f"grey: {hidden} more parameters", 10.5, FAINT)
    return drawn


def without_common_start(names: list[str]) -> list[str]:
    """Paths without the modules at their beginning that all of them share."""
    parts = [name.split(".")[:-1] for name in names]
    shared = 0
    while len({tuple(p[: shared + 1]) for p in parts}) == 1 and shared < len(parts[0]):
        shared += 1
    return [name.split(".", shared)[-1] for name in names]


def _last(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if len(finite) else math.nan


def _bars(names: list[str], values: np.ndarray, broken: set[int]) -> tuple[float, str]:
    """One bar a name, on a logarithmic scale."""
    left, row = 190.0, 19.0
    count = min(len(names), BARS)
    foot = count * row + 14
    scale = Axis(*chart.log_bounds(values[:BARS]), left, WIDTH - 70, log=True)
    drawn = words(left - 20, foot, "gradient norm", 10.5, FAINT, "end")
    for tick in scale.ticks(4):
        place = float(scale(tick))
        drawn += path(f"M{place:.1f} 0V{count * row:g}", GRID)
        drawn += words(place, foot, number(tick), 10.5, FAINT, "middle")
    for i in range(count):
        drawn += words(left - 8, i * row + 13, fit_path(names[i], left - 8, 11), 11, INK, "end")
        value = math.nan if i in broken else float(values[i])
        drawn += card.group(_bar(value, scale, row), 0, i * row)
    if len(names) > BARS:
        drawn += words(0, foot, f"and {len(names) - BARS} more", 10.5, FAINT)
    return foot + 10, drawn


def _bar(value: float, scale: Axis, row: float) -> str:
    """A bar and its value; a sign where the value is not finite."""
    left = scale.start
    if not math.isfinite(value):
        sign = failed_sign(left + 8, 9.5)
        return sign + words(left + 20, 13, "NaN or Inf", 11, ERROR, weight=600)
    width = max(2.0, float(scale(value)) - left) if value > 0 else 2.0
    bar = tag("rect", x=left, y=3.5, width=width, height=row - 7, rx=2, fill=ACCENT)
    return bar + words(left + width + 6, 13, number(value), 11, SOFT)
