"""Workers that are threads: ``DataLoader(worker_type="thread")``.

Nothing is pickled or copied, and NumPy lets other threads run while it computes. The threads
share the process's streams of random numbers.
"""

from __future__ import annotations

import queue
import threading
from typing import Any

from ....record.slot import unrecorded
from .worker import Batch, Job, Worker

_LAST = object()


def _serve(job: Job, inbox: Any, outbox: Any) -> None:
    with unrecorded():
        worker = Worker(job)
        while (task := inbox.get()) is not _LAST:
            done = worker.answer(*task)
            if done.failure is not None:
                what = "" if job.iterable else f", for samples {task[1]}"
                done.failure.add_note(f"in DataLoader worker {job.id}{what}")
            outbox.put(done)


class Threads:
    """The worker threads of one iterator."""

    def __init__(self, jobs: list[Job]) -> None:
        self.outbox: Any = queue.SimpleQueue()
        self.inboxes: list[Any] = []
        for job in jobs:
            inbox: Any = queue.SimpleQueue()
            self.inboxes.append(inbox)
            threading.Thread(
                target=_serve,
                args=(job, inbox, self.outbox),
                name=f"DataLoader worker {job.id}",
                daemon=True,
            ).start()

    @property
    def alive(self) -> bool:
        """Whether they still take tasks."""
        return bool(self.inboxes)

    def send(self, worker: int, number: int, task: Any) -> None:
        """Hands a task to a worker."""
        self.inboxes[worker].put((number, task))

    def receive(self, timeout: float) -> Batch:
        """The next batch that any of them has made; `TimeoutError` after ``timeout`` seconds."""
        try:
            return self.outbox.get(timeout=timeout or None)
        except queue.Empty:
            raise TimeoutError from None

    def stop(self, patience: float = 0) -> None:
        """Ends them, each after the batch that it is making."""
        inboxes, self.inboxes = self.inboxes, []
        for inbox in inboxes:
            while not inbox.empty():  # tasks that nobody wants any more
                try:
                    inbox.get_nowait()
                except queue.Empty:
                    break
            inbox.put(_LAST)
