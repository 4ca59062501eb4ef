"""The first tutorial, as a newcomer meets it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .driver import Lab, Notebook, Run, picture_to, until

pytestmark = pytest.mark.browser

PATH = "tutorials/00_start.ipynb"


class Reader:
    """Runs the cells one after the other; nothing twice."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook
        self.cells = [c if t == "code" else "" for t, c in notebook.sources()]
        self.next = 0

    def number(self, text: str) -> int:
        """The cell that is this text, or the first that holds it."""
        if text in self.cells:
            return self.cells.index(text)
        return next(i for i, source in enumerate(self.cells) if text in source)

    def run_up_to(self, text: str | None) -> None:
        """Runs all cells before the one that holds this text; None: to the end."""
        end = len(self.cells) if text is None else self.number(text)
        for i in range(self.next, end):
            self.read(i)
        self.next = max(self.next, end)

    def read(self, i: int) -> None:
        if self.cells[i]:
            self.notebook.run(i)

    def run(self, text: str) -> str:
        """Runs all cells up to and with the one that holds this text; gives what it printed."""
        self.run_up_to(text)
        i = self.number(text)
        if self.next <= i:
            self.read(i)
            self.next = i + 1
        return self.notebook.output(i)

    def begin(self, text: str) -> Run:
        """The same, but does not wait for its end."""
        self.run_up_to(text)
        self.next = self.number(text) + 1
        return self.notebook.begin(self.number(text))


@pytest.fixture(scope="module")
def reader(lab: Lab) -> Reader:
    lab.open_panel()
    return Reader(lab.open(PATH))


def test_the_first_lines_are_drawn_in_the_panel(lab: Lab, reader: Reader) -> None:
    reader.run("c = b + 2 * a")
    reader.run("c.backward()")
    picture_to(lab.page, "tutorial-1-first-graph")
    assert [row.split("\n")[0] for row in lab.panel.rows()] == ["mul", "mul", "add"]
    lab.panel.show_outline(False)


def test_the_panel_moves_while_a_cell_trains_to_above_97_percent(lab: Lab, reader: Reader) -> None:
    reader.run_up_to("test accuracy")
    before = lab.panel.picture()
    training = reader.begin("test accuracy")
    seen: set[tuple[str, str]] = set()

    def moved() -> bool:
        assert not training.finished, f"the panel did not move: {seen}"
        seen.add((lab.panel.iteration.inner_text(), lab.panel.picture()))
        iterations, pictures = map(set, zip(*seen, strict=True))
        return len(iterations) > 2 and len(pictures - {before}) > 2

    until(moved, "the panel to move")
    assert not training.finished
    picture_to(lab.page, "tutorial-2-training")
    accuracy = re.search(r"test accuracy: ([\d.]+)%", training.output())
    assert accuracy
    assert float(accuracy[1]) > 97


def test_a_click_on_a_node_tells_its_shape(lab: Lab, reader: Reader) -> None:
    reader.run("test accuracy")
    lab.panel.click("Conv2d")
    expect(lab.panel.inspector).to_contain_text(re.compile(r"\d+×16×8×8"))
    picture_to(lab.page, "tutorial-3-click")
    lab.panel.close_inspector()


def test_the_shape_error_is_shown_on_the_graph(lab: Lab, reader: Reader) -> None:
    said = reader.run('title="broken"')
    widget = reader.notebook.widget(reader.number('title="broken"'))
    for app in (widget, lab.panel):
        expect(app.callouts).to_be_visible()
        expect(app.callouts).to_contain_text("512")
    assert "2048" in said
    picture_to(lab.page, "tutorial-4-error")


def test_it_runs_to_its_end(lab: Lab, reader: Reader) -> None:
    reader.run_up_to(None)
    picture_to(lab.page, "tutorial-5-end")


def test_the_views_follow_the_theme(lab: Lab, reader: Reader) -> None:
    reader.run('title="broken"')
    widget = reader.notebook.widget(reader.number('title="broken"'))
    colour = "canvas => [...canvas.getContext('2d').getImageData(2, 2, 1, 1).data].slice(0, 3)"

    def brightness() -> list[int]:
        return [sum(app.canvas.evaluate(colour)) for app in (widget, lab.panel)]

    until(lambda: min(brightness()) > 600, "light views")
    lab.set_theme("Dark")
    until(lambda: max(brightness()) < 200, "dark views")
    picture_to(lab.page, "tutorial-6-dark")
    lab.set_theme("Light")
    until(lambda: min(brightness()) > 600, "light views again")
