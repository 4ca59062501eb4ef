"""How an operation runs: once, forward, on arrays; and its node is hung on what it gives.

This is the hot path: every operation of every model goes through `apply`. There is one test for
the recorder, none for devices, debugging or hooks.
"""

from __future__ import annotations

from threading import get_ident
from time import perf_counter
from typing import Any

import numpy as np
from numpy import ndarray

from ..autograd.grad_mode import inference, off
from ..autograd.node import Node, Output
from ..device import cupy
from ..errors import explain, not_a_tensor
from ..record.slot import slot
from ..storage import address_of, steps_of
from ..subclasses import PLAIN, admitted
from ..tensor import NUMBERS, Tensor, wrap


def apply(op: Any, inputs: Any, params: Any = ()) -> Any:
    """Runs ``op`` on tensors (or numbers) and plain arguments; returns its output tensor.

    When a gradient is wanted of any input, the output gets a node that keeps what the gradient
    rules have asked for.
    """
    recorder = slot.recorder
    arrays, parents = [], []
    mask, wanted, xp, started = 1, False, np, 0.0
    for t in inputs:
        kind = t.__class__
        if kind in PLAIN or (kind not in NUMBERS and admitted(t)):
            if t._view is not None and t._seen != t._counter[0]:
                refresh(t)
            array = t.array
            arrays.append(array)
            if array.__class__ is not ndarray:
                xp = cupy() if not isinstance(array, ndarray) else np
            if t._needs_grad:
                parents.append(t._node or t)
                mask += mask + 1
                wanted = True
                continue
        elif kind in NUMBERS or isinstance(t, np.generic):
            arrays.append(t)
        else:
            raise not_a_tensor(op, t)
        parents.append(None)
        mask += mask
    if recorder is not None:
        given, started = arrays, perf_counter()
    try:
        if op.promote is not None:
            arrays = op.promote(arrays)
        result = op.forward(xp, *arrays, *params)
    except Exception as error:
        raise explain(op, inputs, params, error) from None
    extras: Any = ()
    if op.extras:
        result, *extras = result
    if off and get_ident() in off:
        wanted = False
    if op.outputs != 1:
        return _several(op, mask, inputs, parents, arrays, result, extras, params, wanted, started)
    if result.__class__ is not ndarray and xp is np:
        result = as_array(result)
    out = wrap(result)
    if wanted and op.rules and (dtype := result.dtype).kind in "fcV":
        plan = op.plans.get(mask) or op.plan(mask)
        kept = plan.keep((*arrays, result, *extras, *params))
        out._node = node = Node(plan, parents, kept, result.shape, dtype)
        out._needs_grad = True
        if plan.watch:
            _watch(node, plan, inputs, out)
    if op.view and result.base is not None:
        share(op, inputs[0], out, params)
    if inference and get_ident() in inference:
        out._counter = out._view = None
    if recorder is not None:
        recorder.finish(op, inputs, given, (out,), params, started)
    return out


def as_array(result: Any) -> Any:
    """What a forward gave, as an array: NumPy gives numbers where there are no dimensions."""
    is_array = isinstance(result, ndarray) or hasattr(result, "__cuda_array_interface__")
    return result if is_array else np.asarray(result)


def _attach(
    op: Any,
    mask: int,
    inputs: Any,
    parents: Any,
    arrays: Any,
    out: Tensor,
    extras: Any,
    params: Any,
) -> None:
    """Hangs a node on the output."""
    plan = op.plans.get(mask) or op.plan(mask)
    array = out.array
    kept = plan.keep((*arrays, array, *extras, *params))
    node = Node(plan, parents, kept, array.shape, array.dtype)
    if plan.watch:
        _watch(node, plan, inputs, out)
    out._node = node
    out._needs_grad = True


def _watch(node: Node, plan: Any, inputs: Any, out: Tensor) -> None:
    """Remembers the versions of the tensors kept, so that a later write to them is noticed."""
    counters = []
    stamp = 0
    for kind in plan.watch:
        t = out if kind < 0 else inputs[kind]
        if t.__class__ in PLAIN or isinstance(t, Tensor):
            counter = t._counter
            if counter is None:
                raise kept_from_inference(plan.op)
            counters.append(counter)
            stamp += counter[0]
    node.counters = counters
    node.stamp = stamp


def kept_from_inference(op: Any) -> RuntimeError:
    """The error for a tensor without a version counter that a gradient rule asks for."""
    return RuntimeError(
        f"{op.name}: a tensor made in inference_mode cannot be kept for the backward; clone it "
        "outside inference_mode first"
    )


