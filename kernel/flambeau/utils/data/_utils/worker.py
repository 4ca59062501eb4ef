"""What a worker does, be it a process or a thread: it takes tasks and gives batches."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .... import random as own_random
from .fetch import IterableFetcher, MapFetcher


class WorkerInfo(NamedTuple):
    """Which worker this is."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_here = threading.local()


def get_worker_info() -> WorkerInfo | None:
    """Which worker of a `DataLoader` runs this; None outside of workers."""
    return getattr(_here, "info", None)


@dataclass
class Job:
    """What a worker must know."""

    id: int
    num_workers: int
    dataset: Any
    iterable: bool
    batched: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    init: Callable[[int], None] | None
    base_seed: int
    own_process: bool  # then the global streams of random numbers are the worker's own
    resume: dict[str, Any] = field(default_factory=dict)


class Begin(NamedTuple):
    """The task that begins another epoch."""

    resume: dict[str, Any]


class Batch(NamedTuple):
    """What a worker gives for a task: a batch, or ``failure``, or that there are no more."""

    number: int
    data: Any = None
    failure: BaseException | None = None
    ended: bool = False
    state: dict[str, Any] | None = None  # of the worker after this batch; None: as before


def seed_all(base_seed: int, worker: int) -> None:
    """Gives the worker its own streams: Python's, NumPy's and this library's."""
    seed = (base_seed + worker) % 2**64
    random.seed(seed)
    own_random.manual_seed(seed)
    words = [worker, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(words).generate_state(4))


def streams() -> dict[str, Any]:
    """Where the streams of random numbers are, in plain numbers and arrays."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "flambeau": own_random.get_rng_state().array.tobytes(),
    }


def set_streams(state: dict[str, Any]) -> None:
    """Puts the streams where `streams` found them."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(tuple(state["numpy"]))
    own_random.default_generator.__setstate__(("cpu", state["flambeau"]))


class Fetching:
    """Makes batches of a dataset: from its beginning, or from where ``resume`` says."""

    def __init__(self, job: Job, resume: dict[str, Any]) -> None:
        self.dataset, self.iterable = job.dataset, job.iterable
        state = resume.get("dataset")
        if state is not None:
            self.dataset.load_state_dict(state)
        kind = IterableFetcher if job.iterable else MapFetcher
        fetcher: Any = kind(job.dataset, job.batched, job.collate_fn, job.drop_last)
        self.fetch = fetcher.fetch
        for task in resume.get("again", ()) if state is None else ():
            self.fetch(task)

    def dataset_state(self) -> Any:
        """The state of an iterable dataset that can tell it, else None."""
        told = self.iterable and hasattr(self.dataset, "load_state_dict")
        return self.dataset.state_dict() if told else None


class Worker:
    """Makes the batches of one worker, one after the other."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.known: Any = None  # the streams when they were last reported
        self.failure: BaseException | None = None
        seed = (job.base_seed + job.id) % 2**64
        _here.info = WorkerInfo(job.id, job.num_workers, seed, job.dataset)
        try:
            if job.own_process:
                seed_all(job.base_seed, job.id)
            if job.init is not None:
                job.init(job.id)
            self._begin(job.resume)
        except Exception as error:  # told with the first batch
            self.failure = error

    def _begin(self, resume: dict[str, Any]) -> None:
        self.fetching = Fetching(self.job, resume)
        if self.job.own_process and "streams" in resume:
            set_streams(resume["streams"])

    def answer(self, number: int, task: Any) -> Batch:
        """Does a task; whatever goes wrong is in the answer."""
        try:
            if isinstance(task, Begin):
                self.known, self.failure = None, None
                self._begin(task.resume)
                return Batch(number, state=self._state())
            if self.failure is not None:
                raise self.failure
            return Batch(number, self.fetching.fetch(task), state=self._state())
        except StopIteration as stop:
            if self.job.iterable:
                return Batch(number, ended=True)
            return Batch(number, failure=stop)
        except Exception as error:
            return Batch(number, failure=error)

    def _state(self) -> dict[str, Any] | None:
        """What it takes to go on after this batch, where that has changed."""
        found: dict[str, Any] = {}
        if self.job.own_process:
            now = streams()
            if not _same(now, self.known):
                found["streams"] = self.known = now
        state = self.fetching.dataset_state()
        if state is not None:
            found["dataset"] = state
        return found or None


def _same(a: dict[str, Any], b: dict[str, Any] | None) -> bool:
    return (
        b is not None
        and a["flambeau"] == b["flambeau"]
        and a["python"] == b["python"]
        and a["numpy"][2:] == b["numpy"][2:]
        and bool((a["numpy"][1] == b["numpy"][1]).all())
    )
