"""Puts a program together: which memory each value has, and the function that runs a call.

The function is Python source, made for this one program: it checks that tensors are still where
they were, calls kernels and NumPy in turn, hands gradients to their leaves, and returns copies of
results.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import wrap
from .ir import Instruction, Value
from .kernels import KernelSource, Table, built
from .loops import Group, Refs, grouped, rows
from .memory import PIECES
from .plan import Buffers
from .straight import Writer, line

_FILLED = frozenset(("ufunc", "reduce", "product", "cast", "copy"))
_MOST = 48  # groups in one kernel: numba's time grows with them


class Assembly:
    """One program on its way to a function."""

    def __init__(self, program: Any) -> None:
        self.program = program
        self.refs = Refs()
        self.groups = grouped(program.code, self.refs)
        self.table = Table()
        self.numbers: dict[Any, int] = {}
        self.pieces: dict[Any, int] = {}
        self.count = 0  # of numbers
        self.spare = 8
        self.w = Writer()
        self.reads = [self._reads(g) for g in self.groups]
        self.home = {
            out: i for i, g in enumerate(self.groups) for one in g.code for out in one.outs
        }
        self.kept = self._kept()
        self.hands = self._hands()
        self.static = self._static()
        self.kernels: list[KernelSource] = []
        self.lines: list[str] = []
        self.viewed: dict[Value, str] = {}
        self._write()

    # Who reads what

    def _reads(self, group: Group) -> set[Value]:
        made = {out for one in group.code for out in one.outs}
        found = {self.refs(v).root for one in group.code for v in one.inputs}
        found |= {one.params[0] for one in group.code if one.kind == "store"}
        return found - made if group.inner else found

    def _kept(self) -> set[Value]:
        """Values that have to be in memory, not only in a nest's variables."""
        kept = {self.refs(v).root for v in self.program.results}
        for reads in self.reads:
            kept |= reads
        return {v for v in kept if v in self.home}

    def _hands(self) -> dict[Value, int]:
        """Results that are written straight into the array that a leaf's gradient gets."""
        program = self.program
        graded = [i for _, i in program.grads if i >= 0]
        roots = [self.refs(v).root for v in program.results]
        found: dict[Value, int] = {}
        for i in graded:
            v, root = program.results[i], roots[i]
            whole = self.refs(v) == (root, 0, rows(v.shape)) and v.size == root.size
            if whole and roots.count(root) == 1 and graded.count(i) == 1 and self._fills(root):
                found[root] = i
        return found

    def _fills(self, root: Value) -> bool:
        if root not in self.home:
            return False
        group = self.groups[self.home[root]]
        return group.inner or (group.code[0].kind in _FILLED and group.code[0].name != "where")

    def _static(self) -> dict[Value, Any]:
        """An array for each value that stays in memory of ours, which is used again and again."""
        last: dict[Value, int] = {}
        for i, group in enumerate(self.groups):
            for one in group.code:
                shared = {self.refs(v).root for v in one.inputs}
                for out in one.outs:
                    last[out] = i
                for r in shared:
                    last[r] = i
        for v in self.program.results:
            last[self.refs(v).root] = len(self.groups)
        self._prolong(last)
        pool, pieces, arrays = Buffers(), {}, {}
        for i, group in enumerate(self.groups):
            for one in group.code:
                for out in one.outs:
                    if self._fills(out) and out in self.kept and out not in self.hands:
                        size = max(out.size * out.dtype.itemsize, 1)
                        pieces[out] = pool.take(-(-size // 64) * 64)
                        arrays[out] = pieces[out][:size].view(out.dtype).reshape(out.shape)
            for v in [v for v in pieces if last[v] <= i]:
                pool.give(pieces.pop(v))
        return arrays

    def _prolong(self, last: dict[Value, int]) -> None:
        """What a call is given may live on in what it gives."""
        for i in range(len(self.groups) - 1, -1, -1):
            one = self.groups[i].code[0]
            if not self.groups[i].inner and one.kind not in _FILLED:
                until = max((last.get(out, i) for out in one.outs), default=i)
                for v in one.inputs:
                    root = self.refs(v).root
                    last[root] = max(last.get(root, i), until)

    # What kernels ask for

    def is_dynamic(self, v: Value) -> bool:
        """Whether an array is another one in each call, so that it is handed over as one."""
        if v.kind == "input":
            return True
        return v.kind == "made" and v not in self.static and v not in self.hands

    def piece(self, v: Value) -> int:
        """The number of the piece of memory that a value lies in: 0 for what is not ours."""
        if v in self.static:
            key: Any = self.static[v].ctypes.data
        elif v in self.hands:
            key = v
        else:
            return 0
        return 2 + self.pieces.setdefault(key, len(self.pieces)) % (PIECES - 2)

    def numbers_of(self, step: Any, group: int) -> int:
        """Where the options of an optimizer's group stand."""
        key = (step, group)
        if key not in self.numbers:
            self.numbers[key] = self.count
            self.count += len(step.kind.numbers(step.groups[group]))
        return self.numbers[key]

    # The function's lines

    def _write(self) -> None:
        waiting: list[Group] = []
        for group in self.groups:
            if group.inner and len(waiting) < _MOST:
                waiting.append(group)
                continue
            self._kernel(waiting)
            waiting = [group] if group.inner else []
            if not group.inner:
                self._outer(group.code[0])
        self._kernel(waiting)

    def _kernel(self, groups: list[Group]) -> None:
        if not groups:
            return
        made = KernelSource(groups, self.refs, self.kept, self)
        self.kernels.append(made)
        name = self.w.name("kernel", built(made.text(), made.kinds))
        arrays = [self.array(v) for v in made.arrays]
        names = "; ".join(g.name for g in groups)
        call = f"{name}({', '.join(['table', *arrays])})"
        if not arrays:
            self.lines.append(f"{call}  # {names}")
            return
        in_rows = ", ".join(["table", *(f'np.array({a}, order="C")' for a in arrays)])
        self.lines += [
            f"try: {call}  # {names}",
            f"except TypeError: {name}({in_rows})  # an array that does not lie in rows",
        ]

    def _outer(self, one: Instruction) -> None:
        names = {v: self.array(v) for v in one.inputs}
        if one.kind == "store":
            names[one.params[0]] = self.array(one.params[0])
        arrays = {out: None for out in one.outs if out in self.static or out in self.hands}
        text = _outer_line(self.w, one, names, {v: self.array(v) for v in arrays})
        self.lines.append(text + (f"  # {one.part_of}" if one.part_of else ""))

    def array(self, v: Value) -> str:
        """The name of an array in the function."""
        ref = self.refs(v)
        if ref.root is not v:
            return self._view_of(v)
        if v.kind == "const":
            self.w.names[v.label] = v.source
            return v.label
        if v in self.static:
            self.w.names[f"b{v.number}"] = self.static[v]
            return f"b{v.number}"
        if v in self.hands:
            same = self.program.results[self.hands[v]].shape == v.shape
            return f"h{v.number}" if same else f"h{v.number}.reshape({v.shape})"
        if v.kind in ("state", "grad"):
            return f"a{v.number}"
        return v.label

    def _view_of(self, v: Value) -> str:
        """A view: made once of memory that stays, else in each call."""
        one = v.maker
        assert one is not None
        below = self.array(one.args[0])
        if below in self.w.names and below[0] in "bc":
            scope = {"np": np, below: self.w.names[below], **self.w.names}
            text = _outer_line(self.w, one, {one.args[0]: below}, {}).partition(" = ")[2]
            self.w.names[f"b{v.number}"] = eval(text, {**scope, **self.w.names})
            return f"b{v.number}"
        return _outer_line(self.w, one, {one.args[0]: below}, {}).partition(" = ")[2]

    # The memory that the table names

    def memory(self) -> dict[Any, Any]:
        """The arrays whose addresses never change, by their keys in the table."""
        found: dict[Any, Any] = {"spare": np.empty(self.spare, np.uint8)}
        for key in self.table.places:
            if isinstance(key, Value):
                if key.kind == "const":
                    found[key] = np.ascontiguousarray(key.source)
                elif key in self.static:
                    found[key] = self.static[key]
        return found


class _Named(Writer):
    """A writer that has other names for values."""

    def __init__(self, w: Writer, names: dict[Value, str]) -> None:
        self.lines, self.names, self.own = w.lines, w.names, names

    def text(self, a: Any) -> str:
        """An argument as source."""
        return self.own[a] if a.__class__ is Value else super().text(a)


def _outer_line(w: Writer, one: Instruction, names: Any, into: dict[Value, str]) -> str:
    """One NumPy instruction; it writes into arrays that have names already."""
    named = _Named(w, names)
    if not into:
        return line(named, one, {})
    out = one.outs[0]
    text = line(named, one, {}).partition(" = ")[2]
    target = into[out]
    if one.kind in ("cast", "copy"):
        return f'np.copyto({target}, {named.text(one.args[0])}, casting="unsafe")'
    return f"{text[:-1]}, out={target})"


def new_gradient(shape: Any, dtype: Any) -> Any:
    """A tensor for a leaf's gradient."""
    return wrap(np.empty(shape, dtype))
