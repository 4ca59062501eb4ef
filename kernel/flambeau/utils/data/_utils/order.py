"""The order of an epoch: which samples come next, how far it is, and how to get there again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice, repeat
from typing import Any

import numpy as np

from ....ops.random import randint
from ....random import default_generator
from ....tensor import wrap
from .fetch import in_memory


class Order:
    """Goes through the sampler of a loader.

    An epoch is known by where the random streams were when it began: from there the same order
    is drawn again, and what was already given is passed over.
    """

    def __init__(self, loader: Any, resume: dict[str, Any] | None = None) -> None:
        self.sampler, self.iterable = loader._index_sampler, loader.iterable
        # Where tensors are indexed once for a batch, its numbers need not be Python's.
        at_once = not loader.num_workers and loader._auto_collation and in_memory(loader)
        self.begin = getattr(self.sampler, "slices", None) if at_once else None
        self.generators = _generators(loader)
        self.yielded, self.finished = 0, False
        self.num_workers = loader.num_workers
        going_on = resume is not None and not resume["finished"]
        same = resume is not None and going_on and resume["num_workers"] == self.num_workers
        # What is known of each worker, and whose batch is given next.
        self.kept = resume["workers"] if resume and same else [{}] * (self.num_workers or 1)
        self.next_worker = resume["next_worker"] if resume and same else 0
        if resume is not None:
            self._move(resume["generators"][1:], self.generators[1:])
        if resume is None or resume["finished"]:
            self.began, self.sampler_began = self._where(), _state_of(self.sampler)
            self._draw(loader.generator)
        else:
            self._resume(loader.generator, resume)

    def _draw(self, generator: Any) -> None:
        self.tasks: Iterator[Any] = iter(self.sampler) if self.begin is None else self.begin()
        self.base_seed = int(randint(0, 2**63 - 1, (), generator=generator).item())
        if not self.iterable:  # what the sampler draws, it draws now: with and without workers
            self.tasks = chain(list(islice(self.tasks, 1)), self.tasks)

    def _resume(self, generator: Any, resume: dict[str, Any]) -> None:
        now = default_generator.get_state()  # the common stream is the user's to restore
        self._move(resume["generators"][:1], self.generators[:1])
        self.began, self.sampler_began = resume["generators"], resume["sampler"]
        if self.sampler_began is not None:
            self.sampler.load_state_dict(self.sampler_began)
        self._draw(generator)
        self.yielded = resume["yielded"]
        if not self.iterable:
            first = list(islice(self.tasks, self.yielded + 1))[self.yielded :]
            self.tasks = chain(first, self.tasks)  # the sampler is one ahead, as it was
        default_generator.set_state(now)

    def __next__(self) -> Any:
        return next(self.tasks)

    def _where(self) -> list[bytes]:
        return [g.get_state().array.tobytes() for g in self.generators]

    def _move(self, states: list[bytes], generators: list[Any]) -> None:
        if len(states) != len(generators):
            raise ValueError(
                f"this state is of a loader with {len(states) + 1} generators of random numbers, "
                f"this one has {len(generators) + 1}: give it the same sampler and generator"
            )
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(wrap(np.frombuffer(state, np.uint8)))

    def gave(self, worker: int) -> None:
        """Notes that a batch of this worker was given."""
        self.yielded += 1
        if not self.num_workers and not self.iterable:
            return
        self.next_worker = (worker + 1) % (self.num_workers or 1)
        self.keep(worker, {"given": self.kept[worker].get("given", 0) + 1})

    def keep(self, worker: int, known: dict[str, Any]) -> None:
        """Notes what is known of a worker."""
        self.kept = list(self.kept)
        self.kept[worker] = {**self.kept[worker], **known}

    def kept_of(self, worker: int) -> dict[str, Any]:
        """What a worker needs to go on where it was."""
        kept = self.kept[worker]
        if not kept or not self.iterable:
            return kept
        task = next(self.tasks)  # of an iterable dataset, they are all the same
        return {**kept, "again": repeat(task, kept.get("given", 0))}

    def state_dict(self) -> dict[str, Any]:
        """How the epoch began and how far it is; after its end, where the next one will begin."""
        return {
            "finished": self.finished,
            "yielded": self.yielded,
            "num_workers": self.num_workers,
            "generators": self._where() if self.finished else self.began,
            "sampler": self.sampler_began,
            "workers": self.kept,
            "next_worker": self.next_worker,
        }


def place_of(loader: Any) -> dict[str, Any]:
    """The state of a loader that has not begun."""
    states = [g.get_state().array.tobytes() for g in _generators(loader)]
    return {"finished": True, "yielded": 0, "num_workers": loader.num_workers, "generators": states}


def _generators(loader: Any) -> list[Any]:
    """The random streams that the order depends on; first the common one."""
    inner = getattr(loader.batch_sampler, "sampler", None)
    owners = (loader, loader.sampler, loader.batch_sampler, inner)
    found = [default_generator, *(getattr(owner, "generator", None) for owner in owners)]
    return list({id(g): g for g in found if g is not None}.values())


def _state_of(sampler: Any) -> Any:
    stateful = hasattr(sampler, "state_dict") and hasattr(sampler, "load_state_dict")
    return sampler.state_dict() if stateful else None
