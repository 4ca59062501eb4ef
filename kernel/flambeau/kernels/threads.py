"""Work on large arrays spread over threads, which wait without spinning."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

# With less work (elements touched) handing it over takes longer than it saves.
LARGE = 1 << 18


def _usual() -> int:
    """As many threads as BLAS and PyTorch would take."""
    wished = os.environ.get("OMP_NUM_THREADS", "")
    if wished.isdigit() and int(wished):
        return int(wished)
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


_threads = _usual()


def spread_over(threads: int) -> None:
    """How many threads `spread` uses from now on; ``flambeau.set_num_threads`` sets it."""
    global _threads
    _threads = threads


@functools.cache
def _pool(workers: int) -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(workers, thread_name_prefix="flambeau-kernel")


if hasattr(os, "register_at_fork"):  # a forked process has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)


def spread(run: Callable[..., Any], work: int, rows: tuple[Any, ...], *others: Any) -> None:
    """Calls ``run(*rows, *others)``, or, where there is much work, on pieces of ``rows`` at once.

    ``rows`` are arrays of the same length, cut along their first dimension; ``others`` are handed
    on whole. ``work`` is how many elements are touched in all.
    """
    workers = min(_threads, len(rows[0])) if work >= LARGE else 1
    if workers <= 1:
        run(*rows, *others)
        return
    edges = [len(rows[0]) * i // workers for i in range(workers + 1)]
    pieces = [[a[low:high] for a in rows] for low, high in pairwise(edges)]
    waiting = [_pool(workers - 1).submit(run, *piece, *others) for piece in pieces[1:]]
    run(*pieces[0], *others)
    for piece in waiting:
        piece.result()
