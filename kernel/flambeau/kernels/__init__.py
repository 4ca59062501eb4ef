"""The few hot loops that NumPy does badly, compiled by numba, each with a plain-array twin.

A family of loops is a file here. An operation's forward or rule asks `fast` whether its arrays are
such that compiled loops serve them, and runs its plain formula where they are not::

    if fast(x):
        return softmax.rows(x)
    e = xp.exp(x - x.max(-1, keepdims=True))
    ...

Everything works without numba, which is imported when a loop is first needed (`kernel`).
"""

from importlib import import_module
from typing import Any

from .compiled import Kernel, kernel
from .each import dense, each, run
from .gate import SMALL, fast
from .scratch import scratch
from .threads import spread

__all__ = ["SMALL", "Kernel", "dense", "each", "fast", "kernel", "run", "scratch", "spread"]


class _Later:
    """A file of loops, read when one of them is first asked for: most programs need few."""

    def __init__(self, name: str) -> None:
        self._file = f"{__name__}.{name}"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked by tools that look at everything there is: no loop
            raise AttributeError(name)
        found = import_module(self._file)
        self.__dict__.update(vars(found))
        return getattr(found, name)


activation, attention, classes, dropout, last, loss, masks, normed, optim, order = map(
    _Later,
    (
        "activation", "attention", "classes", "dropout", "last", "loss", "masks", "normed",
        "optim", "order",
    ),
)  # fmt: skip
planes, pointwise, pool, products, reduce, scan, softmax, softmax_middle, unrolled, winograd = map(
    _Later,
    (
        "planes", "pointwise", "pool", "products", "reduce", "scan", "softmax", "softmax_middle",
        "unrolled", "winograd",
    ),
)  # fmt: skip
