"""A traced call as a program: what it reads, what it gives, and what it leaves behind."""

from __future__ import annotations

from typing import Any

from ..kernels.gate import installed
from ..tensor import Tensor, wrap
from . import straight
from .driver import Driver
from .ir import Retreat, Stop, Value, needed
from .steps import Step
from .trace import Tracer, _owner


class Result:
    """A place in what the call returns that a tensor of the program stands in."""

    def __init__(self, index: int) -> None:
        self.index = index


class Same:
    """A place in what the call returns where an argument or a tensor from before stands."""

    def __init__(self, tensor: Any = None, position: int = -1) -> None:
        self.tensor, self.position = tensor, position


class Program:
    """What was traced, ready to be run on other numbers of the same shapes and types."""

    def __init__(self, tracer: Tracer, returned: Any) -> None:
        self.tracer = tracer
        self.results: list[Value] = []
        self.template = self._template(returned)
        self._gradients()
        tracer.flush()
        self._counters()
        self.code = needed(tracer.tape.code, self.results)
        self._names()
        self.checks = tracer.checks
        self.steps = tracer.steps
        self._prepare()

    # What it returns

    def _template(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self._result(value)
        if value.__class__ in (tuple, list):
            return value.__class__(map(self._template, value))
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*map(self._template, value))
        if value.__class__ is dict:
            return {k: self._template(v) for k, v in value.items()}
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        raise Stop(f"it returns something of type {type(value).__name__}")

    def _result(self, t: Tensor) -> Any:
        tracer = self.tracer
        for i, given in enumerate(tracer.inputs):
            if given is t:
                return Same(position=i)
        if id(t) in tracer.before.tensors:
            if id(t) in tracer.before.leaf_of_grad:
                raise Stop("it returns a gradient")
            return Same(t)
        if type(t) is not Tensor:
            raise Stop(f"it returns a {type(t).__name__}")
        open_ = t._needs_grad and id(t._node) not in tracer.spent
        if open_:
            raise Stop("it returns a tensor that can still be differentiated")
        owner = _owner(t.array)
        for known in tracer.known.values():
            if known.sym.value.kind in ("input", "state", "grad") and _owner(known.array) is owner:
                raise Stop("it returns a view of what was there before")
        self.results.append(tracer.of(t).value)
        return Result(len(self.results) - 1)

    # What it leaves behind

    def _gradients(self) -> None:
        """The gradients that leaves have at the end: new ones are results, too."""
        tracer = self.tracer
        self.grads: list[tuple[Any, int]] = []  # (leaf, or position of an input; result, or -1)
        for key, leaf in {**tracer.cleared, **tracer.touched}.items():
            target = self._leaf(key, leaf)
            if target is None:
                continue
            if leaf._grad is None:
                self.grads.append((target, -1))
            elif id(leaf._grad) not in tracer.before.tensors:
                self.results.append(tracer.of(leaf._grad).value)
                self.grads.append((target, len(self.results) - 1))
            elif leaf._grad is not tracer.before.grads.get(key):
                raise Stop("a gradient is set to a tensor from before the call")

    def _leaf(self, key: int, leaf: Tensor) -> Any:
        for i, given in enumerate(self.tracer.inputs):
            if given is leaf:
                return i
        return leaf if key in self.tracer.before.tensors else None

    def _counters(self) -> None:
        """The tensors that the call has counted writes to."""
        tracer = self.tracer
        stepped = {id(p) for _, moved in tracer.steps for p in moved}
        known = {id(t): t for t, _ in tracer.states.values()}
        self.counted: list[tuple[Tensor, int]] = []
        for key, before in tracer.before.counts.items():
            t = tracer.before.tensors[key]
            count = t._counter[0] - before if t._counter is not None else 0
            if not count or key in stepped:
                continue
            if key not in known and not _in_state(t, tracer.steps):
                raise Stop("a tensor is written to by something that is no operation")
            if key in known:
                self.counted.append((t, count))

    def _names(self) -> None:
        """The inputs and states that the code reads."""
        used = {v for one in self.code for v in (*one.inputs, *_targets(one))}
        used |= set(self.results)
        self.inputs = sorted((v for v in used if v.kind == "input"), key=lambda v: v.source)
        self.states = [v for v in used if v.kind in ("state", "grad")]
        self.states.sort(key=lambda v: v.number)

    # Running it

    def _prepare(self) -> None:
        for one in self.code:
            if one.kind == "step":
                one.run = Step(*one.params)
        if not any(one.name == "draws" for one in self.code):
            self.code.sort(key=lambda one: one.kind != "draw")
        self.reads_grad = list(self.tracer.reads_grad.values())
        self.driver = Driver(self) if installed() else None
        self.source, names = straight.written(self.code, self.inputs, self.states, self.results)
        scope = dict(names)
        exec(compile(self.source, "<flambeau program>", "exec"), scope)  # noqa: S102
        self.replay = scope["replay"]
        del self.tracer

    def text(self) -> str:
        """Its source."""
        return self.driver.text_of_all() if self.driver is not None else self.source

    def summary(self) -> list[str]:
        """What it consists of, in words."""
        return self.driver.summary() if self.driver is not None else [f"{len(self.code)} NumPy calls"]

    def run(self, tensors: list[Tensor]) -> Any:
        """The program on these arguments; returns what the call would return."""
        if self.driver is not None:
            return self.driver.run(tensors)
        inputs = [tensors[v.source].array for v in self.inputs]
        for value, count in self.checks:
            target = tensors[value.source].array
            if target.size and (target.min() < 0 or target.max() >= count):
                raise Retreat
        states = [
            v.source.array if v.kind == "state" else v.source._grad.array for v in self.states
        ]
        made = self.replay(inputs, states)
        for target, index in self.grads:
            leaf = tensors[target] if target.__class__ is int else target
            leaf._grad = None if index < 0 else wrap(made[index])
        for t, count in self.counted:
            t._counter[0] += count
        return self.filled(self.template, made, tensors)

    def filled(self, template: Any, made: Any, tensors: Any) -> Any:
        """What is returned, with tensors in their places."""
        kind = template.__class__
        if kind is Result:
            return wrap(made[template.index])
        if kind is Same:
            return template.tensor if template.position < 0 else tensors[template.position]
        if kind in (tuple, list):
            return kind(self.filled(t, made, tensors) for t in template)
        if kind is dict:
            return {k: self.filled(t, made, tensors) for k, t in template.items()}
        if isinstance(template, tuple):
            return kind(*(self.filled(t, made, tensors) for t in template))
        return template


def _targets(one: Any) -> list[Value]:
    if one.kind == "store":
        return [one.params[0]]
    return []


def _in_state(t: Tensor, steps: Any) -> bool:
    return any(
        value is t for optimizer, _ in steps for s in optimizer.state.values() for value in s.values()
    )


def program_of(tracer: Tracer, returned: Any) -> Program:
    """The program of a traced call."""
    return Program(tracer, returned)