def share(op: Any, base: Tensor, out: Tensor, params: Any) -> None:
    """Makes the output a view: it counts writes together with its base."""
    owner = out.array.base
    if op.view == "maybe" and owner is not base.array and owner is not base.array.base:
        return
    out._counter = base._counter
    if base._counter is not None:
        out._view = (base, op, params)
        out._seen = base._counter[0]


def _several(
    op: Any,
    mask: int,
    inputs: Any,
    parents: Any,
    arrays: Any,
    results: Any,
    extras: Any,
    params: Any,
    wanted: bool,
    started: float,
) -> tuple[Tensor, ...]:
    """The same for an operation that gives several tensors."""
    given = tuple(
        [
            r if r.__class__ is ndarray or not isinstance(r, np.generic) else np.asarray(r)
            for r in results
        ]
    )
    outs = tuple([wrap(r) for r in given])
    if wanted and op.rules:
        plan = op.plans.get(mask) or op.plan(mask)
        kept = plan.keep((*arrays, given, *extras, *params))
        shapes, dtypes = [r.shape for r in given], [r.dtype for r in given]
        main = Node(plan, parents, kept, shapes, dtypes)
        if plan.watch:
            _watch(main, plan, inputs, outs[op.reads])
        for i, out in enumerate(outs):
            if dtypes[i].kind in "fcV":
                out._node = Output(main, i, shapes[i], dtypes[i])
                out._needs_grad = True
    if op.view:
        shared, counter = (inputs[0], op, params), inputs[0]._counter
        for out in outs:
            out._counter = counter
            if counter is not None:
                out._view, out._seen = shared, counter[0]
    if inference and get_ident() in inference:
        for out in outs:
            out._counter = out._view = None
    if slot.recorder is not None:
        slot.recorder.finish(op, inputs, arrays, outs, params, started)
    return outs


def apply_inplace(op: Any, inputs: Any, params: Any = ()) -> Tensor:
    """Runs ``op`` and writes what it gives into its first input, which is returned."""
    x = inputs[0]
    if not isinstance(x, Tensor):
        raise not_a_tensor(op, x)
    if x._counter is None and get_ident() not in inference:
        raise RuntimeError(
            f"{op.name}_: a tensor made in inference_mode cannot be written to outside of it; "
            "x.clone() can"
        )
    recorder = slot.recorder
    tensors = [t for t in inputs if isinstance(t, Tensor)]
    for t in tensors:
        if t.__class__ not in PLAIN:
            admitted(t)
        if t._view is not None:
            refresh(t)
    for t in inputs:
        if not (isinstance(t, (Tensor, np.generic)) or t.__class__ in NUMBERS):
            raise not_a_tensor(op, t)
    wanted = any(t._needs_grad for t in tensors) and not (off and get_ident() in off)
    if wanted:
        _check_writable(op, x)
    arrays = [t.array if isinstance(t, Tensor) else t for t in inputs]
    parents = [(t._node or t) if isinstance(t, Tensor) and t._needs_grad else None for t in inputs]
    mask = int("1" + "".join("0" if p is None else "1" for p in parents), 2)
    xp = np if isinstance(x.array, ndarray) else cupy()
    kept, watched = arrays, inputs
    if recorder is not None:
        started = perf_counter()
    try:
        if wanted and 0 in (op.plans.get(mask) or op.plan(mask)).kinds:
            # The rules ask for x as it was before the write, which only a copy can tell.
            kept, watched = [x.array.copy(), *arrays[1:]], (None, *inputs[1:])
        extras = _write(op, xp, x, arrays, params)
    except Exception as error:
        raise explain(op, inputs, params, error) from None
    before = x._counter[0] if x._counter is not None else 0
    if wanted:
        made_by = x._node
        _attach(op, mask, watched, parents, kept, x, extras, params)
        _rewrite_stamp(x, op, mask)
        if made_by is not None and made_by.hooks:
            made_by.hand_on(x._node)
    if x._counter is not None:
        x._counter[0] = before + 1
    if wanted and x._view is not None:
        _rebase(x)
    if x._view is not None:
        x._seen = x._counter[0] if x._counter is not None else None
    if recorder is not None:
        recorder.finish(op, inputs, arrays, (x,), params, started)
    return x


