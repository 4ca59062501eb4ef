"""The one slot that every operation tests: ``slot.recorder`` is None, or sees each op run."""

from __future__ import annotations

from typing import Any


class Slot:
    """Holds the active recorder; a mutable attribute so that one load and one test suffice."""

    __slots__ = ("recorder",)

    def __init__(self) -> None:
        self.recorder: Any = None


slot = Slot()

# Threads whose operations are not recorded: those that load data beside the training.
quiet: set[int] = set()
