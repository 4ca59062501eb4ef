"""Automatic differentiation: ``backward``, ``grad``, grad modes and custom functions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import import_module
from threading import get_ident
from typing import Any

import numpy as np

from ..device import module_of
from ..left_out import explains
from ..tensor import Tensor, wrap
from . import engine, grad_mode, layers
from .engine import own_array
from .grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    off,
    set_grad_enabled,
    set_multithreading_enabled,
)
from .node import Edge, Node
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
    "set_multithreading_enabled",
]

# Names that stand on the operations, and where: found when they are first touched.
_LATER = {
    **dict.fromkeys(("functional", "forward_ad", "graph", "anomaly_mode"), ""),
    "gradgradcheck": "gradcheck",
    "detect_anomaly": "anomaly_mode",
    "set_detect_anomaly": "anomaly_mode",
    "Variable": "variable",
}


def __getattr__(name: str) -> Any:
    """The tools around the graph: ``functional``, ``gradcheck``, ``detect_anomaly``, ..."""
    if name not in _LATER:
        return explains(__name__)(name)
    found = import_module(f".{_LATER[name] or name}", __name__)
    if _LATER[name]:
        found = getattr(found, name)
        globals()[name] = found
    return found


def _as_tuple(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, (Tensor, Edge)) else tuple(value)


def _seed(t: Any, g: Tensor | None, i: int) -> Tensor:
    """The gradient to start from at a root."""
    if isinstance(t, Edge):
        if g is None:
            raise RuntimeError("a gradient edge has no value: pass the gradient to start from")
        return g
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
        if t.array.__class__ is not np.ndarray:
            return wrap(module_of(t.array).ones_like(t.array))
        ones = t.array.copy()
        ones.fill(1)  # a quarter of what np.ones_like takes
        return wrap(ones)
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
    taped = create_graph or (layers.on() and any(_differs(g) for g in seeds))
    roots = [_end(t) for t in tensors]
    if inputs is None:
        work = engine.kind_of_pass(taped, retain_graph)
    else:
        captured = dict.fromkeys(id(t) for t in _edges_of(inputs))
        needed = _leading_to(captured, [n for n in roots if isinstance(n, Node)])
        work = engine.kind_of_pass(taped, retain_graph, captured, needed)
    me = get_ident()
    was_off = me in off
    (off.discard if create_graph else off.add)(me)  # as `no_grad` does it, in less time
    try:
        work.begin([g if isinstance(t, Edge) else t for t, g in zip(tensors, seeds, strict=True)])
        for end, g in zip(roots, seeds, strict=True):
            work.send(end, g if taped else g.array, False)
        work.run()
    finally:
        (off.add if was_off else off.discard)(me)
    if inputs is None:
        return []
    found = [captured[id(edge)] for edge in _edges_of(inputs)]
    return [g if g is None or taped else wrap(own_array(g)) for g in found]


def _differs(t: Any) -> bool:
    from ..func.tape import differs

    return differs(t)


def _end(t: Any) -> Any:
    """The node that made a tensor, or a leaf itself."""
    return t.end() if isinstance(t, Edge) else t._node or t


def _edges_of(inputs: tuple[Any, ...]) -> list[Any]:
    """For each input the node that made it, or itself if it is a leaf."""
    for i, t in enumerate(inputs):
        if isinstance(t, Tensor) and not t.requires_grad:
            raise RuntimeError(
                f"One of the differentiated Tensors (input {i}) does not require grad"
            )
    return [_end(t) for t in inputs]


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
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Adds the gradients of the tensors' sum to the ``grad`` of the leaves below them.

    ``inputs`` restricts it to those. Mirrors ``torch.autograd.backward``.

    >>> x = fb.tensor([1.0, 2.0], requires_grad=True)
    >>> fb.autograd.backward(x * x, fb.tensor([1.0, 10.0]))
    >>> x.grad
    tensor([ 2., 40.])
    """
    if grad_variables is not None:
        warnings.warn(
            "`grad_variables` is deprecated. Use `grad_tensors` instead.",
            FutureWarning,
            stacklevel=2,
        )
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to "
                "`backward()`. Please only use `grad_tensors`."
            )
        grad_tensors = grad_variables
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
            _accumulate(t, g if create_graph else g.clone())


def _accumulate(t: Tensor, g: Tensor) -> None:
    t.grad = g if t.grad is None else t.grad + g
    if t._hooks is not None:
        for hook in list(t._hooks.after):
            hook(t)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the outputs' sum with respect to each input, as a tuple.

    Touches no ``grad``. ``allow_unused`` gives None for an input that the outputs do not depend
    on, ``materialize_grads`` zeros. With ``is_grads_batched`` the ``grad_outputs`` have a dimension
    more in front, and so has the result. Mirrors ``torch.autograd.grad``.

    >>> x = fb.tensor(3.0, requires_grad=True)
    >>> (slope,) = fb.autograd.grad(x**3, x, create_graph=True)
    >>> slope.item(), fb.autograd.grad(slope, x)
    (27.0, (tensor(18.),))
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, "
            "but got: allow_unused=False."
        )
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To "
            "accumulate gradient for other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    outputs, inputs, seeds = _as_tuple(outputs), _as_tuple(inputs), _as_tuple(grad_outputs)
    retain = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        gradients = _batched(outputs, inputs, seeds, create_graph)
    elif layers.on():
        gradients = _under_modes(outputs, inputs, seeds, create_graph, retain)
    else:
        gradients = _run(outputs, seeds, create_graph, retain, inputs)
    for i, g in enumerate(gradients):
        if g is None and materialize_grads:
            gradients[i] = OPS["zeros_of"](inputs[i].detach())
        elif g is None and not allow_unused:
            raise RuntimeError(
                f"One of the differentiated Tensors (input {i}) appears to not have been used in "
                "the graph. Set allow_unused=True if this is the desired behavior."
            )
    return tuple(gradients)


def _under_modes(outs: Any, inputs: Any, seeds: Any, create_graph: bool, retain: bool) -> list[Any]:
    """The gradients of tensors that may stand for the slices of a vmap."""
    from ..func.tape import physical

    seeds = seeds or (None,) * len(outs)
    outs, inputs, seeds, back = physical(outs, inputs, seeds)
    found = _run(tuple(outs), tuple(seeds), create_graph, retain, tuple(inputs))
    return found if back is None else [None if g is None else back(g) for g in found]


def _batched(outs: Any, inputs: Any, seeds: Any, create_graph: bool) -> list[Any]:
    """The gradients for each row of the seeds."""
    from ..func.tape import for_each_row

    used: list[int] = []

    def row(*given: Tensor) -> list[Any]:
        found = grad(outs, inputs, given, True, create_graph, allow_unused=True)
        used[:] = [i for i, g in enumerate(found) if g is not None]
        return [found[i] for i in used]

    made = for_each_row(row, seeds)
    return [made[used.index(i)] if i in used else None for i in range(len(inputs))]
