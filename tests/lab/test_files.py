"""Recordings in files, and the ways into JupyterLab."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import flambeau as fb
from flambeau import nn

from .driver import App, Lab, new_page, picture_to

pytestmark = pytest.mark.browser


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.head = nn.Linear(8 * 8 * 8, 10)

    def forward(self, x: fb.Tensor) -> fb.Tensor:
        return self.head(self.conv(x).relu().flatten(1))


@pytest.fixture(scope="module")
def trace() -> fb.Trace:
    net = Net()
    optimizer = fb.optim.Adam(net.parameters())
    x, y = fb.randn(32, 1, 8, 8), fb.randint(0, 10, (32,))
    with fb.record(statistics=1, title="five steps") as made:
        for _ in range(5):
            loss = nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return made


@pytest.fixture
def document(lab: Lab, trace: fb.Trace) -> App:
    """The document that a double click on a file in the file browser opens."""
    return App(lab.page.locator(".fb-trace-file:visible"))


def double_click(lab: Lab, name: str) -> None:
    lab.execute("filebrowser:refresh")
    lab.page.locator(f'.jp-DirListing-item:has-text("{name}")').dblclick()


def test_a_recording_opens_by_double_click(lab: Lab, trace: fb.Trace, document: App) -> None:
    trace.save(lab.root / "five.flb")
    double_click(lab, "five.flb")
    expect(document.canvas).to_be_visible()
    document.click("Conv2d")
    expect(document.inspector).to_contain_text("32×8×8×8")
    picture_to(lab.page, "file-graph")
    document.tab("Gradients")
    expect(document.region("Gradients")).to_contain_text("net.head.weight")
    document.tab("Memory")
    expect(document.region("Memory")).to_contain_text("peak")
    picture_to(lab.page, "file-memory")


@pytest.mark.parametrize("kept", [0, 10, 1000])
def test_a_truncated_recording_says_so(lab: Lab, trace: fb.Trace, document: App, kept: int) -> None:
    (lab.root / f"cut{kept}.flb").write_bytes(trace.to_bytes()[:kept])
    double_click(lab, f"cut{kept}.flb")
    message = document.element.get_by_role("alert")
    expect(message).to_contain_text(f"cut{kept}.flb cannot be shown")
    picture_to(lab.page, f"file-cut-{kept}")


@pytest.fixture
def offline(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """A page with no network, and what it says in its console."""
    with new_page(browser, 1200, 800) as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda r: r.url.startswith(("file:", "data:")) or said.append(r.url))
        page.route(re.compile("^(?!file:)"), lambda route: route.abort())
        yield page, said


def test_the_page_for_others_needs_no_network(
    offline: tuple[Page, list[str]], trace: fb.Trace, tmp_path: Path
) -> None:
    page, said = offline
    trace.to_html(tmp_path / "five.html")
    page.goto((tmp_path / "five.html").as_uri())
    app = App(page.locator(".fb-page"))
    app.click("Conv2d")
    expect(app.inspector).to_contain_text("32×8×8×8")
    picture_to(page, "page-graph")
    app.tab("Gradients")
    expect(app.region("Gradients")).to_contain_text("net.head.weight")
    picture_to(page, "page-gradients")
    app.tab("Memory")
    expect(app.region("Memory")).to_contain_text("peak")
    picture_to(page, "page-memory")
    assert not said


def test_the_launcher_opens_the_first_tutorial(lab: Lab) -> None:
    lab.execute("launcher:create")
    picture_to(lab.page, "launcher")
    lab.page.locator(".jp-LauncherCard:visible", has_text="First tutorial").click()
    tutorial = lab.notebook("tutorials/00_start.ipynb")
    expect(tutorial.element).to_be_visible()
