"""The tracer: sits in the recorder's slot while a call runs eagerly, and writes its tape."""

from __future__ import annotations

import functools
import gc
from threading import get_ident
from typing import Any

import numpy as np

from ..autograd.function import _rule as users_rule
from ..collector import Witness
from ..nn.call import HOOK_LISTS, hooks_of
from ..nn.module import Module
from ..optim.optimizer import Optimizer
from ..tensor import Tensor
from . import lower, status
from .aliases import owner
from .guards import signature
from .ir import Instruction, Stop, Tape, Value
from .symbolic import Sym

# Their shapes, or what they do, depend on the numbers.
_UNFORESEEN = frozenset(
    (
        "nonzero", "masked_select", "unique", "unique_consecutive", "bincount", "equal", "allclose",
        "histc", "multinomial", "masked_scatter", "copy_to",
    )
)  # fmt: skip


class Known:
    """What is known of an array: its value, and the count of writes when it was last seen."""

    __slots__ = ("array", "counter", "stamp", "sym")

    def __init__(self, array: Any, sym: Sym, counter: Any) -> None:
        self.array, self.sym, self.counter = array, sym, counter
        self.stamp = counter[0] if counter else 0


class Tracer:
    """Follows the arrays of one call: which value each holds, and which node made it."""

    def __init__(self, inputs: list[Tensor]) -> None:
        self.tape = Tape()
        self.thread = get_ident()
        self.reason = ""
        self.listening = False
        self.stepping: Any = None  # the optimizer that is in its step
        self.drew = False
        self.count = 0  # of operations
        self.known: dict[int, Known] = {}
        self.nodes: dict[int, Any] = {}  # id of a node -> (node, what it keeps as Syms)
        self.spent: set[int] = set()  # nodes that a backward has been through
        self.states: dict[int, tuple[Tensor, Value]] = {}
        self.modules: dict[int, Any] = {}
        self.written: dict[int, Known] = {}  # memory from before the call, to be written back
        self.steps: list[Any] = []
        self.checks: list[tuple[Value, int]] = []
        self.cleared: dict[int, Tensor] = {}  # leaves whose gradient was set
        self.touched: dict[int, Tensor] = {}  # leaves that a backward has reached
        self.reads_grad: dict[int, tuple[Tensor, bool]] = {}  # leaf -> had it a gradient before?
        self.inputs = inputs
        self.before = _alive()
        if self.before.hidden:
            self.stop("gc.freeze() has hidden the tensors that there are: gc.unfreeze() first")
        for i, t in enumerate(inputs):
            value = self.tape.value("input", t.array.shape, t.array.dtype, i)
            self.know(t, Sym(self.tape, value, t.array))

    def stop(self, reason: str) -> None:
        """The call cannot become a program; the first reason counts."""
        self.reason = self.reason or reason

    # Arrays

    def know(self, t: Tensor, sym: Sym) -> Known:
        """Remembers which value a tensor's array holds."""
        found = self.known[id(t.array)] = Known(t.array, sym, t._counter)
        return found

    def of(self, t: Any) -> Any:
        """The value of a tensor, as a Sym that a forward may be run on; numbers as they are."""
        if not isinstance(t, Tensor):
            return t
        found = self.known.get(id(t.array)) or self.meet(t)
        if found.counter and found.counter is t._counter and found.counter[0] != found.stamp:
            raise Stop("a tensor is written to by something that is no operation")
        sym = found.sym
        return Sym(self.tape, sym.value, sym.numbers)

    def meet(self, t: Tensor) -> Known:
        """A tensor that no operation of this call has made."""
        array = t.array
        if array.__class__ is not np.ndarray:
            raise Stop(f"an array of type {type(array).__name__}")
        if id(t) not in self.before.tensors:
            value = self.tape.value("const", array.shape, array.dtype, array.copy())
            return self.know(t, Sym(self.tape, value, array))
        if any(owner(w.array) is owner(array) for w in self.written.values()):
            raise Stop("memory that was written to is read through another tensor")
        leaf = self.before.leaf_of_grad.get(id(t))
        kind = "state" if leaf is None else "grad"
        if leaf is not None and id(leaf) not in self.cleared:
            self.reads_grad.setdefault(id(leaf), (leaf, True))
        value = self.tape.value(kind, array.shape, array.dtype, t if leaf is None else leaf)
        self.states[id(array)] = (t, value)
        return self.know(t, Sym(self.tape, value, array))

    # The recorder's part

    def finish(
        self,
        op: Any,
        inputs: Any,
        given: Any,
        outs: Any,
        params: Any,
        started: float,
        depth: int = 3,
    ) -> None:
        """An operation has run."""
        if self.reason or self.stepping is not None or get_ident() != self.thread:
            return
        self.listening = False
        self.count += 1
        self.tape.part, self.tape.index = op.name, self.count
        drew, self.drew = self.drew, False
        try:
            self.follow(op, inputs, outs, params, drew)
        except Stop as why:
            self.stop(str(why))
        except Exception as error:  # the operation has run: what goes wrong here is not its fault
            self.stop(f"{op.name} could not be followed: {type(error).__name__} {error}")
        finally:
            self.listening = True

    def follow(self, op: Any, inputs: Any, outs: Any, params: Any, drew: bool) -> None:
        """Puts an operation on the tape."""
        if any(rule.function is users_rule for rule in op.rules):
            raise Stop(f"{op.name} is a Function of the user's own")
        if op.name in _UNFORESEEN:
            raise Stop(f"what {op.name} gives has a shape that depends on the numbers")
        inplace = outs and outs[0] is inputs[0]
        if inplace:
            self.check_alone(outs[0])
            if id(outs[0].array) in self.known:
                self.known[id(outs[0].array)].stamp += 1
        syms = [self.of(t) for t in inputs]
        node = outs[0]._node if outs else None
        main = node.parents[0] if node is not None and op.outputs != 1 else node
        made = lower.run(self, op, syms, params, outs, main, drew, inplace)
        if main is not None and made.kept is not None:
            self.nodes[id(main)] = (main, made.kept)
        for t, sym in zip(outs, made.results, strict=True):
            if inplace:
                self.rewrite(t, sym)
            else:
                self.know(t, Sym(self.tape, sym.value, t.array))

    def check_alone(self, t: Tensor) -> None:
        """`Stop` if other arrays that are known share the memory that is written to."""
        mine = owner(t.array)
        for known in self.known.values():
            if known.array is not t.array and owner(known.array) is mine:
                raise Stop("an array that has views is written to in place")
        if any(t is one for one in self.inputs):
            raise Stop("an argument is written to in place")

    def rewrite(self, t: Tensor, sym: Sym) -> None:
        """After an in-place operation the array holds another value."""
        if sym.dtype != t.array.dtype:
            sym = sym.astype(t.array.dtype)
        known = self.know(t, Sym(self.tape, sym.value, t.array))
        if id(t.array) in self.states:
            self.written[id(t.array)] = known

    def flush(self) -> None:
        """Writes what has changed back into the memory it belongs to."""
        for key, known in self.written.items():
            _tensor, state = self.states[key]
            self.tape.code.append(
                Instruction("store", "store", (known.sym.value,), (), (state,), None, "copy_")
            )
        self.written.clear()

    # Randomness, gradients, optimizers

    def drawn(self, inside: bool) -> None:
        """Random numbers are drawn."""
        if self.stepping is not None:
            return
        if not inside:
            self.stop("random numbers are drawn outside of an operation (rand, randn, ...)")
        self.drew = True

    def grad_is_set(self, t: Tensor, value: Any) -> None:
        """``t.grad = value``."""
        self.cleared[id(t)] = t

    def gradient(self, leaf: Any) -> None:
        """The engine has added to a leaf's gradient: `TracingPass` looks after that."""

    def backward_begins(self, roots: Any) -> None:
        """A backward begins: `TracingPass` looks after that."""

    def finish_backward(self, node: Any, g: Any, sent: Any, started: float) -> None:
        """A node has run: `TracingPass` looks after that."""

    def before_step(self, optimizer: Any) -> None:
        """An optimizer is about to move its parameters."""
        if self.stepping is optimizer:
            self.stop("an optimizer's step takes a closure")
        if self.stepping is None and get_ident() == self.thread:
            self.stepping = optimizer
            if not self.reason:
                try:
                    self.put_step(optimizer)
                except Exception as why:
                    self.stop(f"an optimizer's step could not be followed: {why}")

    def put_step(self, optimizer: Any) -> None:
        """Puts an optimizer's step on the tape; its parameters are then what is in memory."""
        self.listening = False
        self.flush()
        moved, grads = [], []
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p._grad is not None:
                    moved.append(p)
                    grads.append(self.of(p._grad).value)
                elif id(p) not in self.cleared:  # it stays where it is as long as it has none
                    self.reads_grad.setdefault(id(p), (p, False))
        own = [self.of(p).value for p in moved]
        if any(v.kind != "state" for v in own):
            raise Stop("an optimizer moves what was not there before the call")
        self.tape.code.append(
            Instruction("step", "step", (tuple(own), tuple(grads)), (), (optimizer, moved), None)
        )
        self.steps.append((optimizer, moved))

    def step(self, optimizer: Any) -> None:
        """It has."""
        if self.stepping is optimizer and get_ident() == self.thread:
            self.stepping = None
            self.listening = True
            for _, moved in self.steps[-1:]:
                for p in moved:
                    self.forget(p)

    def forget(self, t: Tensor) -> None:
        """What is known of a tensor from before the call is out of date: it is read anew."""
        self.known.pop(id(t.array), None)

    def release(self) -> None:
        """Lets go of everything: the kind of pass that knows this tracer may live on."""
        self.before.everything.clear()
        self.before = self.known = self.nodes = self.states = None  # type: ignore[assignment]
        self.modules = self.tape = self.inputs = None  # type: ignore[assignment]

    # Modules

    def modules_changed(self) -> bool:
        """Whether an attribute of a module is another than before the call."""
        before = self.before
        return status.changes != before.changes and signature(before.modules) != before.signature

    def options_changed(self) -> bool:
        """Whether an option of an optimizer, such as its learning rate, was set during the call."""
        return [_options(o) for o in self.before.optimizers] != self.before.options

    def enter(self, module: Any) -> None:
        """A module's forward begins."""
        if get_ident() == self.thread:
            self.modules[id(module)] = module
            if module._hooked and any(hooks_of(module, where) for where in HOOK_LISTS[:4]):
                self.stop("a module has hooks")

    def leave(self, module: Any) -> None:
        """It has ended."""

    def fail(self, op: Any, inputs: Any, error: Any) -> None:
        """An operation has raised."""
        self.stop("an operation raised an error")


