"""What the transforms of ``func`` have in common: variables of their own, and gradients to them.

Transforms may be nested in each other and in ``vmap``, and no levels are needed for that: each
differentiates with respect to fresh variables, which hang in the graph below where that is wanted.
Inside ``vmap`` a fresh variable differs from slice to slice, so its gradient does too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from .. import autograd
from ..autograd.node import Node
from ..errors import ValuesNeeded
from ..ops.registry import OPS
from ..tensor import Tensor
from .batched import Batched, bottom, here, levels_of, rewrap, unwrap
from .trees import flatten

_serial = count()  # of variables: those of an inner transform are newer than those of an outer one


def fresh(x: Tensor) -> Tensor:
    """A variable with the value of a tensor, and its history if it has one."""
    for level in reversed(here.levels):
        x = unwrap(x, level)
    made = OPS["alias"](x) if x.requires_grad else x.detach().requires_grad_()
    made.__dict__["_serial"] = next(_serial)
    for level in here.levels:
        made = rewrap(made, level)
    return made


def is_taped(outputs: Sequence[Any], own: Sequence[Tensor]) -> bool:
    """Whether outputs depend on anything that wants a gradient besides these variables.

    Variables of transforms inside are no more than a means.
    """
    if any(bottom(t)._node is not None for t in own):
        return True
    first = min((bottom(t).__dict__["_serial"] for t in own), default=0)
    seen: set[int] = set()
    stack = [bottom(t)._node or bottom(t) for t in outputs if t.requires_grad]
    while stack:
        found = stack.pop()
        if id(found) in seen or found is None:
            continue
        seen.add(id(found))
        if isinstance(found, Node):
            stack += found.parents
        elif found.__dict__.get("_serial", -1) < first:
            return True
    return False


def gradients(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    seeds: Sequence[Tensor | None],
    create_graph: bool,
) -> list[Tensor]:
    """The gradients of outputs with respect to inputs; zeros where they do not depend on them."""
    pairs = [(t, g) for t, g in zip(outputs, seeds, strict=True) if t.requires_grad]
    found: Any = (None,) * len(inputs)
    if pairs:
        outs, gs = zip(*pairs, strict=True)
        found = autograd.grad(outs, inputs, gs, True, create_graph, allow_unused=True)
    both = zip(found, inputs, strict=True)
    return [OPS["zeros_of"](x.detach()) if g is None else g for g, x in both]


def for_each_row(
    function: Callable[..., list[Tensor]], rows: Any, randomness: str = "error"
) -> Any:
    """A function of tensors for each row of them: with vmap, or one by one where that cannot be."""
    from .mapping import vmap

    try:
        return vmap(lambda *ts: tuple(function(*ts)), randomness=randomness)(*rows)
    except ValuesNeeded:
        each = [function(*(t[i] for t in rows)) for i in range(len(rows[0]))]
        return tuple(OPS["stack"](list(column), 0) for column in zip(*each, strict=True))


def variables_of(value: Any) -> tuple[list[Tensor], Any]:
    """The tensors to differentiate by and their structure; ValueError for anything else."""
    leaves, tree = flatten(value)
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(leaf)}")
    return leaves, tree


def tensors_of(what: str, value: Any) -> tuple[list[Tensor], Any]:
    """The tensors of a nested value and its structure; RuntimeError if there is anything else."""
    leaves, tree = flatten(value)
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise RuntimeError(f"{what}: expected only tensors, got {type(leaf).__name__}")
    return leaves, tree


def let_go(value: Tensor, taped: bool) -> Tensor:
    """A result for the user: outside the graph unless something outside wants gradients of it."""
    return value if taped else value.detach()


# autograd.grad inside vmap


def physical(outputs: Any, inputs: Any, seeds: Any) -> Any:
    """Outputs, inputs and seeds with all slices, and what brings a gradient back under vmap."""
    levels = {one.depth: one for t in (*outputs, *inputs) for one in levels_of(t)}
    levels_up = [levels[depth] for depth in sorted(levels)]
    if not levels_up:
        return outputs, inputs, seeds, None
    for t in inputs:
        if len(levels_of(t)) != len(levels_up):
            raise RuntimeError(
                "autograd.grad under vmap: one of the differentiated Tensors is the same for all "
                "slices, while the outputs differ; torch.func.grad gives a gradient for each slice"
            )
    seeds = [_ones(t) if g is None else g for t, g in zip(outputs, seeds, strict=True)]
    for level in reversed(levels_up):
        outputs, seeds = [[unwrap(t, level) for t in ts] for ts in (outputs, seeds)]

    def back(g: Any) -> Any:
        for level in levels_up:
            g = rewrap(g, level)
        return g

    return outputs, [bottom(t) for t in inputs], seeds, back


def _ones(t: Tensor) -> Tensor:
    if t.numel() != 1:
        raise RuntimeError(
            "grad can be implicitly created only for scalar outputs, and this one has shape "
            f"{tuple(t.shape)}: reduce it first (.sum(), .mean()), or pass grad_outputs="
        )
    return OPS["zeros_of"](t.detach()) + 1


def differs(t: Any) -> bool:
    """Whether a tensor has slices of a vmap."""
    return isinstance(t, Batched)
