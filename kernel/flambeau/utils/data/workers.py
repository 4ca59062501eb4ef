"""Loading batches ahead of time, in threads, in order.

Each worker is one thread with a queue of its own; batch i is worker i mod n's. NumPy lets other
threads run while it computes, and nothing needs to be copied between processes. Random numbers
drawn inside the workers come from the one stream that all threads share, in no fixed order.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, NamedTuple

from ...record.slot import unrecorded

END = object()  # what a worker gives when its iterable dataset has no more


class WorkerInfo(NamedTuple):
    """Which worker this is."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_here = threading.local()


def get_worker_info() -> WorkerInfo | None:
    """Which worker of a `DataLoader` this thread is; None in the main thread."""
    return getattr(_here, "info", None)


class Workers:
    """The threads of one pass through a loader.

    ``make_fetch()`` is called once in each, and gives the function from a task to a batch.
    """

    def __init__(self, loader: Any, make_fetch: Callable[[], Callable[[Any], Any]]) -> None:
        self.loader, self.make_fetch = loader, make_fetch
        self.count: int = loader.num_workers
        self.threads = [
            ThreadPoolExecutor(1, f"DataLoader worker {i}", self._begin, (i,))
            for i in range(self.count)
        ]

    def _begin(self, number: int) -> None:
        _here.info = WorkerInfo(number, self.count, number, self.loader.dataset)
        _here.fetch = None

    def _fetch(self, task: Any) -> Any:
        """Runs in the worker."""
        number = _here.info.id
        with unrecorded():
            try:
                if _here.fetch is None:
                    if self.loader.worker_init_fn is not None:
                        self.loader.worker_init_fn(number)
                    _here.fetch = self.make_fetch()
                return _here.fetch(task)
            except Exception as error:
                error.add_note(f"in DataLoader worker {number}, for samples {task}")
                raise

    def run(self, tasks: Iterator[Any]) -> Iterator[Any]:
        """The batches in the order of the tasks, some of them made ahead of time."""
        ahead = self.count * (self.loader.prefetch_factor or 2)
        waiting: deque[Future[Any]] = deque()
        given, ended = 0, 0
        try:
            while True:
                while len(waiting) < ahead and ended < self.count:
                    task = next(tasks, END)
                    if task is END:
                        break
                    waiting.append(self.threads[given % self.count].submit(self._fetch, task))
                    given += 1
                if not waiting:
                    return
                batch = self._result(waiting.popleft())
                if batch is END:
                    ended += 1
                else:
                    yield batch
        finally:
            for thread in self.threads:
                thread.shutdown(wait=False, cancel_futures=True)

    def _result(self, future: Future[Any]) -> Any:
        limit = self.loader.timeout or None
        try:
            return future.result(limit)
        except FutureTimeout:
            if future.done():  # the worker's own TimeoutError
                raise
            raise RuntimeError(f"DataLoader timed out after {limit} seconds") from None
