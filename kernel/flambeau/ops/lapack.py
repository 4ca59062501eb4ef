"""Routines of LAPACK that NumPy and CuPy lack, from SciPy: one matrix at a time, on the host."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from .bessel import scipy_of

_PREFIX = {"f": "s", "d": "d", "F": "c", "D": "z"}


def routine(name: str, dtype: Any) -> Callable[..., Any]:
    """The routine of that name for a type: ``getrf`` of float64 is ``dgetrf``."""
    return getattr(scipy_of(np, "linalg.lapack"), _PREFIX[np.dtype(dtype).char] + name)


def each(xp: Any, function: Callable[..., Any], lead: tuple[int, ...], *arrays: Any) -> tuple:
    """What ``function`` gives for each matrix of a batch of shape ``lead``, stacked again.

    The arrays are of shapes (*lead, ...); the function gets one entry of each and returns several.
    """
    hosts = [a if xp is np else xp.asnumpy(a) for a in arrays]
    flat = [a.reshape((prod(lead), *a.shape[len(lead) :])) for a in hosts]
    if prod(lead):
        rows = [function(*entries) for entries in zip(*flat, strict=True)]
    else:  # one that does not count, for the shapes and types
        rows = [function(*(np.ones(a.shape[1:], a.dtype) for a in flat))]
    stacked = (np.stack(parts)[: prod(lead)] for parts in zip(*rows, strict=True))
    return tuple(xp.asarray(a.reshape((*lead, *a.shape[1:]))) for a in stacked)
