"""`Trace`: what a recording saw, as tables that every view reads."""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .frame import Frame, Rows, TraceError, column_type, decode, encode
from .schema import CATEGORIES, PHASES, ROLES, SEGMENT_TABLES, STATISTICS, TABLES

__all__ = ["Table", "Trace", "TraceError", "load"]


class Table:
    """Rows of one table: added as tuples, read as columns."""

    def __init__(self, name: str) -> None:
        self.kinds = {c: column_type(kind) for c, kind in TABLES[name].items()}
        self._added: list[tuple[Any, ...]] = []
        self._columns = {
            c: np.zeros(0 if width == 1 else (0, width), kind)
            for c, (kind, width) in self.kinds.items()
        }
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, *row: Any) -> int:
        """Appends a row, in the schema's order of columns; returns its number."""
        self._added.append(row)
        self._count += 1
        return self._count - 1

    def __getitem__(self, column: str) -> np.ndarray:
        self._settle()
        return self._columns[column]

    def _settle(self) -> None:
        """Moves what was added into the columns."""
        if self._added:
            added, self._added = self._added, []
            for (name, (kind, _)), values in zip(
                self.kinds.items(), zip(*added, strict=True), strict=True
            ):
                with np.errstate(over="ignore"):
                    new = np.array(values).astype(kind)
                self._columns[name] = np.concatenate([self._columns[name], new])

    def extend(self, columns: dict[str, np.ndarray], count: int) -> None:
        """Appends columns read from a frame."""
        self._settle()
        for name in self.kinds:
            self._columns[name] = np.concatenate([self._columns[name], columns[name]])
        self._count += count

    def drop_last(self) -> None:
        """Takes the last row away."""
        self._settle()
        self._columns = {n: c[:-1] for n, c in self._columns.items()}
        self._count = max(0, self._count - 1)

    def keep(self, which: np.ndarray) -> None:
        """Keeps only the rows where ``which`` is true."""
        self._settle()
        self._columns = {n: c[which] for n, c in self._columns.items()}
        self._count = int(which.sum())

    def since(self, start: int) -> Rows:
        """The rows from ``start`` on."""
        self._settle()
        return Rows(start, self._count - start, {n: c[start:] for n, c in self._columns.items()})


