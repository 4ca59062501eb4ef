"""Which arrays are alive, and what each is: followed by weak references, keeping none alive."""

from __future__ import annotations

import weakref
from collections import deque
from time import perf_counter
from typing import Any

from ..tensor import Tensor
from . import kinds
from .naming import Names
from .schema import CATEGORIES

OTHER, DATA, PARAMETER, BUFFER, ACTIVATION, GRADIENT, OPTIMIZER = range(len(CATEGORIES))
MADE_BY_OPS = (OTHER, ACTIVATION, GRADIENT)


class Seen(weakref.ref[Any]):
    """What is known of one array; itself a weak reference to it, so it keeps nothing alive.

    As a note by itself it says that the array has been freed.
    """

    __slots__ = ("bytes", "category", "dtype", "key", "name", "shape")

    block: Any = None  # it has memory of its own
    key: int  # id of the array
    bytes: int
    category: int
    name: str  # set only where there is one
    shape: tuple[int, ...]
    dtype: Any


class SeenView(Seen):
    """The same for an array that lies in the memory of another, known as ``block``."""

    __slots__ = ("block",)


class Memory:
    """The part of `Recorder` that knows arrays. What it takes notes of goes into ``notes``."""

    def __init__(self) -> None:
        self.notes: list[Any] = []
        self.seen: dict[int, Seen] = {}  # id(array) -> what is known of it, while it lives
        self.names = Names()
        self.began = perf_counter()
        self.total = self.peak = 0  # bytes alive now, and at most in this iteration
        # Bound once, because every operation calls them.
        self.note = self.notes.append
        # Weak references only put what has been freed in line, without a line of Python: an
        # interrupt (Ctrl+C) that came while Python runs for them would be lost.
        self.freed: deque[Seen] = deque()
        self.gone = self.freed.append

    def now(self) -> float:
        """Seconds since the recording began."""
        return perf_counter() - self.began

    def meet(self, t: Any) -> Any:
        """What is known of an input: it may have been made before the recording began."""
        if not isinstance(t, Tensor):
            return None
        found = self.seen.get(id(t.array))
        if found is None:
            name = self.names.of_tensor(t)
            is_parameter = t._needs_grad and t._node is None
            category = PARAMETER if is_parameter else BUFFER if name else DATA
            found = self.follow(t.array, category, name)
        return found

    def new_block(self, array: Any, key: int, category: int) -> Seen:
        """Follows an array that has memory of its own and is met for the first time."""
        found = self.seen[key] = Seen(array, self.gone)
        found.key = key
        found.shape = array.shape
        found.dtype = array.dtype
        found.category = category
        found.bytes = size = array.nbytes
        self.total = size = self.total + size
        if size > self.peak:
            self.peak = size
        return found

    def follow(self, array: Any, category: int, name: str = "") -> Seen:
        """Follows an array, and the memory it is a view of, until both are gone."""
        known = self.seen.get(id(array))  # written in place: a new tensor in old memory
        root = array
        while isinstance(root.base, type(root)):
            root = root.base
        if known is None and root is array:
            found = self.new_block(array, id(array), category)
            if category not in MADE_BY_OPS:
                self.note((kinds.TAKEN, found, self.now()))
        else:
            if known is None:
                known = self.seen.get(id(root)) or self.follow(root, category)
            found = self.seen[id(array)] = SeenView(array, self.gone)
            found.key, found.shape, found.dtype = id(array), array.shape, array.dtype
            found.bytes, found.category, found.block = array.nbytes, category, known.block or known
        if name:
            found.name = name
        return found

    def categorise(self, found: Seen, category: int) -> None:
        """Moves the memory of an array to another category."""
        block = found.block or found
        if block.category != category:
            block.category = category
            self.note((kinds.CATEGORY, block, category))

    def settle(self) -> None:
        """Notes which arrays have been freed; their ids may stand for others from now on.

        Only while no operation is being noted by another thread.
        """
        freed, forget, note = self.freed, self.seen.pop, self.note
        try:
            while freed:
                found = freed.popleft()
                forget(found.key, None)
                if found.block is None:
                    self.total -= found.bytes
                    note(found)
        except IndexError:  # another thread has taken the last one
            pass
