from __future__ import annotations

import threading
import time
from typing import Any

import pytest

import flambeau as fb
from flambeau.record.frame import decode
from flambeau.record.slot import slot
from flambeau_widgets import hub as hub_module
from flambeau_widgets import live, stop
from flambeau_widgets.hub import live_hub, running_hub


def wait_for(condition: Any, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(condition())


def train(steps: int) -> None:
    w = fb.ones(4, requires_grad=True)
    optimizer = fb.optim.SGD([w], lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()


def test_on_and_off() -> None:
    assert running_hub() is None
    hub = live_hub(rate=20)
    assert slot.recorder is hub.source
    assert running_hub() is hub
    assert live_hub() is hub
    fb.ones(3).exp()
    stop()
    assert slot.recorder is None
    assert [op.name for op in hub.source.trace.ops][-1] == "exp"  # the last picture stays
    fb.ones(3).log()
    hub.source.publish()
    assert [op.name for op in hub.source.trace.ops][-1] == "exp"
    stop()  # twice does no harm
    again = live_hub()
    assert again is not hub
    assert slot.recorder is again.source


def test_stop_ends_the_thread() -> None:
    live(display=False)
    assert any(t.name == "flambeau-live" for t in threading.enumerate())
    stop()
    assert wait_for(lambda: not any(t.name == "flambeau-live" for t in threading.enumerate()))


def test_stop_without_a_recording() -> None:
    stop()


def test_what_runs_outside_iterations_goes_out_by_itself() -> None:
    hub = live_hub(rate=20)
    sent: list[Any] = []
    hub.open(lambda message, buffers: sent.append((message, buffers))).receive({"type": "hello"})
    fb.ones(3).exp()
    assert wait_for(lambda: len(sent) > 2)
    frame = decode(sent[-2][1][0])
    assert "exp" in frame.strings


def test_a_view_that_raises_is_let_go_and_the_others_stay() -> None:
    hub = live_hub(rate=20)
    sent: list[Any] = []

    def broken(message: Any, buffers: Any) -> None:
        raise ConnectionError("the browser has gone")

    good = hub.open(lambda message, buffers: sent.append(message))
    bad = hub.open(broken)
    good.receive({"type": "hello"})
    bad.greeted = True
    train(1)
    hub.source.publish()
    assert hub.conversations == [good]
    before = len(sent)
    train(1)
    hub.source.publish()
    assert len(sent) > before
    hub.close(bad)  # twice does no harm


def test_training_goes_on_when_a_view_breaks_in_the_middle() -> None:
    hub = live_hub(rate=20)
    count = 0

    def breaks_later(message: Any, buffers: Any) -> None:
        nonlocal count
        count += 1
        if count > 3:
            raise OSError("gone")

    hub.open(breaks_later).receive({"type": "hello"})
    for _ in range(5):
        hub.source.published = float("-inf")
        train(1)
    assert hub.conversations == []
    assert slot.recorder is hub.source


@pytest.mark.parametrize("rate", [2.0, 20.0])
def test_the_rate_of_pictures_is_bounded(rate: float) -> None:
    hub = live_hub(rate=rate)
    frames: list[float] = []
    hub.source.on_news.append(lambda: frames.append(time.monotonic()))
    began = time.monotonic()
    while time.monotonic() - began < 1.0:
        train(10)
    took = time.monotonic() - began
    assert len(frames) <= took * rate * 1.5 + 2  # a few more where the thread steps in
    assert len(frames) >= 1
    assert hub.source.iteration > len(frames)


def test_iterations_in_between_are_kept_in_summary() -> None:
    hub = live_hub(rate=1, statistics=1)
    train(300)
    hub.source.publish()
    trace = hub.source.trace
    assert trace["summaries"]["iteration"].tolist() == list(range(300))
    assert len(trace["ops"]) < 300 * 4
    assert set(trace["gradients"]["iteration"].tolist()) <= set(range(300))


def test_the_panel_gets_a_conversation() -> None:
    class Comm:
        def __init__(self) -> None:
            self.sent: list[Any] = []
            self.handlers: dict[str, Any] = {}

        def send(self, data: Any, buffers: Any = None) -> None:
            self.sent.append(data)

        def on_msg(self, handler: Any) -> None:
            self.handlers["msg"] = handler

        def on_close(self, handler: Any) -> None:
            self.handlers["close"] = handler

    hub, comm = live_hub(), Comm()
    hub_module._welcome(hub, comm)
    assert comm.sent[0]["type"] == "status"
    comm.handlers["msg"]({"content": {"data": {"type": "hello"}}})
    assert [m["type"] for m in comm.sent] == ["status", "frame", "status"]
    comm.handlers["msg"]({"content": {"data": "nonsense"}})
    assert comm.sent[-1]["type"] == "error"
    comm.handlers["close"]({})
    assert hub.conversations == []


def test_a_recording_of_ones_own_runs_beside_the_live_one() -> None:
    hub = live_hub(rate=20)
    with fb.record() as trace:
        fb.ones(3).exp()
    assert slot.recorder is hub.source
    assert [op.name for op in trace.ops] == ["ones", "exp"][-len(trace.ops) :]
    hub.source.publish()
    assert [op.name for op in hub.source.trace.ops][-1] == "exp"