class Trace:
    """One recording: ``trace["ops"]["time"]`` is a column of a table (docs/trace-format.md).

    >>> import flambeau as fb
    >>> with fb.record() as trace:
    ...     y = fb.ones(2, 3) @ fb.ones(3, 1)
    >>> [op.name for op in trace.ops]
    ['matmul']
    """

    def __init__(self, about: dict[str, Any] | None = None) -> None:
        self.about = about or {}
        self.segment = 0
        self.strings: list[str] = [""]
        self._numbers: dict[str, int] = {"": 0}
        self.tables = {name: Table(name) for name in TABLES}
        self.flush: Any = lambda: None  # a recorder that still runs brings it up to date

    def __getitem__(self, table: str) -> Table:
        self.flush()
        return self.tables[table]

    def intern(self, text: str) -> int:
        """The number of a string in the string table, added if it is new."""
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self.strings)
            self.strings.append(text)
        return number

    def new_segment(self) -> None:
        """Drops the segment tables and counts on; the running tables and strings stay."""
        self.segment += 1
        for name in SEGMENT_TABLES:
            self.tables[name] = Table(name)

    # Reading

    @property
    def ops(self) -> list[OpRow]:
        """Every operation in the order it ran."""
        self.flush()
        return [OpRow(self, i) for i in range(len(self.tables["ops"]))]

    @property
    def errors(self) -> list[str]:
        """The messages of the errors that were raised."""
        return [self.strings[i] for i in self["errors"]["message"]]

    @property
    def peak(self) -> float:
        """The most bytes that were alive at once."""
        return memory_curve(self)[1].max(initial=0.0)

    def __repr__(self) -> str:
        phases = self["ops"]["phase"]
        forward = int((phases == 0).sum())
        text = (
            f"{forward} forward and {len(phases) - forward} backward ops in "
            f"{len(self['iterations'])} iteration{'s' if len(self['iterations']) != 1 else ''}, "
            f"peak {readable_bytes(self.peak)}"
        )
        if self.errors:
            text += f", broke with: {self.errors[-1]}"
        return f"<Trace: {text}>"

    # Files

    def frame(self, starts: dict[str, int] | None = None, first_string: int = 0) -> Frame:
        """What was added since ``starts`` (everything where it is None), as a frame."""
        self.flush()
        starts = starts or {}
        tables = {n: t.since(starts.get(n, 0)) for n, t in self.tables.items()}
        tables = {n: rows for n, rows in tables.items() if rows.count or not starts}
        strings = self.strings[first_string:]
        return Frame(tables, strings, first_string, 0, self.segment, self.about)

    def to_bytes(self) -> bytes:
        """The whole trace as one frame."""
        return encode(self.frame())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the trace to a ``.flb`` file, whole or not at all."""
        write_whole(path, self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> Trace:
        """The trace in the bytes of one frame; TraceError where they are damaged."""
        frame = decode(data)
        if frame.first_string or any(rows.start for rows in frame.tables.values()):
            raise TraceError("this is not a whole trace: it continues another")
        made = cls(frame.about)
        made.segment = frame.segment
        made.strings = list(frame.strings) or [""]
        made._numbers = {text: i for i, text in enumerate(made.strings)}
        for name, rows in frame.tables.items():
            made.tables[name].extend(rows.columns, rows.count)
        check(made)
        return made

    # Pictures; each is in a file of its own, loaded when asked for

    def to_dot(self, iteration: int | None = None, depth: int = 99) -> str:
        """The forward graph of an iteration in Graphviz's DOT language, modules as clusters.

        ``iteration`` None means the last whole one; modules nested deeper than ``depth`` are
        drawn as one box.
        """
        from .dot import to_dot

        return to_dot(self, iteration, depth)

    def to_graphviz(self, iteration: int | None = None, depth: int = 99) -> Any:
        """The same as a ``graphviz.Source``, which a notebook draws where Graphviz is installed."""
        try:
            import graphviz
        except ImportError:
            raise ImportError(
                "to_graphviz() needs the package graphviz: pip install graphviz"
            ) from None
        return graphviz.Source(self.to_dot(iteration, depth))

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """One self-contained page that shows the trace offline; also written to ``path``."""
        from ..door import view

        page = view().page(self)
        if path is not None:
            write_whole(path, page.encode())
        return page

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        from ..door import view

        try:
            shown = view().graph(self)
        except ImportError:
            return {"text/plain": repr(self)}
        return shown._repr_mimebundle_(**kwargs)


class OpRow:
    """One operation of a trace, in words."""

    def __init__(self, trace: Trace, row: int) -> None:
        self.trace, self.row = trace, row

    def _value(self, column: str) -> Any:
        return self.trace.tables["ops"][column][self.row].item()

    @property
    def name(self) -> str:
        """The operation's name, ``"conv2d"``."""
        return self.trace.strings[self._value("name")]

    @property
    def phase(self) -> str:
        """``"forward"`` or ``"backward"``."""
        return PHASES[self._value("phase")]

    @property
    def module(self) -> str:
        """The path of the module it ran in, ``"net.conv1"``, or ``""``."""
        call = self._value("call")
        if call < 0:
            return ""
        tables = self.trace.tables
        return self.trace.strings[tables["modules"]["path"][tables["calls"]["module"][call]]]

    @property
    def line(self) -> str:
        """Where the user wrote it: ``"cell 3 line 5"`` or ``"train.py line 5"``."""
        row = self._value("line")
        if row < 0:
            return ""
        lines = self.trace.tables["lines"]
        cell, number = lines["cell"][row], lines["line"][row]
        file = self.trace.strings[lines["file"][row]]
        return f"cell {cell} line {number}" if cell else f"{os.path.basename(file)} line {number}"

    @property
    def duration(self) -> float:
        """Seconds it took."""
        return self._value("duration")

    @property
    def iteration(self) -> int:
        """The number of the iteration it ran in."""
        return self._value("iteration")

    def _tensors(self, role: int) -> list[int]:
        uses = self.trace.tables["uses"]
        return uses["tensor"][(uses["op"] == self.row) & (uses["role"] == role)].tolist()

    def _shapes(self, role: int) -> list[tuple[int, ...]]:
        shapes = self.trace.tables["tensors"]["shape"]
        return [shape_of(self.trace.strings[shapes[t]]) for t in self._tensors(role)]

    @property
    def inputs(self) -> list[tuple[int, ...]]:
        """The shapes of its inputs."""
        return self._shapes(0)

    @property
    def outputs(self) -> list[tuple[int, ...]]:
        """The shapes of its outputs."""
        return self._shapes(1)

    def __repr__(self) -> str:
        where = ", ".join(p for p in (self.module, self.line) if p)
        return f"<{self.phase} {self.name} {self.inputs} -> {self.outputs} at {where or '?'}>"


def shape_of(text: str) -> tuple[int, ...]:
    """``"32,1,8"`` as a tuple."""
    return tuple(int(n) for n in text.split(",")) if text else ()


