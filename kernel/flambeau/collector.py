"""Python's garbage collector, set so that it stays out of the way of large graphs.

Nothing here needs it: reference counts alone free tensors and graphs. But it starts whenever some
thousands of objects were made, and now and then looks at all objects that there are, so that an
operation in a graph of 100,000 cost twice what it costs in a small one, and a program of many small
operations lost a tenth of its time (`benchmarks/scale.py`). Therefore, from the import on,

- it does not run while the package is imported: what is made then stays;
- nor does it look at what is there after the import (``gc.freeze``), if the program has only begun:
  where much was made before, that may yet become garbage, all of it is looked at as ever;
- it looks at everything else after 100 shorter looks, where Python's own setting is 10.

``FLAMBEAU_GC=0`` in the environment leaves it as it is, and so it stays where a program has set
``gc.set_threshold`` itself; ``gc.unfreeze()`` and ``gc.set_threshold(700, 10, 10)`` undo it.
"""

from __future__ import annotations

import gc
import os
import sys

_FULL = 100  # shorter looks before a full one
_wanted = os.environ.get("FLAMBEAU_GC", "1") != "0"
_before = gc.get_threshold()
# Of memory blocks a new process has some 50,000, and ten times as many with Jupyter's kernel in it.
_young = sys.getallocatedblocks() < 1_000_000

if _wanted and _before[0]:
    gc.set_threshold(1_000_000, *_before[1:])


class Witness:
    """Made after the import: the collector lists it until the program itself calls gc.freeze()."""


witness: Witness | None = None


def settle() -> None:
    """Ends what the import of this module began."""
    global witness
    _settle()
    witness = Witness()


def _settle() -> None:
    if not _wanted:
        return
    first, second, full = _before
    gc.set_threshold(first, second, _FULL if full == 10 else full)
    if not gc.get_freeze_count():
        gc.freeze()
        if not _young:
            gc.unfreeze()  # there and back: from the young objects to the old ones
