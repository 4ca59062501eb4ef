"""Figures for papers: the charts as Matplotlib figures, to restyle and save as PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from flambeau.record.schema import CATEGORIES
from flambeau.record.trace import Trace, readable_bytes

from .pictures.chart import COLOURS
from .pictures.gradients import losses_of, norms_of
from .pictures.memory import COLOURS as CATEGORY_COLOURS
from .pictures.memory import LABELS, STACK, culprit, curve_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNIT = 1024.0**2


def figure(trace: Trace, kind: str, size: tuple[float, float] = (6.0, 3.6)) -> Figure:
    """The ``gradients`` or the ``memory`` of a trace as a Matplotlib figure.

    ``size`` is its width and height in inches. It belongs to no window and to no global state:
    ``figure(trace, "memory").savefig("memory.pdf")``.
    """
    if kind not in _DRAW:
        raise ValueError(f"a figure is one of {', '.join(_DRAW)}, not {kind!r}")
    from matplotlib.figure import Figure

    made = Figure(figsize=size, layout="constrained")
    _DRAW[kind](trace, made)
    return made


def _gradients(trace: Trace, made: Figure) -> None:
    """The loss above, the norm of each parameter's gradient below."""
    norms, (iterations, losses) = norms_of(trace), losses_of(trace)
    if len(losses) > 1:
        above, axes = made.subplots(2, 1, sharex=True, height_ratios=(1, 2))
        above.plot(iterations, losses, color="black", linewidth=1.2)
        above.set_ylabel("loss")
    else:
        axes = made.subplots()
    for i, name in enumerate(norms.names):
        values = np.where(norms.values[:, i] > 0, norms.values[:, i], np.nan)
        style = ("-", "--", ":", "-.")[i % 4]
        colour = COLOURS[i % len(COLOURS)]
        marker = "o" if len(norms.iterations) == 1 else None
        axes.plot(norms.iterations, values, style, color=colour, label=_plain(name), marker=marker)
    axes.set(xlabel="iteration", ylabel="gradient norm")
    axes.xaxis.get_major_locator().set_params(integer=True)
    if norms.names and (norms.values > 0).any():
        axes.set_yscale("log")
        axes.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    else:
        _say(axes, "no parameter's gradient was recorded")


def _memory(trace: Trace, made: Figure) -> None:
    """Bytes by category over the last whole iteration, the peak marked."""
    axes, curve = made.subplots(), curve_of(trace)
    axes.set(xlabel="event", ylabel="memory (MB)")
    if not curve.peak:
        _say(axes, "no tensor was recorded")
        return
    shown = [name for name in STACK if curve.bytes[:, CATEGORIES.index(name)].any()]
    axes.stackplot(
        curve.ticks,
        *(curve.bytes[:, CATEGORIES.index(name)] / UNIT for name in shown),
        labels=[LABELS[name] for name in shown],
        colors=[CATEGORY_COLOURS[name] for name in shown],
        step="post",
    )
    highest = int(curve.total.argmax())
    where = culprit(trace, curve.ticks[highest])
    axes.plot(curve.ticks[highest], curve.peak / UNIT, "o", color="black", markersize=4)
    title = f"peak {readable_bytes(curve.peak)}" + (f" in {where}" if where else "")
    axes.set_title(_plain(title), fontsize="medium")
    axes.legend(
        reverse=True, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False
    )


def _plain(text: str) -> str:
    """A name that is not to be read as mathematics."""
    return text.replace("$", r"\$")


def _say(axes: Any, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color="grey")


_DRAW = {"gradients": _gradients, "memory": _memory}
