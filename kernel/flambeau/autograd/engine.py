"""The backward pass: a work list of nodes, latest first, and never recursion.

Nodes are numbered in the order they were made, so when the highest-numbered node that waits is
taken, all that its output was used for has already sent its gradient.
"""

from __future__ import annotations

from heapq import heappop, heappush
from threading import get_ident
from time import perf_counter
from typing import Any

import numpy as np

from ..device import module_of
from ..errors import out_of_memory
from ..kernels.layout import in_rows
from ..record.slot import slot
from ..subclasses import here
from ..tensor import Tensor, wrap
from .hooks import hooked_leaves
from .node import Node, Output
from .rules import OPS, ArrayNamespace, TensorNamespace, namespace_of

FLOAT32 = np.dtype(np.float32)
_taped = TensorNamespace()
_running: dict[int, Pass] = {}  # the backward of each thread


def _namespace(array: Any) -> ArrayNamespace:
    return namespace_of(module_of(array))


class Pass:
    """One backward pass: what waits, and where the results go.

    ``create_graph``: gradients are Tensors and the rules extend the graph; otherwise they are
    plain arrays. ``captured`` has the ids of leaves and nodes whose gradient is put there instead
    of in ``leaf.grad``; None adds to every leaf. Only ``needed`` nodes run in that case.
    """

    def __init__(
        self,
        create_graph: bool,
        retain_graph: bool,
        captured: dict[int, Any] | None = None,
        needed: Any = None,
    ) -> None:
        self.create_graph = create_graph
        self.retain_graph = retain_graph
        self.captured = captured
        self.needed = needed
        self.waiting: dict[int, list[Any]] = {}  # sequence number -> [node, gradient]
        self.heap: list[int] = []
        self.ns: Any = _taped if create_graph else None  # what rules find operations in
        self.kind: Any = None  # the kind of array that `ns` is for
        # Whether each node is looked at: for what is captured, kept in the graph, or suspected.
        self.careful = create_graph or captured is not None or type(self) is not Pass
        self.due: dict[int, list[Tensor]] = {}  # node's number -> leaves whose hooks run after it
        self.partial: dict[int, tuple[Tensor, Any]] = {}  # what has come for them so far
        self.sent: Any = None  # while a recorder looks on: the present node's gradients, and shapes

    def begin(self, roots: Any) -> None:
        """Looks at the tensors that the backward starts from."""
        self.roots = [getattr(t, "_node", None) or t for t in roots]
        if not self.create_graph and roots:
            self.kind = roots[0].array.__class__
            self.ns = _namespace(roots[0].array)
        if slot.recorder is not None:
            slot.recorder.backward_begins(roots)

    def send(self, target: Any, g: Any, owned: bool) -> None:
        """Adds a gradient to what a node or a leaf has got so far, in its shape and type.

        ``owned`` says that nothing else holds this array, so that a leaf may keep it.
        """
        if target.__class__ is not Node and isinstance(target, Tensor):
            array = target.array
            if g.dtype is not array.dtype or g.shape != array.shape:
                g = self._fit(array, g)
            grad = target._grad
            if grad is None or self.careful or self.sent is not None or target._hooks is not None:
                self._reach_leaf(target, g, owned)
                return
            grad.array += g  # the usual case, cheaply
            if grad._counter is not None:
                grad._counter[0] += 1
            return
        if g.dtype is not target.dtype or g.shape != target.shape:
            g = self._fit(target, g)
        if self.sent is not None:
            self.sent.append((g, target.shape))
        number = target.sequence
        entry = self.waiting.get(number)
        if entry is None:
            self.waiting[number] = [target, g]
            heappush(self.heap, -number)
        else:
            entry[1] = entry[1] + g

    def _fit(self, like: Any, g: Any) -> Any:
        """Undoes broadcasting and promotion: brings a gradient to a shape and a type."""
        if self.create_graph:
            if g.array.shape != like.shape:
                g = _taped.sum_to(g, tuple(like.shape))
            if g.array.dtype.kind == "c" and like.dtype.kind != "c":
                g = _taped.real(g)  # the gradient of a real number is real
            return g if g.array.dtype == like.dtype else _taped.cast(g, like.dtype)
        if g.shape != like.shape:
            g = self.ns.sum_to(g, like.shape)
        if g.dtype is like.dtype:
            return g
        if g.dtype.kind == "c" and like.dtype.kind != "c":
            g = g.real
        return g if g.dtype == like.dtype else self.ns.cast(g, like.dtype)

    def _reach_leaf(self, leaf: Tensor, g: Any, owned: bool) -> None:
        if self.sent is not None:
            self.sent.append((g, leaf.array.shape))
        if leaf._hooks is not None:
            self._wait_for_all(leaf, g)
        elif self.captured is not None:
            self._capture(leaf, g)
        else:
            self._accumulate(leaf, g, owned)

    def _accumulate(self, leaf: Tensor, g: Any, owned: bool) -> None:
        """Adds to ``leaf.grad``."""
        grad = leaf._grad
        if self.create_graph:
            leaf._grad = g if grad is None else grad + g
        elif grad is None:
            leaf._grad = wrap(own_array(g if owned else g.copy()))
        else:
            grad.array += g
            if grad._counter is not None:
                grad._counter[0] += 1
        if slot.recorder is not None:
            slot.recorder.gradient(leaf)

    # A hook sees the whole gradient of a leaf, so what comes for it is added up until its last part
    # is there: that of the node with the lowest number, which is found before the backward begins.

    def _find_hooked(self) -> None:
        """Notes after which node the gradient of each leaf with hooks is complete."""
        last: dict[int, tuple[int, Tensor]] = {}
        stack = [node for node, _ in self.waiting.values()]
        seen = {node.sequence for node in stack}
        while stack:
            node = stack.pop()
            for parent in node.parents:
                if isinstance(parent, Node):
                    if parent.sequence not in seen:
                        seen.add(parent.sequence)
                        stack.append(parent)
                elif parent is not None and parent._hooks is not None:
                    number, _ = last.get(id(parent), (node.sequence, parent))
                    last[id(parent)] = (min(number, node.sequence), parent)
        for number, leaf in last.values():
            self.due.setdefault(number, []).append(leaf)

    def _wait_for_all(self, leaf: Tensor, g: Any) -> None:
        """Adds to what has come for a leaf with hooks."""
        if self.captured is not None and id(leaf) not in self.captured:
            return  # not asked for
        before = self.partial.get(id(leaf))
        self.partial[id(leaf)] = (leaf, g if before is None else before[1] + g)

    def _deliver(self, leaf: Tensor) -> None:
        """Runs the hooks of a leaf on its whole gradient, if one has come."""
        if (found := self.partial.pop(id(leaf), None)) is None:
            return
        g = self._run_hooks(leaf._hooks, found[1])
        if self.captured is not None:
            self._capture(leaf, g)
            return
        self._accumulate(leaf, g, False)  # a hook may have kept it
        for hook in list(leaf._hooks.after) if leaf._hooks is not None else ():
            hook(leaf)

    def _capture(self, target: Any, g: Any) -> None:
        """Keeps a gradient that was asked for."""
        captured = self.captured
        if captured is not None and id(target) in captured:
            before = captured[id(target)]
            captured[id(target)] = g if before is None else before + g

    def _run_hooks(self, hooks: Any, g: Any) -> Any:
        seen = g if self.create_graph else wrap(np.asarray(g) if isinstance(g, np.generic) else g)
        for hook in list(hooks):
            replaced = hook(seen)
            if replaced is not None:
                check_hooked(hook, seen, replaced)
                seen = replaced
        return seen if self.create_graph else seen.array

    def run(self) -> None:
        """Works until nothing waits."""
        me = get_ident()
        outer = _running.get(me)
        _running[me] = self
        here.off += 1  # the rules of subclasses of Tensor are those of Tensor
        try:
            if hooked_leaves:
                self._find_hooked()
            self._work()
            for leaf, _ in list(self.partial.values()):  # a backward that starts from a leaf
                self._deliver(leaf)
        except MemoryError as error:
            raise out_of_memory("backward", error) from None
        finally:
            here.off -= 1
            if outer is None:
                del _running[me]
            else:
                _running[me] = outer

    def _work(self) -> None:
        """Takes the latest node that waits, runs its rules, and sends on what they give.

        This is the hot path of the backward. What is not a node of one output with a plain array
        for its gradient goes through `_visit`.
        """
        heap, waiting, ns = self.heap, self.waiting, self.ns
        careful, retain, kind = self.careful or bool(self.due), self.retain_graph, self.kind
        recorder = slot.recorder
        while heap:
            node, g = waiting.pop(-heappop(heap))
            plan = node.plan
            if (
                careful
                or node.__class__ is not Node
                or node.hooks
                or g.__class__ is not kind
                or (kept := node.kept) is None
                or node.dtype is not FLOAT32
            ):
                self._visit(node, g)
                continue
            if counters := node.counters:
                changed = node.stamp
                for counter in counters:
                    changed -= counter[0]
                if changed:
                    raise written_over(node)
            if recorder is not None:
                started, self.sent = perf_counter(), []
            parents = node.parents
            for run, position in plan.steps:
                made = run(ns, g, kept)
                if position.__class__ is not int:
                    self._send_all(parents, position, made, g)
                elif made is not None:
                    target = parents[position]
                    if (
                        target.__class__ is not Node
                        or made.dtype is not target.dtype
                        or made.shape != target.shape
                    ):
                        self.send(target, made, made is not g)
                        continue
                    if recorder is not None:
                        self.sent.append((made, target.shape))
                    number = target.sequence
                    entry = waiting.get(number)
                    if entry is None:
                        waiting[number] = [target, made]
                        heappush(heap, -number)
                    else:
                        entry[1] = entry[1] + made
            if recorder is not None:
                recorder.finish_backward(node, g, self.sent, started)
                self.sent = None
            if plan.holds and not retain:
                node.kept = None if plan.holds is True else plan.op.release(kept)

    def _send_all(self, parents: Any, positions: Any, made: Any, g: Any) -> None:
        """Sends on what a rule for several inputs has given."""
        alone = g.__class__ is not list  # one of several may be handed on as it is
        for position, one in zip(positions, made, strict=True):
            if one is not None and parents[position] is not None:
                self.send(parents[position], one, alone and one is not g)

    def _visit(self, node: Node, g: Any) -> None:
        """The same for a node of any kind: with hooks, of several outputs, under a recorder."""
        if node.hooks:
            g = self._run_hooks(node.hooks, g)
        if self.captured is not None:
            self._capture(node, g)
            if node not in self.needed:
                return
        if node.__class__ is Output:
            self._collect(node, g)
        else:
            self._step(node, g)
        if self.due:
            for leaf in self.due.pop(node.sequence, ()):
                self._deliver(leaf)

    def _collect(self, node: Output, g: Any) -> None:
        """Puts the gradient of one of several outputs in its place."""
        main = node.parents[0]
        number = main.sequence
        if number not in self.waiting:
            self.waiting[number] = [main, [None] * len(main.shape)]
            heappush(self.heap, -number)
        self.waiting[number][1][node.index] = g

    def _step(self, node: Node, g: Any) -> None:
        """Runs the rules of one node and sends on what they give."""
        plan, parents = node.plan, node.parents
        kept = unpack(node) if self.create_graph else node.kept
        if kept is None:
            raise used_up(node)
        changed = node.stamp
        for counter in node.counters:
            changed -= counter[0]
        if changed:
            raise written_over(node)
        if g.__class__ is list:
            g = self._fill(node, g)
        if not self.create_graph and g.__class__ is not self.kind:
            self.kind = g.__class__
            self.ns = _namespace(g[0] if g.__class__ is list else g)
        if plan.holomorphic and node.dtype.kind == "c":
            kept = [conjugated(k) for k in kept]
        ns, alone = self.ns, g.__class__ is not list  # one of several may be handed on as it is
        recorder = slot.recorder
        if recorder is not None:
            started, self.sent = perf_counter(), []
        for run, position in plan.steps:
            made = run(ns, g, kept)
            if position.__class__ is not int:
                self._send_all(parents, position, made, g)
            elif made is not None:
                self.send(parents[position], made, alone and made is not g)
        if recorder is not None:
            recorder.finish_backward(node, g, self.sent, started)
            self.sent = None
        if plan.holds and not self.retain_graph:
            node.kept = None if plan.holds is True else plan.op.release(node.kept)

    def _fill(self, node: Node, gradients: list[Any]) -> list[Any]:
        """Zeros where an output of several was not used."""
        if node.plan.op.gaps(node.kept):
            return gradients
        given = next(g for g in gradients if g is not None)
        xp = module_of(given.array if self.create_graph else given)
        filled = []
        for g, shape, dtype in zip(gradients, node.shape, node.dtype, strict=True):
            if g is None:
                g = xp.zeros(shape, dtype)
                g = wrap(g) if self.create_graph else g
            filled.append(g)
        return filled


