"""The few hot loops that NumPy does badly, compiled by numba, each with a plain-array twin.

A family of loops is a file here. An operation's forward or rule asks `fast` whether its arrays are
such that compiled loops serve them, and runs its plain formula where they are not::

    if fast(x):
        return softmax.rows(x)
    e = xp.exp(x - x.max(-1, keepdims=True))
    ...

Everything works without numba, which is imported when a loop is first needed (`kernel`).
"""

from .compiled import Kernel, kernel
from .each import dense, each, run
from .gate import SMALL, fast
from .scratch import scratch
from .threads import spread

__all__ = ["SMALL", "Kernel", "dense", "each", "fast", "kernel", "run", "scratch", "spread"]
