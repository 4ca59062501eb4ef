"""Lets the tests of the kernel import their shared tables by plain names."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_configure(config: pytest.Config) -> None:
    """What `import flambeau` does for its users; pytest resets the filters before each test."""
    config.addinivalue_line("filterwarnings", r"ignore::RuntimeWarning:flambeau")
