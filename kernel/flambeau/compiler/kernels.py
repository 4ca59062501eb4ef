"""A program with its loops compiled: the source of its kernels, and what they are called with."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from typing import Any

import numpy as np

from ..kernels.compiled import keep_on_disk
from .ir import Instruction, Value
from .loops import TYPES, Group, Refs
from .memory import TYPES as NAMES
from .source import Nest, product_lines


class Table:
    """The addresses that kernels read, by name; ``spots`` says which memory each one is of."""

    def __init__(self) -> None:
        self.places: dict[Any, int] = {}

    def place(self, key: Any) -> int:
        """The place of a piece of memory in the table."""
        return self.places.setdefault(key, len(self.places))


class KernelSource:
    """The source of one kernel: consecutive groups of loops."""

    def __init__(self, groups: list[Group], refs: Refs, kept: set[Value], shared: Any) -> None:
        self.groups, self.refs, self.kept, self.shared = groups, refs, kept, shared
        self.used: dict[str, str] = {}  # name of an address -> how it is found
        self.pieces: dict[str, int] = {"spare": 1}
        self.arrays: list[Value] = []  # what is handed over as arrays
        self.body: list[str] = []
        for group in groups:
            self.body.append(f"# {group.name}")
            self.body += self.lines(group)

    def address(self, v: Value) -> str:
        """The name of the address of a root's memory."""
        name = f"p{v.number}"
        if name not in self.used:
            if self.shared.is_dynamic(v):
                self.arrays.append(v)
                self.used[name] = f"x{v.number}.ctypes.data"
            else:
                self.used[name] = f"table[{self.shared.table.place(v)}]"
                self.pieces[name] = self.shared.piece(v)
        return name

    def other(self, key: Any, name: str) -> str:
        """The name of the address of memory that is no value's."""
        self.used.setdefault(name, f"table[{self.shared.table.place(key)}]")
        return name

    def lines(self, group: Group) -> list[str]:
        """One group as source."""
        one = group.code[0]
        if group.kind == "product":
            spare = self.other("spare", "spare")
            self.shared.spare = max(self.shared.spare, one.args[1].size * 8)
            return product_lines(one, self.refs, self.address, spare)
        if group.kind == "step":
            return self.step_lines(one)
        return Nest(group, self.refs, self.kept, self.address).lines()

    def step_lines(self, one: Instruction) -> list[str]:
        """An optimizer's step."""
        step: Any = one.run
        own, grads = one.args
        lines: list[str] = []
        for i, (p, g) in enumerate(zip(own, grads, strict=True)):
            group = step.of_param[i]
            at = self.shared.numbers_of(step, group)
            options = self.other("numbers", "numbers") + f" + {8 * at}"
            states = [
                self.other((step, i, name), f"s{p.number}_{j}")
                for j, (name, _) in enumerate(step.states[i])
            ]
            where = [self.address(self.refs(v).root) for v in (p, g)]
            lines.append(step.kind.line(step.flags[group], p.size, *where, states, options))
        return lines

    def _told_apart(self, found: Any) -> str:
        """An access with the number of its piece of memory in front."""
        called, name = found.groups()
        return f"{called}({self.pieces.get(name, 0)}, {name}, "

    @property
    def kinds(self) -> tuple[tuple[str, int], ...]:
        """The types of the arrays that it is handed."""
        return tuple((NAMES[TYPES[v.dtype.name]], len(v.shape)) for v in self.arrays)

    def text(self) -> str:
        """The whole function."""
        names = "".join(f", x{v.number}" for v in self.arrays)
        head = [f"{name} = {where}" for name, where in self.used.items()]
        body = "\n".join("    " + text for text in (*head, *self.body))
        body = re.sub(r"([gs]et_\w\w)\((\w+), ", self._told_apart, body)
        return f"def kernel(table{names}):\n{body}\n"


@cache
def built(source: str, kinds: tuple[tuple[str, int], ...] = ()) -> Any:
    """A kernel's source compiled by numba; the same source is compiled once, and kept on disk.

    ``kinds``: type and number of dimensions of each array that it is handed; they lie in rows. Any
    other array is a TypeError.
    """
    import numba

    from ..kernels.curves import tanh
    from ..kernels.numbers import exp
    from .memory import accessors
    from .optimizers import adam, momentum, sgd

    name = "replay_" + hashlib.sha256(source.encode()).hexdigest()[:20]
    scope: dict[str, Any] = {
        "__name__": __name__,
        "np": np,
        "exp": exp,
        "tanh": tanh,
        **accessors(),
    }
    scope |= {"sgd": sgd, "momentum": momentum, "adam": adam}
    exec(compile(source.replace("def kernel", f"def {name}"), f"<{name}>", "exec"), scope)
    math = {"reassoc", "contract", "nsz"}
    made = numba.njit(fastmath=math, nogil=True, error_model="numpy")(scope[name])
    keep_on_disk(made)
    arrays = [numba.types.Array(getattr(numba.types, t), n, "C") for t, n in kinds]
    made.compile((numba.int64[::1], *arrays))
    made.disable_compile()
    return made
