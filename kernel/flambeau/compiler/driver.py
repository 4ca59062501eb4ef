"""The function that runs a call: checks, kernels, gradients handed over, results copied out."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from sys import getrefcount
from typing import Any

import numpy as np

from .assemble import Assembly, new_gradient
from .ir import Miss, Retreat, Stale, Value
from .kernels import built
from .opened import Backward
from .shown import groups_of
from .steps import Step
from .templates import Result, Same, wrapper


class Driver:
    """Holds what one program's function works with."""

    def __init__(self, program: Any) -> None:
        self.program = program
        self.a = Assembly(program)
        self.memory = self.a.memory()
        self.numbers = self.memory["numbers"] = np.zeros(max(self.a.count, 1), np.float64)
        self.table = np.zeros(max(len(self.a.table.places), 1), np.int64)
        self.fused = groups_of(self.a.groups)
        self.steps: list[Step] = list({id(s): s for s, _ in self.a.numbers}.values())
        scope = self.scope = self.a.w.names
        scope.update(
            table=self.table, wrap=wrapper(program), copied=np.array, count=getrefcount,
            rebind=self.rebind, renew=self.renew, options=self.options, Stale=Stale,
            Retreat=Retreat, Miss=Miss,
        )  # fmt: skip
        for key, array in self.memory.items():
            if key in self.a.table.places:
                self.table[self.a.table.places[key]] = array.ctypes.data
        self.hands = {root: program.results[i] for root, i in self.a.hands.items()}
        for root in self.hands:
            self.renew(root.number)
        self.learned = {v for v in program.states if v.kind == "state" and v.source._needs_grad}
        self.rebind()
        self.options()
        self.source = self.written()
        exec(compile(self.source, "<flambeau program>", "exec"), scope)
        self.run = scope["run"]

    def text(self) -> str:
        """The source of everything: the function that runs a call, and its kernels."""
        return "\n".join([self.source, *(k.text() for k in self.a.kernels)])

    def summary(self) -> list[str]:
        """What the program consists of, in words."""
        found = ["a kernel: " + "; ".join(g.name for g in k.groups) for k in self.a.kernels]
        outer = sum(not g.inner for g in self.a.groups)
        return [*found, f"{outer} calls of NumPy and of operations as they are"]

    # What changes now and then

    def renew(self, number: int) -> None:
        """Another array for a gradient: somebody holds the present one."""
        root, v = next((r, v) for r, v in self.hands.items() if r.number == number)
        made = new_gradient(v.shape, v.dtype)
        self.scope[f"g{number}"], self.scope[f"h{number}"] = made, made.array
        if root in self.a.table.places:
            self.table[self.a.table.places[root]] = made.array.ctypes.data

    def rebind(self) -> None:
        """Looks up where the tensors' memory is now."""
        self.program.written.look()
        for v in self.program.states:
            t = v.source if v.kind == "state" else v.source._grad
            if v.kind == "state" and (t._needs_grad, bool(t._hooks)) != (v in self.learned, False):
                raise Miss
            self._bind(v, t, f"a{v.number}", v.shape, v.dtype)
        for n, step in enumerate(self.steps):
            self.scope[f"states{n}"] = step.optimizer.state
            for i, p in enumerate(step.moved):
                own = step.optimizer.state.get(p)
                self.scope[f"own{n}_{i}"] = own
                for j, (name, _) in enumerate(step.states[i]):
                    t = own.get(name) if own else None
                    like = () if name == "step" else p.array.shape
                    self.scope[f"z{n}_{i}_{j}"] = t
                    self._bind((step, i, name), t, f"y{n}_{i}_{j}", like, np.dtype(np.float32))

    def _bind(self, key: Any, t: Any, name: str, shape: Any, dtype: Any) -> None:
        array = getattr(t, "array", None)
        if array is None or array.shape != shape or array.dtype != dtype:
            raise Stale
        if key in self.a.table.places:
            if not array.flags.c_contiguous:
                raise Stale
            self.table[self.a.table.places[key]] = array.ctypes.data
        self.scope[name] = array

    def options(self) -> None:
        """Reads the optimizers' options."""
        for (step, group), at in self.a.numbers.items():
            if not step.stands():
                raise Stale
            found = [float(x) for x in step.kind.numbers(step.groups[group])]
            self.numbers[at : at + len(found)] = found
        for n, step in enumerate(self.steps):
            for i, g in enumerate(step.groups):
                self.scope[f"options{n}_{i}"] = _options(g)

    # The function

    def written(self) -> str:
        """Its source."""
        body = "\n".join("    " + text for text in self.body(lambda i: f"tensors[{i}]"))
        return f"def run(tensors, *_):\n{body}\n"

    def body(self, argument: Callable[[int], str]) -> list[str]:
        """Its lines; ``argument`` names a tensor by its position."""
        self.argument = argument
        of = "" if isinstance(self.program, Backward) else ".array"
        lines = [f"{v.label} = {argument(v.source)}{of}" for v in self.program.inputs]
        lines += self.checks()
        for root, i in self.a.hands.items():  # does somebody hold the last ones?
            k, leaf = root.number, self.leaf(next(t for t, at in self.program.grads if at == i))
            held = f"count(g{k}) != (3 if {leaf}._grad is g{k} else 2)"
            lines.append(f"if {held} or count(h{k}) != 3: renew({k})")
        lines += self.a.lines
        lines += self.left_behind()
        return lines + self.results()

    def checks(self) -> list[str]:
        """Lines that look whether everything is where it was."""
        lines: list[str] = []
        if self.program.written.tensors and self.program.inputs:
            self.scope["overlaps"] = self.program.written.overlaps
            given = "".join(f"{v.label}, " for v in self.program.inputs)
            lines.append(f"if overlaps(({given})): raise Retreat")
        for i, (v, n) in enumerate(self.program.checks):
            self.scope[f"within{i}"] = _within(v, n)
            lines.append(f"if not within{i}({v.label}): raise Retreat")
        tests = []
        for v in self.program.states:
            self.scope[f"o{v.number}"] = v.source
            grad = "" if v.kind == "state" else "._grad"
            tests.append(f"o{v.number}{grad}.array is not a{v.number}")
            if v.kind == "state":
                wanted = "not " if v.source._needs_grad else ""
                tests.append(f"{wanted}o{v.number}._needs_grad or o{v.number}._hooks")
        for n, step in enumerate(self.steps):
            tests.append(f"opt{n}.state is not states{n}")
            self.scope[f"opt{n}"] = step.optimizer
            for i, p in enumerate(step.moved):
                if step.states[i]:
                    self.scope[f"p{n}_{i}"] = p
                    tests.append(f"states{n}.get(p{n}_{i}) is not own{n}_{i}")
                for j, (name, _) in enumerate(step.states[i]):
                    tests.append(f"own{n}_{i}[{name!r}] is not z{n}_{i}_{j}")
                    tests.append(f"z{n}_{i}_{j}.array is not y{n}_{i}_{j}")
        for n, step in enumerate(one.run for one in self.program.code if one.kind == "step"):
            self.scope.update({f"stepper{n}": step.optimizer, f"groups{n}": step.listed})
            others = f"stepper{n}.param_groups is not groups{n} or len(groups{n}) != {step.count}"
            lines.append(f"if {others}: raise Stale")
        for k, (leaf, had) in enumerate(self.program.reads_grad):
            self.scope[f"before{k}"] = leaf
            lines.append(f"if before{k}._grad is {'' if had else 'not '}None: raise Miss")
        if tests:
            lines.append(f"if {' or '.join(tests)}: rebind()")
        for n, step in enumerate(self.steps):
            for i, g in enumerate(step.groups):
                self.scope[f"group{n}_{i}"] = g
                self.scope[f"look{n}_{i}"] = itemgetter(*_named(g))
                lines.append(f"if look{n}_{i}(group{n}_{i}) != options{n}_{i}: options()")
        return lines

    def leaf(self, target: Any) -> str:
        """The name of a leaf: an argument by its position, or a tensor from before the call."""
        if target.__class__ is int:
            return self.argument(target)
        self.scope[f"leaf{id(target)}"] = target
        return f"leaf{id(target)}"

    def left_behind(self) -> list[str]:
        """Lines that give leaves their gradients, and count writes."""
        lines = []
        hand_of = {i: root for root, i in self.a.hands.items()}
        for target, i in self.program.grads:
            leaf = self.leaf(target)
            if i < 0:
                lines.append(f"{leaf}._grad = None")
            elif i in hand_of:
                lines.append(f"{leaf}._grad = g{hand_of[i].number}")
            else:
                lines.append(
                    f"{leaf}._grad = wrap(copied({self.a.array(self.program.results[i])}))"
                )
        for n, step in enumerate(self.steps):
            for i, p in enumerate(step.moved):
                self.scope[f"count{n}_{i}"] = p._counter
                lines.append(f"count{n}_{i}[0] += 1")
            lines.append(f"opt{n}._opt_called = True")
        for k, (t, by) in enumerate(self.program.counted):
            self.scope[f"counter{k}"] = t._counter
            lines.append(f"counter{k}[0] += {by}")
        return lines

    def results(self) -> list[str]:
        """Lines that return what the call returns."""
        if self.program.raw:
            arrays = [f"copied({self.a.array(v)}), " for v in self.program.results]
            return [f"return ({''.join(arrays)})"]
        return [f"return {self.returned(self.program.template)}"]

    def returned(self, template: Any) -> str:
        """What is returned, as source."""
        kind = template.__class__
        if kind is Result:
            return f"wrap(copied({self.a.array(self.program.results[template.index])}))"
        if kind is Same:
            if template.position >= 0:
                return self.argument(template.position)
            return self.a.w.name("same", template.tensor)
        if kind is tuple:
            return "(" + "".join(self.returned(t) + ", " for t in template) + ")"
        if kind is list:
            return "[" + ", ".join(map(self.returned, template)) + "]"
        if kind is dict:
            return "{" + ", ".join(f"{k!r}: {self.returned(t)}" for k, t in template.items()) + "}"
        if isinstance(template, tuple):
            made = self.a.w.name("kind", kind)
            return f"{made}({', '.join(map(self.returned, template))})"
        return self.a.w.name("plain", template)


def _within(v: Value, n: int) -> Any:
    """A function that says whether all numbers are at least 0 and less than n."""
    source = (
        f"def kernel(table, x):\n    for i in range(len(x)):\n        if x[i] < 0 or x[i] >= {n}:\n"
    )
    source += "            return False\n    return True\n"
    compiled, table = built(source, ((v.dtype.name, 1),)), np.zeros(1, np.int64)

    def within(x: Any) -> Any:
        return compiled(table, x if x.flags.c_contiguous else np.array(x, order="C"))

    return within


def _named(g: Any) -> list[str]:
    """The options of a group that matter."""
    return sorted(
        n for n in g if n not in ("params", "param_names", "initial_lr", "foreach", "fused")
    )


def _options(g: Any) -> tuple[Any, ...]:
    return tuple(g[n] for n in _named(g))
