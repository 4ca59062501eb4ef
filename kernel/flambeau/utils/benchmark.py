"""How long a statement takes, measured with care; mirrors ``torch.utils.benchmark``.

>>> from flambeau.utils.benchmark import Timer
>>> Timer("x + x", "x = torch.ones(4)").timeit(3).number_per_run
3
"""

from __future__ import annotations

import sys
import timeit
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..left_out import explains

__all__ = ["Compare", "Measurement", "TaskSpec", "Timer", "timer"]

__getattr__ = explains(__name__)

timer = timeit.default_timer


@dataclass(frozen=True)
class TaskSpec:
    """What was measured."""

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """What it is called in tables."""
        return self.label or self.stmt


@dataclass
class Measurement:
    """Several measurements of one statement; times in seconds for one run of it."""

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = field(default=None)

    @property
    def times(self) -> list[float]:
        """Seconds of one run, in each measurement."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def mean(self) -> float:
        """The mean time."""
        return float(np.mean(self.times))

    @property
    def median(self) -> float:
        """The time that half of the measurements are below."""
        return float(np.median(self.times))

    @property
    def iqr(self) -> float:
        """From the first quarter of the times to the third."""
        low, high = np.quantile(self.times, (0.25, 0.75))
        return float(high - low)

    @property
    def title(self) -> str:
        """What it is called in tables."""
        return self.task_spec.title

    def __getattr__(self, name: str) -> Any:
        """What its task has: ``label``, ``stmt``, ``num_threads``, ..."""
        if name != "task_spec" and hasattr(self.task_spec, name):
            return getattr(self.task_spec, name)
        raise AttributeError(f"a Measurement has no {name!r}", name=name)

    def __repr__(self) -> str:
        size, unit = unit_for(self.median)
        runs = f"{len(self.times)} measurement{'s' * (len(self.times) > 1)}"
        return (
            f"<{type(self).__name__}> {self.title}\n  {self.median / size:.2f} {unit} (median; "
            f"IQR {self.iqr / size:.2f} {unit})\n  {runs}, {self.number_per_run} runs per "
            f"measurement, {self.task_spec.num_threads} thread"
        )


def unit_for(seconds: float) -> tuple[float, str]:
    """The unit that a time reads well in: its seconds and its name."""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= size:
            return size, unit
    return 1e-9, "ns"


class Timer:
    """Measures a statement, which sees ``globals`` and ``torch``."""

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Any = "python",
    ) -> None:
        if str(language).lower() not in ("python", "py", "language.python"):
            raise ValueError(f"Timer measures Python statements, not {language}")
        if not isinstance(stmt, str):
            raise ValueError("Currently only a `str` stmt is supported.")
        import flambeau

        names = {"torch": flambeau, "flambeau": flambeau, **(globals or {})}
        about = (global_setup, label, sub_label, description, env, num_threads)
        self._task_spec = TaskSpec(stmt, setup, *about)
        self._timer = timeit.Timer(stmt, setup, timer, names)

    def _measured(self, number: int, times: list[float]) -> Measurement:
        return Measurement(number, times, self._task_spec)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """One measurement of ``number`` runs, after a few to warm up."""
        self._timer.timeit(max(number // 100, 2))
        return self._measured(number, [self._timer.timeit(number)])

    def repeat(self, repeat: int = -1, number: int = -1) -> Measurement:
        """``repeat`` measurements of ``number`` runs."""
        count, number = (repeat if repeat > 0 else 5), (number if number > 0 else 1_000_000)
        return self._measured(number, self._timer.repeat(count, number))

    def _block(self, least: float) -> int:
        """So many runs that one measurement takes ``least`` seconds."""
        self._timer.timeit(2)
        number = 1
        while (took := self._timer.timeit(number)) < least:
            number = max(number * 2, int(number * min(least / max(took, 1e-9), 10)))
        return number

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """As many measurements as fit into ``min_run_time``, each of so many runs that it tells."""
        number = self._block(min_run_time / 1000)
        times: list[float] = []
        while sum(times) < min_run_time:
            times.append(self._timer.timeit(number))
            if callback is not None:
                callback(number, times[-1])
        return self._measured(number, times)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:
        """Measures until the spread is below ``threshold`` of the median, or time is up."""
        number = self._block(min_run_time / 100)
        times: list[float] = []
        while sum(times) < max_run_time:
            times.append(self._timer.timeit(number))
            if callback is not None:
                callback(number, times[-1])
            found = self._measured(number, times)
            steady = len(times) > 3 and found.iqr / found.median < threshold
            if steady and sum(times) >= min_run_time:
                break
        return self._measured(number, times)


class Compare:
    """A table of measurements: a row for each statement, a column for each description."""

    def __init__(self, results: list[Measurement]) -> None:
        self._results = list(results)

    def extend_results(self, results: list[Measurement]) -> None:
        """Adds measurements."""
        self._results += results

    def __str__(self) -> str:
        if not self._results:
            return ""
        size, unit = unit_for(min(m.median for m in self._results))
        cells: dict[str, dict[str, float]] = {}
        for m in self._results:
            row = m.task_spec.sub_label or m.task_spec.stmt
            cells.setdefault(row, {})[m.task_spec.description or ""] = m.median / size
        columns = list(dict.fromkeys(name for row in cells.values() for name in row))
        rows = [["", *columns]]
        for name, found in cells.items():
            rows.append([name, *(f"{found[c]:.1f}" if c in found else "" for c in columns)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [" | ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
        return "\n".join([self._results[0].title, *lines, f"Times are in {unit}."])

    def print(self) -> None:
        """Writes the table."""
        sys.stdout.write(f"{self}\n")
