"""The forward graph of a trace, and what is made of it for Graphviz."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from test_record import Net

import flambeau as fb
from flambeau import nn
from flambeau.record.graph import forward_graph
from flambeau.record.trace import Trace


def test_forward_graph_collapses_modules() -> None:
    net = Net()
    with fb.record() as trace:
        net(fb.ones(2, 1, 4, 4)).sum()
    whole = forward_graph(trace)
    ran = [n.label for n in whole.nodes.values()]
    assert ran[-5:] == ["conv2d", "relu", "reshape", "linear", "sum"]
    one = forward_graph(trace, depth=0)
    box = next(n for n in one.nodes.values() if n.is_module)
    assert (box.label, box.kind, box.count, box.shape) == ("net", "Net", 4, "2×3")
    assert len(one.edges) == len(one.nodes) - 1


def dot_is_valid(text: str) -> None:
    if shutil.which("dot"):
        done = subprocess.run(
            ["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "<svg" in done.stdout


@pytest.mark.parametrize("depth", [0, 1, 99])
def test_to_dot(depth: int) -> None:
    net = Net()
    with fb.record() as trace:
        net(fb.ones(2, 1, 4, 4)).sum().backward()
    text = trace.to_dot(depth=depth)
    assert text.startswith("digraph")
    assert text.count("{") == text.count("}")
    assert ("conv2d" in text) == (depth == 99)
    assert "net" in text
    dot_is_valid(text)


def test_to_dot_shows_errors_and_quotes_names() -> None:
    net = fb.nn.Sequential()
    net.add_module('a"b\\<c>{d}|', fb.nn.Linear(4, 2))
    with pytest.raises(RuntimeError), fb.record() as trace:
        net(fb.ones(3, 5))
    text = trace.to_dot()
    assert "✗" in text
    assert "#c0392b" in text
    dot_is_valid(text)


def test_to_dot_of_nothing() -> None:
    dot_is_valid(Trace().to_dot())
    dot_is_valid(Trace().to_dot(iteration=7))


def test_to_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    with fb.record() as trace:
        fb.ones(3).exp()
    pytest.importorskip("graphviz")
    assert trace.to_graphviz().source.strip() == trace.to_dot().strip()
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError, match="pip install graphviz"):
        trace.to_graphviz()


def test_evaluations_between_two_steps_are_left_out_of_the_graph() -> None:
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    with fb.record(statistics=0) as trace:
        with fb.no_grad():
            accuracy = (net(fb.ones(3, 4)).argmax(1) == 0).float().mean()
        loss = net(fb.ones(5, 4) * 2).sum()
        loss.backward()
    drawn = [node.label for node in forward_graph(trace).nodes.values()]
    assert drawn == ["mul", "linear", "relu", "linear", "sum"]
    del accuracy


def test_without_a_backward_every_pass_is_drawn() -> None:
    net = nn.Linear(4, 2)
    with fb.record(statistics=0) as trace:
        net(fb.ones(3, 4))
        net(fb.ones(5, 4))
    assert [node.label for node in forward_graph(trace).nodes.values()] == ["linear", "linear"]


def test_a_forward_after_a_finished_backward_is_drawn() -> None:
    net = nn.Linear(4, 2)
    with fb.record(statistics=0) as trace:
        (fb.ones(3, requires_grad=True) * 2).sum().backward()
        net(fb.ones(3, 4))
    drawn = [node.label for node in forward_graph(trace).nodes.values()]
    assert drawn == ["mul", "sum", "linear"]
