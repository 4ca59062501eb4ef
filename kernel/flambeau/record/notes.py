"""From the recorder's notes to the tables of a trace."""

from __future__ import annotations

import linecache
from enum import IntEnum
from typing import Any

from ..errors import cell_of
from .schema import CATEGORIES, ROLES
from .trace import Trace

INPUT, OUTPUT, KEPT = range(len(ROLES))
_MADE_BY_OPS = tuple(CATEGORIES.index(c) for c in ("other", "activation", "gradient"))


class Note(IntEnum):
    """What a note is about; it is the first item of its tuple."""

    FORWARD = 0
    BACKWARD = 1
    FAILED = 2
    ENTER = 3
    LEAVE = 4
    TAKEN = 5
    FREED = 6
    CATEGORY = 7
    STATISTICS = 8
    GRADIENT_OF = 9
    PARAMETER = 10
    STEP = 11
    SUMMARY = 12
    ITERATION = 13
    MARK = 14
    ERROR = 15


class Seen:
    """What is known of one array, without keeping it alive. ``block`` is the memory it lies in."""

    __slots__ = (
        "block",
        "bytes",
        "category",
        "device",
        "dtype",
        "name",
        "owns",
        "reference",
        "row",
        "segment",
        "shape",
    )

    def __init__(self, array: Any, block: Seen | None, name: str = "") -> None:
        self.shape = array.shape
        self.dtype = array.dtype
        self.bytes = array.nbytes
        self.device = getattr(array, "device", "cpu")
        self.block: Seen = self if block is None else block
        self.category = 0
        self.name = name
        self.owns = False  # whether the memory goes when this array goes
        self.reference: Any = None
        self.segment = -1  # the segment of the trace in which `row` is its row
        self.row = -1


