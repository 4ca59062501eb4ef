"""`View`: a live picture of a trace in a notebook, which leaves a still one in the saved file."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from flambeau.record.live import Live

from .hub import Hub, hear_while_busy
from .pictures import picture

_STATIC = Path(__file__).parent / "static"
KINDS = ("graph", "gradients", "memory", "live")
# By this type JupyterLab's extension knows that the still picture may stand in for the widget.
VIEW_TYPE = "application/vnd.flambeau.view+json"


class View(anywidget.AnyWidget):
    """Shows one recording; ``kind`` is graph, gradients, memory, or live (all of them).

    ``selected`` is what was clicked, ``{"ops": [rows], "path": "net.conv1"}``, and can be set and
    observed; ``expanded`` are the paths of the modules that are open.
    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"
    kind = traitlets.Enum(KINDS, "graph").tag(sync=True)
    selected = traitlets.Dict().tag(sync=True)
    expanded = traitlets.List(traitlets.Unicode()).tag(sync=True)
    height = traitlets.Int(0).tag(sync=True)

    def __init__(self, hub: Hub, kind: str, **options: Any) -> None:
        super().__init__(kind=kind, **options)
        hear_while_busy(self.comm)
        self._hub = hub
        self._display = uuid.uuid4().hex
        self._conversation = hub.open(lambda message, buffers: self.send(message, buffers))
        self.on_msg(lambda _, content, buffers: self._conversation.receive(content))

    @property
    def trace(self) -> Any:
        """The trace that it shows."""
        return self._hub.source.trace

    def close(self) -> None:
        """Takes the view away."""
        self._hub.close(self._conversation)
        super().close()

    def bundle(self) -> dict[str, Any]:
        """What a notebook stores: the widget, a still picture (SVG) and a line of text."""
        found = super()._repr_mimebundle_()
        data = found[0] if isinstance(found, tuple) else (found or {})
        with self._hub.source.lock:
            still = picture(self.trace, self.kind)
            text = repr(self.trace)
        return {**data, VIEW_TYPE: {}, "image/svg+xml": still, "text/plain": text}

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.bundle(), raw=True, display_id=self._display)
        if isinstance(self._hub.source, Live):
            _keep_still_picture_fresh(self)

    def refresh_still_picture(self) -> None:
        """Puts the present picture into the notebook's output."""
        from IPython.display import display

        display(self.bundle(), raw=True, display_id=self._display, update=True)


def _keep_still_picture_fresh(view: View) -> None:
    """After a cell that has recorded something, the saved picture is drawn anew."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None or getattr(view, "_fresh", None) is not None:
        return
    view._fresh = _tick(view)

    def after_cell(*_: Any) -> None:
        source = view._hub.source
        if isinstance(source, Live):
            source.publish()
        if _tick(view) != view._fresh:
            view._fresh = _tick(view)
            view.refresh_still_picture()

    shell.events.register("post_run_cell", after_cell)


def _tick(view: View) -> tuple[int, int, int]:
    trace = view.trace
    return trace.segment, len(trace.tables["ops"]), len(trace.tables["summaries"])
