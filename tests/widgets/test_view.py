from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import Any

import pytest
import traitlets
from made import Made, network

import flambeau as fb
import flambeau_widgets
from flambeau.record.slot import slot
from flambeau.record.trace import Trace
from flambeau_widgets import view as view_module
from flambeau_widgets.view import KINDS, VIEW_TYPE, View

WIDGET = "application/vnd.jupyter.widget-view+json"


class Net(fb.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = fb.nn.Conv2d(1, 4, 3)
        self.head = fb.nn.Linear(144, 10)

    def forward(self, x: Any) -> Any:
        return self.head(self.conv(x).relu().flatten(1))


# Views


@pytest.mark.parametrize("show", ["graph", "gradients", "memory"])
def test_bundle_has_widget_picture_and_text(show: str) -> None:
    trace = network(2)
    shown = getattr(fb.view, show)(trace)
    bundle = shown.bundle()
    assert bundle[WIDGET]["model_id"] == shown.model_id
    assert bundle[VIEW_TYPE] == {}
    assert ET.fromstring(bundle["image/svg+xml"]).tag.endswith("svg")
    assert bundle["text/plain"] == repr(trace)
    assert "18 forward and 18 backward ops in 2 iterations" in bundle["text/plain"]
    shown.close()


def test_a_trace_shows_itself() -> None:
    bundle = network()._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert WIDGET in data


def test_graph_of_a_module_runs_it_once() -> None:
    net, x = Net(), fb.randn(2, 1, 8, 8)
    shown = flambeau_widgets.graph(net, x)
    trace = shown.trace
    assert [op.name for op in trace.ops] == ["conv2d", "relu", "reshape", "linear"]
    assert trace.ops[0].module == "net.conv"
    assert trace.ops[-1].outputs == [(2, 10)]
    assert len(trace["statistics"]) > 0
    assert slot.recorder is None
    assert shown.kind == "graph"


def test_lines_are_the_users_own() -> None:
    body = fb.nn.Sequential(fb.nn.Linear(3, 2))
    trace = flambeau_widgets.graph(body, fb.ones(1, 3)).trace
    assert re.match(r"test_view.py line \d+", trace.ops[-1].line)
    assert trace.ops[-1].module == "body.0"
    with pytest.raises(RuntimeError, match=r"at body\.0, test_view.py line"):
        flambeau_widgets.graph(body, fb.ones(1, 4))


def test_graph_of_a_trace() -> None:
    trace = network()
    shown = flambeau_widgets.graph(trace, height=300)
    assert shown.trace is trace
    assert shown.height == 300


@pytest.mark.parametrize("of", ["nonsense", 17, [1], object(), fb.ones(3)])
@pytest.mark.parametrize("show", ["graph", "gradients", "memory"])
def test_nonsense_is_refused(show: str, of: Any) -> None:
    with pytest.raises(TypeError, match=f"{show}\\(\\) shows a Trace or a module, not"):
        getattr(flambeau_widgets, show)(of)
    assert slot.recorder is None


def test_a_module_that_fails_leaves_nothing_running() -> None:
    with pytest.raises(RuntimeError, match="conv"):
        flambeau_widgets.graph(Net(), fb.randn(2, 3, 8, 8))
    assert slot.recorder is None


def test_without_a_trace_it_follows_the_kernel() -> None:
    shown = flambeau_widgets.graph()
    fb.ones(3).exp()
    shown._hub.source.publish()
    assert [op.name for op in shown.trace.ops][-1] == "exp"
    net = Net()
    assert flambeau_widgets.memory(net)._hub is shown._hub


def test_kinds_are_validated() -> None:
    shown = flambeau_widgets.graph(network())
    for kind in KINDS:
        shown.kind = kind
    with pytest.raises(traitlets.TraitError):
        shown.kind = "stepper"
    with pytest.raises(traitlets.TraitError):
        View(shown._hub, "colours")


@pytest.mark.parametrize("options", [{"rate": 0}, {"rate": 21}, {"rate": -1}, {"statistics": 2}])
def test_live_options_are_validated(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        flambeau_widgets.live(**options)
    assert slot.recorder is None


def test_live_gives_a_view_or_none() -> None:
    shown = fb.live()
    assert shown.kind == "live"
    assert fb.live(display=False) is None
    assert slot.recorder is shown._hub.source


def test_closed_views_are_let_go() -> None:
    shown = flambeau_widgets.graph()
    hub = shown._hub
    assert len(hub.conversations) == 1
    shown.close()
    assert hub.conversations == []
    shown.close()  # twice does no harm


def test_messages_reach_the_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(View, "send", lambda self, message, buffers=None: sent.append(message))
    shown = flambeau_widgets.graph(network())
    shown._handle_custom_msg({"type": "hello"}, [])
    shown._handle_custom_msg("nonsense", [])
    assert [message["type"] for message in sent] == ["frame", "status", "error"]


def test_display_shows_a_still_picture_that_can_be_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda *args, **more: calls.append((args, more)))
    shown = flambeau_widgets.graph(network())
    shown._ipython_display_()
    shown.refresh_still_picture()
    (first, how), (_, again) = calls
    assert "image/svg+xml" in first[0]
    assert how["raw"]
    assert again["update"]
    assert how["display_id"] == again["display_id"]


# The page


class Page(HTMLParser):
    """Reads a page the way a browser would."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.title = ""
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside == "title":
            self.title += data.strip("\n")


@pytest.fixture
def static(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in where the front end has not been built."""
    if not (view_module._STATIC / "page.js").exists():
        (tmp_path / "page.js").write_text("'</script>'")
        (tmp_path / "page.css").write_text("body {}")
        monkeypatch.setattr("flambeau_widgets.page._STATIC", tmp_path)


NASTY = "</script></title><script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.mark.usefixtures("static")
def test_page_is_self_contained() -> None:
    page = Page(flambeau_widgets.page(network()))
    for tag, attributes in page.tags:
        assert tag in {"html", "head", "meta", "title", "style", "body", "div", "script"}
        assert not {"src", "href", "srcset", "data"} & attributes.keys()
    assert [tag for tag, _ in page.tags].count("script") == 2
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert "http" not in policy


@pytest.mark.usefixtures("static")
def test_page_loads_nothing() -> None:
    text = flambeau_widgets.page(network())
    style = "".join(re.findall(r"<style>(.*?)</style>", text, re.S))
    assert not re.search(r"@import|url\(\s*['\"]?(?!data:|#)", style)
    addresses = set(re.findall(r"https?://[^\s'\"`)<>\\]+", text))
    assert {a for a in addresses if not a.startswith("http://www.w3.org/")} == set()


@pytest.mark.usefixtures("static")
def test_names_cannot_break_out_of_the_page() -> None:
    made = Made(NASTY)
    with made.module(NASTY, NASTY):
        made.op(NASTY, [made.memory(3, name=NASTY)], 3)
    page = flambeau_widgets.page(made.trace)
    found = Page(page)
    assert found.title == NASTY
    assert [tag for tag, _ in found.tags].count("script") == 2
    assert "img" not in [tag for tag, _ in found.tags]
    assert page.count("</script") == 2


@pytest.mark.usefixtures("static")
def test_page_holds_the_whole_trace(tmp_path: Any) -> None:
    trace = network(2)
    path = tmp_path / "net.html"
    text = trace.to_html(path)
    assert path.read_text("utf-8") == text
    data = re.search(r'id="flambeau-trace">([^<]*)</script>', text)
    assert data
    again = Trace.from_bytes(base64.b64decode(data[1]))
    assert repr(again) == repr(trace)
    with pytest.raises(OSError, match="nowhere"):
        trace.to_html(tmp_path / "nowhere" / "net.html")
