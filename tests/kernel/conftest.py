"""Lets the tests of the kernel import their shared tables by plain names."""

import sys
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_configure(config: pytest.Config) -> None:
    """What `import flambeau` does for its users; pytest resets the filters before each test."""
    config.addinivalue_line("filterwarnings", r"ignore::RuntimeWarning:flambeau")


@pytest.fixture
def fresh():
    """Warnings of callables that run eagerly are looked at where they matter."""
    import flambeau as fb

    fb.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(params=["loops", "straight"])
def way(request, monkeypatch):
    """How a compiled program runs: with loops, and as a straight line of NumPy calls."""
    from flambeau.compiler import program as programs

    if request.param == "straight":
        monkeypatch.setattr(programs, "installed", lambda: False)
    elif not programs.installed():
        pytest.skip("numba is not installed")
    return request.param
