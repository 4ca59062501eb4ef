"""The card that every picture lies on: legible on a white page and on a dark one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .svg import ACCENT, GRID, INK, LINE, PAPER, SANS, SOFT, clean, fit, group, path, tag, words

MARGIN, HEADER, GAP = 20, 50, 28

_FLAME = (
    "M12.6 1.4c.5 2.6-.7 4-2 5.5C9.2 8.4 8 9.7 8 11.6a4 4 0 0 0 8 0c0-1.3-.5-2.5-1.1-3.4-.3.9-.8 "
    "1.5-1.5 1.9.5-3.1-.1-6.4-.8-8.7z"
)
_HANDLE = (
    "M8 16.3h8a.8.8 0 0 1 .8.9l-.1.5a.9.9 0 0 1-.9.7H8.2a.9.9 0 0 1-.9-.7l-.1-.5a.8.8 0 0 1 "
    ".8-.9zM9.2 19.2h5.6l-.8 2.7a1.1 1.1 0 0 1-1.1.8h-1.8a1.1 1.1 0 0 1-1.1-.8z"
)


@dataclass
class Panel:
    """A drawing with its size; ``summary`` says in words what it shows."""

    width: float
    height: float
    body: str
    summary: str


def panel(title: str, summary: str, width: float, height: float, body: str) -> Panel:
    """A drawing under its title and a line that sums it up."""
    header = words(0, 14, title, 15, weight=600) + words(0, 34, fit(summary, width, 12), 12, SOFT)
    return Panel(width, height + HEADER, header + group(body, 0, HEADER), f"{title}. {summary}")


def stacked(panels: Sequence[Panel]) -> Panel:
    """Panels one below the other, with a rule between them."""
    width = max(p.width for p in panels)
    body, y = "", 0.0
    for i, p in enumerate(panels):
        if i:
            body += path(f"M0 {y + GAP / 2:g}h{width:g}", GRID)
            y += GAP
        body += group(p.body, 0, y)
        y += p.height
    return Panel(width, y, body, " ".join(p.summary for p in panels))


def beside(left: Panel, right: Panel) -> Panel:
    """Two panels next to one another, with a rule between them."""
    height, x = max(left.height, right.height), left.width + GAP
    rule = path(f"M{left.width + GAP / 2:g} 0v{height:g}", GRID)
    body = left.body + rule + group(right.body, x)
    return Panel(x + right.width, height, body, f"{left.summary} {right.summary}")


def nothing() -> Panel:
    """What is shown before anything has run."""
    title = words(48, 18, "Nothing recorded yet", 15, weight=600)
    advice = "Run a model, and what it does appears here."
    body = group(torch(1.6), 0, 2) + title + words(48, 38, advice, 12, SOFT)
    return Panel(400, 44, body, f"Nothing recorded yet. {advice}")


def torch(scale: float) -> str:
    """Flambeau's mark."""
    flame, handle = tag("path", d=_FLAME, fill="#e8710a"), tag("path", d=_HANDLE, fill=SOFT)
    return tag("g", flame + handle, transform=f"scale({scale:g})")


def card(p: Panel, marked: bool = True) -> str:
    """The whole SVG: a panel on paper of its own, with Flambeau's mark in the corner."""
    width, height = round(p.width + 2 * MARGIN), round(p.height + 2 * MARGIN)
    paper = tag(
        "rect", x=0.5, y=0.5, width=width - 1, height=height - 1, rx=10, fill=PAPER, stroke=LINE
    )
    mark = group(torch(0.9), width - 32, 12) if marked else ""
    return tag(
        "svg",
        tag("title", clean(p.summary)) + paper + mark + group(p.body, MARGIN, MARGIN),
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        role="img",
        font_family=SANS,
        fill=INK,
        color=ACCENT,
        style="max-width:100%;height:auto",
    )
