"""Room for what a computation needs only while it runs, kept for the next one.

A large fresh array costs more than what is done with it: the system hands out its pages one by
one, zeroed, at the first touch of each.
"""

from __future__ import annotations

import threading
from math import prod
from typing import Any

import numpy as np

LARGEST = 1 << 20  # numbers (4 MB); what is larger is made and freed each time

_mine = threading.local()


def scratch(name: str, *shape: int) -> Any:
    """A float32 array of a shape, with anything in it, that is this thread's until its next call.

    ``name`` tells apart what is in use at the same time.
    """
    size = prod(shape)
    if size > LARGEST:
        return np.empty(shape, np.float32)
    held = _mine.__dict__.get(name)
    if held is None or held.size < size:
        held = _mine.__dict__[name] = np.empty(size, np.float32)
    return held[:size].reshape(shape)
