"""A program as a straight line of NumPy calls, as Python source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import wrap
from .ir import Instruction, Miss, Retreat, Stale, Value
from .plan import place
from .templates import filled, wrapper

_PLAIN = (bool, int, float)


class Writer:
    """Collects lines of source and the objects that they name."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"np": np}

    def name(self, prefix: str, thing: Any) -> str:
        """A name for an object."""
        name = f"{prefix}{len(self.names)}"
        self.names[name] = thing
        return name

    def text(self, a: Any) -> str:
        """An argument as source."""
        if a.__class__ is Value:
            if a.kind == "const" and a.label not in self.names:
                self.names[a.label] = a.source
            return a.label
        if a.__class__ in (tuple, list):
            inner = ", ".join(map(self.text, a))
            return f"({inner},)" if a.__class__ is tuple else f"[{inner}]"
        if a is None or (a.__class__ in _PLAIN and a == a and abs(a) != float("inf")):
            return repr(a)
        return self.name("c", a)


def line(w: Writer, one: Instruction, arrays: dict[Value, Any]) -> str:
    """One instruction as one line."""
    out = one.outs[0].label if one.outs else ""
    args = [w.text(a) for a in one.args]
    into = ""
    if one.outs and one.outs[0] in arrays:
        into = w.name("b", arrays[one.outs[0]])
    return _KINDS[one.kind](w, one, out, args, into)


def _ufunc(w: Writer, one: Instruction, out: str, args: list[str], into: str) -> str:
    if one.name == "where":
        dtype = one.outs[0].dtype
        return f"{out} = np.where({', '.join(args)}).astype(np.{dtype.name}, copy=False)"
    extra = f", out={into}" if into else ""
    return f"{out} = np.{one.name}({', '.join(args)}{extra})"


def _reduce(w: Writer, one: Instruction, out: str, args: list[str], into: str) -> str:
    axes, keep = one.params
    extra = f", out={into}" if into else ""
    return f"{out} = np.{one.name}({args[0]}, axis={axes}, keepdims={keep}{extra})"


def _product(w: Writer, one: Instruction, out: str, args: list[str], into: str) -> str:
    extra = f", out={into}" if into else ""
    return f"{out} = np.{one.name}({args[0]}, {args[1]}{extra})"


def _view(w: Writer, one: Instruction, out: str, args: list[str], into: str) -> str:
    if one.name == "index":
        return f"{out} = {args[0]}[{w.name('c', one.params)}]"
    if one.name == "broadcast_to":
        return f"{out} = np.broadcast_to({args[0]}, {one.params})"
    return f"{out} = {args[0]}.{one.name}({one.params})"


def _cast(w: Writer, one: Instruction, out: str, args: list[str], into: str) -> str:
    if into:
        return f'{out} = {into}; np.copyto({out}, {args[0]}, casting="unsafe")'
    return f"{out} = {args[0]}.astype(np.{one.outs[0].dtype.name})"


def _call(w: Writer, one: Instruction, out: str, args: list[str], into: str) -> str:
    name = getattr(one.run, "__name__", "call")
    called = w.name("".join(c if c.isalnum() else "_" for c in name) + "_", one.run)
    outs = "".join(f"{v.label}, " for v in one.outs)
    return f"{outs}= {called}({', '.join(args)})"


def _draw(w: Writer, one: Instruction, out: str, args: list[str], into: str) -> str:
    return f"{out} = {w.name('draw', one.run)}()"


def _store(w: Writer, one: Instruction, out: str, args: list[str], into: str) -> str:
    return f"np.copyto({w.text(one.params[0])}, {args[0]})"


def _step(w: Writer, one: Instruction, out: str, args: list[str], into: str) -> str:
    return f"{w.name('step', one.run)}({args[1]})"


_KINDS: dict[str, Callable[..., str]] = {
    "ufunc": _ufunc,
    "reduce": _reduce,
    "product": _product,
    "view": _view,
    "cast": _cast,
    "copy": _cast,
    "call": _call,
    "draw": _draw,
    "store": _store,
    "step": _step,
}


def written(
    code: list[Instruction],
    inputs: list[Value],
    states: list[Value],
    results: list[Value],
) -> tuple[str, dict[str, Any]]:
    """The source of ``replay(inputs, states)``, which returns the results, and what it names."""
    w = Writer()
    arrays = place(code, results)
    for title, values in (("inputs", inputs), ("states", states)):
        if values:
            w.lines.append(f"{', '.join(v.label for v in values)}, = {title}")
    part = ""
    for one in code:
        text = line(w, one, arrays)
        note = f"  # {one.part_of}" if one.part_of != part else ""
        part = one.part_of
        w.lines.append(text + note)
    fresh = {v for one in code if one.kind != "view" and one.kind != "call" for v in one.outs}
    fresh -= arrays.keys()
    seen: set[Value] = set()
    parts = []
    for v in results:
        parts.append(f"np.{'asarray' if v in fresh and v not in seen else 'array'}({w.text(v)})")
        seen.add(v)
    w.lines.append(f"return ({''.join(p + ', ' for p in parts)})")
    body = "\n".join("    " + text for text in w.lines)
    return f"def replay(inputs, states):\n{body}\n", w.names


class Straight:
    """Runs a program as a straight line of NumPy calls."""

    def __init__(self, program: Any) -> None:
        self.program = program
        self.source, names = written(
            program.code, list(program.inputs), list(program.states), program.results
        )
        scope = dict(names)
        exec(compile(self.source, "<flambeau program>", "exec"), scope)
        self.replay = scope["replay"]
        self.wrap = wrapper(program)
        self.learned = {v for v in program.states if v.kind == "state" and v.source._needs_grad}

    def text(self) -> str:
        """Its source."""
        return self.source

    def summary(self) -> list[str]:
        """What it consists of, in words."""
        return [f"{len(self.program.code)} NumPy calls"]

    def check(self, tensors: Any) -> None:
        """`Retreat` or `Stale` where the program does not fit."""
        written = self.program.written
        written.look()
        inputs = self.program.inputs
        if written.tensors and written.overlaps(tensors[v.source].array for v in inputs):
            raise Retreat
        for value, count in self.program.checks:
            target = tensors[value.source].array
            if target.size and (target.min() < 0 or target.max() >= count):
                raise Retreat
        if not all(one.run.same_groups() for one in self.program.code if one.kind == "step"):
            raise Stale
        for leaf, had in self.program.reads_grad:
            if (leaf._grad is not None) != had:
                raise Miss
        for v in self.program.states:
            t = v.source if v.kind == "state" else v.source._grad
            learned = (t._needs_grad, bool(t._hooks)) == (v in self.learned, False)
            if v.kind == "state" and not learned:
                raise Miss
            if t.array.shape != v.shape or t.array.dtype != v.dtype:
                raise Stale

    def run(self, tensors: Any, *_: Any) -> Any:
        """The program on these arguments."""
        program = self.program
        self.check(tensors)
        inputs = [tensors[v.source] for v in program.inputs]
        if program.__class__.__name__ == "Program":
            inputs = [t.array for t in inputs]
        states = [
            v.source.array if v.kind == "state" else v.source._grad.array for v in program.states
        ]
        made = self.replay(inputs, states)
        for target, index in program.grads:
            leaf = tensors[target] if target.__class__ is int else target
            leaf._grad = None if index < 0 else wrap(made[index])
        for t, count in program.counted:
            t._counter[0] += count
        return made if program.raw else filled(program.template, {}, tensors, made, self.wrap)
