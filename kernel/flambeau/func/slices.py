"""How an operation runs on tensors under vmap: by its family's rule, or slice by slice."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import random
from ..autograd.layers import Layer
from ..errors import ValuesNeeded
from ..ops import registry
from ..ops.registry import OPS
from ..tensor import Tensor
from .batched import Batched, Level, Stand, batched, here, unwrap
from .rules import RULES
from .trees import flatten, spread, unflatten

RANDOM_OPS = {"dropout", "alpha_dropout", "rrelu"}


def deepest(values: Any) -> Level | None:
    """The innermost level among tensors and index arrays."""
    found = None
    for t in values:
        if t.__class__ is not Batched and t.__class__ is not Stand:
            continue
        if t.level is not None and (found is None or t.level.depth > found.depth):
            found = t.level
    return found


def _stands(params: Any) -> list[Any]:
    """The arrays among plain arguments that belong to tensors under vmap."""
    found = []
    for p in params:
        if p.__class__ is Stand:
            found.append(p)
        elif p.__class__ is tuple or p.__class__ is list:
            found += _stands(p)
    return found


class Mapping(Layer):
    """Looks for tensors under vmap among the inputs of every operation."""

    rank = 0

    def apply(self, inner: Any, op: Any, inputs: Any, params: Any = ()) -> Any:
        """Runs an operation, on all slices at once if one of its inputs has slices."""
        stands = _stands(params) if params else ()
        level = deepest((*inputs, *stands))
        if level is None:
            if op.name in RANDOM_OPS and here.levels:
                return _draw(inner, op, inputs, params)
            return inner(op, inputs, params)
        return mapped(op, inputs, params, level, stands)

    def apply_inplace(self, inner: Any, op: Any, inputs: Any, params: Any = ()) -> Any:
        """The same for an operation that writes into its first input."""
        stands = _stands(params) if params else ()
        level = deepest((*inputs, *stands))
        if level is None:
            return inner(op, inputs, params)
        x = inputs[0]
        if not isinstance(x, Batched) or x.level is not level:
            raise ValuesNeeded(
                f"vmap: inplace arithmetic({op.name}_) is not possible because there exists a "
                "Tensor `other` in its arguments that has more elements than `self`: `other` "
                "differs from slice to slice and `self` does not. Please use the out-of-place "
                "operation instead"
            )
        made = mapped(op, inputs, params, level, stands)
        _check_fit(op, x, made)
        registry.apply_written(OPS["copy"], (x.value, unwrap(made, level)))
        return x


def _check_fit(op: Any, x: Tensor, made: Tensor) -> None:
    if made.array.shape != x.array.shape:
        raise RuntimeError(
            f"output with shape {list(x.shape)} doesn't match the broadcast shape "
            f"{list(made.shape)}"
        )
    if not np.can_cast(made.array.dtype, x.array.dtype, "same_kind"):
        raise RuntimeError(
            f"result type {made.array.dtype} can't be cast to the desired output type "
            f"{x.array.dtype}"
        )


def _draw(inner: Any, op: Any, inputs: Any, params: Any) -> Any:
    """A random operation on a tensor that is the same in all slices."""
    level = _closed()
    if level is not None:
        check_randomness(level)
    if level is None or level.randomness != "different":
        return inner(op, inputs, params)
    return mapped(op, [batched(unwrap(t, level), level) for t in inputs], params, level, ())


def mapped(op: Any, inputs: Any, params: Any, level: Level, stands: Any) -> Any:
    """Runs an operation for all slices of a level."""
    flags = [t.__class__ is Batched and t.level is level for t in inputs]
    made = None
    rule = RULES.get(op.name)
    if op.name in RANDOM_OPS:
        rule = None if level.randomness != "different" else rule
        check_randomness(level)
    if rule is not None and (not stands or getattr(rule, "of_stands", False)):
        values = [t.value if flag else t for t, flag in zip(inputs, flags, strict=True)]
        with _allowed(level):
            made = rule(op, level.size, values, flags, params, level)
    if made is None:
        return one_by_one(
            lambda *a: registry.apply(op, a[0], a[1]), (tuple(inputs), params), {}, level
        )
    if isinstance(made, (tuple, list)):
        return tuple(batched(t, level) for t in made)
    return batched(made, level)


# Slice by slice


def one_by_one(call: Any, args: Any, kwargs: Any, level: Level) -> Any:
    """Calls a function on each slice of its arguments, and stacks what it gives."""
    leaves, tree = flatten((args, kwargs))
    results, state = [], None
    with _allowed(level):
        if level.randomness == "same":
            state = random.get_rng_state()
        for i in range(level.size):
            if state is not None:
                random.set_rng_state(state)
            given, named = unflatten([_slice(leaf, level, i) for leaf in leaves], tree)
            results.append(call(*given, **named))
    return _stacked(results, level)


def _slice(leaf: Any, level: Level, i: int) -> Any:
    if leaf.__class__ is Stand and leaf.level is level:
        return _row(leaf.value, i).array
    if leaf.__class__ is Batched and leaf.level is level:
        return _row(leaf.value, i)
    return leaf


def _row(value: Tensor, i: int) -> Tensor:
    return registry.apply(OPS["select_op"], (value,), ((i,),))


def _stacked(results: list[Any], level: Level) -> Any:
    if not results:
        raise RuntimeError("vmap: there are no slices, and this operation has no rule for none")
    flat = [flatten(r)[0] for r in results]
    tree = flatten(results[0])[1]
    made = []
    for column in zip(*flat, strict=True):
        if not all(isinstance(t, Tensor) for t in column):
            if all(t is column[0] or t == column[0] for t in column):
                made.append(column[0])
                continue
            raise ValuesNeeded("vmap: this gives plain values that differ from slice to slice")
        if len({tuple(t.array.shape) for t in column}) > 1:
            raise RuntimeError(
                "vmap: We do not support batching operators that can output dynamic shape: the "
                f"slices gave shapes {sorted({tuple(t.array.shape) for t in column})}"
            )
        made.append(batched(OPS["stack"](list(column), 0), level))
    return unflatten(made, tree)


# Composites that take a shape and a type from a tensor, and nothing else.
_CONSTANT = {
    *("zeros_like", "ones_like", "empty_like", "full_like"),
    *("new_zeros", "new_ones", "new_empty"),
}


def _first(args: Any, level: Level) -> Any:
    """Arguments with the first slice of each tensor."""
    return [_slice(a, level, 0) for a in args]


def composite(name: str, body: Any, args: Any, kwargs: Any, error: ValuesNeeded) -> Any:
    """Runs a composite that asked for values slice by slice; what stands behind `ValuesNeeded`."""
    level = deepest(flatten((args, kwargs))[0]) or _closed()
    writes = name.endswith("_") and not name.endswith("__")
    if level is None or (writes and deepest(args[:1]) is not level):
        raise error
    if name in _CONSTANT:
        made = _again(name, body, *_first(args, level), **kwargs)
        return batched(OPS["clone"](unwrap(made, level)), level)
    if name.startswith("as_strided"):  # an offset is counted from where a slice begins
        plain, body = body, lambda x, *rest, **named: plain(OPS["clone"](x), *rest, **named)
    try:
        made = one_by_one(functools.partial(_again, name, body), args, kwargs, level)
    except ValuesNeeded:
        raise error from None
    if any(t.__class__ not in (Batched, Tensor) for t in flatten(made)[0]):
        raise error
    return args[0] if writes else made


def _again(name: str, body: Any, *args: Any, **kwargs: Any) -> Any:
    """Runs a composite on one slice, which may be slices of a vmap further out."""
    try:
        return body(*args, **kwargs)
    except ValuesNeeded as error:
        return composite(name, body, args, kwargs, error)


def _front(t: Tensor, dim: int) -> Tensor:
    dim %= t.ndim
    order = (dim, *(i for i in range(t.ndim) if i != dim))
    return OPS["permute"](t, order) if dim else t


def mapped_function(function: Any, args: Any) -> Any:
    """Runs a user's Function under vmap as it says; NotImplemented where there are no slices."""
    from ..autograd.function import Function, VmapInfo

    level = deepest(flatten(args)[0])
    if level is None:
        return NotImplemented
    own = function.vmap is not Function.vmap
    if function.generate_vmap_rule:
        if own:
            raise RuntimeError(
                f"You tried to vmap over {function.__name__}, but it has both "
                "generate_vmap_rule=True and a vmap staticmethod. Keep one of them."
            )
        return one_by_one(function.apply, args, {}, level)
    if not own:
        raise RuntimeError(
            f"You tried to vmap over {function.__name__}, but it does not have vmap support. "
            "Please override and implement the vmap staticmethod or set generate_vmap_rule=True."
        )
    mine = [a.__class__ is Batched and a.level is level for a in args]
    values = [a.value if m else a for a, m in zip(args, mine, strict=True)]
    info = VmapInfo(level.size, level.randomness)
    made, dims = function.vmap(info, tuple(0 if m else None for m in mine), *values)
    leaves, tree = flatten(made)
    dims = spread(dims, tree) or []
    pairs = zip(leaves, dims, strict=True)
    outs = [t if d is None else batched(_front(t, d), level) for t, d in pairs]
    return unflatten(outs, tree)


# Random numbers


class _Open(threading.local):
    """The levels whose slices are being run one by one: each may draw."""

    def __init__(self) -> None:
        self.levels: list[Level] = []


_open = _Open()


def _closed() -> Level | None:
    """The innermost level whose slices are not being run one by one."""
    return next((one for one in reversed(here.levels) if one not in _open.levels), None)


@contextmanager
def _allowed(level: Level) -> Iterator[None]:
    _open.levels.append(level)
    try:
        yield
    finally:
        _open.levels.pop()


def check_randomness(level: Level) -> None:
    """RuntimeError where a function under vmap may draw no random numbers."""
    if level.randomness == "error":
        raise RuntimeError(
            "vmap: called random operation while in randomness error mode. Please either use the "
            "'same' or 'different' randomness flags on vmap or perform the randomness operation "
            "out of vmap"
        )


def before_drawing() -> None:
    """Called before random numbers are drawn while a vmap is running."""
    for level in here.levels:
        if level not in _open.levels:
            check_randomness(level)
            if level.randomness == "different":
                raise ValuesNeeded("vmap: random numbers differ from slice to slice")