def running() -> Pass | None:
    """The backward that this thread is in the middle of."""
    return _running.get(get_ident())


kind_of_pass: type[Pass] = Pass  # anomaly mode puts one here that looks closer


def conjugated(kept: Any) -> Any:
    """The conjugate of something kept, if it is an array, a Tensor or a number that is complex."""
    if isinstance(kept, Tensor):
        return _taped.conj(kept) if kept.array.dtype.kind == "c" else kept
    if getattr(getattr(kept, "dtype", None), "kind", "") == "c":
        return kept.conj()
    return kept.conjugate() if kept.__class__ is complex else kept


def check_hooked(hook: Any, g: Tensor, replaced: Any) -> None:
    """TypeError or RuntimeError if a hook gave something that cannot stand for the gradient."""
    name = getattr(hook, "__name__", type(hook).__name__)
    if not isinstance(replaced, Tensor):
        raise TypeError(
            f"the gradient hook {name!r} returned {type(replaced).__name__}; it may return a "
            "Tensor in place of the gradient, or None"
        )
    old, new = g.array, replaced.array
    if old.shape != new.shape or old.dtype != new.dtype:
        raise RuntimeError(
            f"the gradient hook {name!r} has changed the gradient from shape {old.shape} and "
            f"{old.dtype} to shape {new.shape} and {new.dtype}; it must keep both"
        )


