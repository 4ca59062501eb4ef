"""Forward-mode differentiation with dual tensors; mirrors ``torch.autograd.forward_ad``.

Inside `dual_level` a tensor may have a tangent. Every operation then gives its output one: the
gradient rule of an operation is linear in the gradient it starts from, so differentiating it with
respect to that gives the product of the Jacobian with the tangents. No rule is written twice.
"""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

from .. import random
from ..left_out import explain_all
from ..ops.registry import OPS
from ..tensor import Tensor, wrap
from . import engine, grad
from .grad_mode import enable_grad, is_grad_enabled
from .layers import Layer
from .node import Output

_level = -1
_carried: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()
_duals: list[weakref.ref[Tensor]] = []


class UnpackedDualTensor(NamedTuple):
    """A tensor and its tangent (None where it has none)."""

    primal: Tensor
    tangent: Tensor | None


def tangent_of(t: Any) -> Tensor | None:
    """The tangent that a tensor has at the present level."""
    return t.__dict__.get("_tangent") if isinstance(t, Tensor) else None


def _give(t: Tensor, tangent: Tensor | None) -> None:
    if tangent is None:
        t.__dict__.pop("_tangent", None)
    else:
        t.__dict__["_tangent"] = tangent
        _duals.append(weakref.ref(t))


class Pushing(Layer):
    """Gives outputs of operations the tangents that follow from those of their inputs."""

    rank = 10

    def apply(self, inner: Any, op: Any, inputs: Any, params: Any = ()) -> Any:
        """Runs an operation, and once more to find the tangent of what it gives."""
        tangents = [tangent_of(t) for t in inputs]
        if not any(t is not None for t in tangents) or not op.rules:
            return inner(op, inputs, params)
        state = random.get_rng_state() if op.extras else None
        out = inner(op, inputs, params)
        if state is not None:  # the second run is to draw the same numbers
            after = random.get_rng_state()
            random.set_rng_state(state)
        outs = out if out.__class__ is tuple else (out,)
        for t, tangent in zip(outs, _pushed(inner, op, inputs, params, tangents), strict=True):
            _give(t, tangent)
        if state is not None:
            random.set_rng_state(after)
        _carry(outs, tangents)
        return out

    def apply_inplace(self, inner: Any, op: Any, inputs: Any, params: Any = ()) -> Any:
        """The same for an operation that writes into its first input."""
        from ..ops.apply import apply

        tangents = [tangent_of(t) for t in inputs]
        if not any(t is not None for t in tangents):
            return inner(op, inputs, params)
        x = inputs[0]
        before = wrap(x.array.copy())
        before._node, before._needs_grad = x._node, x._node is not None
        out = inner(op, inputs, params)
        (tangent,) = _pushed(apply, op, (before, *inputs[1:]), params, tangents)
        base, own = x._base, tangent_of(x)
        if own is not None and tangent is not None and base is not None:
            own.array[...] = tangent.array  # views of one tensor share their tangents too
        else:
            _give(x, tangent)
        return out


def _variable(inner: Any, t: Tensor) -> Tensor:
    """A tensor as a variable of its own, without its tangent."""
    if t.requires_grad and is_grad_enabled():
        return inner(OPS["alias"], (t,), ())
    return t.detach().requires_grad_()


def _pushed(inner: Any, op: Any, inputs: Any, params: Any, tangents: Any) -> list[Any]:
    """The tangents of an operation's outputs."""
    taped = is_grad_enabled() and any(
        isinstance(t, Tensor) and t.requires_grad for t in (*inputs, *tangents)
    )
    own = [t if d is None else _variable(inner, t) for t, d in zip(inputs, tangents, strict=True)]
    with enable_grad():
        made = inner(op, tuple(own), params)
        outs = made if made.__class__ is tuple else (made,)
        chosen = [t for t, d in zip(own, tangents, strict=True) if d is not None]
        given = [d for d in tangents if d is not None]
        return jvp_of(outs, chosen, given, taped)


def jvp_of(outs: Any, inputs: Any, tangents: Any, taped: bool) -> list[Any]:
    """The tangents of outputs, from the graph that leads to them."""
    live = [i for i, t in enumerate(outs) if t.requires_grad]
    made: list[Any] = [None] * len(outs)
    if not live:
        return made
    seeds = [wrap(outs[i].array * 0).requires_grad_() for i in live]
    pulled = grad([outs[i] for i in live], inputs, seeds, True, True, allow_unused=True)
    pairs = [
        (g, d) for g, d in zip(pulled, tangents, strict=True) if g is not None and g.requires_grad
    ]
    found: Any = [None] * len(live)
    if pairs:
        roots, given = zip(*pairs, strict=True)
        found = grad(roots, seeds, given, True, taped, allow_unused=True)
    for i, seed, tangent in zip(live, seeds, found, strict=True):
        made[i] = wrap(seed.array * 0) if tangent is None else tangent
    return made


