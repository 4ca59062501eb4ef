"""What every test may use: the markers and what they need to run."""

from __future__ import annotations

import os
import shutil
from functools import cache

import pytest


@cache
def _gpu() -> bool:
    try:
        import cupy

        return bool(cupy.cuda.runtime.getDeviceCount() > 0)
    except Exception:  # no CuPy, no driver, no device: each has its own error
        return False


@cache
def _browser() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = (shutil.which(name) for name in names)
    return os.environ.get("FLAMBEAU_BROWSER") or next(filter(None, found), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot run here; in CI a missing browser is a failure, not a skip."""
    for item in items:
        if item.get_closest_marker("gpu") and not _gpu():
            item.add_marker(pytest.mark.skip(reason="no CUDA device (or no CuPy)"))
        if item.get_closest_marker("browser") and not _browser() and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason="no browser: set FLAMBEAU_BROWSER to one"))


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The browser to drive, for Playwright's `executable_path`."""
    path = _browser()
    assert path, "no browser found: install chromium or set FLAMBEAU_BROWSER"
    return path
