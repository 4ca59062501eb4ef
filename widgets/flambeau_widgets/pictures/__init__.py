"""Still pictures of a trace: self-contained SVG for a saved notebook, a code host or a PDF."""

from __future__ import annotations

from collections.abc import Callable

from flambeau.record.trace import Trace

from . import gradients, graph, memory
from .card import Panel, beside, card, nothing, stacked

_PANELS: dict[str, Callable[[Trace], Panel]] = {
    "graph": graph.panel,
    "gradients": gradients.panel,
    "memory": memory.panel,
}


def picture(trace: Trace, kind: str) -> str:
    """SVG of the ``graph``, the ``gradients`` or the ``memory`` of a trace; ``live`` is all three.

    No scripts, no fonts, no links: what the notebook saves is all there is.
    """
    if kind != "live" and kind not in _PANELS:
        raise ValueError(f"a picture is one of {', '.join(_PANELS)} or live, not {kind!r}")
    if not (len(trace["ops"]) or len(trace["summaries"]) or len(trace["errors"])):
        return card(nothing(), marked=False)
    if kind != "live":
        return card(_PANELS[kind](trace))
    drawn, *charts = (draw(trace) for draw in _PANELS.values())
    if drawn.width <= 600:
        return card(beside(drawn, stacked(charts)))
    return card(stacked([drawn, *charts]))
