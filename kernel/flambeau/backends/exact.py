"""The switch for exact kernels: ``flambeau.backends.exact.enabled = True``.

Compiled loops and fast algorithms (Winograd's convolution, sums in blocks) round differently from
the plain NumPy formulas, by a few units in the last place. With this switch on, only the plain
formulas run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

enabled = False


@contextmanager
def flags(enabled: bool = True) -> Iterator[None]:
    """Inside, the switch is so; afterwards as it was."""
    before = globals()["enabled"]
    globals()["enabled"] = enabled
    try:
        yield
    finally:
        globals()["enabled"] = before
