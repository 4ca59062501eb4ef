"""A few words of SVG: elements, text that fits, and the colours of the pictures."""

from __future__ import annotations

import re
from html import escape
from typing import Any

INK, SOFT, FAINT = "#1b1f24", "#4d5661", "#6a737d"
LINE, GRID, PAPER, RAISED = "#c3c9d1", "#e6e9ed", "#ffffff", "#f6f8fa"
ACCENT, BACKWARD, ERROR, ERROR_PAPER = "#0b6fb8", "#b04d08", "#c62828", "#fdeeee"
SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace"

# What XML 1.0 has no way to say.
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NARROW = frozenset("fijlrtI.,:;'|!()[]{}/ -")
_WIDE = frozenset("mwMW@%—…")


def clean(text: str) -> str:
    """Text as it may stand in SVG: escaped, without control characters."""
    return escape(_UNSPEAKABLE.sub("�", text))


def tag(name: str, content: str = "", **attributes: Any) -> str:
    """One element; ``font_size=12`` is written ``font-size="12"``."""
    words = [name]
    for key, value in attributes.items():
        if value is not None:
            shown = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
            words.append(f'{key.replace("_", "-")}="{clean(str(shown))}"')
    opening = " ".join(words)
    return f"<{opening}>{content}</{name}>" if content else f"<{opening}/>"


def group(content: str, x: float = 0, y: float = 0) -> str:
    """Content moved to a place."""
    return tag("g", content, transform=f"translate({x:g} {y:g})") if content else ""


def words(
    x: float,
    y: float,
    content: str,
    size: float = 12,
    fill: str = INK,
    anchor: str | None = None,
    weight: int | None = None,
    mono: bool = False,
) -> str:
    """A line of text whose baseline begins at a place; ``anchor`` is ``middle`` or ``end``."""
    return tag(
        "text",
        clean(content),
        x=float(x),
        y=float(y),
        font_size=size,
        fill=fill,
        text_anchor=anchor,
        font_weight=weight,
        font_family=MONO if mono else None,
    )


def path(points: str, stroke: str, width: float = 1.0, **attributes: Any) -> str:
    """A line that is not filled."""
    return tag("path", d=points, fill="none", stroke=stroke, stroke_width=width, **attributes)


def dot(x: float, y: float, radius: float = 3.0, fill: str = INK) -> str:
    """A filled circle with a rim of paper, so that it stands out on lines."""
    return tag("circle", cx=float(x), cy=float(y), r=radius, fill=fill, stroke=PAPER)


def failed_sign(x: float, y: float) -> str:
    """The sign of an error: a cross in a circle, drawn, so that it needs no font."""
    circle = tag("circle", cx=float(x), cy=float(y), r=7, fill=ERROR)
    cross = f"M{x - 2.6:g} {y - 2.6:g}l5.2 5.2m0 -5.2l-5.2 5.2"
    return circle + path(cross, PAPER, 1.8, stroke_linecap="round")


def text_width(text: str, size: float, mono: bool = False, bold: bool = False) -> float:
    """About how wide a text is, without knowing the font."""
    if mono:
        return 0.61 * size * len(text)
    ems = sum(0.36 if c in _NARROW else 0.92 if c in _WIDE else 0.62 for c in text)
    ems += 0.08 * sum(c.isupper() for c in text)
    return ems * size * (1.1 if bold else 1.0)


def fit(text: str, width: float, size: float, mono: bool = False) -> str:
    """The text, cut off with an ellipsis where it is too wide."""
    text = " ".join(text[:400].split())
    if text_width(text, size, mono) <= width:
        return text
    while text and text_width(text + "…", size, mono) > width:
        text = text[:-1]
    return text.rstrip(" .,(") + "…"


def fit_path(text: str, width: float, size: float, bold: bool = False) -> str:
    """A dotted path, cut in the middle where it is too wide: both ends tell it from others."""
    if len(text) <= 400 and text_width(text, size, bold=bold) <= width:
        return text
    head, tail = text[:200], text[-200:]
    while tail and text_width(f"{head}…{tail}", size, bold=bold) > width:
        if len(head) * 3 > len(tail) * 2:
            head = head[:-1]
        else:
            tail = tail[1:]
    return f"{head}…{tail}"


def wrap(text: str, width: float, size: float, lines: int) -> list[str]:
    """Text broken into at most so many lines."""
    out: list[str] = []
    left = text[:2000].split()
    while left and len(out) < lines - 1:
        count = 1
        while count < len(left) and text_width(" ".join(left[: count + 1]), size) <= width:
            count += 1
        out.append(fit(" ".join(left[:count]), width, size))
        left = left[count:]
    return [*out, fit(" ".join(left), width, size)] if left else out
