"""What runs in a kernel is seen while it runs, in the widget and in the side panel."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .driver import App, Lab, Notebook, picture_to, until
from .notebooks import SETUP, training

pytestmark = pytest.mark.browser

LIVE = 1  # the cell that calls live()
LAYERS = ["conv", "act", "head"]


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Notebook:
    """Records since its second cell; the panel is open."""
    lab.open_panel()
    made = lab.new("live.ipynb", SETUP, "view = fb.live()\nview")
    made.run(0)
    made.run(LIVE)
    made.run("train(3)")
    expect(made.widget(LIVE).canvas).to_be_visible()
    return made


@pytest.fixture(autouse=True)
def _active(notebook: Notebook) -> None:
    """The panel shows this notebook when a test begins."""
    notebook.activate()


def layers(app: App) -> list[str]:
    """The names of the layers drawn."""
    names = [row.split("\n")[-2] for row in app.rows() if row.count("\n") > 0]
    return [name for name in names if name in LAYERS]


def test_live_shows_a_widget_with_tabs(notebook: Notebook) -> None:
    widget = notebook.widget(LIVE)
    for name, sign in (("Gradients", "net.conv.weight"), ("Memory", "peak")):
        widget.tab(name)
        expect(widget.region(name)).to_contain_text(sign)
    widget.tab("Graph")
    expect(widget.canvas).to_be_visible()


def moves(app: App) -> None:
    """Waits until other iterations and other pictures are shown."""
    before, picture = app.iteration.inner_text(), app.picture()
    expect(app.iteration).not_to_have_text(before)
    until(lambda: app.picture() != picture, "another picture of the graph")


def test_panel_and_widget_move_while_a_cell_runs(lab: Lab, notebook: Notebook) -> None:
    with training(notebook):
        moves(lab.panel)
        moves(notebook.widget(LIVE))


def test_status_bar_tells_device_and_bytes(lab: Lab, notebook: Notebook) -> None:
    expect(lab.status_item).to_have_text(re.compile(r"^Flambeau: cpu · [\d.]+ (B|KB|MB)$"))
    lab.status_item.click()
    expect(lab.panel.element).to_be_visible()


def test_a_busy_kernel_is_asked_for_values_and_gives_them(lab: Lab, notebook: Notebook) -> None:
    with training(notebook):
        for app in (lab.panel, notebook.widget(LIVE)):
            app.click("data")
            app.button("Fetch from the kernel").first.click()
            expect(app.inspector).to_contain_text("Fetched in iteration")
            expect(app.inspector.locator(".fb-heat")).to_be_visible()
        picture_to(lab.page, "live-values")
    for app in (lab.panel, notebook.widget(LIVE)):
        app.close_inspector()


def test_a_cell_may_show_the_widget_and_train_at_once(lab: Lab, notebook: Notebook) -> None:
    show = "from IPython.display import display\ndisplay(fb.view.graph())\n"
    with training(notebook, show) as run:
        moves(notebook.widget(run.index))


def test_the_widget_keeps_its_tab_when_another_cell_has_run(notebook: Notebook) -> None:
    widget = notebook.widget(LIVE)
    widget.tab("Memory")
    notebook.run("train(1)")
    expect(widget.region("Memory")).to_be_visible()
    assert notebook.widget(LIVE).element.count() == 1
    widget.tab("Graph")


def test_panel_follows_the_active_notebook_and_comes_back(lab: Lab, notebook: Notebook) -> None:
    second = lab.new("second.ipynb", "import flambeau as fb", "fb.live(display=False)")
    second.run(0)
    expect(lab.panel.element).to_contain_text("See your network run")
    second.run(1)
    second.run("fb.ones(3).exp().sum()")
    expect(lab.panel.row("exp")).to_be_visible()
    notebook.activate()
    expect(lab.panel.row("conv")).to_be_visible()
    second.activate()
    expect(lab.panel.row("exp")).to_be_visible()


def test_a_reloaded_page_finds_the_kernel_that_trains(lab: Lab, notebook: Notebook) -> None:
    notebook.save()
    with training(notebook):
        lab.reload()
        lab.open_panel()
        expect(lab.panel.iteration).to_be_visible()
        moves(lab.panel)
    notebook.wait_until_ready()
    expect(notebook.widget(LIVE).canvas).to_be_visible()


def test_a_restarted_kernel_leaves_its_last_picture(lab: Lab, notebook: Notebook) -> None:
    notebook.run("train(1)")
    notebook.restart()
    expect(lab.panel.status).to_contain_text("restarted: this is the last picture")
    expect(notebook.widget(LIVE).status).to_contain_text("this is the last picture")
    assert layers(lab.panel) == LAYERS
    expect(lab.status_item).to_be_hidden()
    picture_to(lab.page, "live-restarted")
    live_again(notebook)


def test_a_killed_kernel_leaves_its_last_picture(lab: Lab, notebook: Notebook) -> None:
    notebook.run("train(1)")
    notebook.begin("import os; os._exit(1)")
    expect(lab.panel.status).to_contain_text("died")
    assert layers(lab.panel) == LAYERS
    picture_to(lab.page, "live-killed")
    lab.dismiss_dialog()
    notebook.wait_until_ready()
    live_again(notebook)


def live_again(notebook: Notebook) -> None:
    """live() in the new kernel connects panel and widget to it."""
    notebook.run(0)
    notebook.run(LIVE)
    notebook.run("train(2)")
    for app in (notebook.lab.panel, notebook.widget(LIVE)):
        expect(app.status).to_contain_text("Recording")
        expect(app.status).not_to_contain_text("last picture")
        assert layers(app) == LAYERS
