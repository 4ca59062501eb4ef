"""The one slot that every operation tests: ``slot.recorder`` is None, or sees each op run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any


class Slot:
    """Holds the active recorder; a mutable attribute so that one load and one test suffice."""

    __slots__ = ("recorder",)

    def __init__(self) -> None:
        self.recorder: Any = None


slot = Slot()

# Threads whose operations are not recorded at present.
quiet: set[int] = set()


@contextmanager
def unrecorded() -> Iterator[None]:
    """What this thread does inside is no part of the network: loading data, loading weights."""
    me = get_ident()
    nested = me in quiet
    quiet.add(me)
    try:
        yield
    finally:
        if not nested:
            quiet.discard(me)
