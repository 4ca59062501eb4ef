"""What a view says and hears, with a live recording that is published by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from made import network

import flambeau as fb
from flambeau.record import add_recorder, remove_recorder
from flambeau.record.feed import Still
from flambeau.record.frame import decode
from flambeau.record.live import Live
from flambeau.record.schema import RUNNING_TABLES, TABLES
from flambeau_widgets.conversation import WINDOW, Conversation, readable, status, window_of

HUGE = 10**400


class Wire:
    """A conversation, and what it has sent."""

    def __init__(self, source: Any) -> None:
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        self.source = source
        self.view = Conversation(
            source, lambda message, buffers: self.sent.append((message, buffers))
        )

    def say(self, content: Any) -> list[tuple[dict[str, Any], list[bytes]]]:
        before = len(self.sent)
        self.view.receive(content)
        return self.sent[before:]

    def publish(self) -> Any:
        """The frame that the view gets of what has run."""
        before = len(self.sent)
        self.source.publish()
        self.view.news()
        ((message, (data,)), (said, _)) = self.sent[before:]
        assert message == {"type": "frame"}
        assert said["type"] == "status"
        return decode(data)

    def hello(self) -> Any:
        return decode(self.say({"type": "hello"})[0][1][0])


@pytest.fixture
def wire() -> Iterator[Wire]:
    live = Live(rate=20, statistics=1)
    add_recorder(live)
    yield Wire(live)
    remove_recorder(live)


class Model:
    """A reader on the other side: puts frames together as the views do."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.strings: list[str] = []
        self.segment = self.sequence = -1

    def take(self, frame: Any) -> None:
        assert frame.sequence == self.sequence + 1 or self.sequence < 0
        if frame.segment != self.segment:
            self.rows = {n: c for n, c in self.rows.items() if n in RUNNING_TABLES}
        self.segment, self.sequence = frame.segment, frame.sequence
        assert frame.first_string in (0, len(self.strings))
        self.strings[frame.first_string :] = frame.strings
        for name, rows in frame.tables.items():
            assert rows.start in (0, self.rows.get(name, 0))
            self.rows[name] = rows.start + rows.count

    def matches(self, trace: Any) -> None:
        assert self.strings == trace.strings
        assert {n: self.rows.get(n, 0) for n in TABLES} == {n: len(trace[n]) for n in TABLES}


def test_hello_is_answered_with_everything() -> None:
    trace = network(3)
    wire = Wire(Still(trace))
    frame = wire.hello()
    assert frame.strings == trace.strings
    for name, rows in frame.tables.items():
        assert rows.start == 0
        for column, values in rows.columns.items():
            assert np.array_equal(values, trace[name][column], equal_nan=values.dtype.kind == "f")
    assert wire.sent[1][0] == {"type": "status", "recording": False}


def test_nothing_is_sent_before_hello() -> None:
    wire = Wire(Still(network()))
    wire.view.news()
    assert wire.sent == []


def test_deltas_continue_what_was_sent(wire: Wire) -> None:
    reader = Model()
    x = fb.ones(3)
    reader.take(wire.hello())
    for count in (1, 2, 3):
        for _ in range(count):
            x.exp()
        frame = wire.publish()
        assert frame.tables["ops"].count == count
        reader.take(frame)
        reader.matches(wire.source.trace)
    frame = wire.publish()  # nothing new
    assert not any(rows.count for rows in frame.tables.values())


def test_resync_begins_anew(wire: Wire) -> None:
    fb.ones(3).exp()
    wire.hello()
    fb.ones(3).exp()
    wire.publish()
    frame = decode(wire.say({"type": "resync"})[0][1][0])
    assert all(rows.start == 0 for rows in frame.tables.values())
    reader = Model()
    reader.take(frame)
    reader.matches(wire.source.trace)


def test_a_new_segment_drops_the_old_rows(wire: Wire) -> None:
    reader = Model()
    reader.take(wire.hello())
    w = fb.ones(3, requires_grad=True)
    optimizer = fb.optim.SGD([w], lr=0.1)
    segments = set()
    for _ in range(3):
        optimizer.zero_grad()
        (w * w).sum().backward()
        wire.source.published = float("-inf")
        wire.source.on_news = [lambda: reader.take(self_frame(wire))]
        optimizer.step()
        segments.add(reader.segment)
        reader.matches(wire.source.trace)
    assert len(segments) > 1
    assert reader.rows["summaries"] == 3
    assert reader.rows["gradients"] == 3


