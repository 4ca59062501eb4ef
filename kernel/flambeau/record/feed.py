"""What goes out to one view: a frame with everything, then frames with what is new."""

from __future__ import annotations

import threading
from typing import Any

from .frame import encode
from .schema import RUNNING_TABLES
from .trace import Trace


class Still:
    """A trace that is only looked at, in the place where a `Feed` wants a `Live`."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.lock = threading.RLock()
        self.restarts = 0


class Feed:
    """What one view has been sent, so that it gets what is new and nothing twice."""

    def __init__(self, source: Any) -> None:
        self.source, self.trace = source, source.trace
        self.sequence = 0
        self.restart()

    def restart(self) -> None:
        """Everything is sent again with the next frame."""
        self.segment = -1
        self.restarts = self.source.restarts
        self.starts: dict[str, int] = {}
        self.strings = 0

    def frame(self) -> bytes:
        """The bytes of a frame with what is new."""
        with self.source.lock:
            return self._frame()

    def _frame(self) -> bytes:
        trace = self.trace
        if self.restarts != self.source.restarts:
            self.restart()
        whole = not self.starts
        if self.segment != trace.segment:
            self.starts = {n: c for n, c in self.starts.items() if n in RUNNING_TABLES}
        frame = trace.frame(self.starts, 0 if whole else self.strings)
        frame.sequence = self.sequence
        self.sequence += 1
        self.segment = trace.segment
        self.starts = {name: len(table) for name, table in trace.tables.items()}
        self.strings = len(trace.strings)
        return encode(frame)