class Writer:
    """Writes notes into a trace, and remembers which rows they became."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.tick = 0
        self.reset()

    def reset(self) -> None:
        """Forgets the rows of the segment tables, when a new segment begins."""
        self.blocks: dict[int, tuple[Seen, int]] = {}  # id(Seen) -> itself, row
        self.seen_of_row: dict[int, Seen] = {}
        self.forward: dict[int, tuple[int, int]] = {}  # node's sequence -> op row, output's row
        self.call_rows: dict[int, int] = {}
        self.module_rows: dict[tuple[str, str], int] = {}
        self.line_rows: dict[tuple[str, int], int] = {}
        self.code_lines: dict[tuple[Any, int], int] = {}

    def write(self, notes: list[tuple[Any, ...]]) -> None:
        """Adds the rows that the notes stand for."""
        for note in notes:
            self.tick += 1
            _WRITERS[note[0]](self, *note[1:])

    # Where things are

    def line(self, place: Any) -> int:
        """The row of a source line, given a code object and the offset of an instruction."""
        if place is None:
            return -1
        row = self.code_lines.get(place)
        if row is None:
            row = self.code_lines[place] = self._line_row(*place)
        return row

    def _line_row(self, code: Any, offset: int) -> int:
        number = next((n for lo, hi, n in code.co_lines() if lo <= offset < hi), None) or 0
        key = (code.co_filename, number)
        if key not in self.line_rows:
            intern = self.trace.intern
            text = linecache.getline(code.co_filename, number).strip()
            row = (intern(key[0]), number, cell_of(key[0]), intern(code.co_qualname), intern(text))
            self.line_rows[key] = self.trace.tables["lines"].add(*row)
        return self.line_rows[key]

    def block(self, seen: Seen) -> int:
        """The row of a block of memory; one that was there before the segment is added now."""
        found = self.blocks.get(id(seen))
        if found is not None:
            return found[1]
        row = (self.tick, 0.0, seen.bytes, self.device(seen), seen.category, -1)
        number = self.trace.tables["blocks"].add(*row)
        self.blocks[id(seen)] = (seen, number)
        return number

    def device(self, seen: Seen) -> int:
        """The number of the device's name."""
        where = seen.device
        return self.trace.intern(where if isinstance(where, str) else f"cuda:{where.id}")

    def tensor(self, seen: Seen) -> int:
        """The row of a tensor, added when it is first met in the segment."""
        if seen.segment == self.trace.segment and seen.row >= 0:
            return seen.row
        intern = self.trace.intern
        row = self.trace.tables["tensors"].add(
            self.tick,
            self.block(seen.block),
            intern(",".join(map(str, seen.shape))),
            intern(str(seen.dtype)),
            intern(seen.name),
        )
        seen.segment, seen.row = self.trace.segment, row
        self.seen_of_row[row] = seen
        return row

    def uses(self, op: int, role: int, tensors: list[Seen]) -> None:
        """Adds the edges between an operation and tensors."""
        for seen in tensors:
            self.trace.tables["uses"].add(op, self.tensor(seen), role)

    # One for each kind of note

    def forward_op(
        self,
        name: str,
        time: float,
        duration: float,
        call: int,
        place: Any,
        iteration: int,
        given: list[Seen],
        made: list[Seen],
        kept: list[Seen],
        sequence: int,
        arguments: str,
    ) -> None:
        """An operation that ran forward."""
        op = self._op(name, time, duration, 0, call, place, -1, iteration, arguments)
        self.uses(op, INPUT, given)
        self.uses(op, OUTPUT, made)
        self.uses(op, KEPT, kept)
        if sequence and made:
            self.forward[sequence] = (op, self.tensor(made[0]))

    def _op(
        self,
        name: str,
        time: float,
        duration: float,
        phase: int,
        call: int,
        place: Any,
        forward: int,
        iteration: int,
        arguments: str = "",
    ) -> int:
        intern = self.trace.intern
        call_row = self.call_rows.get(call, -1) if phase == 0 else call
        line = self.line(place) if phase == 0 else place
        return self.trace.tables["ops"].add(
            self.tick,
            time,
            duration,
            phase,
            intern(name),
            call_row,
            line,
            forward,
            iteration,
            intern(arguments),
        )

    def backward_op(
        self,
        name: str,
        time: float,
        duration: float,
        sequence: int,
        iteration: int,
        given: list[Seen],
        made: list[Seen],
    ) -> None:
        """An operation whose gradient rules ran."""
        forward, _ = self.forward.get(sequence, (-1, -1))
        call = line = -1
        if forward >= 0:
            ops = self.trace.tables["ops"]
            call, line = int(ops["call"][forward]), int(ops["line"][forward])
        op = self._op(name, time, duration, 1, call, line, forward, iteration)
        self.uses(op, INPUT, given)
        self.uses(op, OUTPUT, made)

    def failed_op(
        self,
        name: str,
        time: float,
        duration: float,
        call: int,
        place: Any,
        iteration: int,
        given: list[Seen],
        kind: str,
        message: str,
    ) -> None:
        """An operation that raised."""
        op = self._op(name, time, duration, 0, call, place, -1, iteration)
        self.uses(op, INPUT, given)
        self.raised(time, kind, message, op, self.call_rows.get(call, -1), self.line(place))

    def raised(
        self, time: float, kind: str, message: str, op: int = -1, call: int = -1, line: int = -1
    ) -> None:
        """An error."""
        intern = self.trace.intern
        row = (self.tick, time, op, intern(kind), intern(message), call, line)
        self.trace.tables["errors"].add(*row)

    def entered(self, path: str, kind: str, parent: int, number: int, time: float) -> None:
        """A module that was entered."""
        intern, tables = self.trace.intern, self.trace.tables
        key = (path, kind)
        if key not in self.module_rows:
            self.module_rows[key] = tables["modules"].add(intern(path), intern(kind))
        self.call_rows[number] = tables["calls"].add(
            self.module_rows[key], self.call_rows.get(parent, -1), self.tick, time
        )

    def left(self, number: int, time: float) -> None:
        """A module that was left."""
        if number in self.call_rows:
            self.trace.tables["leaves"].add(self.call_rows[number], self.tick, time)

    def taken(self, seen: Seen, time: float, category: int) -> None:
        """Memory that was taken, or met for the first time."""
        if id(seen) not in self.blocks:
            # What an operation makes is noted just before the operation itself.
            op = len(self.trace.tables["ops"]) if category in _MADE_BY_OPS else -1
            row = (self.tick, time, seen.bytes, self.device(seen), category, op)
            self.blocks[id(seen)] = (seen, self.trace.tables["blocks"].add(*row))

    def freed(self, seen: Seen, time: float) -> None:
        """Memory that was given back."""
        found = self.blocks.pop(id(seen), None)
        if found is not None:
            self.trace.tables["frees"].add(found[1], self.tick, time)

    def categorised(self, seen: Seen, category: int) -> None:
        """Memory that turned out to be something else."""
        found = self.blocks.get(id(seen))
        if found is not None:
            self.trace.tables["categories"].add(found[1], category, self.tick)

    def statistics(self, seen: Seen, kind: int, values: Any) -> None:
        """Statistics of a tensor's values."""
        self._statistics_row(self.tensor(seen), kind, values)

    def _statistics_row(self, tensor: int, kind: int, values: Any) -> None:
        *numbers, shape = values
        row = (*numbers, self.trace.intern(shape))
        self.trace.tables["statistics"].add(tensor, self.tick, kind, *row)

    def gradient_of(self, sequence: int, values: Any) -> None:
        """Statistics of the gradient of an operation's output."""
        _, tensor = self.forward.get(sequence, (-1, -1))
        if tensor >= 0:
            self._statistics_row(tensor, 1, values)

    def parameter(self, iteration: int, name: str, *values: Any) -> None:
        """Statistics of a parameter and its gradient in an iteration."""
        self.trace.tables["gradients"].add(iteration, self.trace.intern(name), *values)

    def stepped(self, time: float, optimizer: str, rate: float) -> None:
        """An optimizer's step."""
        self.trace.tables["steps"].add(self.tick, time, self.trace.intern(optimizer), rate)

    def summary(self, row: tuple[Any, ...]) -> None:
        """What an iteration came to."""
        self.trace.tables["summaries"].add(*row)

    def iteration(self, number: int, time: float) -> None:
        """An iteration that began."""
        self.trace.tables["iterations"].add(number, self.tick, time)

    def marked(self, time: float, text: str) -> None:
        """A mark of the user's own."""
        self.trace.tables["marks"].add(self.tick, time, self.trace.intern(text))


_WRITERS = {
    Note.FORWARD: Writer.forward_op,
    Note.BACKWARD: Writer.backward_op,
    Note.FAILED: Writer.failed_op,
    Note.ENTER: Writer.entered,
    Note.LEAVE: Writer.left,
    Note.TAKEN: Writer.taken,
    Note.FREED: Writer.freed,
    Note.CATEGORY: Writer.categorised,
    Note.STATISTICS: Writer.statistics,
    Note.GRADIENT_OF: Writer.gradient_of,
    Note.PARAMETER: Writer.parameter,
    Note.STEP: Writer.stepped,
    Note.SUMMARY: Writer.summary,
    Note.ITERATION: Writer.iteration,
    Note.MARK: Writer.marked,
    Note.ERROR: Writer.raised,
}
