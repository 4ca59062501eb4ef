"""What a profile saw, and the table of it: events, and sums over those of one name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..autograd.rules import OPS
from ..record.trace import Trace


@dataclass
class FunctionEvent:
    """One operation that ran, or one stretch that ``record_function`` named; times in µs."""

    name: str
    start: float
    end: float
    input_shapes: list[Any] = field(default_factory=list)
    cpu_memory_usage: int = 0
    is_user_annotation: bool = False
    self_cpu_time_total: float = 0.0
    count: int = 1

    @property
    def key(self) -> str:
        """What averages are taken over: its name, and one for all steps of a profile."""
        return "ProfilerStep*" if self.name.startswith("ProfilerStep#") else self.name

    @property
    def cpu_time_total(self) -> float:
        """µs from its beginning to its end."""
        return self.end - self.start

    cpu_time = cpu_time_total


@dataclass
class FunctionEventAvg:
    """The sum over all events of one name; times in µs, memory in bytes."""

    key: str
    input_shapes: list[Any] = field(default_factory=list)
    count: int = 0
    cpu_time_total: float = 0.0
    self_cpu_time_total: float = 0.0
    cpu_memory_usage: int = 0
    is_user_annotation: bool = False
    device_time_total: float = 0.0  # kernels of a GPU are not timed on their own
    self_device_time_total: float = 0.0
    self_cpu_memory_usage: int = 0

    def add(self, event: Any) -> None:
        """Counts one more."""
        self.count += event.count
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total
        self.cpu_memory_usage += event.cpu_memory_usage
        self.self_cpu_memory_usage = self.cpu_memory_usage
        self.is_user_annotation = event.is_user_annotation

    @property
    def cpu_time(self) -> float:
        """The mean of one call, in µs."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def device_time(self) -> float:
        """The mean of one call on a GPU."""
        return self.device_time_total / self.count if self.count else 0.0


class EventList(list[Any]):
    """A list of events, or of their sums."""

    def key_averages(self, group_by_input_shape: bool = False) -> EventList:
        """One sum for each name (and, if wanted, for each list of input shapes)."""
        found: dict[Any, FunctionEventAvg] = {}
        for event in self:
            shapes = event.input_shapes if group_by_input_shape else []
            place = (event.key, str(shapes))
            found.setdefault(place, FunctionEventAvg(event.key, shapes)).add(event)
        return EventList(found.values())

    def total_average(self) -> FunctionEventAvg:
        """One sum of everything."""
        total = FunctionEventAvg("Total")
        for event in self:
            total.add(event)
        return total

    @property
    def self_cpu_time_total(self) -> float:
        """µs in all of them, each moment counted once."""
        return sum(event.self_cpu_time_total for event in self)

    def table(
        self, sort_by: str | None = None, row_limit: int = 100, header: str | None = None, **_: Any
    ) -> str:
        """The sums as text, sorted (from the largest on) by one of their numbers.

        ``sort_by`` names an attribute such as ``"cpu_time_total"`` or ``"count"``; AttributeError
        for one that there is none of.
        """
        rows = list(self)
        if sort_by is not None:
            name = sort_by.replace("cuda", "device")
            rows.sort(key=lambda event: getattr(event, name), reverse=True)
        if row_limit >= 0:
            rows = rows[:row_limit]
        return _text(rows, self.self_cpu_time_total, header)

    def __str__(self) -> str:
        return self.table()

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Writes the events as a file that Perfetto and browsers' tracing pages open."""
        events = [
            {
                "name": e.name, "ph": "X", "ts": e.start, "dur": e.cpu_time_total,
                "pid": os.getpid(), "tid": 0,
                "cat": "user_annotation" if e.is_user_annotation else "cpu_op",
                "args": {"Input Dims": e.input_shapes},
            }
            for e in self
        ]  # fmt: skip
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"schemaVersion": 1, "traceEvents": events}, file)


def _readable(us: float) -> str:
    for size, unit in ((1e6, "s"), (1e3, "ms")):
        if us >= size:
            return f"{us / size:.3f}{unit}"
    return f"{us:.3f}us"


def _text(rows: list[Any], total: float, header: str | None) -> str:
    titles = [
        "Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "CPU Mem",
        "# of Calls",
    ]  # fmt: skip
    shapes = any(getattr(row, "input_shapes", None) for row in rows)
    cells = [
        [
            row.key, f"{100 * row.self_cpu_time_total / (total or 1):.2f}%",
            _readable(row.self_cpu_time_total), f"{100 * row.cpu_time_total / (total or 1):.2f}%",
            _readable(row.cpu_time_total), _readable(row.cpu_time), f"{row.cpu_memory_usage} b",
            str(row.count), *([str(row.input_shapes)] if shapes else []),
        ]
        for row in rows
    ]  # fmt: skip
    if shapes:
        titles.append("Input Shapes")
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    line = "  ".join("-" * width for width in widths)
    put = [
        "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))
        for row in [titles, *cells]
    ]
    top = [header] if header else []
    return "\n".join(
        [*top, line, put[0], line, *put[1:], line, f"Self CPU time total: {_readable(total)}"]
    )


def events_of(trace: Trace, ranges: Iterable[FunctionEvent]) -> EventList:
    """The operations of a recording and the stretches named meanwhile, by their beginning."""
    times, durations = trace["ops"]["time"], trace["ops"]["duration"]
    made = _memory(trace)
    found = list(ranges)
    for i, row in enumerate(trace.ops):
        begin, took = float(times[i]) * 1e6, float(durations[i]) * 1e6
        name = f"aten::{row.name}"
        if row.phase == "backward":
            name = OPS[row.name].backward_name if row.name in OPS else row.name
        shapes = [list(shape) for shape in row.inputs]
        found.append(FunctionEvent(name, begin, begin + took, shapes, made.get(i, 0)))
    found.sort(key=lambda event: (event.start, -event.end))
    _own_times(found)
    return EventList(found)


def _memory(trace: Trace) -> dict[int, int]:
    """The bytes that each operation took."""
    made: dict[int, int] = {}
    blocks = trace["blocks"]
    for op, size in zip(blocks["op"].tolist(), blocks["bytes"].tolist(), strict=True):
        made[op] = made.get(op, 0) + int(size)
    return made


def _own_times(events: list[FunctionEvent]) -> None:
    """Sets the time of each event that is not spent in those inside it."""
    around: list[FunctionEvent] = []
    for event in events:
        while around and event.start >= around[-1].end:
            around.pop()
        event.self_cpu_time_total += event.cpu_time_total
        if around:
            around[-1].self_cpu_time_total -= min(event.end, around[-1].end) - event.start
        around.append(event)
