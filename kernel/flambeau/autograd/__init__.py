"""Automatic differentiation: ``backward``, ``grad``, grad modes and custom functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..device import module_of
from ..tensor import Tensor, wrap
from . import grad_mode
from .engine import Pass, own_array
from .grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .node import Node
from .rules import OPS

__all__ = [
    "backward",
    "enable_grad",
    "grad",
    "grad_mode",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_grad_enabled",
]


def _as_tuple(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, Tensor) else tuple(value)


def _seed(t: Tensor, g: Tensor | None, i: int) -> Tensor:
    """The gradient to start from at a root."""
    if not t.requires_grad:
        raise RuntimeError(
            f"element {i} of tensors does not require grad and does not have a grad_fn: nothing "
            "it was computed from has requires_grad=True, or it was computed inside no_grad()"
        )
    if g is None:
        if t.array.size != 1:
            raise RuntimeError(
                "grad can be implicitly created only for scalar outputs, and this one has shape "
                f"{tuple(t.shape)}: reduce it first (.sum(), .mean()), or pass gradient="
            )
        return wrap(module_of(t.array).ones_like(t.array))
    if not isinstance(g, Tensor):
        raise TypeError(f"gradients must be Tensors or None, not {type(g).__name__}")
    if g.array.shape != t.array.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{i}] has a shape of {g.shape} and output[{i}] has "
            f"a shape of {t.shape}."
        )
    return g


def _run(
    tensors: tuple[Any, ...],
    gradients: tuple[Any, ...],
    create_graph: bool,
    retain_graph: bool,
    inputs: tuple[Any, ...] | None = None,
) -> list[Any]:
    """One backward pass; returns the gradients of ``inputs``, or adds them to every leaf."""
    gradients = gradients or (None,) * len(tensors)
    if len(gradients) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(gradients)} gradients")
    seeds = [_seed(t, g, i) for i, (t, g) in enumerate(zip(tensors, gradients, strict=True))]
    if inputs is None:
        work = Pass(create_graph, retain_graph)
    else:
        captured = dict.fromkeys(id(t) for t in _edges_of(inputs))
        needed = _leading_to(captured, [t._node for t in tensors])
        work = Pass(create_graph, retain_graph, captured, needed)
    with enable_grad() if create_graph else no_grad():
        work.begin(tensors)
        for t, g in zip(tensors, seeds, strict=True):
            work.send(t._node or t, g if create_graph else g.array, False)
        work.run()
    if inputs is None:
        return []
    found = [captured[id(edge)] for edge in _edges_of(inputs)]
    return [g if g is None or create_graph else wrap(own_array(g)) for g in found]


def _edges_of(inputs: tuple[Any, ...]) -> list[Any]:
    """For each input the node that made it, or itself if it is a leaf."""
    for i, t in enumerate(inputs):
        if not t.requires_grad:
            raise RuntimeError(
                f"One of the differentiated Tensors (input {i}) does not require grad"
            )
    return [t._node or t for t in inputs]


def _leading_to(wanted: dict[int, Any], roots: Sequence[Any]) -> set[Node]:
    """The nodes from which something wanted can be reached."""
    nodes: dict[int, Node] = {}
    stack = [n for n in roots if n is not None]
    while stack:
        node = stack.pop()
        if node.sequence not in nodes:
            nodes[node.sequence] = node
            stack += [p for p in node.parents if isinstance(p, Node)]
    needed: set[Node] = set()
    for number in sorted(nodes):  # parents come first
        node = nodes[number]
        if any(id(p) in wanted or p in needed for p in node.parents if p is not None):
            needed.add(node)
    return needed


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Adds the gradients of the tensors' sum to the ``grad`` of the leaves below them.

    ``inputs`` restricts it to those. Mirrors ``torch.autograd.backward``.
    """
    retain = create_graph if retain_graph is None else retain_graph
    roots, seeds = _as_tuple(tensors), _as_tuple(grad_tensors)
    if inputs is None:
        _run(roots, seeds, create_graph, retain)
        return
    inputs = _as_tuple(inputs)
    if not inputs:
        raise RuntimeError("`inputs` argument to `backward` cannot be empty.")
    for t, g in zip(inputs, _run(roots, seeds, create_graph, retain, inputs), strict=True):
        if g is not None:
            g = g if create_graph else g.clone()
            t.grad = g if t.grad is None else t.grad + g


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the outputs' sum with respect to each input, as a tuple.

    Touches no ``grad``. ``allow_unused`` gives None for an input that the outputs do not depend
    on, ``materialize_grads`` zeros. Mirrors ``torch.autograd.grad``.
    """
    inputs = _as_tuple(inputs)
    retain = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        rows = zip(*(_as_tuple(grad_outputs)), strict=True)
        parts = [
            grad(outputs, inputs, row, True, create_graph, allow_unused, False, materialize_grads)
            for row in rows
        ]
        return tuple(OPS["stack"](list(column)) for column in zip(*parts, strict=True))
    gradients = _run(_as_tuple(outputs), _as_tuple(grad_outputs), create_graph, retain, inputs)
    for i, g in enumerate(gradients):
        if g is None and materialize_grads:
            gradients[i] = wrap(inputs[i].array * 0)
        elif g is None and not allow_unused:
            raise RuntimeError(
                f"One of the differentiated Tensors (input {i}) appears to not have been used in "
                "the graph. Set allow_unused=True if this is the desired behavior."
            )
    return tuple(gradients)
