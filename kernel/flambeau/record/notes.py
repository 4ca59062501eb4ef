"""From the recorder's notes to the tables of a trace."""

from __future__ import annotations

import linecache
from typing import Any

from ..errors import cell_of
from . import kinds
from .memory import ACTIVATION, MADE_BY_OPS, OTHER, Seen
from .naming import argument_text
from .schema import CATEGORIES, ROLES
from .trace import Trace

INPUT, OUTPUT, KEPT = range(len(ROLES))


def kind_of(note: Any) -> int:
    """What a note is about: a number of `kinds`."""
    return kinds.FREED if isinstance(note, Seen) else note[0]


class Writer:
    """Writes notes into a trace, and remembers which rows they became."""

    def __init__(self, trace: Trace, began: float) -> None:
        self.trace = trace
        self.began = began  # on the clock of the notes
        self.tick = 0
        self.number = 0  # of the iteration
        self.time = 0.0  # the end of the last operation
        self.texts: dict[Any, int] = {}  # shapes and types -> the numbers of their texts
        self.reset()

    def reset(self) -> None:
        """Forgets the rows of the segment tables, when a new segment begins."""
        self.blocks: dict[int, list[Any]] = {}  # id(Seen) -> itself, row, category
        self.tensors: dict[int, int] = {}  # id(Seen) -> row
        self.seen_of_row: dict[int, Seen] = {}
        self.alive = [0.0] * len(CATEGORIES)  # bytes by category
        self.new_peak()
        self.forward: dict[int, tuple[int, int]] = {}  # node's sequence -> op row, output's row
        self.places: dict[int, tuple[int, int]] = {}  # forward op row -> its call, its line
        self.call_rows: dict[int, int] = {}
        self.module_rows: dict[tuple[str, str], int] = {}
        self.line_rows: dict[tuple[str, int], int] = {}
        self.code_lines: dict[tuple[int, int], tuple[Any, int]] = {}

    def write(self, notes: list[Any]) -> None:
        """Adds the rows that the notes stand for."""
        for note in notes:
            self.tick += 1
            if isinstance(note, Seen):
                self.freed(note)
            else:
                write: Any = _WRITERS[note[0]]
                write(self, *note[1:])

    def new_peak(self) -> None:
        """Looks for the peak anew, from here on."""
        self.peak, self.at_peak = sum(self.alive), list(self.alive)

    # Where things are

    def line(self, code: Any, offset: int) -> int:
        """The row of a source line, given a code object and the offset of an instruction."""
        if code is None:
            return -1
        known = self.code_lines.get((id(code), offset))
        if known is None:  # the code object is kept, so that its id is not used again
            known = self.code_lines[id(code), offset] = code, self._line_row(code, offset)
        return known[1]

    def _line_row(self, code: Any, offset: int) -> int:
        number = next((n for lo, hi, n in code.co_lines() if lo <= offset < hi), None) or 0
        key = (code.co_filename, number)
        if key not in self.line_rows:
            intern = self.trace.intern
            text = linecache.getline(code.co_filename, number).strip()
            row = (intern(key[0]), number, cell_of(key[0]), intern(code.co_qualname), intern(text))
            self.line_rows[key] = self.trace.tables["lines"].add(*row)
        return self.line_rows[key]

    def block(self, seen: Seen, time: float = 0.0, op: int = -1) -> int:
        """The row of the memory of an array, added when it is first met in the segment."""
        known = self.blocks.get(id(seen))
        if known is not None:
            return known[1]
        row = (self.tick, time, seen.bytes, self.device(seen), seen.category, op)
        number = self.trace.tables["blocks"].add(*row)
        self.blocks[id(seen)] = [seen, number, seen.category]
        self._count(seen.category, seen.bytes)
        return number

    def _count(self, category: int, change: float) -> None:
        self.alive[category] += change
        if change > 0 and (total := sum(self.alive)) > self.peak:
            self.peak, self.at_peak = total, list(self.alive)

    def device(self, seen: Seen) -> int:
        """The number of the device's name."""
        where: Any = getattr(seen(), "device", "cpu")
        return self.trace.intern(where if where.__class__ is str else f"cuda:{where.id}")

    def tensor(self, seen: Seen, time: float = 0.0, op: int = -1) -> int:
        """The row of a tensor, added when it is first met in the segment."""
        row = self.tensors.get(id(seen))
        if row is None:
            shape, dtype, name = seen.shape, seen.dtype, getattr(seen, "name", "")
            row = self.trace.tables["tensors"].add(
                self.tick,
                self.block(seen.block or seen, time, op),
                self.texts.get(shape) or self._text(shape, ",".join(map(str, shape))),
                self.texts.get(dtype) or self._text(dtype, str(dtype)),
                self.trace.intern(name) if name else 0,
            )
            self.tensors[id(seen)] = row
            self.seen_of_row[row] = seen  # keeps the id from being used again
        return row

    def _text(self, value: Any, text: str) -> int:
        number = self.texts[value] = self.trace.intern(text)
        return number

    def uses(self, op: int, role: int, tensors: Any, time: float = 0.0) -> None:
        """Adds the edges between an operation and tensors; those it gives, it has made."""
        maker = op if role == OUTPUT else -1
        known, add = self.tensors.get, self.trace.tables["uses"].add
        for seen in tensors:
            if seen is not None:
                row = known(id(seen))
                add(op, self.tensor(seen, time, maker) if row is None else row, role)

    # One for each kind of note

    def forward_op(
        self,
        op: Any,
        started: float,
        ended: float,
        call: int,
        code: Any,
        offset: int,
        arrays: list[Any],
        outputs: int,
        sequence: int,
        plan: Any,
        others: Any,
        params: Any,
    ) -> None:
        """An operation that ran forward; ``params`` may be in words already."""
        given, made = arrays[:-outputs], arrays[-outputs:]
        arguments = params if params.__class__ is str else argument_text(op, params)
        line, call_row = self.line(code, offset), self.call_rows.get(call, -1)
        self.places[len(self.trace.tables["ops"])] = (call_row, line)
        row = self._op(op, started, ended, 0, call_row, line, -1, arguments)
        self.uses(row, INPUT, given)
        self.uses(row, OUTPUT, made, ended - self.began)
        if plan is None:
            return
        self.forward[sequence] = (row, self.tensor(made[0]))
        kept = [s for kind in plan.watch for s in (made if kind < 0 else (given[kind],))]
        for seen in (*kept, *others):
            if seen is not None:
                self.trace.tables["uses"].add(row, self.tensor(seen), KEPT)
                block = seen.block or seen
                if block.category == OTHER:
                    block.category = ACTIVATION
                    self.categorised(block, ACTIVATION)

    def _op(
        self,
        op: Any,
        started: float,
        ended: float,
        phase: int,
        call: int,
        line: int,
        forward: int,
        arguments: str = "",
    ) -> int:
        name, text = self.trace.intern(op.name), self.trace.intern(arguments)
        time, duration = started - self.began, ended - started
        self.time = time + duration
        row = (self.tick, time, duration, phase, name, call, line, forward, self.number, text)
        return self.trace.tables["ops"].add(*row)

    def backward_op(
        self,
        op: Any,
        started: float,
        ended: float,
        sequence: int,
        gradients: list[Any],
        given: int,
    ) -> None:
        """An operation whose gradient rules ran; the first ``given`` are what it was given."""
        forward, _ = self.forward.get(sequence, (-1, -1))
        call, line = self.places.get(forward, (-1, -1))
        row = self._op(op, started, ended, 1, call, line, forward)
        self.uses(row, INPUT, gradients[:given])
        self.uses(row, OUTPUT, gradients[given:], ended - self.began)

    def failed_op(
        self,
        op: Any,
        started: float,
        ended: float,
        call: int,
        code: Any,
        offset: int,
        given: list[Any],
        kind: str,
        message: str,
    ) -> None:
        """An operation that raised."""
        line, call_row = self.line(code, offset), self.call_rows.get(call, -1)
        row = self._op(op, started, ended, 0, call_row, line, -1)
        self.uses(row, INPUT, given)
        self.raised(started - self.began, kind, message, row, call_row, line)

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

    def taken(self, seen: Seen, time: float) -> None:
        """Memory that was taken, or met for the first time."""
        self.block(seen, time, self._next_op(seen))

    def _next_op(self, seen: Seen) -> int:
        """What an operation makes may be noted just before the operation itself."""
        return len(self.trace.tables["ops"]) if seen.category in MADE_BY_OPS else -1

    def freed(self, seen: Seen) -> None:
        """Memory that was given back; its row stays known, for an operation noted after that."""
        time = self.time
        row = self.block(seen, time, self._next_op(seen))
        self.trace.tables["frees"].add(row, self.tick, time)
        self._count(self.blocks[id(seen)][2], -seen.bytes)

    def categorised(self, seen: Seen, category: int) -> None:
        """Memory that turned out to be something else."""
        found = self.blocks.get(id(seen))
        if found is not None and found[2] != category:
            self.trace.tables["categories"].add(found[1], category, self.tick)
            self._count(found[2], -seen.bytes)
            self._count(category, seen.bytes)
            found[2] = category

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

    def summary(self, row: tuple[Any, ...], pool: tuple[float, float]) -> None:
        """What an iteration came to."""
        self.trace.tables["summaries"].add(*row, tuple(self.at_peak), *pool)
        self.new_peak()

    def short_summary(self, row: tuple[Any, ...], pool: tuple[float, float]) -> None:
        """The same for an iteration whose details are dropped: nothing is known by category."""
        self.trace.tables["summaries"].add(*row, (0.0,) * len(CATEGORIES), *pool)

    def iteration(self, number: int, time: float) -> None:
        """An iteration that began."""
        self.number = number
        self.trace.tables["iterations"].add(number, self.tick, time)

    def marked(self, time: float, text: str) -> None:
        """A mark of the user's own."""
        self.trace.tables["marks"].add(self.tick, time, self.trace.intern(text))


_WRITERS = {
    kinds.FORWARD: Writer.forward_op,
    kinds.BACKWARD: Writer.backward_op,
    kinds.FAILED: Writer.failed_op,
    kinds.ENTER: Writer.entered,
    kinds.LEAVE: Writer.left,
    kinds.TAKEN: Writer.taken,
    kinds.CATEGORY: Writer.categorised,
    kinds.STATISTICS: Writer.statistics,
    kinds.GRADIENT_OF: Writer.gradient_of,
    kinds.PARAMETER: Writer.parameter,
    kinds.STEP: Writer.stepped,
    kinds.SUMMARY: Writer.summary,
    kinds.ITERATION: Writer.iteration,
    kinds.MARK: Writer.marked,
    kinds.ERROR: Writer.raised,
}
