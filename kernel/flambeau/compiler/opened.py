"""A call whose results can still be differentiated: two programs, and one node between them.

The forward's program gives, besides the results, what the backward's program needs. The call is
then one operation, whose gradient rule runs the second program. For gradients of gradients the
call is run again eagerly, where the tape can follow.
"""

from __future__ import annotations

from typing import Any

from ..autograd.engine import written_over
from ..ops.apply import apply
from ..ops.registry import Op
from ..tensor import Tensor
from .aliases import Written
from .backward import SymbolicPass
from .ir import Instruction, Stop, Value, needed
from .symbolic import Sym


class Backward:
    """The program of the backward: from gradients of the results to those of what went in."""

    grads: tuple[Any, ...] = ()
    checks: tuple[Any, ...] = ()
    counted: tuple[Any, ...] = ()
    reads_grad: tuple[Any, ...] = ()
    template = None
    raw = True  # it gives arrays, and is given arrays
    states: tuple[Any, ...] = ()
    written = Written([])

    def __init__(self, tracer: Any, opened: list[Tensor]) -> None:
        tape = tracer.tape
        mark = len(tape.code)
        work = SymbolicPass(tracer)
        work.edges = {
            id(t._node): t for t in tracer.inputs if t._needs_grad and t._node is not None
        }
        given = [tape.value("gradient", t.array.shape, t.array.dtype) for t in opened]
        work.run([(t._node, Sym(tape, v, t.array)) for t, v in zip(opened, given, strict=True)])
        code, tape.code = tape.code[mark:], tape.code[:mark]
        self.targets = self._targets(tracer, work)
        wanted = [work.leaves[key].value for key, _, _ in self.targets]
        code = needed(code, wanted)
        self._take_in(tape, code, wanted, given)
        self.count = len(given)

    def _targets(self, tracer: Any, work: SymbolicPass) -> list[tuple[int, Any, Any]]:
        """What gets a gradient: (its id in the pass, position of an argument or None, tensor)."""
        found: list[tuple[int, Any, Any]] = []
        for i, t in enumerate(tracer.inputs):
            key = id(t._node) if t._node is not None else id(t)
            if t._needs_grad and key in work.leaves:
                found.append((key, i, None))
        known = {key for key, _, _ in found}
        for t, _ in tracer.states.values():
            if id(t) in work.leaves and id(t) not in known:
                found.append((id(t), None, t))
        if len(found) != len(work.leaves):
            raise Stop("gradients are wanted of tensors made during the call")
        return found

    def _take_in(
        self, tape: Any, code: list[Instruction], wanted: list[Value], given: list[Value]
    ) -> None:
        """Puts inputs in place of what comes from the forward's program."""
        own = {out for one in code for out in one.outs}
        outside = [v for one in code for v in one.inputs] + wanted
        self.saved = list(
            dict.fromkeys(
                v for v in outside if v not in own and v.kind not in ("const", "gradient")
            )
        )
        place: dict[Value, Value] = {}
        for i, v in enumerate((*self.saved, *given)):
            place[v] = tape.value("input", v.shape, v.dtype, i)
        self.code = [_replaced(one, place) for one in code]
        self.results = [place.get(v, v) for v in wanted]
        used = {v for one in self.code for v in one.inputs} | set(self.results)
        self.inputs = [v for v in place.values() if v in used]


def _replaced(one: Instruction, place: dict[Value, Value]) -> Instruction:
    one.args = _swapped(one.args, place)
    return one


def _swapped(args: Any, place: dict[Value, Value]) -> Any:
    if args.__class__ is Value:
        return place.get(args, args)
    if args.__class__ in (tuple, list):
        return type(args)(_swapped(a, place) for a in args)
    return args


class Call:
    """One call of a program that can be differentiated."""

    __slots__ = ("again", "made", "program", "tensors")

    def __init__(self, program: Any, tensors: Any, again: Any) -> None:
        self.program, self.tensors, self.again = program, tensors, again
        self.made: Any = None  # the arrays of all results


def _forward(xp: Any, *tensors: Any, call: Any) -> Any:
    """Runs the forward's program; keeps what the backward's needs."""
    program = call.program
    made = call.made = program.run_raw(call.tensors)
    saved, stamps = [], []
    for v, at in zip(program.backward.saved, program.saved_at, strict=True):
        if at is not None:
            saved.append(made[at])
            continue
        t = call.tensors[v.source] if v.kind == "input" else v.source
        saved.append(t.array)
        if t._counter is not None:
            stamps.append((t._counter, t._counter[0]))
    outs = tuple(made[i] for i in program.opened_at)
    return outs, (saved, stamps)


compiled_op = Op(
    _forward, name="compiled", outputs=0, extras=("saved",), backward="CompiledFunctionBackward"
)


@compiled_op.gradient()
def _(ns: Any, g: Any, saved: Any, call: Any) -> Any:
    if ns.taped:
        return call.again(g)
    arrays, stamps = saved
    if any(counter[0] != stamp for counter, stamp in stamps):
        raise written_over(_Shown())  # type: ignore[arg-type]
    return call.program.run_backward([*arrays, *g])


class _Shown:
    """What an error says of the node."""

    class plan:  # noqa: N801
        """Of it."""

        op = compiled_op

    shape: tuple[int, ...] = ()


def differentiable(program: Any, tensors: Any, again: Any) -> tuple[Any, Any]:
    """Runs a program with a node; returns what can be differentiated, and the call."""
    inputs = [tensors[i] if i is not None else t for _, i, t in program.backward.targets]
    call = Call(program, tensors, again)
    outs = apply(compiled_op, inputs, (call,))
    call.tensors = ()  # the node keeps the call, and needs no more of it
    return outs, call


__all__ = ["Backward", "differentiable"]
