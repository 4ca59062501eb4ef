"""Lets the tests of the views import the traces made by hand, and leaves no recording behind."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    from flambeau.record.slot import slot
    from flambeau_widgets import hub

    yield
    hub.stop()
    hub._hub = None
    assert slot.recorder is None
