"""One JupyterLab and one browser for all tests of this folder, and a fresh page for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from .driver import FLAGS, Lab, new_page, picture_to
from .server import jupyterlab

PROJECT = Path(__file__).parents[2]

# Package scope: no event loop of Playwright's is left running for the tests of other folders.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Of a page in which a test failed a screenshot is kept."""
    report = yield
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.failed and lab and report.when == "call":
        report.sections.append(("screenshot", str(picture_to(lab.page, f"failed-{item.name}"))))
    return report


@pytest.fixture(scope="package")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that JupyterLab shows."""
    folder = tmp_path_factory.mktemp("root")
    shutil.copytree(PROJECT / "tutorials", folder / "tutorials")
    return folder


@pytest.fixture(scope="package")
def address(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with jupyterlab(tmp_path_factory.mktemp("jupyter"), root) as found:
        yield found


@pytest.fixture(scope="package")
def browser(browser_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def lab(
    browser: Browser, address: str, root: Path, request: pytest.FixtureRequest
) -> Iterator[Lab]:
    """JupyterLab in a page of its own for the tests of one file."""
    with new_page(browser) as page:
        opened = Lab(page, address, root)
        opened.start()
        yield opened
        opened.shut_down_kernels()
