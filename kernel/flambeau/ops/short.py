"""The short way through `apply`, for what almost every operation is: one or two plain tensors.

Of a small operation the arithmetic is the smaller part of the cost, so these are written flat. They
do what `apply` does, less what does not occur here: views that are out of date, other devices,
types to be brought together. What is not plain goes to `apply`.
"""

from __future__ import annotations

from threading import get_ident
from time import perf_counter
from typing import Any

import numpy as np
from numpy import array, ndarray

from ..autograd.grad_mode import inference, off
from ..errors import explain
from ..record.slot import slot
from ..subclasses import PLAIN
from ..tensor import wrap
from .apply import apply, apply_inplace, as_array, kept_from_inference, share

LARGE = 1e30  # numbers beyond may be more than a type holds: `apply` sees to them
_REAL = frozenset((float, int))
_STILL = [0]  # the version counter of what cannot be written to
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def apply_one(op: Any, x: Any, params: tuple[Any, ...] = ()) -> Any:
    """``apply(op, (x,), params)``."""
    if (
        x.__class__ not in PLAIN
        or not op.direct
        or (x._view is not None and x._seen != x._counter[0])
    ):
        return apply(op, (x,), params)
    a = x.array
    if a.__class__ is not ndarray or (
        a.dtype is not FLOAT32 and a.dtype is not FLOAT64 and op.promote is not None
    ):
        return apply(op, (x,), params)
    recorder = slot.recorder
    started = perf_counter() if recorder is not None else 0.0
    try:
        result = op.forward(np, a, *params)
    except Exception as error:
        raise explain(op, (x,), params, error) from None
    if result.__class__ is not ndarray:
        result = as_array(result)
    out = wrap(result)
    if x._needs_grad and op.rules and not (off and get_ident() in off):
        dtype = result.dtype
        if dtype is FLOAT32 or dtype.kind in "fcV":
            plan = op.plans.get(0b11) or op.plan(0b11)
            parents = (x._node or x,)
            try:
                out._node = plan.node(
                    parents, a, None, result, params, x._counter, None, out._counter
                )
            except TypeError:  # a counter that is None
                raise kept_from_inference(op) from None
            out._needs_grad = True
    if op.view and result.base is not None:
        share(op, x, out, params)
    if inference and get_ident() in inference:
        out._counter = out._view = None
    if recorder is not None:
        recorder.finish(op, (x,), (a,), (out,), params, started)
    return out


def apply_two(op: Any, x: Any, y: Any, params: tuple[Any, ...] = ()) -> Any:
    """``apply(op, (x, y), params)``."""
    if y.__class__ not in PLAIN:
        if y.__class__ in _REAL:
            return apply_number(op, x, y, params)
        return apply(op, (x, y), params)
    if (
        x.__class__ not in PLAIN
        or not op.direct
        or (x._view is not None and x._seen != x._counter[0])
        or (y._view is not None and y._seen != y._counter[0])
    ):
        return apply(op, (x, y), params)
    a, b = x.array, y.array
    if (
        a.__class__ is not ndarray
        or b.__class__ is not ndarray
        or (
            ((dtype := a.dtype) is not b.dtype or (dtype is not FLOAT32 and dtype is not FLOAT64))
            and op.promote is not None
        )
    ):
        return apply(op, (x, y), params)
    recorder = slot.recorder
    started = perf_counter() if recorder is not None else 0.0
    try:
        result = op.forward(np, a, b, *params)
    except Exception as error:
        raise explain(op, (x, y), params, error) from None
    if result.__class__ is not ndarray:
        result = as_array(result)
    out = wrap(result)
    if (x._needs_grad or y._needs_grad) and op.rules and not (off and get_ident() in off):
        dtype = result.dtype
        if dtype is FLOAT32 or dtype.kind in "fcV":
            mask, before, beside = 0b100, None, None
            if x._needs_grad:
                mask, before = 0b110, x._node or x
            if y._needs_grad:
                mask, beside = mask + 1, y._node or y
            plan = op.plans.get(mask) or op.plan(mask)
            parents = (before, beside)
            try:
                out._node = plan.node(
                    parents, a, b, result, params, x._counter, y._counter, out._counter
                )
            except TypeError:  # a counter that is None
                raise kept_from_inference(op) from None
            out._needs_grad = True
    if op.view and result.base is not None:
        share(op, x, out, params)
    if inference and get_ident() in inference:
        out._counter = out._view = None
    if recorder is not None:
        recorder.finish(op, (x, y), (a, b), (out,), params, started)
    return out


