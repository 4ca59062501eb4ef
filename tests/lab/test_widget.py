"""The widgets of a recording: drawn, explored, spoken to from Python, kept in saved notebooks."""

from __future__ import annotations

import nbformat
import pytest
from playwright.sync_api import expect

from .driver import App, Lab, Notebook, picture_to, until
from .notebooks import SETUP

pytestmark = pytest.mark.browser

GRAPH, GRADIENTS, MEMORY = 2, 3, 4  # cells


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Notebook:
    """Shows a recording of three steps in three widgets."""
    record = "with fb.record(statistics=1, title='three steps') as trace:\n    train(3)"
    graph = "view = fb.view.graph(trace)\nview"
    others = [f"fb.view.{name}(trace)" for name in ("gradients", "memory")]
    made = lab.new("widgets.ipynb", SETUP, record, graph, *others)
    for i in range(MEMORY + 1):
        made.run(i)
    return made


@pytest.fixture
def graph(notebook: Notebook) -> App:
    widget = notebook.widget(GRAPH)
    expect(widget.canvas).to_be_visible()
    return widget


def test_graph_gradients_and_memory_are_drawn(notebook: Notebook, graph: App) -> None:
    assert any("conv" in row for row in graph.rows())
    graph.show_outline(False)
    picture_to(notebook.page, "widget-graph")
    gradients = notebook.widget(GRADIENTS)
    expect(gradients.region("Gradients")).to_contain_text("net.head.weight")
    expect(gradients.element.locator("canvas").first).to_be_visible()
    picture_to(notebook.page, "widget-gradients")
    memory = notebook.widget(MEMORY)
    expect(memory.region("Memory")).to_contain_text("peak")
    picture_to(notebook.page, "widget-memory")


def test_a_double_click_opens_a_module_and_another_closes_it(graph: App) -> None:
    closed = graph.rows()
    place = graph.double_click("Conv2d")
    until(lambda: any("conv2d" in row for row in graph.rows()), "the operation inside")
    graph.page.mouse.dblclick(*place)
    until(lambda: graph.rows() == closed, "the graph as it was")


def test_the_keyboard_walks_opens_and_closes(graph: App) -> None:
    closed = graph.rows()
    graph.search("conv").press("Enter")
    graph.canvas.focus()
    graph.page.keyboard.press("Enter")
    until(lambda: any("conv2d" in row for row in graph.rows()), "the operation inside")
    graph.page.keyboard.press("ArrowDown")
    expect(graph.inspector).to_contain_text("conv2d")
    graph.page.keyboard.press("-")
    until(lambda: graph.rows() == closed, "the graph as it was")
    graph.page.keyboard.press("Escape")
    expect(graph.inspector).to_be_hidden()


def test_search_counts_and_leads_to_what_was_found(graph: App) -> None:
    box = graph.search("relu")
    expect(graph.element.locator(".fb-search-count")).to_have_text("2 found")
    box.press("Enter")
    expect(graph.inspector).to_be_visible()
    graph.search("no such thing")
    expect(graph.element.locator(".fb-search-count")).to_have_text("none")
    graph.search("").press("Escape")


def test_a_click_is_seen_in_python(notebook: Notebook, graph: App) -> None:
    graph.click("Linear")
    expect(graph.inspector).to_contain_text("64×10")
    assert notebook.run("view.selected").strip() == "{'ops': [], 'path': 'net.head'}"


def test_python_selects_on_the_screen(notebook: Notebook, graph: App) -> None:
    notebook.run("view.selected = {'ops': [], 'path': 'net.conv'}")
    expect(graph.inspector.locator("h3")).to_have_text("conv")
    find = "[i for i, op in enumerate(trace.ops) if op.name == 'relu' and op.phase == 'forward']"
    notebook.run(f"view.selected = {{'ops': {find}[-1:]}}")
    expect(graph.inspector.locator("h3")).to_have_text("relu")


@pytest.fixture(scope="module")
def comm(notebook: Notebook) -> str:
    """Where the graph's messages go."""
    return notebook.run("print(view.comm.comm_id)").strip()


NONSENSE = {
    "no type": {},
    "unknown type": {"type": "explode"},
    "type is no text": {"type": {"a": [1]}},
    "missing keys": {"type": "tensor"},
    "wrong kinds": {"type": "tensor", "request": "x", "segment": [], "tensor": None, "kind": 3},
    "huge": {"type": "select", "ops": [1e400], "path": None},
    "negative": {"type": "select", "ops": [-(10**15)], "path": 3},
    "a list": [1, 2],
    "a text": "hello" * 1000,
    "nothing": None,
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_from_the_page_is_answered_and_harms_nothing(
    notebook: Notebook, graph: App, comm: str, what: str
) -> None:
    content = {"method": "custom", "content": NONSENSE[what]}
    notebook.send(comm, content, (b"\x00\xff" * 500,))
    expect(graph.status).to_contain_text("message")
    assert notebook.run("6 * 7") == "42"
    notebook.send(comm, {"method": "custom", "content": {"type": "resync"}})
    expect(graph.status).not_to_contain_text("message")
    expect(graph.canvas).to_be_visible()


def test_nonsense_about_the_widgets_state_harms_nothing(
    notebook: Notebook, graph: App, comm: str
) -> None:
    for data in (
        {"method": "update", "state": {"selected": 5, "height": "tall", "kind": "pie"}},
        {"method": "update", "state": {"expanded": [1, None]}, "buffer_paths": [["a", "b"]]},
        {"method": "update", "state": {"selected": {"ops": "x"}}},
        {"method": "no such method"},
        {"nothing": "known"},
    ):
        notebook.send(comm, data, (b"\x00\xff" * 500,))
    assert notebook.run("view.kind, view.expanded, 6 * 7").endswith("42)")
    notebook.run("view.selected = {'ops': [], 'path': 'net.act'}")
    expect(graph.inspector.locator("h3")).to_have_text("act")


def test_a_saved_notebook_shows_still_pictures(lab: Lab, notebook: Notebook) -> None:
    notebook.save()
    notebook.shut_down()
    lab.start(notebook.path)
    again = lab.notebook(notebook.path)  # with a new kernel, that knows nothing of the widgets
    for i in (GRAPH, GRADIENTS, MEMORY):
        picture = again.cell(i).locator("img.fb-still")
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
        expect(again.cell(i)).not_to_contain_text("Error displaying widget")
    picture_to(lab.page, "widget-still")


def test_a_notebook_from_elsewhere_shows_still_pictures_with_no_kernel(
    lab: Lab, notebook: Notebook
) -> None:
    book = nbformat.read(lab.root / notebook.path, as_version=4)
    nbformat.write(book, lab.root / "sent.ipynb")  # not by JupyterLab: it does not trust it
    sent = lab.open_without_kernel("sent.ipynb")
    expect(sent.cell(GRAPH).locator("img.fb-still")).to_be_visible()
