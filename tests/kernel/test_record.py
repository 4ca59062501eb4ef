"""What a recording sees, and what it must never do: keep a tensor, or go on when it has ended."""

from __future__ import annotations

import gc
import inspect
import sys
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import flambeau as fb
from flambeau.record import mark, slot
from flambeau.record.graph import forward_graph, last_whole_iteration
from flambeau.record.live import Live
from flambeau.record.schema import CATEGORIES
from flambeau.record.statistics import statistics_of
from flambeau.record.trace import Trace, bytes_at, memory_curve


class Block(fb.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = fb.nn.Conv2d(1, 4, 3, padding=1)
        self.act = fb.nn.ReLU()

    def forward(self, x: Any) -> Any:
        return self.act(self.conv(x))


class Net(fb.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block1 = Block()
        self.head = fb.nn.Linear(64, 3)

    def forward(self, x: Any) -> Any:
        return self.head(self.block1(x).flatten(1))


def names(trace: Trace, phase: str = "forward") -> list[str]:
    return [op.name for op in trace.ops if op.phase == phase]


def line_here() -> int:
    return inspect.stack()[1].lineno


def live_bytes(trace: Trace) -> float:
    """The bytes alive now; what the categories say must agree."""
    ticks, curve = memory_curve(trace)
    if not len(ticks):
        return 0.0
    assert bytes_at(trace, int(ticks[-1])).sum() == curve[-1]
    assert (curve >= 0).all()
    return float(curve[-1])


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Any:
    yield
    assert slot.recorder is None


# Operations


def test_names_shapes_dtypes_and_arguments() -> None:
    x, w = fb.ones(2, 3), fb.ones(3, 4, dtype=fb.float64)
    with fb.record() as trace:
        (x.exp() @ w.float()).sum(dim=1, keepdim=True)
    exp, _, matmul, total = trace.ops
    assert (exp.name, exp.phase, exp.inputs, exp.outputs) == ("exp", "forward", [(2, 3)], [(2, 3)])
    assert matmul.inputs == [(2, 3), (3, 4)]
    assert total.outputs == [(2, 1)]
    strings, tensors = trace.strings, trace["tensors"]
    assert {strings[i] for i in tensors["dtype"]} == {"float32", "float64"}
    arguments = strings[trace["ops"]["arguments"][-1]]
    assert "dim=" in arguments
    assert "keepdim=True" in arguments
    assert all(op.duration >= 0 for op in trace.ops)
    assert (np.diff(trace["ops"]["time"]) >= 0).all()
    assert (np.diff(trace["ops"]["tick"].astype(int)) > 0).all()


def test_source_line() -> None:
    x = fb.ones(3)
    with fb.record() as trace:
        y = x.exp()
        number = line_here() - 1
        (
            y
            .log()
        )  # fmt: skip
    first, second = trace.ops
    assert first.line == f"test_record.py line {number}"
    assert second.line.startswith("test_record.py line ")
    lines = trace["lines"]
    row = trace["ops"]["line"][0]
    assert trace.strings[lines["file"][row]] == __file__
    assert trace.strings[lines["text"][row]] == "y = x.exp()"
    assert trace.strings[lines["function"][row]] == "test_source_line"
    assert lines["cell"][row] == 0


def test_library_lines_are_skipped() -> None:
    net = fb.nn.Sequential(fb.nn.Linear(3, 2), fb.nn.ReLU())
    with fb.record() as trace:
        net(fb.ones(1, 3))
        number = line_here() - 1
    assert {op.line for op in trace.ops} == {f"test_record.py line {number}"}


def test_module_nesting() -> None:
    net = Net()
    with fb.record() as trace:
        net(fb.ones(2, 1, 4, 4))
    assert [(op.name, op.module) for op in trace.ops if op.module] == [
        ("conv2d", "net.block1.conv"),
        ("relu", "net.block1.act"),
        ("reshape", "net"),
        ("linear", "net.head"),
    ]
    calls, modules = trace["calls"], trace["modules"]
    assert [trace.strings[modules["path"][m]] for m in calls["module"]] == [
        "net",
        "net.block1",
        "net.block1.conv",
        "net.block1.act",
        "net.head",
    ]
    assert calls["parent"].tolist() == [-1, 0, 1, 1, 0]
    assert sorted(trace["leaves"]["call"].tolist()) == [0, 1, 2, 3, 4]
    kinds = [trace.strings[i] for i in modules["kind"]]
    assert kinds[0] == "Net"
    assert kinds[2].startswith("Conv2d(1, 4")


def test_the_same_module_called_twice() -> None:
    act = fb.nn.ReLU()
    with fb.record() as trace:
        act(act(fb.ones(3)))
    assert trace["calls"]["module"].tolist() == [0, 0]
    assert len(trace["modules"]) == 1


def test_backward_ops_point_at_their_forward() -> None:
    net = Net()
    with fb.record() as trace:
        net(fb.ones(2, 1, 4, 4)).sum().backward()
    backward = [op for op in trace.ops if op.phase == "backward"]
    assert [op.name for op in backward] == names(trace)[-5:][::-1]
    ops = trace["ops"]
    for op in backward:
        twin = trace.ops[ops["forward"][op.row]]
        assert (op.name, op.module, op.line) == (twin.name, twin.module, twin.line)
    assert backward[-1].module == "net.block1.conv"


def test_multiple_outputs() -> None:
    with fb.record() as trace:
        fb.arange(6.0).max(dim=0)
    assert len(trace.ops[-1].outputs) == 2


def test_nothing_is_recorded_without_a_recorder() -> None:
    with fb.record() as trace:
        fb.ones(3).exp()
    count = len(trace["ops"])
    fb.ones(3).exp().log()
    Net()(fb.ones(1, 1, 4, 4))
    assert len(trace["ops"]) == count
    assert slot.recorder is None


# Contexts, decorators, nesting, threads


def test_decorator() -> None:
    @fb.record(title="double")
    def double(x: Any, *, times: int = 2) -> Any:
        """Doubles."""
        return x * times

    assert double.__name__ == "double"
    assert double.__doc__ == "Doubles."
    assert double(fb.ones(2), times=3).tolist() == [3.0, 3.0]
    first = double.trace
    assert names(first)[-1] == "mul"
    double(fb.ones(2))
    assert double.trace is not first
    assert double.trace.about["title"] == "double"


def test_nested_recordings() -> None:
    recording = fb.record()
    x = fb.ones(3)
    with recording as outer:
        x.exp()
        with fb.record() as inner:
            x.log()
        with recording as again:
            x.sin()
        x.cos()
    assert names(outer) == ["exp", "log", "sin", "cos"]
    assert names(inner) == ["log"]
    assert names(again) == ["sin"]


def test_three_at_once_and_taken_out_of_order() -> None:
    a, b, c = fb.record(), fb.record(), fb.record()
    x = fb.ones(3)
    traces = [r.__enter__() for r in (a, b, c)]
    x.exp()
    b.__exit__(None, None, None)
    x.log()
    a.__exit__(None, None, None)
    x.sin()
    c.__exit__(None, None, None)
    assert [names(t) for t in traces] == [
        ["exp", "log"],
        ["exp"],
        ["exp", "log", "sin"],
    ]


def test_beside_a_live_recording() -> None:
    live = Live(rate=20, statistics=0)
    live.begin()
    try:
        x = fb.ones(3)
        with fb.record() as trace:
            x.exp()
        x.log()
        live.publish()
        assert names(trace) == ["exp"]
        assert names(live.trace)[-2:] == ["exp", "log"]
    finally:
        live.end()


def test_threads() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(50):
                w = fb.ones(8, requires_grad=True)
                (w * 2).sum().backward()
        except BaseException as error:
            failures.append(error)

    with fb.record(statistics=0) as trace:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            len(trace["ops"])  # reading while others write
        for thread in threads:
            thread.join()
    assert failures == []
    assert names(trace).count("mul") == 200
    assert names(trace, "backward").count("mul") == 200
    Trace.from_bytes(trace.to_bytes())


@pytest.mark.parametrize("statistics", [-0.1, 1.1, float("nan")])
def test_share_of_statistics_is_checked(statistics: float) -> None:
    with pytest.raises(ValueError, match="share"):
        fb.record(statistics=statistics)


def test_marks() -> None:
    mark("nobody listens")
    with fb.record() as trace:
        fb.mark("before the loop")
    assert [trace.strings[i] for i in trace["marks"]["text"]] == ["before the loop"]


# Errors


def test_an_error_passes_on_and_leaves_the_graph_up_to_it() -> None:
    net = fb.nn.Sequential(fb.nn.Linear(4, 8), fb.nn.ReLU(), fb.nn.Linear(9, 2))
    with pytest.raises(RuntimeError, match="9") as caught, fb.record() as trace:
        net(fb.ones(3, 4))
    assert names(trace)[-3:] == ["linear", "relu", "linear"]
    failed = trace.ops[-1]
    assert failed.outputs == []
    assert failed.module == "net.2"
    assert trace.errors == [str(caught.value)]
    errors = trace["errors"]
    assert errors["op"][0] == failed.row
    assert trace.strings[errors["kind"][0]] == "RuntimeError"
    assert trace.ops[-1].line.startswith("test_record.py line")
    assert "broke with" in repr(trace)


def test_an_error_outside_any_op() -> None:
    with pytest.raises(ZeroDivisionError), fb.record() as trace:
        fb.ones(3).exp()
        1 / 0  # noqa: B018
    assert trace.errors == ["division by zero"]
    assert trace["errors"]["op"].tolist() == [-1]


def test_a_caught_error_is_still_seen() -> None:
    with fb.record() as trace:
        with pytest.raises(RuntimeError):
            fb.ones(2) + fb.ones(3)
        fb.ones(2).exp()
    assert len(trace.errors) == 1
    assert names(trace)[-1] == "exp"


def test_an_error_in_the_backward() -> None:
    x = fb.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="inplace"), fb.record() as trace:
        y = x.exp()
        y.add_(1)
        y.sum().backward()
    assert len(trace.errors) == 1


def test_modules_are_left_when_a_forward_raises() -> None:
    class Bad(fb.nn.Module):
        def forward(self, x: Any) -> Any:
            raise KeyError("missing")

    bad, good = Bad(), fb.nn.ReLU()
    with fb.record() as trace:
        with pytest.raises(KeyError):
            bad(fb.ones(2))
        good(fb.ones(2))
    assert trace["calls"]["parent"].tolist() == [-1, -1]
    assert trace["leaves"]["call"].tolist() == [0, 1]


# Memory


def test_bytes_and_categories() -> None:
    net = Net()
    optimizer = fb.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    x = fb.ones(2, 1, 4, 4)
    with fb.record() as trace:
        net(x).sum().backward()
        optimizer.step()
        tick = int(memory_curve(trace)[0][-1])
        held = dict(zip(CATEGORIES, bytes_at(trace, tick).tolist(), strict=True))
    parameters = sum(p.array.nbytes for p in net.parameters())
    assert held["parameter"] == parameters
    assert held["gradient"] == parameters
    assert held["optimizer"] == parameters
    assert held["data"] == x.array.nbytes
    assert held["activation"] == 0  # the backward has let go of them
    named = {trace.strings[i] for i in trace["tensors"]["name"]}
    assert {"net.head.weight", "net.block1.conv.bias"} <= named


def test_buffers_and_activations() -> None:
    net = fb.nn.Sequential(fb.nn.BatchNorm1d(4), fb.nn.Tanh())
    with fb.record() as trace:
        y = net(fb.ones(8, 4))
        tick = int(memory_curve(trace)[0][-1])
        held = dict(zip(CATEGORIES, bytes_at(trace, tick).tolist(), strict=True))
    assert held["activation"] >= y.array.nbytes
    kept = trace["uses"]["tensor"][trace["uses"]["role"] == 2]
    assert len(kept) > 0


def test_memory_returns_when_tensors_are_freed() -> None:
    x = fb.ones(1000)
    with fb.record() as trace:
        y = x.exp()
        assert live_bytes(trace) == 8000
        z = y + 1
        assert live_bytes(trace) == 12000
        del y
        assert live_bytes(trace) == 8000
        del z
        assert live_bytes(trace) == 4000
    assert trace.peak == 12000


def test_a_training_step_ends_where_it_began() -> None:
    net = Net()
    optimizer = fb.optim.Adam(net.parameters())
    x = fb.ones(4, 1, 4, 4)
    held = []
    with fb.record(statistics=1) as trace:
        for _ in range(4):
            optimizer.zero_grad()
            net(x).sum().backward()
            optimizer.step()
            held.append(live_bytes(trace))
    assert held[1] == held[2] == held[3]
    summaries = trace["summaries"]
    assert summaries["live"].tolist() == held
    assert summaries["peak"].max() == trace.peak
    assert summaries["at_peak"].sum(1).tolist() == summaries["peak"].tolist()


def test_views_and_writes_in_place_do_not_count_twice() -> None:
    x = fb.ones(1000)
    with fb.record() as trace:
        y = x.exp()
        before = live_bytes(trace)
        parts = [y.view(10, 100), y[:500], y.reshape(100, 10).t(), y.detach()]
        y.add_(1)
        y.mul_(2)
        parts[0].relu_()
        assert live_bytes(trace) == before == 8000
        del y
        assert live_bytes(trace) == 8000  # the views hold it
        del parts
        assert live_bytes(trace) == 4000
    assert len(trace["blocks"]) == 2


@pytest.mark.parametrize("statistics", [0.0, 1.0])
def test_no_tensor_is_kept(statistics: float) -> None:
    net = Net()
    gc.disable()  # reference counts alone must do
    try:
        with fb.record(statistics=statistics) as trace:
            y = net(fb.ones(2, 1, 4, 4))
            loss = y.sum()
            loss.backward()
            watched = [weakref.ref(t.array) for t in (y, loss)]
            watched.append(weakref.ref(net.head.weight.grad.array))
            net.zero_grad()
            del y, loss
            assert [w() for w in watched] == [None] * 3
        assert len(trace.ops) > 0
        array = weakref.ref(net.head.weight.array)
        del net
    finally:
        gc.enable()
    gc.collect()
    assert array() is None


def test_reading_a_trace_frees_the_recorder() -> None:
    with fb.record() as trace:
        fb.ones(3).exp()
    fb.ones(3).exp()
    gc.collect()
    from flambeau.record.recorder import Recorder

    assert not any(type(o) is Recorder for o in gc.get_objects())
    assert names(trace)


# Iterations


def train(steps: int) -> None:
    w = fb.ones(4, requires_grad=True)
    optimizer = fb.optim.SGD([w], lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()


def test_iterations_end_with_the_optimizers_step() -> None:
    with fb.record(statistics=1) as trace:
        train(3)
    assert trace["iterations"]["number"].tolist() == [0, 1, 2]
    assert [op.iteration for op in trace.ops if op.name == "mul"] == [0, 0, 1, 1, 2, 2]
    assert trace["summaries"]["iteration"].tolist() == [0, 1, 2]
    assert trace["summaries"]["loss"].tolist() == pytest.approx([4.0, 4 * 0.98**2, 4 * 0.98**4])
    assert [trace.strings[i] for i in trace["steps"]["optimizer"]] == ["SGD"] * 3
    assert trace["steps"]["rate"].tolist() == [0.01] * 3
    gradients = trace["gradients"]
    assert gradients["iteration"].tolist() == [0, 1, 2]
    assert gradients["norm"].tolist() == pytest.approx([4.0, 4 * 0.98, 4 * 0.98**2])
    assert gradients["update"].tolist() == pytest.approx(
        [0.04, 0.04 * 0.98, 0.04 * 0.98**2], rel=1e-4
    )
    assert last_whole_iteration(trace) == 2


def test_what_follows_the_last_step_is_an_iteration_of_its_own() -> None:
    with fb.record() as trace:
        train(2)
        fb.ones(3).exp()
    assert trace["iterations"]["number"].tolist() == [0, 1, 2]
    assert last_whole_iteration(trace) == 1
    assert "exp" not in {n.label for n in forward_graph(trace).nodes.values()}


def test_an_empty_recording() -> None:
    with fb.record() as trace:
        pass
    assert len(trace.ops) == 0
    assert trace.peak == 0
    assert "0 forward" in repr(trace)
    assert last_whole_iteration(trace) == 0
    assert forward_graph(trace).nodes == {}
    assert Trace.from_bytes(trace.to_bytes()).ops == []


def test_statistics_can_be_switched_off() -> None:
    with fb.record(statistics=0) as trace:
        train(2)
    assert len(trace["statistics"]) == len(trace["gradients"]) == 0
    with fb.record(statistics=1) as trace:
        fb.tensor([0.0, 3.0, 4.0]).neg()
    row = trace["statistics"]
    assert (row["norm"][-1], row["min"][-1], row["max"][-1]) == (5.0, -4.0, 0.0)
    assert row["zeros"][-1] == pytest.approx(1 / 3)


def test_loading_weights_is_no_part_of_the_network() -> None:
    net = fb.nn.Linear(3, 2)
    weights = fb.nn.Linear(3, 2).state_dict()
    with fb.record() as trace:
        net.load_state_dict(weights)
        net(fb.ones(1, 3))
    assert [op.name for op in trace.ops] == ["linear"]


# What the user's own code may do to a recorder


def forgotten(self):  # no super().__init__()
    self.factor = 2


def failing(self, *args, **kwargs):
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "body", [{"__init__": forgotten}, {"extra_repr": failing}, {"named_modules": failing}]
)
def test_recording_does_not_make_a_module_fail(body) -> None:
    module = type("Odd", (fb.nn.Module,), {**body, "forward": lambda self, x: x * 2})()
    expected = module(fb.ones(2)).tolist()
    with fb.record() as trace:
        assert module(fb.ones(2)).tolist() == expected
    assert trace.ops[-1].module == "module"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), AssertionError()])