def self_frame(wire: Wire) -> Any:
    before = len(wire.sent)
    wire.view.news()
    return decode(wire.sent[before][1][0])


NONSENSE = [
    None,
    [],
    ["hello"],
    17,
    3.5,
    float("nan"),
    "hello",
    b"hello",
    True,
    {},
    {"type": None},
    {"type": []},
    {"type": {}},
    {"type": "goodbye"},
    {"type": 7},
    {"type": float("nan")},
    {"type": "tensor"},
    {"type": "tensor", "request": 1},
    {"type": "tensor", "request": 1, "segment": 0, "tensor": 0},
    {"type": "tensor", "request": 1, "segment": 0, "tensor": 0, "kind": "colour"},
    {"type": "tensor", "request": 1, "segment": 0, "tensor": 0, "kind": []},
    {"type": "tensor", "request": None, "segment": 0, "tensor": 0, "kind": "value"},
    {"type": "tensor", "request": 1, "segment": {}, "tensor": 0, "kind": "value"},
    {"type": "tensor", "request": 1, "segment": 0, "tensor": "x" * 99, "kind": "value"},
    {"type": "tensor", "request": 1, "segment": 0, "tensor": float("nan"), "kind": "value"},
    {"type": "tensor", "request": 1, "segment": 0, "tensor": float("inf"), "kind": "value"},
    {"type": "tensor", "request": float("-inf"), "segment": 0, "tensor": 0, "kind": "value"},
    {"type": "tensor", "request": "9" * 9999, "segment": 0, "tensor": 0, "kind": "value"},
    {"type": "select"},
    {"type": "select", "ops": None},
    {"type": "select", "ops": 5},
    {"type": "select", "ops": [None]},
    {"type": "select", "ops": ["conv"], "path": "net"},
    {"type": "select", "ops": [float("inf")], "path": "net"},
    {"type": "select", "ops": [], "path": 5},
    {"type": "select", "ops": [], "path": ["net"]},
]


@pytest.mark.parametrize("content", NONSENSE, ids=lambda c: repr(c)[:60])
def test_nonsense_gets_one_error_and_the_conversation_goes_on(wire: Wire, content: Any) -> None:
    selected: list[Any] = []
    wire.view.on_select = selected.append
    fb.ones(3).exp()
    wire.source.publish()
    wire.hello()
    ((message, buffers),) = wire.say(content)
    assert message["type"] == "error"
    assert isinstance(message["message"], str)
    assert buffers == []
    assert selected == []
    fb.ones(3).exp()
    assert wire.publish().tables["ops"].count == 1  # nothing was lost, nothing sent twice


def test_selection_is_handed_on() -> None:
    wire = Wire(Still(network()))
    assert wire.say({"type": "select", "ops": [1], "path": "net"}) == []  # nobody listens
    selected: list[Any] = []
    wire.view.on_select = selected.append
    wire.say({"type": "select", "ops": [1, 2], "path": "net.conv1"})
    wire.say({"type": "select", "ops": [HUGE]})
    assert selected == [{"ops": [1, 2], "path": "net.conv1"}, {"ops": [HUGE], "path": None}]


# Tensors


def ask(wire: Wire, **changes: Any) -> tuple[dict[str, Any], list[bytes]]:
    content = {
        "type": "tensor",
        "request": 5,
        "segment": wire.source.trace.segment,
        "kind": "value",
    }
    ((message, buffers),) = wire.say(content | changes)
    assert message["type"] == "tensor"
    assert message["request"] == 5
    return message, buffers


def row_of(wire: Wire, shape: str) -> int:
    trace = wire.source.trace
    return [trace.strings[s] for s in trace["tensors"]["shape"]].index(shape)


def test_value_of_a_tensor(wire: Wire) -> None:
    y = fb.arange(6).reshape(2, 3) * 2.0
    wire.source.publish()
    rows = [
        i
        for i, s in enumerate(wire.source.trace["tensors"]["shape"])
        if wire.source.trace.strings[s] == "2,3"
    ]
    message, (data,) = ask(wire, tensor=rows[-1])
    assert message["shape"] == message["window"] == [2, 3]
    assert message["dtype"] == "float32"
    assert np.frombuffer(data, "<f4").tolist() == y.flatten().tolist()
    assert message["statistics"]["max"] == 10.0
    assert sum(message["statistics"]["histogram"]) == 6


