"""Where values lie in memory: buffers made once, and used again when what was in them is done."""

from __future__ import annotations

from typing import Any

import numpy as np

from .ir import Instruction, Value

_FILLED = frozenset(("ufunc", "reduce", "product", "cast", "copy"))  # they take ``out=``


def roots_of(code: list[Instruction]) -> dict[Value, set[Value]]:
    """For each value those whose memory it may lie in: a view lies in what it is a view of."""
    roots: dict[Value, set[Value]] = {}
    for one in code:
        shared = {r for v in one.inputs for r in roots.get(v, {v})}
        for out in one.outs:
            roots[out] = shared if one.kind == "view" else {out}
            if one.kind == "call":  # a forward or a rule may hand on what it was given
                roots[out] = {out} | shared
    return roots


def last_uses(code: list[Instruction], roots: Any, results: list[Value]) -> dict[Value, int]:
    """The last instruction that needs what lies in a value's memory."""
    last: dict[Value, int] = {}
    for i, one in enumerate(code):
        for v in (*one.inputs, *one.outs):
            for r in roots.get(v, (v,)):
                last[r] = i
    for v in results:
        for r in roots.get(v, (v,)):
            last[r] = len(code)
    return last


class Buffers:
    """Hands out pieces of memory by their size, and takes them back."""

    def __init__(self) -> None:
        self.free: dict[int, list[Any]] = {}
        self.bytes = 0

    def take(self, size: int) -> Any:
        """A piece of so many bytes."""
        waiting = self.free.get(size)
        if waiting:
            return waiting.pop()
        self.bytes += size
        return np.empty(size, np.uint8)

    def give(self, piece: Any) -> None:
        """Takes a piece back."""
        self.free.setdefault(piece.size, []).append(piece)


def place(code: list[Instruction], results: list[Value]) -> dict[Value, Any]:
    """An array for each value that an instruction writes and that is not handed out."""
    roots = roots_of(code)
    last = last_uses(code, roots, results)
    pool, pieces, arrays = Buffers(), {}, {}
    ends: dict[int, list[Value]] = {}
    for v, i in last.items():
        ends.setdefault(i, []).append(v)
    for i, one in enumerate(code):
        for out in one.outs:
            if one.kind in _FILLED and one.name != "where" and last[out] < len(code):
                size = max(out.size, 1) * out.dtype.itemsize
                piece = pieces[out] = pool.take(-(-size // 64) * 64)
                arrays[out] = piece[:size].view(out.dtype)[: out.size].reshape(out.shape)
        for v in ends.get(i, ()):
            if v in pieces:
                pool.give(pieces.pop(v))
    return arrays
