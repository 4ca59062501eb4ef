"""Profiles: what ran, in a table, by schedule."""

import json

import pytest

import flambeau as fb
from flambeau import profiler
from flambeau.utils import benchmark


def work() -> None:
    layer = fb.nn.Linear(4, 2)
    layer(fb.ones(3, 4)).sum().backward()


def test_operations_are_counted_and_tabled() -> None:
    with profiler.profile(record_shapes=True) as prof:
        work()
        work()
    counts = {event.key: event.count for event in prof.key_averages()}
    assert counts["aten::linear"] == 2
    assert counts["SumBackward0"] == 2
    text = prof.key_averages().table(sort_by="cpu_time_total", row_limit=1)
    assert "Self CPU time total" in text
    assert len(text.splitlines()) == 6
    with pytest.raises(AttributeError):
        prof.key_averages().table(sort_by="colour")


def test_operations_of_one_name_are_told_apart_by_their_shapes() -> None:
    with profiler.profile() as prof:
        fb.ones(2).exp()
        fb.ones(3).exp()
    rows = [e for e in prof.key_averages(group_by_input_shape=True) if e.key == "aten::exp"]
    assert [row.input_shapes for row in rows] == [[[2]], [[3]]]


def test_a_named_stretch_holds_what_runs_in_it() -> None:
    with profiler.profile() as prof, profiler.record_function("step"):
        work()
    named = next(e for e in prof.key_averages() if e.key == "step")
    inside = [e for e in prof.events() if e.key != "step"]
    assert named.is_user_annotation
    assert named.self_cpu_time_total < named.cpu_time_total
    assert all(e.cpu_time_total <= named.cpu_time_total for e in inside)


def test_a_schedule_says_which_steps_are_recorded() -> None:
    seen = []
    plan = profiler.schedule(wait=1, warmup=1, active=2, repeat=1)
    with profiler.profile(schedule=plan, on_trace_ready=seen.append) as prof:
        for _ in range(6):
            work()
            prof.step()
    assert seen == [prof]
    counts = {event.key: event.count for event in prof.key_averages()}
    assert counts["aten::linear"] == counts["ProfilerStep*"] == 2


@pytest.mark.parametrize("how", [{}, {"repeat": 2}, {"skip_first": 3}, {"skip_first_wait": 1}])
def test_schedules_are_those_of_pytorch(how: dict[str, int]) -> None:
    theirs = pytest.importorskip("torch").profiler.schedule(wait=2, warmup=1, active=2, **how)
    ours = profiler.schedule(wait=2, warmup=1, active=2, **how)
    assert [ours(n).name for n in range(20)] == [theirs(n).name for n in range(20)]


def test_a_profile_is_written_for_trace_viewers(tmp_path) -> None:
    with profiler.profile() as prof:
        work()
    prof.export_chrome_trace(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert any(e["name"] == "aten::linear" and e["ph"] == "X" for e in events)


def test_the_older_profiler_prints_as_a_table() -> None:
    with fb.autograd.profiler.profile() as prof:
        fb.ones(2).exp()
    assert "aten::exp" in str(prof)
    assert prof.self_cpu_time_total > 0


def test_a_timer_measures_a_statement() -> None:
    timer = benchmark.Timer("x + x", "x = torch.ones(3)", label="sum", description="small")
    found = timer.timeit(4)
    assert found.number_per_run == 4
    assert found.mean == pytest.approx(found.median)
    assert found.mean > 0
    assert found.label == "sum"
    assert "small" in str(benchmark.Compare([found]))
