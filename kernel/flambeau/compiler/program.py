"""A traced call as a program: what it reads, what it gives, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd.grad_mode import enable_grad, is_inference_mode_enabled
from ..kernels.gate import installed
from ..tensor import Tensor
from .aliases import Written, owner
from .driver import Driver
from .ir import Miss, Stale, Stop, Value, needed
from .opened import Backward, differentiable
from .steps import Step
from .straight import Straight
from .templates import Result, Same, filled
from .trace import Tracer


class Program:
    """What was traced, ready to be run on other numbers of the same shapes and types."""

    raw = False

    def __init__(self, tracer: Tracer, returned: Any) -> None:
        self.tracer = tracer
        self.inference = is_inference_mode_enabled()
        self.results: list[Value] = []
        self.opened: list[Tensor] = []
        self.opened_at: list[int] = []
        self.template = self._template(returned)
        self.steps = tracer.steps
        self.backward = self._backward()
        self._gradients()
        tracer.flush()
        self._counters()
        self.code = needed(tracer.tape.code, self.results)
        self._names()
        self.checks = tracer.checks
        self.reads_grad = list(tracer.reads_grad.values())
        self._prepare()
        del self.tracer

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
        if type(t) is not Tensor or t._hooks:
            raise Stop(f"it returns a {type(t).__name__} that is no plain tensor")
        if t._needs_grad and t._node is None:
            raise Stop("it returns a new leaf that wants a gradient")
        own = owner(t.array)
        for known in tracer.known.values():
            if known.sym.value.kind in ("input", "state", "grad") and owner(known.array) is own:
                raise Stop("it returns a view of what was there before")
        self.results.append(tracer.of(t).value)
        if t._needs_grad and id(t._node) not in tracer.spent:
            self.opened.append(t)
            self.opened_at.append(len(self.results) - 1)
        return Result(len(self.results) - 1)

    def _backward(self) -> Backward | None:
        """The program of the backward, if results can still be differentiated."""
        if not self.opened:
            return None
        if self.steps or self.tracer.touched:
            raise Stop(
                "it returns a tensor that can still be differentiated, after a backward or a step: "
                "return it detached"
            )
        made = Backward(self.tracer, self.opened)
        self.saved_at: list[int | None] = []
        for v in made.saved:
            self.saved_at.append(len(self.results) if v.kind == "made" else None)
            if v.kind == "made":
                self.results.append(v)
        return made

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
        self.states = sorted(
            (v for v in used if v.kind in ("state", "grad")), key=lambda v: v.number
        )

    # Running it

    def _prepare(self) -> None:
        for one in self.code:
            if one.kind == "step":
                one.run = Step(*one.params)
        if not any(one.name == "draws" for one in self.code):
            self.code.sort(key=lambda one: one.kind != "draw")
        self.repeatable = not any(one.kind == "draw" or one.effect for one in self.code)
        self.written = Written(self.code)
        self.raw = self.backward is not None
        self.note = ""
        self.runner: Any = self._runner(self)
        # What the call would return, given the tensors among its arguments.
        self.run: Callable[..., Any] = self.runner.run if self.backward is None else self.run_open
        self.back: Any = None if self.backward is None else self._runner(self.backward)

    def _runner(self, program: Any) -> Any:
        """Compiled loops; a straight line of NumPy calls where there is no compiler for them."""
        if installed():
            try:
                return Driver(program)
            except (Stop, Stale, Miss):
                raise
            except Exception as error:  # something that numba does not take
                self.note = f"without compiled loops: {type(error).__name__}: {error}"
        return Straight(program)

    def run_open(self, tensors: Any, function: Any, args: Any, kwargs: Any) -> Any:
        """The program on the tensors among the arguments, as one operation of the graph."""
        again = lambda g: self._again(tensors, lambda: function(*args, **kwargs), g)  # noqa: E731
        outs, call = differentiable(self, tensors, again)
        made: dict[int, Any] = dict(zip(self.opened_at, outs, strict=True))
        return filled(self.template, made, tensors, call.made)

    def run_raw(self, tensors: list[Tensor]) -> Any:
        """The arrays of all results."""
        return self.runner.run(tensors)

    def run_backward(self, arrays: list[Any]) -> Any:
        """The gradients of what went in."""
        return self.back.run(arrays)

    def _again(self, tensors: list[Tensor], function: Callable[[], Any], g: list[Any]) -> Any:
        """Gradients that can be differentiated: the call once more, eagerly."""
        from ..autograd import grad

        if not self.repeatable:
            raise RuntimeError(
                "second derivatives through a compiled call that draws random numbers or has "
                "effects: call the function itself, it is the attribute `function`"
            )
        with enable_grad():
            found: list[Tensor] = []
            _collect(function(), self.template, set(self.opened_at), found)
            assert self.backward is not None
            wanted = [tensors[i] if i is not None else t for _, i, t in self.backward.targets]
            made = grad(found, wanted, g, create_graph=True, allow_unused=True)
        return list(made)

    # What it tells

    def text(self) -> str:
        """Its source."""
        parts = [self.runner.text(), *([self.back.text()] if self.back is not None else [])]
        return "\n".join(parts)

    def summary(self) -> list[str]:
        """What it consists of, in words."""
        note = [self.note] if self.note else []
        return [
            *note,
            *self.runner.summary(),
            *(self.back.summary() if self.back is not None else []),
        ]


def _collect(value: Any, template: Any, wanted: set[int], found: list[Tensor]) -> None:
    """The tensors among what was returned that stand where the wanted results do."""
    if template.__class__ is Result:
        if template.index in wanted:
            found.append(value)
    elif isinstance(template, (tuple, list)):
        for v, t in zip(value, template, strict=True):
            _collect(v, t, wanted, found)
    elif isinstance(template, dict):
        for k, t in template.items():
            _collect(value[k], t, wanted, found)


def _targets(one: Any) -> list[Value]:
    return [one.params[0]] if one.kind == "store" else []


def _in_state(t: Tensor, steps: Any) -> bool:
    return any(
        value is t
        for optimizer, _ in steps
        for s in optimizer.state.values()
        for value in s.values()
    )


__all__ = ["Program"]
