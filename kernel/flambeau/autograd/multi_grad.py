"""One hook on the gradients of several tensors."""

from __future__ import annotations

import weakref
from typing import Any

from . import engine
from .node import Node


class MultiHook:
    """Gathers the gradients of several tensors in each backward, and calls ``fn`` once."""

    def __init__(self, tensors: Any, fn: Any, mode: str) -> None:
        self.fn, self.mode = fn, mode
        self.ends = [weakref.ref(t._node or t) for t in tensors]
        self.size = len(tensors)
        self.passing: Any = None  # the backward whose gradients are being gathered
        self.found: list[Any] = []
        self.expected = 0

    def for_one(self, i: int) -> Any:
        """The hook on tensor ``i``."""
        return lambda g: self.see(i, g)

    def see(self, i: int, g: Any) -> None:
        """Takes one gradient."""
        now = engine.running()
        if self.passing is None or self.passing() is not now:
            self.passing = weakref.ref(now)
            self.found = [None] * self.size
            self.expected = self._reached(now) if self.mode == "all" else 1
        if self.mode == "any":
            if self.expected:
                self.expected = 0
                self.fn(g)
            return
        self.found[i] = g
        self.expected -= 1
        if not self.expected:
            self.fn(self.found)

    def _reached(self, now: Any) -> int:
        """How many of the tensors this backward sends a gradient to."""
        seen: set[int] = set()
        first = {id(end) for end in now.roots}
        stack = list(now.roots)
        while stack:
            end = stack.pop()
            if id(end) in seen or end is None:
                continue
            seen.add(id(end))
            runs = isinstance(end, Node) and (now.needed is None or end in now.needed)
            if runs or (isinstance(end, Node) and id(end) in first):
                stack += end.parents
        return sum(id(ref()) in seen for ref in self.ends)
