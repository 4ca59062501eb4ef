"""Choosing by a mask, without a branch for each element."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .gate import SMALL, fast_moves
from .places import bits


@kernel
def _choose(mask, x, y, out):
    """out = x where the mask holds, else y; both are read, so that nothing branches"""
    for i in range(len(out)):
        a, b = x[i], y[i]
        out[i] = a if mask[i] else b


@kernel
def _choose_number(mask, x, y, out):
    """out = the number x where the mask holds, else y"""
    for i in range(len(out)):
        b = y[i]
        out[i] = x if mask[i] else b


@kernel
def _choose_or_number(mask, x, y, out):
    """out = x where the mask holds, else the number y"""
    for i in range(len(out)):
        a = x[i]
        out[i] = a if mask[i] else y


_BOOL = np.dtype(np.bool_)


def _serves(mask, array):
    """Whether a mask can be stretched over an array, and both are such that a loop serves them."""
    if mask.__class__ is not np.ndarray or mask.dtype is not _BOOL:
        return False
    if not fast_moves(array, work=getattr(array, "size", 0)):
        return False
    if mask.shape == array.shape:
        return True
    pairs = zip(reversed(mask.shape), reversed(array.shape), strict=False)
    return mask.ndim <= array.ndim and all(n in (1, m) for n, m in pairs)


def chosen(mask, x, y):
    """x where the mask holds, else y, of which one may be a number; None where NumPy does it."""
    if mask.size < SMALL and getattr(x, "size", 1) < SMALL > getattr(y, "size", 1):
        return None
    array, other = (x, y) if getattr(x, "ndim", 0) else (y, x)
    if not _serves(mask, array):
        return None
    if getattr(other, "ndim", 0) and not _twins(array, other):
        return None
    out = np.empty(array.shape, array.dtype)
    _choose_into(out, mask, x, y)
    return out


def _twins(x, y):
    return x.shape == y.shape and x.dtype is y.dtype and y.flags.c_contiguous


def _choose_into(out, mask, x, y):
    """Writes what `chosen` gives; ``out`` may be x or y."""
    if mask.shape != out.shape:
        mask = np.broadcast_to(mask, out.shape)
    if not mask.flags.c_contiguous:
        mask = mask.copy()
    if not getattr(x, "ndim", 0):
        _choose_number(_line(mask), _number(x, out.dtype), _line(y), _line(out))
    elif not getattr(y, "ndim", 0):
        _choose_or_number(_line(mask), _line(x), _number(y, out.dtype), _line(out))
    else:
        _choose(_line(mask), _line(x), _line(y), _line(out))


_AS_THEY_ARE = (_BOOL, np.dtype(np.float32))


def _line(a):
    """All elements in a row, as bits unless they are of the usual types."""
    a = a if a.ndim == 1 else a.reshape(-1)
    return a if a.dtype in _AS_THEY_ARE else bits(a)


def _number(value, dtype):
    """A number as an array of that type would hold it."""
    return _line(np.array(value, dtype).reshape(1))[0]


def filled(x, mask, value):
    """Writes a number into x where the mask holds; False where NumPy must do it."""
    if x.size < SMALL or not _serves(mask, x):
        return False
    _choose_into(x, mask, value, x)
    return True