def test_gradient_of_a_parameter(wire: Wire) -> None:
    layer = fb.nn.Linear(5, 2)
    x = fb.ones(3, 5)
    y = layer(x)
    wire.source.publish()
    row = row_of(wire, "2,5")
    assert "not kept" in ask(wire, tensor=row, kind="gradient")[0]["gone"]
    y.sum().backward()
    message, (data,) = ask(wire, tensor=row, kind="gradient")
    assert message["shape"] == [2, 5]
    assert np.frombuffer(data, "<f4").tolist() == [3.0] * 10
    assert "not kept" in ask(wire, tensor=row_of(wire, "3,5"), kind="gradient")[0]["gone"]


def test_a_freed_tensor_is_gone(wire: Wire) -> None:
    y = fb.ones(7).exp()
    wire.source.publish()
    row = row_of(wire, "7")
    del y
    message, buffers = ask(wire, tensor=row)
    assert message["gone"] == "it has been freed"
    assert buffers == []


@pytest.mark.parametrize("row", [-1, -(10**9), 10**9, HUGE])
def test_rows_that_do_not_exist_are_gone(wire: Wire, row: int) -> None:
    y = fb.ones(7).exp()
    wire.source.publish()
    assert "gone" in ask(wire, tensor=row)[0]
    del y


def test_a_tensor_of_a_recent_segment_is_found_while_it_lives(wire: Wire) -> None:
    x = fb.ones(7)
    x.exp()
    wire.source.publish()
    row, segment = row_of(wire, "7"), wire.source.trace.segment
    for _ in range(3):
        wire.source.complete = True
        fb.zeros(2).exp()
        wire.source.publish()
    assert wire.source.trace.segment == segment + 3
    assert ask(wire, tensor=row, segment=segment)[0]["shape"] == [7]
    del x
    assert ask(wire, tensor=row, segment=segment)[0]["gone"] == "it has been freed"


@pytest.mark.parametrize("segment", [-1, 1, HUGE])
def test_another_segment_is_gone(wire: Wire, segment: int) -> None:
    y = fb.ones(7).exp()
    wire.source.publish()
    assert "newer" in ask(wire, tensor=row_of(wire, "7"), segment=segment)[0]["gone"]
    del y


def test_a_saved_trace_has_no_values() -> None:
    wire = Wire(Still(network()))
    assert "saved" in ask(wire, tensor=0)[0]["gone"]


@pytest.mark.parametrize(
    ("shape", "window"),
    [
        ((), (1,)),
        ((0,), (0,)),
        ((0, 3), (0, 3)),
        ((3, 0, 2), (0, 2)),
        ((2, 0), (2, 0)),
        ((5,), (5,)),
        ((4, 3, 8, 8), (8, 8)),
        ((WINDOW,), (WINDOW,)),
        ((64, 64), (64, 64)),
    ],
)
def test_windows(shape: tuple[int, ...], window: tuple[int, ...]) -> None:
    assert window_of(np.ones(shape)).shape == window


@pytest.mark.parametrize("shape", [(100_000,), (1, 100_000), (100_000, 1), (300, 500), (2, 99, 99)])
@pytest.mark.parametrize("dtype", ["float64", "complex64", "bool", "int64", "float16"])
def test_windows_of_large_arrays(shape: tuple[int, ...], dtype: str) -> None:
    window = window_of(np.ones(shape, dtype))
    assert 0 < window.size <= WINDOW
    assert window.dtype == np.dtype("<f4")


def test_statistics_are_json() -> None:
    import json

    from flambeau.record.statistics import statistics_of

    for array in ([np.nan, np.inf, 1.0], [], [np.nan], [1e300]):
        json.dumps(readable(statistics_of(np.array(array))), allow_nan=False)


def test_status(wire: Wire) -> None:
    x = fb.ones(256)
    x.exp()
    wire.source.publish()
    found = status(wire.source)
    assert found == {
        "type": "status",
        "recording": True,
        "device": "cpu",
        "live": 1024,
        "peak": 2048,
        "iteration": 0,
    }
    wire.source.end()
    assert status(wire.source)["recording"] is False
