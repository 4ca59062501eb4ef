"""The short way through `apply`, for what almost every operation is: one or two plain tensors.

Of a small operation the arithmetic is the smaller part of the cost, so these are written flat. They
do what `apply` does, less what does not occur here: numbers among the inputs, views that are out of
date, other devices, types to be brought together. What is not plain goes to `apply`.
"""

from __future__ import annotations

from threading import get_ident
from time import perf_counter
from typing import Any

import numpy as np
from numpy import ndarray

from ..autograd.grad_mode import inference, off
from ..errors import explain
from ..record.slot import slot
from ..subclasses import PLAIN
from ..tensor import wrap
from .apply import apply, kept_from_inference, share

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
    if a.__class__ is not ndarray or (a.dtype is not FLOAT32 and a.dtype is not FLOAT64):
        return apply(op, (x,), params)
    recorder = slot.recorder
    started = perf_counter() if recorder is not None else 0.0
    try:
        result = op.forward(np, a, *params)
    except Exception as error:
        raise explain(op, (x,), params, error) from None
    if result.__class__ is not ndarray:
        result = np.asanyarray(result)
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
    if (
        x.__class__ not in PLAIN
        or y.__class__ not in PLAIN
        or not op.direct
        or (x._view is not None and x._seen != x._counter[0])
        or (y._view is not None and y._seen != y._counter[0])
    ):
        return apply(op, (x, y), params)
    a, b = x.array, y.array
    if (
        a.__class__ is not ndarray
        or b.__class__ is not ndarray
        or (dtype := a.dtype) is not b.dtype
        or (dtype is not FLOAT32 and dtype is not FLOAT64)
    ):
        return apply(op, (x, y), params)
    recorder = slot.recorder
    started = perf_counter() if recorder is not None else 0.0
    try:
        result = op.forward(np, a, b, *params)
    except Exception as error:
        raise explain(op, (x, y), params, error) from None
    if result.__class__ is not ndarray:
        result = np.asanyarray(result)
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