def test_an_error_without_a_message_is_recorded_by_its_kind(error) -> None:
    with pytest.raises(type(error)), fb.record() as trace:
        fb.ones(2).exp()
        raise error
    assert trace.errors == [type(error).__name__]
    assert slot.recorder is None


def test_an_error_that_cannot_be_printed_passes_on() -> None:
    class Silent(Exception):
        __str__ = failing

    with pytest.raises(Silent), fb.record() as trace:
        raise Silent
    assert trace.errors == ["Silent"]


def test_generators_are_recorded_until_they_end() -> None:
    @fb.record()
    def steps():
        yield fb.ones(2).exp()
        yield fb.ones(2).sqrt()

    assert len(list(steps())) == 2
    assert [op.name for op in steps.trace.ops] == ["exp", "sqrt"]
    running = steps()
    next(running)
    running.close()
    assert [op.name for op in steps.trace.ops] == ["exp"]
    assert not steps.trace.errors
    assert slot.recorder is None


def test_an_array_that_is_freed_runs_no_python() -> None:
    """An interrupt (Ctrl+C) that came while a weak reference runs Python would be lost."""
    calls: list[str] = []
    with fb.record() as trace:
        x = fb.ones(1000).exp()
        sys.setprofile(lambda frame, event, arg: calls.append(event) if event == "call" else None)
        try:
            del x
        finally:
            sys.setprofile(None)
        fb.ones(2).exp()
    assert not calls
    assert memory_curve(trace)[1].max() >= 4000 > memory_curve(trace)[1][-1]


