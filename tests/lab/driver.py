"""What a test does with JupyterLab: notebooks, their cells and kernels, and Flambeau's views.

Nothing here waits for a time to pass: every wait is for something that can be seen.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Locator, Page, expect

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60.0  # seconds, on a machine with much else to do
SCRIPT = (Path(__file__).parent / "driver.js").read_text()
RESULTS = Path(__file__).parents[2] / "test-results"

expect.set_options(timeout=PATIENCE * 1000)


@contextmanager
def new_page(
    browser: Browser, width: int = 1600, height: int = 1000, scale: float = 1
) -> Iterator[Page]:
    """A page that shares nothing with others."""
    size = {"width": width, "height": height}
    context = browser.new_context(viewport=size, device_scale_factor=scale)
    context.set_default_timeout(PATIENCE * 1000)
    context.add_init_script(SCRIPT)
    page = context.new_page()
    yield page
    context.close()


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """What `condition` gives, as soon as that counts as true."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)
    return found


def picture_to(page: Page, name: str) -> Path:
    """Keeps a screenshot where a person can look at it."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}.png"
    page.screenshot(path=file)
    return file


class Lab:
    """JupyterLab in one page of the browser."""

    def __init__(self, page: Page, address: str, root: Path) -> None:
        self.page, self.address, self.root = page, address, root

    def start(self, path: str = "") -> None:
        """Loads JupyterLab with nothing but `path` open."""
        inside = f"lab/tree/{path}" if path else "lab"
        self.page.goto(self.address.format(inside) + "&reset")
        self.wait_until_loaded()

    def wait_until_loaded(self) -> None:
        self.page.wait_for_function("() => window.jupyterapp?.restored.then(() => true)")
        self._wait_for_splash()

    def reload(self) -> None:
        """What F5 does."""
        self.page.reload()
        self.wait_until_loaded()

    def execute(self, command: str, **arguments: Any) -> None:
        """Runs a command of JupyterLab's."""
        script = "([command, args]) => jupyterapp.commands.execute(command, args).then(() => null)"
        self.page.evaluate(script, [command, arguments])

    def open(self, path: str) -> Notebook:
        """Opens a notebook and waits until cells can be run in it."""
        self.execute("docmanager:open", path=path)
        return self.notebook(path)

    def open_without_kernel(self, path: str) -> Notebook:
        """Opens a notebook to look at it only."""
        no_kernel = {"shouldStart": False, "canStart": False}
        self.execute("docmanager:open", path=path, kernelPreference=no_kernel)
        notebook = Notebook(self, path)
        expect(notebook.element.locator(".jp-Cell").first).to_be_visible()
        return notebook

    def notebook(self, path: str) -> Notebook:
        """A notebook that is being opened."""
        notebook = Notebook(self, path)
        notebook.wait_until_ready()
        return notebook

    def new(self, name: str, *cells: str) -> Notebook:
        """Writes a notebook with these cells and opens it."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(book, self.root / name)
        return self.open(name)

    def open_panel(self) -> App:
        """The side panel, as the flame on the right edge opens it."""
        if not self.panel.element.is_visible():
            self.page.locator('.lm-TabBar-tab[title="Flambeau"]').click()
        expect(self.panel.element).to_be_visible()
        return self.panel

    @property
    def panel(self) -> App:
        return App(self.page.locator("#flambeau-panel > :not(.lm-mod-hidden)"))

    @property
    def status_item(self) -> Locator:
        return self.page.locator(".fb-status-item")

    def set_theme(self, name: str) -> None:
        """`Light` or `Dark`."""
        self.execute("apputils:change-theme", theme=f"JupyterLab {name}")
        light = str(name == "Light").lower()
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", light)
        self._wait_for_splash()

    def _wait_for_splash(self) -> None:
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def dismiss_dialog(self) -> None:
        """Says OK to the dialog that JupyterLab shows."""
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.locator(".jp-Dialog").wait_for(state="detached")

    def shut_down_kernels(self) -> None:
        self.page.evaluate("() => jupyterapp.serviceManager.sessions.shutdownAll()")


class Notebook:
    """A notebook that is open in JupyterLab, with a kernel of its own."""

    def __init__(self, lab: Lab, path: str) -> None:
        self.lab, self.path, self.page = lab, path, lab.page

    def _ask(self, function: str, *arguments: Any) -> Any:
        script = f"args => flambeauTests.{function}(...args)"
        return self.page.evaluate(script, [self.path, *arguments])

    def wait_until_ready(self) -> None:
        """The kernel can be reached and has nothing to do."""
        until(lambda: self._ask("ready"), f"{self.path} to be ready")

    def activate(self) -> None:
        self.page.evaluate(
            "path => jupyterapp.shell.activateById(flambeauTests.notebook(path).id)", self.path
        )

    @property
    def element(self) -> Locator:
        """The notebook in view."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    @property
    def status(self) -> str:
        """What the kernel is doing."""
        script = "path => flambeauTests.session(path).session?.kernel?.status"
        return self.page.evaluate(script, self.path)

    def begin(self, code: str | int) -> Run:
        """Starts a cell: one that is there by its number, or a new one at the end."""
        index = code if isinstance(code, int) else self._ask("add", code)
        return Run(self, index, self._ask("run", index))

    def run(self, code: str | int) -> str:
        """Runs a cell to its end, which must be a good one; gives what it printed."""
        run = self.begin(code)
        said = run.output()
        errors = [o for o in self.outputs(run.index) if o["output_type"] == "error"]
        assert not errors, f"{self.path}, cell {run.index}: {said}"
        return said

    def outputs(self, index: int) -> list[dict[str, Any]]:
        return self._ask("outputs", index)

    def output(self, index: int) -> str:
        """What a cell has printed so far, errors included."""
        return "".join(map(_text_of, self.outputs(index)))

    def cell(self, index: int) -> Locator:
        """A cell; brought into view, for JupyterLab draws only what is near."""
        self.scroll_to(index)
        return self.element.locator(f'.jp-Cell[data-windowed-list-index="{index}"]')

    def scroll_to(self, index: int, place: str = "center") -> None:
        script = "([path, i, at]) => flambeauTests.notebook(path).content.scrollToItem(i, at)"
        self.page.evaluate(script, [self.path, index, place])

    def widget(self, index: int) -> App:
        """The view in a cell's output."""
        return App(self.cell(index).locator(".fb-widget"))

    def sources(self) -> list[tuple[str, str]]:
        """Type and text of each cell."""
        return [tuple(pair) for pair in self._ask("sources")]

    def save(self) -> None:
        self.activate()
        self.lab.execute("docmanager:save")

    def restart(self) -> None:
        """Restarts the kernel, as the button in the toolbar does, without asking."""
        script = "path => flambeauTests.session(path).restartKernel().then(() => null)"
        self.page.evaluate(script, self.path)
        self.wait_until_ready()

    def shut_down(self) -> None:
        """Ends the kernel."""
        script = "path => flambeauTests.session(path).shutdown()"
        self.page.evaluate(script, self.path)

    def send(self, comm: str, data: Any, buffers: tuple[bytes, ...] = ()) -> None:
        """Sends a message over a comm of the kernel's."""
        self._ask("send", comm, data, [list(b) for b in buffers])


