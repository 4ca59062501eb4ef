"""Automatic differentiation: ``backward``, ``grad``, grad modes and custom functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..device import module_of
from ..tensor import Tensor, wrap
from . import grad_mode
from .engine import Captured, Pass
from .grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .node import Node

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
    wanted: dict[int, Captured] | None,
) -> None:
    gradients = gradients or (None,) * len(tensors)
    if len(gradients) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(gradients)} gradients")
    work = Pass(create_graph, retain_graph, wanted)
    seeds = [_seed(t, g, i) for i, (t, g) in enumerate(zip(tensors, gradients, strict=True))]
    if wanted is not None:
        work.needed = _leading_to(wanted, [t._node for t in tensors])
    with enable_grad() if create_graph else no_grad():
        work.begin(tensors)
        for t, g in zip(tensors, seeds, strict=True):
            work.send(t._node or t, g if create_graph else g.array, False)
        work.run()


def _leading_to(wanted: dict[int, Captured], roots: Sequence[Any]) -> set[Node]:
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


def _targets(inputs: tuple[Any, ...], accumulate: bool) -> dict[int, Captured]:
    for i, t in enumerate(inputs):
        if not t.requires_grad:
            raise RuntimeError(f"One of the differentiated Tensors (input {i}) does not require grad")
    return {id(t._node or t): Captured(accumulate) for t in inputs}


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
    wanted = None
    if inputs is not None:
        inputs = _as_tuple(inputs)
        if not inputs:
            raise RuntimeError("`inputs` argument to `backward` cannot be empty.")
        wanted = _targets(inputs, accumulate=False)
    _run(_as_tuple(tensors), _as_tuple(grad_tensors), create_graph, retain, wanted)
    if wanted is not None:
        for t in inputs:
            g = wanted[id(t._node or t)].gradient
            if g is not None:
                g = g if create_graph else wrap(g.copy())
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
        from ..ops.registry import SPACES

        stack = SPACES["fb"]["stack"]
        return tuple(stack(list(column)) for column in zip(*parts, strict=True))
    wanted = _targets(inputs, accumulate=False)
    _run(_as_tuple(outputs), _as_tuple(grad_outputs), create_graph, retain, wanted)
    results: list[Tensor | None] = []
    for i, t in enumerate(inputs):
        g = wanted[id(t._node or t)].gradient
        if g is None and materialize_grads:
            g = wrap(t.array * 0) if create_graph else t.array * 0
        if g is None and not allow_unused:
            raise RuntimeError(
                f"One of the differentiated Tensors (input {i}) appears to not have been used in "
                "the graph. Set allow_unused=True if this is the desired behavior."
            )
        results.append(g if g is None or create_graph else wrap(g))
    return tuple(results)
