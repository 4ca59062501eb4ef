"""A recording that runs on and on: recent iterations in detail, all of them in summary.

At the end of an iteration, at most ``rate`` times a second, what it did becomes a new segment of
the trace and goes out to whoever listens; the details of iterations in between are dropped. What
runs outside iterations (a first forward, an evaluation, an op at a time) is sent when it has been
waiting for an interval.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from . import add_recorder, kinds, remove_recorder
from .memory import MADE_BY_OPS, Seen
from .notes import kind_of
from .recorder import Recorder
from .schema import RUNNING_TABLES
from .trace import Trace

RUNNING_ROWS = 20_000  # of one running table; beyond it every second iteration is forgotten
WAITING_NOTES = 200_000  # of operations outside any iteration; beyond it a new segment begins
RECENT_SEGMENTS = 20  # whose tensors can still be asked for
# What begins a new picture. Memory that is given back when training has ended does not.
_STIRRING = frozenset((kinds.FORWARD, kinds.BACKWARD, kinds.FAILED, kinds.ENTER, kinds.ERROR))


class Live(Recorder):
    """The recorder behind the live views. ``on_news`` is called when there is something new."""

    def __init__(self, rate: float = 10.0, statistics: float = 0.1) -> None:
        super().__init__(Trace({"title": "live"}), statistics)
        self.interval = 1.0 / rate
        self.on_news: list[Callable[[], None]] = []
        self.complete = False  # the segment holds a whole iteration; what comes begins another
        self.published = 0.0
        self.held: list[Any] = []  # notes of an iteration that may yet be sent
        self.recent: dict[int, dict[int, Seen]] = {}  # segment -> rows of tensors still alive
        self.restarts = 0  # times that rows were forgotten, after which views start anew
        self.stopping = threading.Event()
        self.trace.flush = lambda: None  # only `publish` moves notes into the trace

    @property
    def device(self) -> str:
        """The device that holds most of what is recorded."""
        found = dict.fromkeys(("cpu",), 0)
        for seen in list(self.seen.values()):
            if seen.block is None:
                where = getattr(seen(), "device", "cpu")
                name = where if isinstance(where, str) else f"cuda:{where.id}"
                found[name] = found.get(name, 0) + seen.bytes
        return max(found, key=found.__getitem__)

    def array_of(self, tensor_row: int, segment: int | None = None) -> Any:
        """The array behind a row of the tensors table, of a recent segment too; None: gone."""
        if segment is None or segment == self.trace.segment:
            return super().array_of(tensor_row)
        found = self.recent.get(segment, {}).get(tensor_row)
        return None if found is None else found()

    # On and off

    def begin(self) -> None:
        """Starts to record."""
        add_recorder(self)
        threading.Thread(target=self._watch, name="flambeau-live", daemon=True).start()

    def end(self) -> None:
        """Stops; what was recorded stays."""
        remove_recorder(self)
        self.stopping.set()
        self.publish()
        self.seen.clear()

    def _watch(self) -> None:
        """Sends what has been waiting, when no iteration ends for a while."""
        count = 0
        while not self.stopping.wait(self.interval):
            if len(self.notes) == count:  # nothing runs
                self.settle()
            if (self.held or self.notes) and perf_counter() - self.published > 2 * self.interval:
                self._send()
            count = len(self.notes)

    # Segments

    def iteration_ended(self) -> None:
        """Sends the iteration that has ended, or holds it back when the last was sent just now.

        One that is held back is let go when the next ends, and sent if none does.
        """
        with self.lock:
            self._skip(self.held)
            self.held = []
            if perf_counter() - self.published < self.interval and not self._partly_sent():
                self.held = self.taken_notes()
                return
        self.publish()
        self.complete = True

    def will_be_seen(self, duration: float) -> bool:
        """Whether the iteration that begins will be sent when it ends."""
        return perf_counter() + duration - self.published >= self.interval

    def _partly_sent(self) -> bool:
        return not self.complete and len(self.trace.tables["ops"]) > 0

    def _skip(self, notes: list[Any]) -> None:
        for note in notes:
            if isinstance(note, Seen):
                continue
            if note[0] == kinds.PARAMETER:
                self.writer.parameter(*note[1:])
            elif note[0] == kinds.SUMMARY:
                self.writer.short_summary(*note[1:])

    def publish(self) -> None:
        """Moves all that is known into the trace, and says that there is news."""
        self.settle()
        self._send()

    def _send(self) -> None:
        with self.lock:
            notes = self.held + self.taken_notes()
            self.held = []
            full = len(self.trace.tables["ops"]) > WAITING_NOTES
            if full or (self.complete and any(kind_of(n) in _STIRRING for n in notes)):
                self._new_segment(notes)
            self.writer.write(notes)
            self._thin()
            self.published = perf_counter()
        for tell in list(self.on_news):
            tell()

    def _new_segment(self, notes: list[Any]) -> None:
        """Begins a segment with what is there already: memory, and modules that are running."""
        self.complete = False
        writer = self.writer
        rows = writer.seen_of_row.items()
        self.recent[self.trace.segment] = {n: s for n, s in rows if s() is not None}
        self.recent.pop(self.trace.segment - RECENT_SEGMENTS, None)
        self.trace.new_segment()
        writer.reset()
        writer.tick = 0
        new = {id(found) for n in notes for found in _made(n)}
        before = [*list(self.seen.values()), *(n for n in notes if isinstance(n, Seen))]
        for found in before:
            if id(found.block or found) not in new:
                writer.tensor(found)  # with its shape and name, so that the views can tell of it
        writer.new_peak()
        entered = {n[4] for n in notes if kind_of(n) == kinds.ENTER}
        parent = -1
        for number, path, kind in list(self.calls):
            if number not in entered:
                writer.entered(path, kind, parent, number, self.now())
            parent = number
        if not any(kind_of(n) == kinds.ITERATION for n in notes):
            writer.iteration(self.iteration, self.iteration_began)

    def _thin(self) -> None:
        """Keeps the running tables bounded: forgets every second iteration of a full one."""
        for name in RUNNING_TABLES:
            table = self.trace.tables[name]
            if len(table) > RUNNING_ROWS:
                kept = np.unique(table["iteration"])[::2]
                table.keep(np.isin(table["iteration"], kept))
                self.restarts += 1


def _made(note: Any) -> list[Seen]:
    """The blocks of memory that a note says were taken."""
    kind = kind_of(note)
    if kind == kinds.TAKEN:
        return [note[1]]
    if kind == kinds.FORWARD:
        *_, arrays, outputs, _sequence, _plan, others, _params = note
        found = [*arrays[-outputs:], *others]
    elif kind == kinds.BACKWARD:
        found = note[5]
    else:
        return []
    blocks = [s.block or s for s in found if s is not None]
    return [b for b in blocks if b.category in MADE_BY_OPS]
