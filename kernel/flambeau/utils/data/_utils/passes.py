"""One pass through a loader: the iterators that `DataLoader` gives."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterator
from typing import Any

from ....cuda import is_available
from .order import Order
from .processes import Processes
from .threads import Threads
from .worker import Batch, Begin, Fetching, Job


class Pass:
    """What the iterators with and without workers have in common."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader
        if loader.pin_memory and not is_available():
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, "
                "then device pinned memory won't be used.",
                stacklevel=4,
            )

    def _start(self, resume: dict[str, Any] | None) -> None:
        """Begins an epoch, or goes on where ``resume`` says."""
        self.order = Order(self.loader, resume)
        self.len_called = self.loader._IterableDataset_len_called

    def __iter__(self) -> Iterator[Any]:
        return self

    def __len__(self) -> int:
        return len(self.loader._index_sampler)

    def __next__(self) -> Any:
        try:
            worker, data = self._next_data()
        except StopIteration:
            self.order.finished = True
            raise
        self.order.gave(worker)
        if self.len_called is not None and self.order.yielded > self.len_called:
            self._warn_of_length()
        return data

    def _next_data(self) -> tuple[int, Any]:
        """The next batch, and the worker that made it."""
        raise NotImplementedError

    def _warn_of_length(self) -> None:
        text = (
            f"Length of IterableDataset {self.loader.dataset} was reported to be "
            f"{self.len_called} (when accessing len(dataloader)), but {self.order.yielded} samples "
            "have been fetched. "
        )
        if self.loader.num_workers > 0:
            text += (
                "Each worker has a copy of the dataset: get_worker_info() in its __iter__ tells "
                "which share is whose. "
            )
        warnings.warn(text, stacklevel=3)

    def _job(self, number: int, resume: dict[str, Any]) -> Job:
        loader = self.loader
        return Job(
            id=number,
            num_workers=loader.num_workers,
            dataset=loader.dataset,
            iterable=loader.iterable,
            batched=loader._auto_collation,
            collate_fn=loader.collate_fn,
            drop_last=loader.drop_last,
            init=loader.worker_init_fn,
            base_seed=self.order.base_seed,
            own_process=loader.num_workers > 0 and loader.worker_type == "process",
            resume=resume,
        )

    def __getstate__(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} cannot be pickled")


class SinglePass(Pass):
    """Makes the batches here, when they are asked for."""

    def __init__(self, loader: Any, resume: dict[str, Any] | None) -> None:
        super().__init__(loader)
        if loader.timeout:
            raise AssertionError("timeout is for workers: with num_workers=0 it must be 0")
        self._start(resume)
        self.fetching = Fetching(self._job(0, {}), self.order.kept_of(0))
        self._keep()

    def _keep(self) -> None:
        state = self.fetching.dataset_state()
        if state is not None:
            self.order.keep(0, {"dataset": state})

    def _next_data(self) -> tuple[int, Any]:
        data = self.fetching.fetch(next(self.order))
        self._keep()
        return 0, data


class WorkersPass(Pass):
    """Lets workers make the batches ahead of time."""

    def __init__(self, loader: Any, resume: dict[str, Any] | None) -> None:
        super().__init__(loader)
        self.count: int = loader.num_workers
        self._begin(resume)

    def _begin(self, resume: dict[str, Any] | None) -> None:
        """Starts the workers."""
        self._start(resume)
        jobs = [self._job(i, self.order.kept_of(i)) for i in range(self.count)]
        if self.loader.worker_type == "thread":
            self.pool: Any = Threads(jobs)
        else:
            self.pool = Processes(jobs, self.loader.multiprocessing_context)
        self.close = weakref.finalize(self, self.pool.stop)
        self._hand_out()

    def _start(self, resume: dict[str, Any] | None) -> None:
        super()._start(resume)
        self.turn = self.order.next_worker  # tasks go to the workers in turn
        self.sent = 0
        self.waiting: dict[int, int] = {}  # tasks handed out, and to whom
        self.arrived: dict[int, Batch] = {}
        self.ended = [False] * self.count

    def again(self, resume: dict[str, Any] | None) -> None:
        """Begins another epoch with the same workers, where they still run."""
        if not self.pool.alive:
            self.close()
            self._begin(resume)
            return
        self._start(resume)
        for worker in range(self.count):
            self.pool.send(worker, -1 - worker, Begin(self.order.kept_of(worker)))
        missing = set(range(self.count))
        while missing:  # what is left of the last epoch comes first
            batch = self._receive()
            if batch.number < 0:
                if batch.failure is not None:
                    raise batch.failure
                missing.discard(-1 - batch.number)
                self.order.keep(-1 - batch.number, batch.state or {})
        self._hand_out()

    def _next_data(self) -> tuple[int, Any]:
        while True:
            self._hand_out()
            if not self.waiting:
                if not self.loader.persistent_workers:
                    self.close()
                raise StopIteration
            batch = self._next_batch()
            worker = self.waiting.pop(batch.number)
            if batch.ended:
                continue
            self._hand_out()  # the next one is made while this one is used
            if batch.failure is not None:
                raise batch.failure
            self.order.keep(worker, batch.state or {})
            return worker, batch.data

    def _next_batch(self) -> Batch:
        """The batch of the next task; without ``in_order``, any that has arrived."""
        if not self.pool.alive and not self.arrived:
            raise RuntimeError("the workers of this iterator have ended; iter(loader) starts anew")
        if not self.loader.in_order:
            return self.arrived.pop(min(self.arrived)) if self.arrived else self._receive()
        number = min(self.waiting)
        while number not in self.arrived:
            batch = self._receive()
            self.arrived[batch.number] = batch
        return self.arrived.pop(number)

    def _receive(self) -> Batch:
        """What a worker gives next. Whatever interrupts the wait ends the workers."""
        limit = self.loader.timeout
        try:
            batch = self.pool.receive(limit)
        except BaseException as error:
            self.close.detach()
            self.pool.stop(patience=0)
            if isinstance(error, TimeoutError):
                raise RuntimeError(
                    f"DataLoader timed out after {limit} seconds. A worker was still making its "
                    "batch: a larger timeout=, or 0 for none, lets it finish"
                ) from None
            raise
        if batch.ended and batch.number in self.waiting:
            self.ended[self.waiting[batch.number]] = True
        return batch

    def _hand_out(self) -> None:
        """Hands out tasks, as far ahead as is wanted."""
        ahead = max(self.loader.prefetch_factor, 1)
        while len(self.waiting) < ahead * self.count and not all(self.ended):
            worker = self._whose_turn(ahead)
            if worker is None:
                return
            try:
                task = next(self.order)
            except StopIteration:
                return
            self.waiting[self.sent] = worker
            self.pool.send(worker, self.sent, task)
            self.sent += 1
            self.turn = (worker + 1) % self.count

    def _whose_turn(self, ahead: int) -> int | None:
        load = [0] * self.count
        for number, worker in self.waiting.items():
            load[worker] += number not in self.arrived
        for step in range(self.count):
            worker = (self.turn + step) % self.count
            if not self.ended[worker] and (self.loader.in_order or load[worker] < ahead):
                return worker
        return None