@pytest.mark.parametrize("title", [5, None, b"x"])
def test_a_title_is_a_string(title) -> None:
    with pytest.raises(TypeError, match="title is a string"):
        fb.record(title=title)


def test_tensors_without_values_are_recorded_too() -> None:
    with fb.record(statistics=1) as trace:
        layer = fb.nn.Linear(4, 2, device="meta")
        optimizer = fb.optim.SGD(layer.parameters(), lr=0.1)
        layer(fb.ones(3, 4, device="meta")).sum().backward()
        optimizer.step()
    assert [o.name for o in trace.ops][:2] == ["linear", "sum"]


def test_what_runs_under_vmap_and_in_bfloat16_is_recorded() -> None:
    with fb.record(statistics=1) as trace:
        fb.vmap(fb.func.grad(lambda w, x: (x @ w).tanh().sum()), in_dims=(None, 0))(
            fb.rand(4), fb.rand(5, 4)
        )
        x = fb.ones(3, 4, dtype=fb.bfloat16, requires_grad=True)
        (x @ x.T).sum().backward()
    names = [o.name for o in trace.ops]
    assert "tanh" in names
    assert names.count("matmul") >= 2


def test_statistics_of_an_expanded_tensor_are_those_of_all_its_elements() -> None:
    small = np.array([[1.0, np.nan, 3.0]])
    wide, full = np.broadcast_to(small, (4, 3)), np.repeat(small, 4, 0)
    found, expected = statistics_of(wide), statistics_of(full)
    assert (found.mean, found.nans, found.zeros) == (expected.mean, expected.nans, expected.zeros)
    ones = statistics_of(np.broadcast_to(np.ones(1), (9,)))
    assert ones.norm == 3.0
    with fb.record(statistics=1):  # more elements than could be looked at
        fb.ones(1, requires_grad=True).expand(2**50)