def own_array(g: Any) -> Any:
    """A gradient as an array that shares memory with nothing else."""
    if isinstance(g, np.generic):
        return np.asarray(g)
    return g if g.base is None else in_rows(g)


def unpack(node: Node) -> list[Any] | None:
    """What a node kept, as Tensors that stand in the graph, for gradients of gradients."""
    kept, values = node.kept, []
    if kept is None:
        return None
    for kind, value in zip(node.plan.kinds, kept, strict=True):
        if hasattr(value, "strides") and not isinstance(value, np.generic):  # NumPy's numbers stay
            parent = node.parents[kind] if kind >= 0 else node if kind == -1 else None
            if isinstance(parent, Tensor):
                value = parent if parent.array is value else standing(value, parent)
            else:
                made = wrap(value)
                made._node, made._needs_grad = parent, parent is not None
                value = made
        elif kind == -1 and node.plan.op.outputs != 1:
            value = tuple(wrap(v) for v in value)  # only constants (indices) are of use in rules
        values.append(value)
    return values


def standing(array: Any, leaf: Tensor) -> Tensor:
    """A leaf as it was kept (promoted, or its ``data`` replaced since), in its place."""
    made = wrap(array)
    made._node = Node(OPS["alias"].plan(0b11), [leaf], (), array.shape, array.dtype)
    made._needs_grad = True
    return made


def used_up(node: Node) -> RuntimeError:
    """The error for a second backward through a graph that the first has freed."""
    return RuntimeError(
        f"the graph of {node.plan.op.name} has already been used by a backward and was freed; "
        "backward(retain_graph=True) keeps it for a second one"
    )


def written_over(node: Node) -> RuntimeError:
    """The error for a backward through a value that an in-place operation has changed."""
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: {node.plan.op.name} kept a tensor for its backward "
        f"(output shape {tuple(node.shape)}), and it was written to afterwards. "
        "Use the out-of-place operation (x = x + 1 rather than x += 1), or clone it first"
    )