def apply_number(
    op: Any, x: Any, number: Any, params: tuple[Any, ...] = (), turned: bool = False
) -> Any:
    """``apply(op, (x, number), params)``, or of ``(number, x)`` where they are turned round.

    NumPy computes with an array of no dimensions in half the time that it takes for a number.
    """
    how = (op.number_first if turned else op.number_second) or op.takes_number(turned)
    if (
        x.__class__ not in PLAIN
        or not op.direct
        or how < 0
        or (x._view is not None and x._seen != x._counter[0])
        or not -LARGE < number < LARGE
    ):
        return apply(op, (number, x) if turned else (x, number), params)
    a = x.array
    dtype = a.dtype
    if a.__class__ is not ndarray or (dtype is not FLOAT32 and dtype is not FLOAT64):
        return apply(op, (number, x) if turned else (x, number), params)
    recorder = slot.recorder
    started = perf_counter() if recorder is not None else 0.0
    b = array(number, dtype) if how == 1 else number
    try:
        result = op.forward(np, b, a, *params) if turned else op.forward(np, a, b, *params)
    except Exception as error:
        raise explain(op, (number, x) if turned else (x, number), params, error) from None
    if result.__class__ is not ndarray:
        result = as_array(result)
    out = wrap(result)
    if x._needs_grad and op.rules and not (off and get_ident() in off):
        dtype = result.dtype
        if dtype is FLOAT32 or dtype.kind in "fcV":
            mask, node, counter = 0b101 if turned else 0b110, x._node or x, x._counter
            plan = op.plans.get(mask) or op.plan(mask)
            try:
                out._node = (
                    plan.node((None, node), b, a, result, params, _STILL, counter, out._counter)
                    if turned
                    else plan.node(
                        (node, None), a, b, result, params, counter, _STILL, out._counter
                    )
                )
            except TypeError:  # a counter that is None
                raise kept_from_inference(op) from None
            out._needs_grad = True
    if inference and get_ident() in inference:
        out._counter = out._view = None
    if recorder is not None:
        inputs, given = ((number, x), (number, a)) if turned else ((x, number), (a, number))
        recorder.finish(op, inputs, given, (out,), params, started)
    return out


def apply_written(op: Any, inputs: Any, params: tuple[Any, ...] = ()) -> Any:
    """``apply_inplace(op, inputs, params)``.

    Short for what loops of one's own do by the thousand, ``p -= lr * p.grad`` under ``no_grad``:
    floats of one type (or numbers) written where no gradient is wanted.
    """
    x = inputs[0]
    if x.__class__ not in PLAIN or slot.recorder is not None or not op.direct:
        return apply_inplace(op, inputs, params)
    a, counter, graph = x.array, x._counter, not (off and get_ident() in off)
    dtype = a.dtype
    if (
        a.__class__ is not ndarray
        or (dtype is not FLOAT32 and dtype is not FLOAT64)
        or counter is None
        or (graph and x._needs_grad)
        or (x._view is not None and x._seen != counter[0])
    ):
        return apply_inplace(op, inputs, params)
    arrays = [a]
    for y in inputs[1:]:
        kind = y.__class__
        if kind in _REAL and (op.number_second or op.takes_number(False)) > 0:
            b = array(y, dtype) if op.number_second == 1 and -LARGE < y < LARGE else y
        elif (
            kind not in PLAIN
            or (b := y.array).__class__ is not ndarray
            or b.dtype is not dtype
            or (graph and y._needs_grad)
            or (y._view is not None and y._seen != y._counter[0])
        ):
            return apply_inplace(op, inputs, params)
        arrays.append(b)
    try:
        if op.write is None or op.write(np, *arrays, *params) is NotImplemented:
            made = op.forward(np, *arrays, *params)
            if made.dtype is not dtype or made.shape != a.shape:
                return apply_inplace(op, inputs, params)
            a[...] = made
    except Exception:  # which is raised again, and explained
        return apply_inplace(op, inputs, params)
    counter[0] += 1
    if x._view is not None:
        x._seen = counter[0]
    return x
