"""The dynamic graph: each tensor points to the node of the operation that made it.

A node knows its parents, so the graph is what hangs on the last tensor; when that tensor goes,
reference counts free the whole graph. Nothing points back, so there are no cycles.
"""

from __future__ import annotations

import weakref
from functools import cache
from itertools import count
from typing import Any, NamedTuple

next_sequence = count(1).__next__


_notes: weakref.WeakKeyDictionary[Node, dict[Any, Any]] = weakref.WeakKeyDictionary()


def _as_shown(parent: Any) -> tuple[Any, int]:
    if parent is None or parent.__class__ is Output:
        return (None, 0) if parent is None else (parent.parents[0], parent.index)
    return (shown(parent) if isinstance(parent, Node) else Leaf(parent)), 0


def shown(node: Any) -> Any:
    """The node, when it is first shown, in a class of its operation's name, as in PyTorch."""
    if node.__class__ is Node:
        node.__class__ = _class_named(node.name())
    return node


@cache
def _class_named(name: str) -> type[Node]:
    return type(name, (Node,), {"__slots__": ()})


class Node:
    """One operation that ran, waiting for its backward; ``tensor.grad_fn`` shows it.

    ``parents`` has, for each input, its node, or the leaf tensor itself, or None where no
    gradient is wanted. ``kept`` holds what the gradient rules named, and nothing else.
    Numbers in ``sequence`` grow, so a node always comes after its parents.
    """

    __slots__ = (
        "__weakref__",
        "counters",
        "dtype",
        "hooks",
        "kept",
        "parents",
        "plan",
        "sequence",
        "shape",
        "stamp",
    )

    def __init__(
        self,
        plan: Any,
        parents: Any,
        kept: Any,
        shape: Any,
        dtype: Any,
        counters: Any = (),
        stamp: int = 0,
    ) -> None:
        self.plan = plan
        self.parents = parents
        self.kept = kept
        self.shape = shape
        self.dtype = dtype
        self.sequence = next_sequence()
        self.counters = counters  # version counters of the tensors in `kept`
        self.stamp = stamp  # their sum when kept: counters only grow, so any write changes it
        self.hooks: list[Any] | None = None

    def name(self) -> str:
        """PyTorch's name for it: ``MulBackward0``."""
        return self.plan.op.backward_name

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The parents, as PyTorch shows them: pairs of a node (or None) and an output number."""
        main = self.parents[0] if self.__class__ is Output else self
        return tuple(_as_shown(p) for p in main.parents)

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dict for the user's own notes, which lives as long as the node."""
        return _notes.setdefault(self, {})

    def watch(self, hook: Any) -> Any:
        """Calls ``hook(gradient)`` when the gradient of this operation's output is known."""
        from .hooks import add_hook

        if self.hooks is None:
            self.hooks = []
        return add_hook(self.hooks, hook)

    def hand_on(self, later: Node) -> None:
        """After a write into its tensor: `retain_grad` means the gradient of what it is now."""
        kept = [h for h in self.hooks or () if getattr(h, "retains", False)]
        if kept:
            self.hooks = [h for h in self.hooks or () if h not in kept]
            later.hooks = kept

    def register_prehook(self, fn: Any) -> Any:
        """Calls ``fn(grad_outputs)``, a tuple, before the node runs; its result replaces them."""
        from .node_hooks import add_prehook

        return add_prehook(self, fn)

    def register_hook(self, fn: Any) -> Any:
        """Calls ``fn(grad_inputs, grad_outputs)`` after the node ran; may replace the former."""
        from .node_hooks import add_posthook

        return add_posthook(self, fn)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


class Output(Node):
    """One output of an operation that has several: passes its gradient on to slot ``index``."""

    __slots__ = ("index",)

    def __init__(self, main: Node, index: int, shape: Any, dtype: Any) -> None:
        self.plan, self.parents, self.kept = main.plan, (main,), ()
        self.shape, self.dtype, self.index = shape, dtype, index
        self.sequence = next_sequence()
        self.counters, self.stamp, self.hooks = (), 0, None


class Edge(NamedTuple):
    """A place in the graph: output ``output_nr`` of a node; mirrors PyTorch's ``GradientEdge``."""

    node: Any
    output_nr: int
    output: Any = None  # the very node of that output, where an operation has several

    def end(self) -> Any:
        """Where a gradient is sent that is meant for this place."""
        if self.output is not None:
            return self.output
        return self.node.variable if isinstance(self.node, Leaf) else self.node


class Leaf:
    """Stands for a leaf tensor where PyTorch shows ``AccumulateGrad``."""

    __slots__ = ("variable",)
    next_functions: tuple[Any, ...] = ()

    def __init__(self, variable: Any) -> None:
        self.variable = variable

    def name(self) -> str:
        """PyTorch's name for it."""
        return "torch::autograd::AccumulateGrad"

    register_prehook = Node.register_prehook
    register_hook = Node.register_hook

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self.variable):#x}>"


Leaf.__name__ = Leaf.__qualname__ = "AccumulateGrad"
