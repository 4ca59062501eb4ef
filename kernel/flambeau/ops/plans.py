"""What an operation's node keeps, and how its gradient rules are run on that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..autograd.node import Node
from .layers import LAYERS
from .signature import arguments_of

if TYPE_CHECKING:
    from .registry import Op


class Plan:
    """What a node keeps and which rules it runs, given which inputs want gradients."""

    __slots__ = (
        "holds", "holomorphic", "keep", "kinds", "node", "op", "others", "steps", "watch"
    )  # fmt: skip

    def __init__(self, op: Op, count: int, wanted: tuple[bool, ...]) -> None:
        rules = [r for r in op.rules if any(wanted[i] for i in r.positions(count))]
        names = list(dict.fromkeys(n for r in rules for n in r.kept))
        sources = [op.source(n, count) for n in names]
        self.op = op
        self.keep = _picker(sources)
        # For each kept value: the input it is, -1 for the output, -2 for anything else.
        self.kinds = [-2 if of_shape else _kind(i, count) for i, of_shape in sources]
        self.watch = [kind for kind in self.kinds if kind >= -1]
        plain = count == len(op.inputs) <= 2 and not op.variadic and not op.extras
        self.node = _node_maker(self, sources) if plain else None  # for `short`
        # Which kept values are neither inputs nor outputs: extras and plain arguments.
        self.others = [
            i for i, (at, shape) in enumerate(sources) if self.kinds[i] == -2 and not shape
        ]
        # Whether arrays are kept, which a backward lets go of; 2 where the operation does that.
        self.holds: int = any(not shape and i <= count + len(op.extras) for i, shape in sources)
        if op.release is not None:
            self.holds = 2
        # Each rule, ready to run: one gives the gradient of one input, or a tuple of all.
        self.steps = [
            (_runner(r, names, wanted), r.positions(count) if r.joint else r.positions(count)[0])
            for r in rules
        ]
        self.holomorphic = op.holomorphic


def _layered(rule: Rule) -> Callable[..., Any]:
    function = rule.function
    for layer in LAYERS:
        function = layer.rule(function)
    return function


def _kind(index: int, count: int) -> int:
    return index if index < count else -1 if index == count else -2


# A plan's small functions are written for it: with the places in them as constants they cost a
# third of what the same would as loops.


def _picker(sources: list[tuple[int, bool]]) -> Callable[[Any], tuple[Any, ...]]:
    """``lambda v: (v[1], v[0].shape,)``: what is kept, of (inputs, output, extras, params)."""
    return eval(f"lambda v: {_tuple([f'v[{i}]' + '.shape' * of_shape for i, of_shape in sources])}")


def _node_maker(plan: Plan, sources: list[tuple[int, bool]]) -> Callable[..., Node]:
    """Makes the node of an operation on one or two plain tensors, with versions watched.

    ``lambda parents, a, b, out, params, x, y: Node(plan, parents, (b,), out.shape, out.dtype,
    (y,), y[0])`` with x and y for the inputs' version counters; the output's is new and 0.
    """
    n = len(plan.op.inputs)
    places = [*"ab"[:n], "out", *(f"params[{i}]" for i in range(len(plan.op.params)))]
    kept = [places[i] + ".shape" * of_shape for i, of_shape in sources]
    counters = ["xy"[kind] for kind in dict.fromkeys(plan.watch) if kind >= 0]
    if -1 in plan.watch:
        counters.append("counter")
    versions = " + ".join(f"{c}[0]" for c in counters) or "0"
    made = (
        f"Node(plan, parents, {_tuple(kept)}, out.shape, out.dtype, {_tuple(counters)}, {versions})"
    )
    return eval(
        f"lambda parents, a, b, out, params, x, y, counter: {made}", {"Node": Node, "plan": plan}
    )


def _tuple(parts: list[str]) -> str:
    return f"({''.join(f'{p}, ' for p in parts)})"


def _runner(rule: Rule, names: list[str], wanted: tuple[bool, ...]) -> Callable[..., Any]:
    """``lambda ns, g, k: rule(g, k[0])``: runs a rule on what it named of what is kept."""
    given = ["ns"] if rule.takes_ns else []
    given += ["g", *("wanted" if n == "needs" else f"k[{names.index(n)}]" for n in rule.arguments)]
    return eval(
        f"lambda ns, g, k: rule({', '.join(given)})", {"rule": _layered(rule), "wanted": wanted}
    )


class Rule:
    """A gradient rule: its function, and what its signature asks for."""

    def __init__(self, op: Op, names: tuple[str, ...], function: Callable[..., Any]) -> None:
        arguments = list(arguments_of(function).names)
        self.takes_ns = arguments[0] == "ns"
        if arguments[self.takes_ns] != "g":
            raise TypeError(f"{op.name}: a gradient rule starts with g or with ns, g")
        self.op, self.names, self.function = op, names, function
        self.arguments = arguments[1 + self.takes_ns :]
        self.kept = [n for n in self.arguments if n != "needs"]
        self.joint = op.variadic or len(names) > 1

    def positions(self, count: int) -> tuple[int, ...]:
        """Which inputs it gives the gradients of, when there are ``count``."""
        if self.op.variadic:
            return tuple(range(count))
        return tuple(self.op.inputs.index(n) for n in self.names)