def _carry(outs: Any, tangents: Any) -> None:
    """Notes the tangents of what a node kept, for a forward derivative of its backward."""
    node = outs[0]._node
    if node is None:
        return
    main = node.parents[0] if node.__class__ is Output else node
    own = tangent_of(outs[0]) if len(outs) == 1 else None
    _carried[main] = [
        tangents[kind] if 0 <= kind < len(tangents) else own if kind == -1 else None
        for kind in main.plan.kinds
    ]


def _unpack_with_tangents(node: Any) -> Any:
    """What a node kept, as Tensors with their tangents."""
    values: Any = _plain_unpack(node)
    for i, tangent in enumerate(_carried.get(node, ()) if values is not None else ()):
        if tangent is not None and isinstance(values[i], Tensor):
            same = wrap(values[i].array)
            same._node, same._needs_grad = values[i]._node, values[i]._needs_grad
            if same._node is None and same._needs_grad:
                continue  # a leaf, which has its tangent itself
            _give(same, tangent)
            values[i] = same
    return values


_plain_unpack = engine.unpack
_pushing = Pushing()


def push_function(function: Any, ctx: Any, args: Any, made: Any) -> None:
    """Gives the outputs of a user's Function their tangents, by its ``jvp``."""
    tangents = [tangent_of(a) for a in args]
    if not any(t is not None for t in tangents):
        return
    saved, ctx._saved, stamps = ctx._saved, [(t, None) for t in ctx._forward], ctx._stamps
    ctx._stamps = [None] * len(ctx._forward)
    ctx.needs_input_grad = tuple(t is not None for t in tangents)
    try:
        found = function.jvp(ctx, *tangents)
    finally:
        ctx._saved, ctx._stamps = saved, stamps
    outs = made if isinstance(made, tuple) else (made,)
    for t, tangent in zip(outs, found if isinstance(found, tuple) else (found,), strict=True):
        if isinstance(t, Tensor):
            _give(t, tangent)


def enter_dual_level() -> int:
    """Begins a level at which tensors may have tangents; returns its number."""
    global _level
    if _level >= 0:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _level += 1
    engine.unpack = _unpack_with_tangents
    _pushing.switch_on()
    return _level


def exit_dual_level(*, level: int | None = None) -> None:
    """Ends the level: all tangents are gone."""
    global _level
    level = _level if level is None else level
    if level != _level or _level < 0:
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This "
            "is not supported."
        )
    _level -= 1
    engine.unpack = _plain_unpack
    _pushing.switch_off()
    for ref in _duals:
        if (t := ref()) is not None:
            _give(t, None)
    _duals.clear()
    _carried.clear()


class dual_level:  # noqa: N801
    """Inside it, `make_dual` gives tensors tangents."""

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *_: object) -> None:
        exit_dual_level()


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """The tensor, with a tangent that every operation carries on."""
    if _level < 0:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to "
            "enter_dual_level() first."
        )
    for name, t in (("primal", tensor), ("tangent", tangent)):
        if not (t.is_floating_point() or t.is_complex()):
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {t.dtype}")
    if tuple(tensor.shape) != tuple(tangent.shape):
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original "
            f"Tensor, this is not supported. Tensor is of size {list(tensor.shape)} while the "
            f"given forward gradient is of size {list(tangent.shape)}."
        )
    if tensor.dtype is not tangent.dtype:
        raise RuntimeError(
            f"a tangent has the type of its tensor, {tensor.dtype}; this one has {tangent.dtype}"
        )
    if tangent_of(tensor) is not None:
        raise RuntimeError("Cannot set a forward gradient on a tensor that already has one")
    made = OPS["alias"](tensor)
    _give(made, tangent)
    return made


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """A tensor without its tangent, and its tangent (None where it has none)."""
    tangent = tangent_of(tensor) if _level >= 0 else None
    if tangent is None:
        return UnpackedDualTensor(tensor, None)
    _give(tensor, None)
    try:
        primal = OPS["alias"](tensor)
    finally:
        _give(tensor, tangent)
    return UnpackedDualTensor(primal, tangent)


explain_all(__name__)
