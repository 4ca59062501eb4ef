"""The forward graph of the last whole iteration, drawn."""

from __future__ import annotations

import re

import numpy as np

from flambeau.record.graph import last_whole_iteration
from flambeau.record.trace import Trace, readable_bytes

from . import card
from .boxes import INPUT, REST, Shown, boxes_of
from .card import Panel
from .layout import arrange
from .memory import peak_bytes
from .svg import (
    ERROR,
    ERROR_PAPER,
    FAINT,
    LINE,
    PAPER,
    RAISED,
    SOFT,
    failed_sign,
    fit,
    fit_path,
    path,
    tag,
    text_width,
    words,
    wrap,
)

_FAMILIES = (
    (r"loss|entropy|nll|kl_div", "#c2560c"),
    (r"norm", "#7a5fb5"),
    (r"conv|linear|matmul|mm|dot|einsum|embedding|attention", "#0b6fb8"),
    (r"relu|elu|tanh|sigmoid|softmax|softplus|silu|mish|hardtanh|dropout", "#c98a00"),
    (r"pool|sum|mean|max|min|var|std|prod", "#00896a"),
)
_FAMILY = [(re.compile(pattern), colour) for pattern, colour in _FAMILIES]


def panel(trace: Trace) -> Panel:
    """The graph under a line that counts what ran."""
    iteration = last_whole_iteration(trace)
    boxes, edges = boxes_of(trace, iteration)
    unplaced = [m for m, op in _errors(trace) if op < 0]
    body, width, height = "", 420.0, 0.0
    if boxes:
        layout = arrange(boxes, edges)
        width, height = max(width, layout.width), layout.height
        drawn = [_wire(corners) for corners in layout.routes.values()]
        shift = (width - layout.width) / 2
        body = card.group("".join(drawn) + "".join(map(_draw, boxes)), shift)
    if unplaced:
        height += 16 * bool(boxes)
        banner, tall = _banner(unplaced[-1], width)
        body += card.group(banner, 0, height)
        height += tall
    return card.panel("Graph", summary(trace, iteration), width, height, body)


def summary(trace: Trace, iteration: int) -> str:
    """The sentence under the title: ``net: 23 forward and 31 backward ops, peak 3.2 MB``."""
    ops = trace["ops"]
    forward, backward = np.bincount(
        ops["phase"][ops["iteration"] == iteration], minlength=2
    ).tolist()[:2]
    calls, modules = trace["calls"], trace["modules"]
    roots = np.unique(calls["module"][calls["parent"] < 0]).tolist()
    names = dict.fromkeys(trace.strings[modules["path"][row]] for row in roots[:3])
    counted = (
        f"{forward:,} forward and {backward:,} backward ops"
        if backward
        else (f"{forward:,} forward op{'s' * (forward != 1)}")
    )
    text = f"{', '.join(names)}: {counted}" if names else counted
    if iteration:
        text += f" in iteration {iteration}"
    return f"{text}, peak {readable_bytes(peak_bytes(trace))}"


def _errors(trace: Trace) -> list[tuple[str, int]]:
    table = trace["errors"]
    said = (
        f"{trace.strings[kind]}: {trace.strings[message]}"
        for kind, message in zip(table["kind"], table["message"], strict=True)
    )
    return list(zip(said, table["op"].tolist(), strict=True))


def _draw(box: Shown) -> str:
    fill, rim = (ERROR_PAPER, ERROR) if box.error else (RAISED, LINE)
    if box.key == REST or box.key == INPUT:
        fill = PAPER
    out = tag(
        "rect",
        x=box.x,
        y=box.y,
        width=box.width,
        height=box.height,
        rx=14 if box.key == INPUT else 6,
        fill=fill,
        stroke=rim,
        stroke_width=1.6 if box.error else 1,
        stroke_dasharray="4 3" if box.key == REST else None,
    )
    return tag("g", tag("title", card.clean(_hover(box))) + out + _inside(box))


def _hover(box: Shown) -> str:
    return ", ".join(p for p in (box.title, box.note, box.shape, box.error) if p)


