"""Makes docs/images/live.png, the first tutorial in training: `python -m tests.lab.screenshot`."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from .driver import FLAGS, Lab, new_page, until
from .server import jupyterlab

PROJECT = Path(__file__).parents[2]
TARGET = PROJECT / "docs" / "images" / "live.png"
BROWSER = os.environ.get("FLAMBEAU_BROWSER") or shutil.which("chromium")
TRAINING = "test accuracy"  # in the cell that trains


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder, "root")
        shutil.copytree(PROJECT / "tutorials", root)
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        with jupyterlab(Path(folder, "private"), root) as address:
            picture(browser, address, root)
    print(f"wrote {TARGET.relative_to(PROJECT)}")


def picture(browser: Browser, address: str, root: Path) -> None:
    with new_page(browser, 1440, 900, scale=10 / 9) as page:
        lab = Lab(page, address, root)
        lab.start()
        notebook = lab.open("00_start.ipynb")
        lab.execute("application:toggle-left-area")
        lab.open_panel()
        widen_panel(page, 120)
        cells = [text if kind == "code" else "" for kind, text in notebook.sources()]
        training = next(i for i, text in enumerate(cells) if TRAINING in text)
        for i in range(training):
            if cells[i]:
                notebook.run(i)
        lab.panel.element.get_by_label("Metric").select_option(label="Gradient norm")
        run = notebook.begin(training)
        notebook.scroll_to(training - 1, "start")
        until(lambda: "epoch  5" in notebook.output(training), "the fifth epoch")
        TARGET.parent.mkdir(parents=True, exist_ok=True)
        TARGET.write_bytes(until(lambda: painted(page), "gradient norms"))
        assert not run.finished, "too late: the training had ended"
        lab.shut_down_kernels()


def painted(page: Page) -> bytes:
    """A screenshot of an iteration whose gradients were sampled; empty: of another."""
    scale = page.locator("#flambeau-panel .fb-ramp")
    before = scale.is_visible()
    taken = page.screenshot() if before else b""
    return taken if scale.is_visible() else b""


def widen_panel(page: Page, more: int) -> None:
    box = page.locator("#flambeau-panel").bounding_box()
    assert box
    x, y = box["x"] - 3, box["y"] + 300
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - more, y, steps=5)
    page.mouse.up()


if __name__ == "__main__":
    main()
