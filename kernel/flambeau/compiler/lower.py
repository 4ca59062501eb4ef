"""From an operation that ran to instructions: its forward is run again on Syms, or called as is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..kernels import products
from ..ops.dropout import survivors
from .ir import Stop
from .symbolic import NAMESPACE, NUMPY, Opaque, Sym, constant, real, ufunc

LARGE = 1 << 14  # elements from which on an operation's own kernel is the better choice
# What is made of parts that are cheap one by one, however large the arrays are.
_ALWAYS = frozenset(
    (
        "add", "sub", "mul", "div", "true_divide", "neg", "linear", "matmul", "mm", "bmm", "relu",
        "reshape", "view", "transpose", "permute", "t", "expand", "select", "slice", "squeeze",
        "unsqueeze", "alias", "sum", "mean", "mse_loss", "cast", "clone", "contiguous", "flatten",
        "square", "sqrt", "tanh", "sigmoid", "exp", "log", "cross_entropy", "dropout", "unflatten",
        "add_", "copy", "clamp", "abs", "where", "le", "lt", "ge", "gt", "eq", "ne", "pow",
        "sum_to", "zeros_of", "addmm", "nll_loss",
    )
)  # fmt: skip


class Lowered(NamedTuple):
    """The values an operation gave, and what its node keeps."""

    results: list[Sym]
    kept: Any


def run(
    tracer: Any,
    op: Any,
    syms: Any,
    params: Any,
    outs: Any,
    node: Any,
    drew: bool,
    inplace: bool = False,
) -> Lowered:
    """Puts an operation on the tape."""
    tape = tracer.tape
    promoted = syms
    if op.promote is not None:
        promoted = op.promote(list(syms))
    if op.name == "copy":
        return Lowered([_copied(syms[0], syms[1])], _kept(node, promoted, None, (), params))
    mark = len(tape.code)
    large = max([s.size for s in promoted if s.__class__ is Sym], default=0) > LARGE
    try:
        if any(s.__class__ is Sym and narrow(s.dtype) for s in promoted):
            raise Opaque("floats of 16 bits, or complex numbers")
        if large and op.name not in _ALWAYS:
            raise Opaque("it is large")
        if op.name == "linear" and products.suits(*map(real, promoted)):
            raise Opaque("its own loop is faster than the product of a program")
        special = SPECIAL.get(op.name)
        if special is not None:
            made = special(tracer, op, promoted, params, outs, node)
        elif drew:
            raise Opaque("random numbers")
        else:
            made = op.forward(NUMPY, *promoted, *params)
        result: Any
        result, extras = (made[0], made[1:]) if op.extras else (made, ())
        results: list[Any] = list(result) if op.outputs != 1 else [result]
        if not inplace:  # else the input of the forward is gone: there is nothing to compare with
            _check(results, outs)
    except (
        Opaque,
        TypeError,
        AttributeError,
        ValueError,
        IndexError,
        KeyError,
        NotImplementedError,
    ):
        del tape.code[mark:]
        if inplace:
            raise Stop(f"{op.name} in place is not among what a program can do") from None
        return _called(tracer, op, promoted, params, outs, node, drew)
    whole = tuple(results) if op.outputs != 1 else results[0]
    return Lowered(results, _kept(node, promoted, whole, extras, params))


def narrow(dtype: Any) -> bool:
    """Whether forwards treat a type in a way of its own."""
    return bool(dtype.kind in "cV" or (dtype.itemsize == 2 and dtype.kind == "f"))


def _copied(x: Sym, source: Any) -> Sym:
    """``copy_``: the source in the shape and type of x."""
    if source.__class__ is not Sym:
        raise Stop("a number is written into a tensor")
    if source.shape != x.shape:
        source = NUMPY.broadcast_to(source, x.shape)
    return source.astype(x.dtype)


def _check(results: list[Any], outs: Any) -> None:
    if len(results) != len(outs):
        raise Opaque("another number of results")
    for sym, t in zip(results, outs, strict=True):
        if sym.__class__ is not Sym or sym.shape != t.array.shape or sym.dtype != t.array.dtype:
            raise Opaque("another result than that of the forward")
        if sym.dtype.kind == "f" and t._counter is not None:
            same = np.allclose(sym.numbers, t.array, rtol=1e-2, atol=1e-3, equal_nan=True)
            if not same:
                raise Opaque("other numbers than those of the forward")


class _Place:
    """Stands for one of (inputs, output, extras, params) while it is asked what a node keeps."""

    def __init__(self, at: int) -> None:
        self.at = at

    @property
    def shape(self) -> str:
        """Says that only the shape is kept."""
        return "shape"


def _kept(node: Any, inputs: Any, result: Any, extras: Any, params: Any) -> Any:
    """What a node keeps, with Syms for arrays."""
    if node is None or node.kept is None:
        return None
    values = (*inputs, result, *extras, *params)
    places = node.plan.keep([_Place(i) for i in range(len(values))])
    found = []
    for place, was in zip(places, node.kept, strict=True):
        value = was if place == "shape" else values[place.at]
        if value is None and was is not None and place.at == len(inputs):
            raise Stop(f"{node.plan.op.name} written in place keeps its own result")
        found.append(value)
    return found


# Called as it is


def _called(
    tracer: Any, op: Any, syms: Any, params: Any, outs: Any, node: Any, drew: bool
) -> Lowered:
    """An instruction that calls the forward."""
    tape = tracer.tape
    writes = WRITES.get(op.name, ())
    extras, kept_at = [], {}
    if node is not None and node.kept is not None and op.extras:
        count = len(syms) + 1
        total = count + len(op.extras) + len(params)
        places = node.plan.keep([_Place(i) for i in range(total)])
        for j, (place, real) in enumerate(zip(places, node.kept, strict=True)):
            if place != "shape" and count <= place.at < count + len(op.extras):
                kept_at[place.at - count] = (j, real)
    extras = [kept_at.get(i, (0, None))[1] for i in range(len(op.extras))]
    arrays = [t.array for t in outs]
    values = tape.emit("call", "draws" if drew else "writes" if writes else op.name, syms_to(syms),
                       [*arrays, *extras], params, _forward(op, params))  # fmt: skip
    results = [Sym(tape, v, a) for v, a in zip(values, arrays, strict=False)]
    others = [
        None if e is None else Sym(tape, v, e)
        for v, e in zip(values[len(arrays) :], extras, strict=True)
    ]
    for i in writes:
        if syms[i] is not None:
            _reload(tracer, syms[i])
    whole = tuple(results) if op.outputs != 1 else results[0]
    return Lowered(results, _kept(node, syms, whole, others, params))


def syms_to(syms: Any) -> list[Any]:
    """Values in place of Syms, also in tuples and lists."""
    found: list[Any] = []
    for s in syms:
        if s.__class__ is Sym:
            found.append(s.value)
        elif s.__class__ in (tuple, list):
            found.append(type(s)(syms_to(s)))
        else:
            found.append(s)
    return found


def _forward(op: Any, params: Any) -> Callable[..., Any]:
    def run(*arrays: Any) -> Any:
        made = op.forward(np, *arrays, *params)
        result, extras = (made[0], made[1:]) if op.extras else (made, ())
        results = result if op.outputs != 1 else (result,)
        return (*(np.asanyarray(r) for r in results), *extras)

    run.__name__ = op.name
    return run


def _reload(tracer: Any, sym: Sym) -> None:
    """After a forward has written into the memory of a state, that is what it holds."""
    for key, (t, value) in list(tracer.states.items()):
        if value is sym.value:
            if key in tracer.written:
                raise Stop("running statistics are written to twice")
            anew = tracer.tape.value(value.kind, value.shape, value.dtype, value.source)
            tracer.states[key] = (t, anew)
            known = tracer.known[key]
            tracer.know(t, Sym(tracer.tape, anew, known.array))
            return
    raise Stop("running statistics that are not the memory of a tensor")


# Inputs that a forward writes into.
WRITES = {"batch_norm": (3, 4)}

# Forwards whose control flow looks at numbers, which is moved to a check before the program


def classes_checked(tracer: Any, target: Any, count: int, ignored: int) -> None:
    """Has the program look at its start whether all targets are classes."""
    value = target.value
    if value.kind != "input" or 0 <= ignored < count or target.ndim != 1:
        raise Opaque("targets that are computed")
    if target.size and (target.numbers.min() < 0 or target.numbers.max() >= count):
        raise Opaque("targets are ignored")
    tracer.checks.append((value, count))


def picked(x: Sym, target: Any) -> Any:
    """x[n, target[n]], as a sum in which one entry of each row counts."""
    here = ufunc("equal", np.arange(x.shape[1]), target.reshape(-1, 1))
    return ufunc("where", here, x, x.dtype.type(0)).sum(1)


def placed(values: Any, target: Any, shape: Any) -> Any:
    """Zeros of that shape with values[n] at [n, target[n]]."""
    if len(shape) != 2:
        raise Opaque("places in more dimensions")
    here = ufunc("equal", np.arange(shape[1]), target.reshape(-1, 1))
    return ufunc("where", here, values[:, None], values.dtype.type(0))


def _cross_entropy(
    tracer: Any, op: Any, syms: Any, params: Any, outs: Any, node: Any
) -> tuple[Any, ...]:
    x, target, weight = syms
    ignored, reduction, smoothing = params
    if weight is not None or smoothing or x.ndim != 2 or x.shape[1] > 128 or not x.shape[0]:
        raise Opaque("a special form")
    classes_checked(tracer, target, x.shape[1], ignored)
    shifted = x - x.max(1, keepdims=True)
    e = ufunc("exp", shifted)
    mass = e.sum(1, keepdims=True)
    loss = ufunc("log", mass)[:, 0] - picked(shifted, target)
    share = x.dtype.type(1 / x.shape[0] if reduction == "mean" else 1)
    each = constant(tracer.tape, np.full(x.shape[0], share, x.dtype))
    if reduction == "mean":
        loss = loss * share
    total = loss if reduction == "none" else loss.sum()
    return total, e / mass, None, target, each, None, None


def _nll(tracer: Any, op: Any, syms: Any, params: Any, outs: Any, node: Any) -> tuple[Any, ...]:
    x, target, weight = syms
    ignored, reduction = params
    if weight is not None or x.ndim != 2 or x.shape[1] > 128 or not x.shape[0]:
        raise Opaque("a special form")
    classes_checked(tracer, target, x.shape[1], ignored)
    share = x.dtype.type(1 / x.shape[0] if reduction == "mean" else 1)
    each = constant(tracer.tape, np.full(x.shape[0], share, x.dtype))
    loss = -picked(x, target)
    loss = loss * share if reduction == "mean" else loss
    return (loss if reduction == "none" else loss.sum()), target, each


def _dropout(tracer: Any, op: Any, syms: Any, params: Any, outs: Any, node: Any) -> tuple[Any, ...]:
    (x,), (p, dims) = syms, params
    like = np.broadcast_to(x.dtype.type(0), x.shape)
    kept_array = None
    if node is not None and node.kept is not None:
        kept_array = next((k for k in node.kept if getattr(k, "dtype", None) == np.bool_), None)
    if kept_array is None:
        kept_array = np.broadcast_to(outs[0].array != 0, x.shape)
    draw = lambda: survivors(np, like, p, dims)  # noqa: E731
    (value,) = tracer.tape.emit("draw", "survivors", (), (kept_array,), (), draw)
    kept = Sym(tracer.tape, value, kept_array)
    out = x * kept
    return (out * x.dtype.type(1 / (1 - p)) if p < 1 else out), kept


SPECIAL = {"cross_entropy": _cross_entropy, "nll_loss": _nll, "dropout": _dropout}

NAMESPACE.place = placed
NAMESPACE.pick = picked
