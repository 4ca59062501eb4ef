"""The CPU's memory: arrays that are freed are used again, not given back and fetched anew.

The C library gives a large block back to the system when it is freed. The next one is then made of
fresh pages, which the system has to find and clear: an elementwise operation on a large array takes
up to twice as long for it, and so does a training step with many of them. So glibc is asked
(``mallopt``) to take no block from the system for itself alone, and to keep what is freed.

``FLAMBEAU_ALLOCATOR=0`` in the environment leaves it as it is, and so it stays where the program's
environment sets it up itself (``MALLOC_...``, ``GLIBC_TUNABLES``) and on systems without glibc:
there the functions here do nothing.
"""

from __future__ import annotations

import os
import sys
from typing import Any

# Parameters of mallopt, from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_LARGEST = 2**31 - 1  # what mallopt takes

_library: Any = None  # glibc, once it has been set up
_limit: int | None = 2**30


def set_up() -> None:
    """Has blocks of any size come from the heap, whose free part is kept up to the limit."""
    global _library
    if sys.platform != "linux" or _told_otherwise():
        return
    import ctypes  # NumPy has imported it

    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version") and library.mallopt(_MMAP_MAX, 0):
        _library = library
        set_cache_limit(_limit)


def _told_otherwise() -> bool:
    return os.environ.get("FLAMBEAU_ALLOCATOR", "1") == "0" or any(
        name.startswith("MALLOC_") or (name == "GLIBC_TUNABLES" and "malloc" in value)
        for name, value in os.environ.items()
    )


def empty_cache() -> None:
    """Gives memory that no array uses back to the system."""
    if _library is not None:
        _library.malloc_trim(0)


def cache_limit() -> int | None:
    """How many bytes are kept at most for arrays to come; None: any number."""
    return _limit if _library is not None else 0


def set_cache_limit(limit: int | None) -> None:
    """Keeps so many bytes at most for arrays to come; None: any number.

    More than 2 GiB count as any number. What lies between blocks in use is kept in any case, until
    `empty_cache` is called.
    """
    global _limit
    if limit is not None and (not isinstance(limit, int) or limit < 0):
        raise ValueError(f"the limit is a number of bytes or None, not {limit!r}")
    if limit is not None and limit > _LARGEST:
        limit = None
    _limit = limit
    if _library is not None:
        _library.mallopt(_TRIM_THRESHOLD, -1 if limit is None else limit)


def memory_cached() -> int:
    """Bytes that are kept for arrays to come; 0 where nobody keeps any, or nobody can tell."""
    if _library is None or not hasattr(_library, "mallinfo2"):
        return 0
    import ctypes

    class Info(ctypes.Structure):  # glibc's mallinfo2
        _fields_ = [(name, ctypes.c_size_t) for name in _INFO]

    ask = _library.mallinfo2
    ask.restype = Info
    return int(ask().fordblks)


_INFO = (
    "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks",
    "keepcost",
)  # fmt: skip
