"""Hooks on nodes: before a node runs they see its gradients, after it what it gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor, wrap
from . import engine
from .hooks import RemovableHandle, add_hook
from .node import Leaf, Node, Output


def _shown(g: Any) -> Any:
    if g is None or isinstance(g, Tensor):
        return g
    return wrap(np.asarray(g) if isinstance(g, np.generic) else g)


def add_prehook(node: Any, fn: Any) -> RemovableHandle:
    """Calls ``fn(grad_outputs)``, a tuple, before a node runs; what it returns replaces them."""
    if not callable(fn):
        raise TypeError(f"a hook must be callable, not {type(fn).__name__}")

    def hook(g: Tensor) -> Any:
        made = fn((g,))
        return made[0] if isinstance(made, tuple) else made

    return node.variable.register_hook(hook) if isinstance(node, Leaf) else node.watch(hook)


def add_posthook(node: Any, fn: Any) -> RemovableHandle:
    """Calls ``fn(grad_inputs, grad_outputs)`` after a node ran; it may replace ``grad_inputs``."""
    if isinstance(node, Leaf):
        after = lambda leaf: fn((), (leaf.grad,)) and None  # noqa: E731
        return node.variable.register_post_accumulate_grad_hook(after)
    main = node.parents[0] if isinstance(node, Output) else node
    if not isinstance(main.plan, _Hooked):
        main.plan = _Hooked(main)
    return add_hook(main.plan.hooks, fn)


class _Hooked:
    """A node's plan whose only step runs all the steps, and then the hooks."""

    def __init__(self, node: Node) -> None:
        self.inner = node.plan
        self.hooks: list[Any] = []
        for name in node.plan.__slots__:
            setattr(self, name, getattr(node.plan, name))
        self.targets = [p if isinstance(p, Node) or p is None else p.array for p in node.parents]
        self.steps = [(self._run, tuple(range(len(node.parents))))]

    def _run(self, ns: Any, g: Any, kept: Any) -> list[Any]:
        found: list[Any] = [None] * len(self.targets)
        now: Any = engine.running()
        for run, position in self.inner.steps:
            made, places = run(ns, g, kept), position
            if position.__class__ is int:
                made, places = (made,), (position,)
            for at, one in zip(places, made, strict=True):
                if one is not None and self.targets[at] is not None:
                    found[at] = now._fit(self.targets[at], one)
        return self._through_hooks(found, g, ns.taped)

    def _through_hooks(self, found: list[Any], g: Any, taped: bool) -> list[Any]:
        outs = tuple(map(_shown, g if isinstance(g, list) else [g]))
        for hook in list(self.hooks):
            made = hook(tuple(map(_shown, found)), outs)
            if made is not None:
                given = made if isinstance(made, tuple) else (made,)
                if len(given) != len(found):
                    raise RuntimeError(
                        f"hook {getattr(hook, '__name__', hook)!r} has returned an incorrect "
                        f"number of values (got {len(given)}, but expected {len(found)})"
                    )
                found = [x if x is None or taped else x.array for x in given]
        return found