def _options(optimizer: Any) -> Any:
    """The options of an optimizer's groups."""
    return [
        {k: v for k, v in g.items() if k != "params"} | {"params": len(g["params"])}
        for g in getattr(optimizer, "param_groups", ())
    ]


_CONTAINERS = (list, dict, set)


class _alive:  # noqa: N801
    """All tensors there are before the call, whose gradient each is, and their counts of writes."""

    def __init__(self) -> None:
        everything = gc.get_objects()
        self.everything = everything  # as long as they live, no new object has their ids
        kinds: dict[type, int] = {}
        found: tuple[list[Any], ...] = ([], [], [], [], [])
        for one in everything:
            kind = type(one)
            number = kinds.get(kind)
            if number is None:
                number = kinds[kind] = _kind(kind)
            if number:
                found[number].append(one)
        self.tensors = {id(t): t for t in found[1]}
        self.optimizers, self.modules, witnesses = found[2:]
        self.hidden = not witnesses
        self.changes, self.signature = status.changes, signature(self.modules)
        self.options = [_options(o) for o in self.optimizers]
        self.grads = {k: t._grad for k, t in self.tensors.items() if t._grad is not None}
        self.leaf_of_grad = {id(g): self.tensors[k] for k, g in self.grads.items()}
        self.counts = {k: t._counter[0] for k, t in self.tensors.items() if t._counter is not None}

    @functools.cached_property
    def containers(self) -> set[int]:
        """The ids of the lists, dicts and sets that there were."""
        return {id(c) for c in self.everything if type(c) in _CONTAINERS}


def _kind(kind: type) -> int:
    for number, base in enumerate((Tensor, Optimizer, Module, Witness), 1):
        if issubclass(kind, base):
            return number
    return 0
