"""Frames: how a trace, or what was added to it, is put into bytes (docs/trace-format.md)."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .schema import MAGIC, TABLES, VERSION

_HEAD = struct.Struct("<4sIII")


class TraceError(ValueError):
    """A trace that cannot be read: says what is wrong with it."""


@dataclass
class Rows:
    """Rows that continue a table from row ``start`` on."""

    start: int
    count: int
    columns: dict[str, np.ndarray]


@dataclass
class Frame:
    """What one frame holds."""

    tables: dict[str, Rows]
    strings: list[str]
    first_string: int = 0
    sequence: int = 0
    segment: int = 0
    about: dict[str, Any] = field(default_factory=dict)


def column_type(kind: str) -> tuple[str, int]:
    """A schema entry (``"s"``, ``"f4*32"``) as type and width."""
    base, _, width = kind.partition("*")
    return ("u4" if base == "s" else base), int(width or 1)


def encode(frame: Frame) -> bytes:
    """The bytes of a frame."""
    body: list[bytes] = []
    size = 0
    tables: dict[str, Any] = {}
    for name, rows in frame.tables.items():
        columns = {}
        for column, values in rows.columns.items():
            kind, width = column_type(TABLES[name][column])
            data = np.ascontiguousarray(values, dtype="<" + kind).tobytes()
            columns[column] = [kind, width, size]
            padding = -len(data) % 8
            body += [data, b"\0" * padding]
            size += len(data) + padding
        tables[name] = {"start": rows.start, "rows": rows.count, "columns": columns}
    header = json.dumps(
        {
            "version": VERSION,
            "sequence": frame.sequence,
            "segment": frame.segment,
            "first_string": frame.first_string,
            "strings": frame.strings,
            "tables": tables,
            "about": frame.about,
        },
        separators=(",", ":"),
    ).encode()
    header += b" " * (-len(header) % 8)
    rest = b"".join([header, *body])
    return _HEAD.pack(MAGIC, len(header), size, zlib.crc32(rest)) + rest


def decode(data: bytes) -> Frame:
    """The frame in the bytes; TraceError that says what is wrong with them."""
    header, body = _unpack(data)
    try:
        tables = {n: _rows(n, t, body) for n, t in header["tables"].items() if n in TABLES}
        strings, about = header["strings"], header.get("about", {})
        numbers = first, sequence, segment = [
            header[k] for k in ("first_string", "sequence", "segment")
        ]
    except TraceError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TraceError(f"the header of the trace is malformed: {error!r}") from None
    if not (isinstance(strings, list) and all(isinstance(s, str) for s in strings)):
        raise TraceError("a string of the trace is not a string")
    if not (isinstance(about, dict) and all(isinstance(n, int) and n >= 0 for n in numbers)):
        raise TraceError("the header of the trace is malformed")
    return Frame(tables, strings, first, sequence, segment, about)


def _unpack(data: bytes) -> tuple[dict[str, Any], memoryview]:
    if len(data) < _HEAD.size or bytes(data[:4]) != MAGIC:
        raise TraceError("this is not a Flambeau trace: it does not begin with FLB1")
    _, header_size, body_size, crc = _HEAD.unpack_from(data)
    expected = _HEAD.size + header_size + body_size
    if len(data) != expected:
        what = "truncated" if len(data) < expected else "too long"
        raise TraceError(
            f"the trace is {what}: it has {len(data)} bytes and should have {expected}"
        )
    rest = memoryview(data)[_HEAD.size :]
    if zlib.crc32(rest) != crc:
        raise TraceError("the trace is damaged: its checksum does not match")
    try:
        header = json.loads(bytes(rest[:header_size]))
    except (ValueError, RecursionError) as error:
        raise TraceError(f"the header of the trace is not JSON: {error}") from None
    if not isinstance(header, dict) or not isinstance(header.get("version"), int):
        raise TraceError("the header of the trace has no version")
    if header["version"] > VERSION:
        raise TraceError(
            f"the trace is of format version {header['version']}, and this Flambeau reads up to "
            f"{VERSION}: a newer Flambeau is needed"
        )
    return header, rest[header_size:]


def _rows(name: str, table: dict[str, Any], body: memoryview) -> Rows:
    start, count = table["start"], table["rows"]
    if not (isinstance(start, int) and isinstance(count, int) and start >= 0 and count >= 0):
        raise TraceError(f"table {name!r} has a malformed row count")
    stored = table["columns"]
    found = {c: _column(name, c, count, stored[c], body) for c in TABLES[name] if c in stored}
    if count and not found:
        raise TraceError(f"table {name!r} has rows but no columns")
    columns = {}
    for column, kind in TABLES[name].items():
        dtype, width = column_type(kind)
        values = found[column] if column in found else np.zeros(count * width, dtype)
        columns[column] = values if width == 1 else values.reshape(count, width)
    return Rows(start, count, columns)


def _column(table: str, column: str, count: int, stored: Any, body: memoryview) -> np.ndarray:
    """The values of a column that is stored."""
    dtype, width = column_type(TABLES[table][column])
    kind, stored_width, offset = stored
    if kind != dtype or stored_width != width:
        raise TraceError(
            f"column {table}.{column} is {kind}*{stored_width}, not {TABLES[table][column]}"
        )
    size = count * width * np.dtype(dtype).itemsize
    if not isinstance(offset, int) or offset < 0 or offset + size > len(body):
        raise TraceError(f"column {table}.{column} lies outside the trace")
    return np.frombuffer(body, "<" + dtype, count * width, offset)