class Run:
    """A cell that is running, or was."""

    def __init__(self, notebook: Notebook, index: int, number: int) -> None:
        self.notebook, self.index, self.number = notebook, index, number

    @property
    def finished(self) -> bool:
        return self.notebook.page.evaluate("n => flambeauTests.finished(n)", self.number)

    def wait(self, patience: float = 2 * PATIENCE) -> None:
        until(lambda: self.finished, f"a cell of {self.notebook.path} to end", patience)

    def output(self) -> str:
        """What it printed, when it has ended."""
        self.wait()
        return self.notebook.output(self.index)


def _text_of(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return "".join(output["text"])
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    return "".join(output["data"].get("text/plain", ""))


class App:
    """Flambeau's views, wherever they are shown."""

    def __init__(self, element: Locator) -> None:
        self.element = element
        self.page = element.page

    @property
    def canvas(self) -> Locator:
        return self.element.locator(".fb-canvas")

    @property
    def inspector(self) -> Locator:
        return self.element.locator(".fb-inspector")

    def close_inspector(self) -> None:
        self.inspector.get_by_role("button", name="Close").click()
        expect(self.inspector).to_be_hidden()

    @property
    def callouts(self) -> Locator:
        """Errors written on the graph."""
        return self.element.locator(".fb-callout")

    @property
    def status(self) -> Locator:
        """The line at the bottom."""
        return self.element.locator(".fb-status")

    @property
    def iteration(self) -> Locator:
        return self.element.locator(".fb-iteration")

    def tab(self, name: str) -> None:
        self.element.get_by_role("tab", name=name).click()

    def button(self, name: str) -> Locator:
        return self.element.get_by_role("button", name=name)

    def region(self, name: str) -> Locator:
        return self.element.get_by_role("region", name=name)

    def search(self, text: str) -> Locator:
        """Types into the search box."""
        box = self.element.get_by_role("searchbox")
        box.fill(text)
        return box

    def rows(self) -> list[str]:
        """The graph as its outline tells it."""
        self.show_outline()
        return self.element.get_by_role("treeitem").all_inner_texts()

    def row(self, name: str) -> Locator:
        """The first line of the outline with this name."""
        self.show_outline()
        return self.element.get_by_role("treeitem").filter(has_text=name).first

    def show_outline(self, shown: bool = True) -> None:
        button = self.button("Outline")
        if (button.get_attribute("aria-pressed") == "true") != shown:
            button.click()

    def picture(self) -> str:
        """A mark of what the graph's canvas shows, to compare with another."""
        data = self.canvas.evaluate("canvas => canvas.toDataURL()")
        return hashlib.sha256(data.encode()).hexdigest()

    def find(self, name: str) -> tuple[float, float]:
        """Where on the graph a box with this name or class is: the tooltip says so."""
        box = self.canvas.bounding_box()
        assert box
        tooltip = self.element.locator(".fb-tooltip")
        for x in (box["width"] * part for part in (0.5, 0.35, 0.65, 0.2, 0.8)):
            for y in range(8, int(box["height"]), 12):
                self.page.mouse.move(box["x"] + x, box["y"] + y)
                if tooltip.is_visible() and name in tooltip.inner_text().split("\n")[:2]:
                    return box["x"] + x, box["y"] + y
        raise AssertionError(f"no box on the graph says {name!r}")

    def click(self, name: str) -> None:
        """Clicks a box on the graph."""
        self.page.mouse.click(*self.find(name))

    def double_click(self, name: str) -> tuple[float, float]:
        """Opens a module on the graph; its name stays where it was."""
        place = self.find(name)
        self.page.mouse.dblclick(*place)
        return place
