"""When compiled loops run: the same question for every operation, answered the same each time."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy import ndarray

from ..backends import exact

# Fewer elements are NumPy's: a small program never waits for numba.
SMALL = 2048
_FLOAT32 = np.dtype(np.float32)


@cache
def installed() -> bool:
    """Whether numba is there. ``FLAMBEAU_NUMBA=0`` in the environment says no."""
    return os.environ.get("FLAMBEAU_NUMBA", "1") != "0" and find_spec("numba") is not None


def switched_on() -> bool:
    """Whether compiled loops may run at all."""
    return not exact.enabled and installed()


def fast(x: Any, *others: Any, small: int = SMALL) -> bool:
    """Whether compiled loops serve these arrays: NumPy's, float32, in C order, ``x`` not small.

    It depends on shapes, types and layout alone, so a program rounds the same in every run.
    """
    return (
        x.__class__ is ndarray
        and x.size >= small
        and _plain(x)
        and all(_plain(a) for a in others)
        and switched_on()
    )


def _plain(a: Any) -> bool:
    return a.__class__ is ndarray and a.dtype is _FLOAT32 and a.flags.c_contiguous


_INT64 = np.dtype(np.int64)


def fast_moves(x: Any, *indices: Any, work: int, small: int = SMALL) -> bool:
    """Whether loops that move elements serve: of 4 or 8 bytes, NumPy's, in C order, ``work`` many.

    The indices are int64 in C order.
    """
    return (
        work >= small
        and x.__class__ is ndarray
        and x.dtype.kind in "fiu"
        and x.itemsize in (4, 8)
        and x.flags.c_contiguous
        and all(i.dtype is _INT64 and i.flags.c_contiguous for i in indices)
        and switched_on()
    )