def memory_curve(trace: Trace) -> tuple[np.ndarray, np.ndarray]:
    """Ticks at which memory was taken or given back, and the bytes alive from each on."""
    trace.flush()
    blocks, frees = trace.tables["blocks"], trace.tables["frees"]
    ticks = np.concatenate([blocks["tick"], frees["tick"]])
    change = np.concatenate([blocks["bytes"], -blocks["bytes"][frees["block"]]])
    order = np.argsort(ticks, kind="stable")
    return ticks[order], np.cumsum(change[order])


def bytes_at(trace: Trace, tick: int) -> np.ndarray:
    """Bytes alive at a tick, by category; each block counts under the last one it was given."""
    blocks, frees, changes = (trace[n] for n in ("blocks", "frees", "categories"))
    category = blocks["category"].copy()
    category[changes["block"]] = changes["category"]
    alive = blocks["tick"] <= tick
    alive[frees["block"][frees["tick"] <= tick]] = False
    return np.bincount(category[alive], blocks["bytes"][alive], minlength=len(CATEGORIES))


def readable_bytes(count: float) -> str:
    """``1536`` as ``"1.5 KB"``; a KB is 1,024 bytes."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            break
        count /= 1024
    return f"{count:.0f} {unit}" if count >= 100 or unit == "B" else f"{count:.1f} {unit}"


_REFERENCES = {
    ("ops", "call"): "calls",
    ("ops", "line"): "lines",
    ("ops", "forward"): "ops",
    ("uses", "op"): "ops",
    ("uses", "tensor"): "tensors",
    ("tensors", "block"): "blocks",
    ("frees", "block"): "blocks",
    ("categories", "block"): "blocks",
    ("calls", "module"): "modules",
    ("calls", "parent"): "calls",
    ("leaves", "call"): "calls",
    ("statistics", "tensor"): "tensors",
    ("errors", "op"): "ops",
    ("errors", "call"): "calls",
    ("errors", "line"): "lines",
}
_OPTIONAL = {("ops", "call"), ("ops", "line"), ("ops", "forward"), ("tensors", "block")} | {
    ("calls", "parent"),
    ("errors", "op"),
    ("errors", "call"),
    ("errors", "line"),
}
_LIMITS = {
    ("ops", "phase"): len(PHASES),
    ("uses", "role"): len(ROLES),
    ("blocks", "category"): len(CATEGORIES),
    ("categories", "category"): len(CATEGORIES),
    ("statistics", "kind"): len(STATISTICS),
}


_SHAPE = re.compile(r"(\d{1,19}(,\d{1,19}){0,63})?", re.ASCII)


def check(trace: Trace) -> None:
    """TraceError if a row refers to something that is not there."""
    for name, columns in TABLES.items():
        for column, kind in columns.items():
            values = trace.tables[name][column]
            if not len(values):
                continue
            key = (name, column)
            low, high = 0, None
            if kind == "s":
                high = len(trace.strings)
            elif key in _REFERENCES:
                low, high = -1 if key in _OPTIONAL else 0, len(trace.tables[_REFERENCES[key]])
            elif key in _LIMITS:
                high = _LIMITS[key]
            if high is not None and (values.min() < low or values.max() >= high):
                raise TraceError(f"{name}.{column} refers to something that is not in the trace")
    for text in {trace.strings[i] for i in trace.tables["tensors"]["shape"].tolist()}:
        if not _SHAPE.fullmatch(text):
            raise TraceError(f"a tensor of the trace has the shape {text[:40]!r}")
    sizes = trace.tables["blocks"]["bytes"]
    if not (np.isfinite(sizes) & (sizes >= 0)).all():
        raise TraceError("blocks.bytes has numbers that cannot be sizes")


def load(path: str | os.PathLike[str]) -> Trace:
    """Reads a ``.flb`` file; TraceError (a ValueError) that says what is wrong with a damaged one.

    Nothing in the file is ever run.
    """
    try:
        return Trace.from_bytes(Path(path).read_bytes())
    except TraceError as error:
        raise TraceError(f"{os.fspath(path)}: {error}") from None


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file whole or not at all: under another name first, then renamed.

    A link stays a link, and a file that was there keeps its permissions.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(
            errno.EISDIR, "this is a folder; name a file in it", os.fspath(path)
        )
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
    if target.exists() and not target.is_file():  # such as /dev/stdout
        target.write_bytes(data)
        return
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:200]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, stat.S_IMODE(target.stat().st_mode) if target.exists() else _usual_mode())
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _usual_mode() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
