"""Traces as bytes: what goes out comes back, and nothing that is damaged comes in."""

from __future__ import annotations

import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flambeau as fb
from flambeau.record import schema
from flambeau.record.frame import Frame, Rows, TraceError, decode, encode
from flambeau.record.trace import _REFERENCES, Table, Trace, write_whole

ROOT = Path(__file__).parents[2]


def recorded() -> Trace:
    """A small trace with something in every table."""
    net = fb.nn.Sequential(fb.nn.Linear(3, 2), fb.nn.ReLU())
    optimizer = fb.optim.SGD(net.parameters(), lr=0.1)
    try:
        with fb.record(statistics=1, title="a «trace»") as trace:
            for _ in range(2):
                fb.mark("step")
                net(fb.ones(1, 3)).sum().backward()
                optimizer.step()
            net(fb.ones(1, 4))
    except RuntimeError:
        pass
    return trace


@pytest.fixture(scope="module")
def trace() -> Trace:
    return recorded()


@pytest.fixture(scope="module")
def data(trace: Trace) -> bytes:
    return trace.to_bytes()


def same(a: Trace, b: Trace) -> None:
    assert a.strings == b.strings
    assert a.about == b.about
    assert a.segment == b.segment
    for name, columns in schema.TABLES.items():
        assert len(a[name]) == len(b[name])
        for column in columns:
            x, y = a[name][column], b[name][column]
            assert (x.dtype, x.shape) == (y.dtype, y.shape)
            assert x.tobytes() == y.tobytes(), (name, column)


# There and back


def test_every_table_has_rows(trace: Trace) -> None:
    assert {name for name in schema.TABLES if not len(trace[name])} == set()


def test_bytes_round_trip(trace: Trace, data: bytes) -> None:
    again = Trace.from_bytes(data)
    same(trace, again)
    assert again.to_bytes() == data
    assert repr(again) == repr(trace)
    assert [repr(op) for op in again.ops] == [repr(op) for op in trace.ops]


def test_file_round_trip(trace: Trace, tmp_path: Path) -> None:
    path = tmp_path / "net.flb"
    trace.save(path)
    trace.save(str(path))  # over itself
    same(trace, fb.load_trace(path))
    same(trace, fb.load_trace(str(path)))
    assert [p.name for p in tmp_path.iterdir()] == ["net.flb"]


def test_an_empty_trace_round_trips() -> None:
    same(Trace(), Trace.from_bytes(Trace().to_bytes()))


