"""The backward of a traced call: the engine runs it on arrays, and it is run again on Syms."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from threading import get_ident
from typing import Any

import numpy as np

from ..autograd import engine
from ..autograd.node import Node, Output
from ..tensor import Tensor
from .ir import Stop
from .lower import narrow, syms_to
from .symbolic import NAMESPACE, Opaque, Sym, constant


def tracing_pass(tracer: Any) -> type[engine.Pass]:
    """The kind of backward pass that runs while a call is traced."""

    class TracingPass(engine.Pass):
        """Runs as ever, then once more on Syms, and notes which gradient is which value."""

        def begin(self, roots: Any) -> None:
            """Notes where the backward starts."""
            super().begin(roots)
            self.mine = get_ident() == tracer.thread and not tracer.reason
            if self.mine and tracer.stepping is not None:
                tracer.stop("an optimizer's step goes backward")
            self.seeds: list[tuple[Any, Any]] = []
            self.before: dict[int, Any] = {}
            self.reached: dict[int, Tensor] = {}
            self.begun = False

        def send(self, target: Any, g: Any, owned: bool) -> None:
            """Notes the gradients that come from outside."""
            if self.mine and not self.begun:
                self.seeds.append((target, g))
            super().send(target, g, owned)

        def _reach_leaf(self, leaf: Tensor, g: Any, owned: bool) -> None:
            self.note_leaf(leaf)
            super()._reach_leaf(leaf, g, owned)

        def note_leaf(self, leaf: Tensor) -> None:
            """Remembers what gradient the leaf had before."""
            if self.captured is not None or not self.mine or id(leaf) in self.reached:
                return
            self.reached[id(leaf)] = leaf
            if leaf._hooks:
                tracer.stop("a tensor has a hook on its gradient")
            had = leaf._grad is not None
            known_here = id(leaf) in tracer.cleared or id(leaf) in tracer.touched
            if id(leaf) in tracer.before.tensors and not known_here:
                tracer.reads_grad.setdefault(id(leaf), (leaf, had))
            try:
                self.before[id(leaf)] = tracer.of(leaf._grad) if had else None
            except Stop as why:
                tracer.stop(str(why))

        def run(self) -> None:
            """Works until nothing waits, twice."""
            self.begun = True
            if not self.mine:
                super().run()
                return
            listening, tracer.listening = tracer.listening, False
            super().run()
            if not tracer.reason:
                try:
                    self.again()
                except Stop as why:
                    tracer.stop(str(why))
                except Exception as error:  # the backward has run: this is not its fault
                    tracer.stop(f"a backward could not be followed: {type(error).__name__} {error}")
            tracer.listening = listening

        def again(self) -> None:
            """The same pass on Syms."""
            if self.create_graph:
                raise Stop("a backward with create_graph=True")
            seeds = [(target, seed_of(tracer, g)) for target, g in self.seeds]
            work = SymbolicPass(tracer, self.captured, self.needed)
            work.run(seeds)
            if not self.retain_graph:
                tracer.spent |= work.visited
            if self.captured is not None:
                self.name_captured(work)
                return
            for key, leaf in self.reached.items():
                g, before = work.leaves[key], self.before[key]
                tracer.touched[key] = leaf
                total: Any = g if before is None else before + g
                if leaf._grad is None or total.shape != leaf._grad.array.shape:
                    raise Stop("a gradient went another way than expected")
                if before is None:
                    tracer.know(leaf._grad, Sym(tracer.tape, total.value, leaf._grad.array))
                else:
                    tracer.rewrite(leaf._grad, total)

        def name_captured(self, work: SymbolicPass) -> None:
            """The gradients that ``autograd.grad`` returns."""
            for key, g in (self.captured or {}).items():
                if g is not None:
                    own = g if getattr(g, "base", None) is None else g.copy()
                    own = np.asarray(own)
                    self.captured[key] = own  # type: ignore[index]
                    sym = work.captured[key]
                    tracer.known[id(own)] = tracer_known(own, sym)

    def tracer_known(array: Any, sym: Sym) -> Any:
        from .trace import Known

        return Known(array, Sym(tracer.tape, sym.value, array), None)

    return TracingPass


def seed_of(tracer: Any, g: Any) -> Sym:
    """The value of a gradient that a backward starts from."""
    found = tracer.known.get(id(g))
    if found is not None:
        return Sym(tracer.tape, found.sym.value, g)
    if not (np.asarray(g) == 1).all():
        raise Stop("a backward starts from a gradient that no operation has made")
    return constant(tracer.tape, np.asarray(g).copy())


class SymbolicPass:
    """The engine's work list, on Syms."""

    def __init__(self, tracer: Any, captured: Any = None, needed: Any = None) -> None:
        self.tracer = tracer
        self.leaves: dict[int, Sym] = {}
        self.captured: dict[int, Sym] = {}
        self.wanted = captured
        self.needed = needed
        self.waiting: dict[int, list[Any]] = {}
        self.heap: list[int] = []
        self.visited: set[int] = set()
        self.edges: dict[int, Any] = {}  # nodes outside of the call, which count as leaves

    def run(self, seeds: list[tuple[Any, Sym]]) -> None:
        """Works until nothing waits."""
        for target, g in seeds:
            self.send(target, g)
        while self.heap:
            node, g = self.waiting.pop(-heappop(self.heap))
            if self.wanted is not None:
                if id(node) in self.wanted:
                    self._add(self.captured, node, g)
                if self.needed is not None and node not in self.needed:
                    continue
            if isinstance(node, Output):
                self.collect(node, g)
            else:
                self.step(node, g)

    @staticmethod
    def _add(where: dict[int, Sym], target: Any, g: Sym) -> None:
        before: Any = where.get(id(target))
        where[id(target)] = g if before is None else before + g

    def send(self, target: Any, g: Sym) -> None:
        """Adds a gradient to what a node or a leaf has got so far."""
        like = target if isinstance(target, Node) else target.array
        if g.shape != like.shape:
            g = NAMESPACE.sum_to(g, tuple(like.shape))
        if g.dtype != like.dtype:
            g = g.astype(like.dtype)
        if id(target) in self.edges or not isinstance(target, Node):
            if self.wanted is not None and id(target) not in self.edges:
                if id(target) in self.wanted:
                    self._add(self.captured, target, g)
                return
            self._add(self.leaves, target, g)
            return
        entry = self.waiting.get(target.sequence)
        if entry is None:
            self.waiting[target.sequence] = [target, g]
            heappush(self.heap, -target.sequence)
        else:
            entry[1] = entry[1] + g

    def collect(self, node: Output, g: Sym) -> None:
        """Puts the gradient of one of several outputs in its place."""
        main = node.parents[0]
        self.visited.add(id(node))
        entry = self.waiting.get(main.sequence)
        if entry is None:
            entry = self.waiting[main.sequence] = [main, [None] * len(main.shape)]
            heappush(self.heap, -main.sequence)
        entry[1][node.index] = g

    def step(self, node: Node, g: Any) -> None:
        """Runs the rules of one node."""
        tracer, plan = self.tracer, node.plan
        self.visited.add(id(node))
        if node.hooks:
            raise Stop("a node has a hook")
        known = tracer.nodes.get(id(node))
        if known is None or known[0] is not node:
            raise Stop("a backward goes through an operation that ran outside of the call")
        kept = known[1]
        if g.__class__ is list:
            g = self.fill(node, g, kept)
        if plan.holomorphic and getattr(node.dtype, "kind", "") == "c":
            raise Stop("complex numbers")
        tracer.tape.part, tracer.tape.index = f"{plan.op.name} backward", 0
        for rule, position in plan.steps:
            joint = position.__class__ is not int
            made = self.rule(rule, g, kept, joint)
            for at, one in zip(position, made, strict=False) if joint else [(position, made)]:
                if one is not None and node.parents[at] is not None:
                    self.send(node.parents[at], one)

    def fill(self, node: Node, gradients: list[Any], kept: Any) -> list[Any]:
        """Zeros where an output of several was not used."""
        if node.plan.op.gaps([_real(k) for k in kept]):
            return gradients
        tape = self.tracer.tape
        return [
            constant(tape, np.zeros(shape, dtype)) if g is None else g
            for g, shape, dtype in zip(gradients, node.shape, node.dtype, strict=True)
        ]

    def rule(self, rule: Any, g: Any, kept: Any, joint: bool) -> Any:
        """What a rule gives: written down as it runs on Syms, or called as it is."""
        tape = self.tracer.tape
        mark = len(tape.code)
        try:
            for a in (*kept, *(g if g.__class__ is list else (g,))):
                if a.__class__ is Sym and (
                    a.numbers.__class__ is not np.ndarray or narrow(a.dtype)
                ):
                    raise Opaque("something kept that is no array of plain numbers")
            own = [_own(a) for a in kept]
            g_own = [_own(one) for one in g] if g.__class__ is list else _own(g)
            made = rule(NAMESPACE, g_own, own)
            if any(m is not None and m.__class__ is not Sym for m in (made if joint else (made,))):
                raise Opaque("another kind of gradient")
            return made
        except Stop:
            raise
        except Exception:
            del tape.code[mark:]
        return self.called(rule, g, kept, joint)

    def called(self, rule: Any, g: Any, kept: Any, joint: bool) -> Any:
        """An instruction that calls the rule."""
        tape = self.tracer.tape
        run = _as_function(rule, joint)
        made = run(_real(g), *map(_real, kept))
        values = tape.emit("call", "rule", syms_to([g, *kept]), made, (), run)
        found = [
            None if a is None else Sym(tape, v, np.asarray(a))
            for v, a in zip(values, made, strict=True)
        ]
        return found if joint else found[0]


def _own(a: Any) -> Any:
    """A Sym that a rule may write views of; anything else as it is."""
    if a.__class__ is Sym:
        return Sym(a.tape, a.value, a.numbers)
    return tuple(map(_own, a)) if a.__class__ is tuple else a


def _real(a: Any) -> Any:
    if a.__class__ is Sym:
        return a.numbers
    return type(a)(map(_real, a)) if a.__class__ in (tuple, list) else a


def _as_function(rule: Any, joint: bool) -> Callable[..., Any]:
    ns = engine.namespace_of(np)

    def run(g: Any, *kept: Any) -> Any:
        made = rule(ns, g, kept)
        return tuple(made) if joint else (made,)

    run.__name__ = getattr(rule, "__qualname__", "rule")
    return run
