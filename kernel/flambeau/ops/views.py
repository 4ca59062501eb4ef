"""How a write through a view reaches the gradient of its base.

``steps`` are the (op, params) that lead from a base to the view; they are replayed on the
gradient, which has the base's shape.
"""

from __future__ import annotations

from typing import Any

from .registry import op


def _follow(xp: Any, array: Any, steps: Any) -> Any:
    if not array.flags.c_contiguous and any(step.name == "as_strided" for step, _ in steps):
        raise RuntimeError(
            "a write through as_strided() into a tensor that is not contiguous: the gradient could "
            "not follow. x.contiguous() can be written to"
        )
    for step, params in steps:
        array = step.forward(xp, array, *params)
    return array


@op(on="")
def write_view(xp, base, part, /, steps):
    """The base with ``part`` written where ``steps`` lead."""
    out = base.copy("K")
    _follow(xp, out, steps)[...] = part
    return out


@op(on="")
def read_view(xp, x, /, steps):
    """A copy of what ``steps`` lead to."""
    rows = x if x.flags.c_contiguous else x.copy("C")
    return _follow(xp, rows, steps).copy()


write_view.gradients(
    base=lambda ns, g, steps: ns.write_view(g, 0.0, steps),
    part=lambda ns, g, steps: ns.read_view(g, steps),
)
read_view.gradients(
    x=lambda ns, g, x_shape, steps: ns.write_view(
        ns.expand(ns.zeros_of(ns.sum(g)), tuple(x_shape)), g, steps
    )
)
