"""What a recording shows of a compiled call: it runs eagerly, and each operation tells its group.

The call's operations are those that were traced, in the same order, so each is found by its number.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

from ..record.naming import argument_text
from ..record.slot import slot


class Telling:
    """Stands before a recorder while a compiled call runs, and adds the group to the arguments."""

    def __init__(self, recorder: Any, fused: dict[int, tuple[str, str]]) -> None:
        self.recorder, self.fused = recorder, fused
        self.count = 0
        self.thread = get_ident()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.recorder, name)

    def finish(
        self,
        op: Any,
        inputs: Any,
        given: Any,
        outs: Any,
        params: Any,
        started: float,
        depth: int = 3,
    ) -> None:
        """An operation has run."""
        if get_ident() == self.thread:
            self.count += 1
            name, group = self.fused.get(self.count, ("", ""))
            if name == op.name:
                own = params if params.__class__ is str else argument_text(op, params)
                params = f"{own}, in {group}" if own else f"in {group}"
        self.recorder.finish(op, inputs, given, outs, params, started, depth + 1)


def recorded(fused: dict[int, tuple[str, str]], call: Callable[[], Any]) -> Any:
    """Runs a call eagerly under the recorder that is there; its operations tell their groups."""
    before = slot.recorder
    telling = slot.recorder = Telling(before, fused)
    try:
        return call()
    finally:
        if slot.recorder is telling:
            slot.recorder = before


def groups_of(groups: Any) -> dict[int, tuple[str, str]]:
    """For each operation of a call that was fused with others: its name, and that of its group."""
    found: dict[int, tuple[str, str]] = {}
    for group in groups:
        parts = {one.index: one.part_of for one in group.code if one.index > 0}
        if len(parts) > 1 and group.inner:
            name = f"fused({', '.join(parts.values())})"
            for index, part in parts.items():
                found.setdefault(index, (part, name))
    return found