def test_a_loaded_trace_can_be_added_to(data: bytes) -> None:
    again = Trace.from_bytes(data)
    number = len(again.strings)
    assert again.intern("linear") < number
    assert again.intern("something new") == number
    again["marks"].add(10**6, 1.0, number)
    assert len(Trace.from_bytes(again.to_bytes())["marks"]) == len(again["marks"])


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "net.flb"
    path.write_bytes(b"old")

    def fails(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(OSError, match="full"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["net.flb"]
    with pytest.raises(OSError, match="nowhere"):
        write_whole(tmp_path / "nowhere" / "net.flb", b"new")


def test_a_file_that_was_there_keeps_what_it_was(tmp_path: Path) -> None:
    real, link = tmp_path / "real.flb", tmp_path / "link.flb"
    write_whole(real, b"old")
    real.chmod(0o600)
    link.symlink_to(real)
    write_whole(link, b"new")
    assert link.is_symlink()
    assert (real.read_bytes(), real.stat().st_mode & 0o777) == (b"new", 0o600)
    with pytest.raises(IsADirectoryError, match="this is a folder"):
        write_whole(tmp_path, b"new")
    with pytest.raises(FileNotFoundError, match="there is no such folder"):
        write_whole(tmp_path / "nowhere" / "net.flb", b"new")


def test_layout_is_as_documented(data: bytes) -> None:
    magic, header_size, body_size, crc = struct.unpack_from("<4sIII", data)
    assert magic == b"FLB1"
    assert header_size % 8 == 0
    assert len(data) == 16 + header_size + body_size
    assert crc == zlib.crc32(data[16:])
    header = json.loads(data[16 : 16 + header_size])
    assert header["version"] == schema.VERSION
    assert header["strings"][0] == ""
    for name, table in header["tables"].items():
        for column, (kind, width, offset) in table["columns"].items():
            assert offset % 8 == 0
            size = table["rows"] * width * np.dtype(kind).itemsize
            assert offset + size <= body_size, (name, column)


# Damage


def refuse(data: bytes) -> str:
    with pytest.raises(TraceError) as caught:
        Trace.from_bytes(data)
    return str(caught.value)


def with_column(trace: Trace, table: str, **columns: Any) -> Trace:
    """The same trace, some columns of a table replaced."""
    made = Trace.from_bytes(trace.to_bytes())
    found = made.tables[table]
    found._settle()
    count = len(next(iter(columns.values())))
    resized = {n: np.resize(c, (count, *c.shape[1:])) for n, c in found._columns.items()}
    found._columns, found._count = resized | columns, count
    return made


def test_shapes_and_sizes_that_cannot_be_are_refused(trace: Trace) -> None:
    for number in (np.nan, np.inf, -1.0):
        sizes = np.full(len(trace["blocks"]), number)
        assert "blocks.bytes" in refuse(with_column(trace, "blocks", bytes=sizes).to_bytes())
    names = trace["ops"]["name"][:1].repeat(len(trace["tensors"]))
    assert "has the shape" in refuse(with_column(trace, "tensors", shape=names).to_bytes())


def test_calls_nested_without_end_are_drawn_in_little_memory(trace: Trace) -> None:
    """Their parents are a chain of 50,000, which takes 10 GB when each is written out."""
    count = 50_000
    deep = with_column(trace, "calls", parent=np.arange(-1, count - 1, dtype=np.int32))
    inside = np.full(len(deep["ops"]), count - 1, np.int32)
    deep = Trace.from_bytes(with_column(deep, "ops", call=inside).to_bytes())
    assert deep.to_dot().count("subgraph") < 200


def test_every_truncation_is_refused(data: bytes) -> None:
    step = max(1, len(data) // 300)
    for length in [*range(64), *range(64, len(data), step), len(data) - 1]:
        refuse(data[:length])
    assert "truncated" in refuse(data[:-1])
    assert "too long" in refuse(data + b"\0")
    assert "does not begin with FLB1" in refuse(b"")


def test_every_flipped_bit_is_refused(data: bytes) -> None:
    step = max(1, len(data) * 8 // 600)
    for bit in [*range(128), *range(128, len(data) * 8, step)]:
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        refuse(bytes(damaged))
    damaged = bytearray(data)
    damaged[-1] ^= 1
    assert "checksum" in refuse(bytes(damaged))


def test_what_is_not_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "x.flb"
    for text in (b"", b"FLB1", b"PK\3\4" * 100, b"FLB2" + bytes(100), np.random.bytes(1000)):
        path.write_bytes(text)
        with pytest.raises(TraceError, match=re.escape(str(path))):
            fb.load_trace(path)
    with pytest.raises(FileNotFoundError):
        fb.load_trace(tmp_path / "absent.flb")
    with pytest.raises(IsADirectoryError):
        fb.load_trace(tmp_path)
    assert issubclass(TraceError, ValueError)


def with_header(data: bytes, change: Any) -> bytes:
    """The same bytes with another header and a checksum that matches it."""
    _, size, _, _ = struct.unpack_from("<4sIII", data)
    header = json.loads(data[16 : 16 + size])
    changed = change(header)
    text = json.dumps(header if changed is None else changed).encode()
    text += b" " * (-len(text) % 8)
    rest = text + data[16 + size :]
    body = len(rest) - len(text)
    return struct.pack("<4sIII", b"FLB1", len(text), body, zlib.crc32(rest)) + rest


def test_a_newer_version_is_refused(data: bytes) -> None:
    said = refuse(with_header(data, lambda h: h.update(version=2)))
    assert "version 2" in said
    assert "newer Flambeau" in said


def test_unknown_tables_and_columns_are_ignored(trace: Trace, data: bytes) -> None:
    def add(header: dict[str, Any]) -> None:
        header["tables"]["futures"] = {"start": 0, "rows": 3, "columns": {"x": ["u4", 1, 0]}}
        header["tables"]["ops"]["columns"]["colour"] = ["f4", 1, 0]
        header["mood"] = "bright"

    same(trace, Trace.from_bytes(with_header(data, add)))


def test_missing_tables_and_columns_are_empty(data: bytes) -> None:
    def remove(header: dict[str, Any]) -> None:
        del header["tables"]["marks"]
        del header["tables"]["ops"]["columns"]["arguments"]
        del header["tables"]["statistics"]["columns"]["histogram"]
        del header["about"]

    again = Trace.from_bytes(with_header(data, remove))
    assert len(again["marks"]) == 0
    assert not again["ops"]["arguments"].any()
    assert again["statistics"]["histogram"].shape[1] == schema.HISTOGRAM_BINS


HUGE = 10**30
WRONG = [None, -1, 1.5, "x", [], {}, True, HUGE]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize(
    "place",
    [
        ("version",),
        ("strings",),
        ("tables",),
        ("sequence",),
        ("segment",),
        ("first_string",),
        ("about",),
        ("tables", "ops"),
        ("tables", "ops", "rows"),
        ("tables", "ops", "start"),
        ("tables", "ops", "columns"),
        ("tables", "ops", "columns", "time"),
        ("tables", "ops", "columns", "time", 0),
        ("tables", "ops", "columns", "time", 1),
        ("tables", "ops", "columns", "time", 2),
        ("strings", 1),
    ],
    ids=repr,
)
def test_a_malformed_header_is_refused_or_harmless(
    data: bytes, place: tuple[Any, ...], wrong: Any
) -> None:
    def change(header: Any) -> None:
        for key in place[:-1]:
            header = header[key]
        header[place[-1]] = wrong

    damaged = with_header(data, change)
    try:
        again = Trace.from_bytes(damaged)
    except TraceError:
        return
    repr(again)  # whatever was let in can be read
    again.to_dot()
    Trace.from_bytes(again.to_bytes())


@pytest.mark.parametrize("header", [None, [], 3, "x", {}, {"version": None}, {"version": "1"}])
def test_a_header_of_another_kind_is_refused(data: bytes, header: Any) -> None:
    refuse(with_header(data, lambda _: header if header is not None else []))


def test_rows_that_no_column_holds_are_refused(data: bytes) -> None:
    """Else a few bytes could ask for any amount of memory."""

    def claim(header: dict[str, Any]) -> None:
        header["tables"]["marks"] = {"start": 0, "rows": 10**12, "columns": {}}

    assert "no columns" in refuse(with_header(data, claim))

    def remove(header: dict[str, Any]) -> None:
        header["tables"]["ops"]["rows"] = 10**12
        del header["tables"]["ops"]["columns"]["tick"]

    assert "outside" in refuse(with_header(data, remove))


def test_a_header_that_is_not_json() -> None:
    for text in (b"{nothing", b"\xff" * 8, b"[" * 100_000, b"        "):
        head = struct.pack("<4sIII", b"FLB1", len(text), 0, zlib.crc32(text))
        refuse(head + text)


def test_rows_that_refer_to_nothing_are_refused(trace: Trace) -> None:
    for (name, column), other in _REFERENCES.items():
        for wrong in (len(trace[other]), -2, 2**31 - 1):
            again = Trace.from_bytes(trace.to_bytes())
            values = again[name][column].copy()
            values[-1] = wrong
            again[name]._columns[column] = values
            assert f"{name}.{column} refers to something" in refuse(again.to_bytes())


def test_strings_categories_phases_and_roles_out_of_range_are_refused(trace: Trace) -> None:
    wrong = {"s": len(trace.strings), "u1": 200}
    checked = 0
    for name, columns in schema.TABLES.items():
        for column, kind in columns.items():
            if kind in wrong:
                again = Trace.from_bytes(trace.to_bytes())
                again[name]._columns[column] = np.full_like(again[name][column], wrong[kind])
                refuse(again.to_bytes())
                checked += 1
    assert checked > 20


def test_delta_frames_are_no_files(trace: Trace) -> None:
    """A frame that continues another is no whole trace, and says so."""
    marks = trace["marks"].since(0)
    rows = Rows(5, marks.count, marks.columns)
    for frame in (Frame({"marks": rows}, trace.strings), Frame({}, trace.strings, 5)):
        assert "continues another" in refuse(encode(frame))


def test_frames_keep_sequence_and_segment() -> None:
    frame = decode(encode(Frame({}, ["a", "ü"], 3, 7, 2, {"title": "x"})))
    assert (frame.first_string, frame.sequence, frame.segment) == (3, 7, 2)
    assert (frame.strings, frame.about, frame.tables) == (["a", "ü"], {"title": "x"}, {})


def test_tables() -> None:
    table = Table("marks")
    assert [table.add(i, i / 2, 0) for i in range(3)] == [0, 1, 2]
    assert table["tick"].tolist() == [0, 1, 2]
    assert table.since(1).columns["time"].tolist() == [0.5, 1.0]
    table.drop_last()
    table.keep(np.array([False, True]))
    assert len(table) == 1
    assert table["tick"].tolist() == [1]
    table.drop_last()
    table.drop_last()
    assert len(table) == 0


# The twin in TypeScript


def plain_typescript(name: str, text: str) -> Any:
    """The literal of an ``export const`` as Python has it."""
    found = re.search(rf"export const {name}(?::[^=]*)? = (.*?)(?: as const)?;\n", text, re.S)
    assert found, name
    literal = re.sub(r"//.*", "", found[1])
    literal = re.sub(r"(\w+):", r'"\1":', literal).replace("'", '"')
    return json.loads(re.sub(r",(\s*[}\]])", r"\1", literal))


def test_the_typescript_twin_has_not_drifted() -> None:
    path = ROOT / "lab_extension" / "src" / "trace" / "schema.ts"
    if not path.exists():
        pytest.skip("the front end's source is not here")
    text = path.read_text("utf-8")
    for name in ("VERSION", "HISTOGRAM_BINS", "PREVIEW_VALUES"):
        assert plain_typescript(name, text) == getattr(schema, name)
    assert plain_typescript("MAGIC", text).encode() == schema.MAGIC
    for name in ("PHASES", "ROLES", "CATEGORIES", "STATISTICS"):
        assert tuple(plain_typescript(name, text)) == getattr(schema, name)
    for name in ("SEGMENT_TABLES", "RUNNING_TABLES"):
        twin, own = plain_typescript(name, text), getattr(schema, name)
        assert list(twin) == list(own)
        for table in own:
            assert list(twin[table].items()) == list(own[table].items()), table


def test_the_document_speaks_of_this_version() -> None:
    path = ROOT / "docs" / "trace-format.md"
    if path.exists():
        assert f"# The trace format, version {schema.VERSION}" in path.read_text("utf-8")