def _rewrite_stamp(x: Tensor, op: Any, mask: int) -> None:
    """The output kept by an in-place op is the version after its own write; inputs are before."""
    if x._counter is not None:
        x._node.stamp += sum(1 for kind in op.plans[mask].watch if kind < 0)


def _write(op: Any, xp: Any, x: Tensor, arrays: Any, params: Any) -> Any:
    if op.write is not None and op.write(xp, *arrays, *params) is not NotImplemented:
        return ()
    if op.promote is not None:
        arrays = op.promote(arrays)
    result = op.forward(xp, *arrays, *params)
    extras: Any = ()
    if op.extras:
        result, *extras = result
    if result.shape != x.array.shape:
        raise RuntimeError(
            f"output with shape {x.array.shape} doesn't match the broadcast shape {result.shape}"
        )
    to = x.array.dtype
    whole = to.kind == "u" and result.dtype.kind == "i"  # which wraps around, as in PyTorch
    if result.dtype is not to and not (whole or np.can_cast(result.dtype, to, "same_kind")):
        raise RuntimeError(
            f"result type {result.dtype} can't be cast to the desired output type {x.array.dtype}"
        )
    x.array[...] = result
    return extras


def _check_writable(op: Any, x: Tensor) -> None:
    several = next((by.name for by, _ in _chain(x)[1] if by.outputs != 1), None)
    if several is not None:
        raise RuntimeError(
            f"{op.name}_: Output of {several}() is a view and is being modified inplace, and one "
            "of several that were made together: the gradient could not follow. Use the "
            "out-of-place operation, or clone it first"
        )
    if x._needs_grad and x._node is None:
        raise RuntimeError(
            f"{op.name}_: a leaf Variable that requires grad is being used in an in-place "
            "operation. Do it inside no_grad(), or on a copy (x.clone())"
        )
    base = x._base
    if base is not None and base._needs_grad and base._node is None:
        raise RuntimeError(
            f"{op.name}_: a view of a leaf Variable that requires grad is being used in an "
            "in-place operation. Do it inside no_grad(), or on a copy (x.clone())"
        )


def _chain(x: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
    """The base of a view, and the steps (op, params) that lead from it to the view."""
    steps = []
    while x._view is not None:
        x, op, params = _parent(x)
        steps.append((op, params))
    return x, tuple(reversed(steps))


def _parent(t: Tensor) -> Any:
    """What a view was made of and how: with the shape that it had then, if that was changed."""
    base, op, params = t._view
    while (before := base.__dict__.get("_before")) is not None and not _shows(t, base, op, params):
        base = before
    return base, op, params


def _shows(t: Tensor, base: Tensor, op: Any, params: Any) -> bool:
    """Whether the view of what ``base`` is now is t."""
    if op.outputs != 1:
        return True
    if op.name == "as_strided" and params[-1] != steps_of(base.array):
        return False
    try:
        made = op.forward(np if isinstance(base.array, ndarray) else cupy(), base.array, *params)
    except Exception:  # a shape that the view's arguments do not fit
        return False
    same = made.shape == t.array.shape and made.strides == t.array.strides
    return same and address_of(made) == address_of(t.array)


def _rebase(x: Tensor) -> None:
    """After a write through the view ``x``, its base's history is what was written."""
    from .views import write_view

    base, steps = _chain(x)
    parents = [(base._node or base) if base._needs_grad else None, x._node]
    mask = 0b111 if parents[0] is not None else 0b101
    _attach(write_view, mask, (base, x), parents, (base.array, x.array), base, (), (steps,))
    remake(x)


def refresh(t: Tensor) -> None:
    """Gives a view its history anew if its base was written to since it was made."""
    if t._counter is None or t._seen == t._counter[0]:
        return
    refresh_base = t._view[0]
    if refresh_base._view is not None:
        refresh(refresh_base)
    t._seen = t._counter[0]
    if refresh_base._needs_grad and not (off and get_ident() in off):
        remake(t)


def remake(t: Tensor) -> None:
    """Makes the node of a view again, on top of its base's present history."""
    base, op, params = _parent(t)
    if op.outputs != 1:
        raise RuntimeError(
            f"Output of {op.name}() is a view and its base or another view of its base has been "
            "modified inplace since. It is one of several that were made together, for which the "
            f"gradient cannot follow that; call {op.name}() after the write"
        )
    if base._view is not None and base is not t:
        remake(base)
    parents = [base._node or base]
    _attach(op, 0b11, (base,), parents, (base.array,), t, (), params)
