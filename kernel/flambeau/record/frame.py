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
_TYPES = {"u1", "u4", "i4", "f4", "f8"}


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
        strings = header["strings"]
        numbers = [header[k] for k in ("first_string", "sequence", "segment")]
        if not all(isinstance(s, str) for s in strings):
            raise TraceError("a string of the trace is not a string")
        return Frame(tables, strings, *numbers, header.get("about", {}))
    except (KeyError, TypeError, AttributeError) as error:
        raise TraceError(f"the header of the trace is malformed: {error!r}") from None


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
    except ValueError as error:
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
    columns = {}
    for column, kind in TABLES[name].items():
        dtype, width = column_type(kind)
        if column not in table["columns"]:
            columns[column] = np.zeros(count if width == 1 else (count, width), dtype)
            continue
        stored, stored_width, offset = table["columns"][column]
        if stored not in _TYPES or stored != dtype or stored_width != width:
            raise TraceError(f"column {name}.{column} is {stored}*{stored_width}, not {kind}")
        size = count * width * np.dtype(dtype).itemsize
        if not isinstance(offset, int) or offset < 0 or offset + size > len(body):
            raise TraceError(f"column {name}.{column} lies outside the trace")
        values = np.frombuffer(body, "<" + dtype, count * width, offset)
        columns[column] = values if width == 1 else values.reshape(count, width)
    return Rows(start, count, columns)