def _inside(box: Shown) -> str:
    """The text of a box, and the bar with its family's colour."""
    left, right = box.x + 16, box.x + box.width - 10
    head = 28.0 if box.small else 46.0
    bar = tag(
        "rect", x=box.x + 6, y=box.y + 6, width=3, height=head - 12, rx=1.5, fill=_colour(box)
    )
    out = "" if box.key in (INPUT, REST) else bar
    if box.error:
        out += failed_sign(right - 6, box.y + head / 2)
        right -= 22
    line = box.y + (18.5 if box.small else 19)
    shape = fit(box.shape, 110, 10.5, mono=True)
    out += words(right, line, shape, 10.5, SOFT, "end", mono=True) if shape else ""
    room = right - left - (text_width(shape, 10.5, mono=True) + 8 if shape else 0)
    title = fit(box.title, room, 12) if box.small else fit_path(box.title, room, 13, bold=True)
    out += words(left, line, title, 12 if box.small else 13, weight=500 if box.small else 600)
    if not box.small:
        count = f"{box.count:,} ops" if box.count > 1 else ""
        out += words(right, box.y + 36, count, 10.5, FAINT, "end") if count else ""
        room = right - left - (text_width(count, 10.5) + 8 if count else 0)
        out += words(left, box.y + 36, fit(box.note, room, 11), 11, SOFT)
    return out + _said(box, head) if box.error else out


def _said(box: Shown, head: float) -> str:
    """The error's message under the name of what failed."""
    out = path(f"M{box.x + 12:g} {box.y + head:g}h{box.width - 24:g}", "#f2bcbc")
    for i, line in enumerate(box.message):
        out += words(box.x + 16, box.y + head + 18 + 15 * i, line, 11.5, ERROR)
    return out


def _banner(message: str, width: float) -> tuple[str, float]:
    """An error that no operation raised."""
    lines = wrap(message, width - 52, 12, 6)
    height = 18.0 + 16 * len(lines)
    out = tag("rect", x=0, y=0, width=width, height=height, rx=6, fill=ERROR_PAPER, stroke=ERROR)
    out += failed_sign(20, 20)
    out += "".join(words(38, 24 + 16 * i, line, 12, ERROR) for i, line in enumerate(lines))
    return out, height


def _colour(box: Shown) -> str:
    text = (box.title if box.small else box.note or box.title).lower()
    return next((colour for pattern, colour in _FAMILY if pattern.search(text)), "#8a94a0")


def _wire(corners: list[tuple[float, float]]) -> str:
    """An edge with its arrow: a curve between neighbours, else a line with round corners."""
    (x0, y0), (x1, y1) = corners[0], corners[-1]
    end = y1 - 5
    if len(corners) == 2:
        bend = (end - y0) / 2
        line = (
            f"M{x0:.1f} {y0:.1f}c0 {bend:.1f} {x1 - x0:.1f} {bend:.1f} {x1 - x0:.1f} {end - y0:.1f}"
        )
    else:
        line = _rounded([*corners[:-1], (x1, end)])
    arrow = f"M{x1:.1f} {y1:.1f}l-3.5 -6.5h7z"
    return path(line, "#7f8994", 1.2) + tag("path", d=arrow, fill="#7f8994")


def _rounded(corners: list[tuple[float, float]], radius: float = 6.0) -> str:
    """A path of straight pieces with round corners."""
    out = f"M{corners[0][0]:.1f} {corners[0][1]:.1f}"
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        a, b = _toward(corner, before, radius), _toward(corner, after, radius)
        out += f"L{a[0]:.1f} {a[1]:.1f}Q{corner[0]:.1f} {corner[1]:.1f} {b[0]:.1f} {b[1]:.1f}"
    return out + f"L{corners[-1][0]:.1f} {corners[-1][1]:.1f}"


def _toward(
    here: tuple[float, float], there: tuple[float, float], most: float
) -> tuple[float, float]:
    """A point on the way, at most half of it and at most so far."""
    dx, dy = there[0] - here[0], there[1] - here[1]
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    share = min(most / length, 0.5)
    return here[0] + dx * share, here[1] + dy * share
