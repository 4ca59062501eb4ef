"""The views of a running network in a notebook; ``flambeau.view`` is this package.

>>> import flambeau as fb
>>> with fb.record() as trace:
...     y = fb.ones(3).exp()
>>> shown = fb.view.graph(trace)
"""

from __future__ import annotations

from typing import Any

from flambeau.errors import add_library
from flambeau.record import Trace, record
from flambeau.record.feed import Still
from flambeau.record.naming import variable_of

from .figures import figure
from .hub import Hub, live_hub, stop
from .page import page
from .view import View

__all__ = ["View", "figure", "gradients", "graph", "live", "memory", "page", "stop"]

add_library(__file__)  # what runs here, as `graph(model, x)` does, is not the user's line


def graph(of: Any = None, *inputs: Any, **options: Any) -> View:
    """The dynamic graph of a trace, a module or whatever runs.

    ``of`` is a `Trace`; or a module, run once on ``inputs``; with neither, the view follows what
    runs in this kernel.
    """
    return _view("graph", of, inputs, options)


def gradients(of: Any = None, *inputs: Any, **options: Any) -> View:
    """Gradient norms, histograms and update-to-weight ratios over the iterations."""
    return _view("gradients", of, inputs, options)


def memory(of: Any = None, *inputs: Any, **options: Any) -> View:
    """Bytes alive over time by category, and what makes the peak."""
    return _view("memory", of, inputs, options)


def live(*, display: bool = True, rate: float = 10.0, statistics: float = 0.1) -> View | None:
    """Follows everything that runs in this kernel from now on, here and in the side panel.

    ``rate`` is the most pictures a second, ``statistics`` the share of the time that sampling
    values may take. ``display=False`` leaves it to the side panel. From here on, matrix products
    use one core less than there are, for the browser's sake (`flambeau.set_num_threads`).
    """
    if not 0 < rate <= 20:
        raise ValueError(f"rate is pictures a second, above 0 and at most 20, not {rate!r}")
    if not 0 <= statistics <= 1:
        raise ValueError(f"statistics is a share of the time, 0 to 1, not {statistics!r}")
    hub = live_hub(rate, statistics)
    return View(hub, "live") if display else None


def _view(kind: str, of: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> View:
    if of is None or (hasattr(of, "named_modules") and not inputs):
        hub = live_hub()
        if of is not None:
            hub.source.know(hub.source.names.add_root(of, variable_of(of)))
        return View(hub, kind, **options)
    if hasattr(of, "named_modules"):
        with record(statistics=1) as trace:
            of(*inputs)
        of = trace
    if not isinstance(of, Trace):
        raise TypeError(f"{kind}() shows a Trace or a module, not {type(of).__name__}")
    return View(Hub(Still(of)), kind, **options)
