"""`DataLoader`: goes through a dataset in batches."""

from __future__ import annotations

import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator
from multiprocessing.context import BaseContext
from typing import Any

from ._utils.collate import default_collate, default_convert
from ._utils.order import Order, place_of
from ._utils.passes import Pass, SinglePass, WorkersPass
from ._utils.worker import get_worker_info
from .dataset import IterableDataset
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class _InfiniteConstantSampler(Sampler[None]):
    """For datasets whose samples have no numbers."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


class _DatasetKind:
    """How the samples of a dataset are reached."""

    Map = 0
    Iterable = 1


class DataLoader:
    """Goes through a dataset in batches; each ``for batch in loader`` is one epoch.

    ``shuffle`` takes the samples in a new random order every epoch, reproducible from
    ``manual_seed`` or ``generator``. ``batch_size=None`` gives single samples. ``num_workers``
    processes (with ``worker_type="thread"``, threads) load ``prefetch_factor`` batches each
    ahead, in order. `state_dict` remembers a place within an epoch.
    Mirrors ``torch.utils.data.DataLoader``.

    >>> import flambeau as fb
    >>> data = fb.utils.data.TensorDataset(fb.arange(5))
    >>> [x.tolist() for (x,) in fb.utils.data.DataLoader(data, batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    __initialized = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        worker_type: str = "process",
    ) -> None:
        self.dataset, self.num_workers, self.timeout = dataset, num_workers, timeout
        self.worker_init_fn, self.generator, self.worker_type = (
            worker_init_fn,
            generator,
            worker_type,
        )
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.persistent_workers, self.in_order = persistent_workers, in_order
        self.prefetch_factor = prefetch_factor
        self._check_workers()
        self.multiprocessing_context = multiprocessing_context
        self.iterable = isinstance(dataset, IterableDataset)
        self._dataset_kind = _DatasetKind.Iterable if self.iterable else _DatasetKind.Map
        self._check_order(batch_size, shuffle, sampler, batch_sampler, drop_last)
        self._set_order(batch_size, shuffle, sampler, batch_sampler, drop_last)
        default = default_collate if self._auto_collation else default_convert
        self.collate_fn = default if collate_fn is None else collate_fn
        self._iterator: WorkersPass | None = None
        self._latest: Order | None = None  # how far the latest epoch is
        self._resume: dict[str, Any] | None = None
        self._IterableDataset_len_called: int | None = None
        self.__initialized = True
        self.check_worker_number_rationality()

    def _check_workers(self) -> None:
        """ValueError for options about workers that make no sense."""
        if self.num_workers < 0:
            raise ValueError(
                "num_workers option should be non-negative; "
                "use num_workers=0 to disable multiprocessing."
            )
        if self.timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if self.num_workers == 0 and self.prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing. "
                "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to "
                "None."
            )
        if self.num_workers > 0 and self.prefetch_factor is None:
            self.prefetch_factor = 2
        if self.prefetch_factor is not None and self.prefetch_factor < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        if self.persistent_workers and self.num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
        if self.worker_type not in ("process", "thread"):
            raise ValueError(f"worker_type is 'process' or 'thread', not {self.worker_type!r}")

    def _check_order(
        self, batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: bool
    ) -> None:
        """ValueError for options that exclude each other."""
        given = {"shuffle": shuffle or None, "sampler": sampler, "batch_sampler": batch_sampler}
        for name, value in given.items():
            if self.iterable and value is not None:
                raise ValueError(
                    f"DataLoader with IterableDataset: expected unspecified {name} option, "
                    f"but got {name}={value}"
                )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None and (
            batch_size != 1 or shuffle or sampler is not None or drop_last
        ):
            raise ValueError(
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, "
                "and drop_last"
            )
        if batch_size is None and batch_sampler is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with "
                "drop_last"
            )

    def _set_order(
        self, batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: bool
    ) -> None:
        """Makes the samplers that were not given."""
        if sampler is None and self.iterable:
            sampler = _InfiniteConstantSampler()
        elif sampler is None and shuffle:
            sampler = RandomSampler(self.dataset, generator=self.generator)
        elif sampler is None:
            sampler = SequentialSampler(self.dataset)
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.drop_last = batch_size, drop_last
        self.sampler, self.batch_sampler = sampler, batch_sampler

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__initialized and name in _FIXED:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized; "
                "make another loader"
            )
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> BaseContext | None:
        """How worker processes are started; None for the system's way."""
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, chosen: Any) -> None:
        if chosen is not None and self.num_workers == 0:
            raise ValueError(
                "multiprocessing_context can only be used with multi-process loading "
                f"(num_workers > 0), but got num_workers={self.num_workers}"
            )
        if isinstance(chosen, str):
            methods = multiprocessing.get_all_start_methods()
            if chosen not in methods:
                raise ValueError(
                    "multiprocessing_context option should specify a valid start method in "
                    f"{methods!r}, but got multiprocessing_context={chosen!r}. "
                    "worker_type='thread' works on every system"
                )
            chosen = multiprocessing.get_context(chosen)
        if chosen is not None and not isinstance(chosen, BaseContext):
            raise TypeError(
                "multiprocessing_context option should be a valid context object or a string "
                f"specifying the start method, but got multiprocessing_context={chosen}"
            )
        self._context = chosen

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self._auto_collation else self.sampler

    def __iter__(self) -> Iterator[Any]:
        resume, self._resume = self._resume, None
        if self.num_workers == 0:
            made: Pass = SinglePass(self, resume)
        elif not self.persistent_workers:
            made = WorkersPass(self, resume)
        elif self._iterator is None:
            made = self._iterator = WorkersPass(self, resume)
        else:
            self._iterator.again(resume)
            made = self._iterator
        self._latest = made.order
        return made

    def __len__(self) -> int:
        if not self.iterable:
            return len(self._index_sampler)
        count = self._IterableDataset_len_called = len(self.dataset)
        if self.batch_size is None:
            return count
        return (count if self.drop_last else count + self.batch_size - 1) // self.batch_size

    def state_dict(self) -> dict[str, Any]:
        """Where the latest epoch is: after the batches given so far.

        Plain numbers, bytes and arrays, for `load_state_dict` of a loader made with the same
        arguments. It holds where the random streams were when the epoch began and, of worker
        processes, where theirs are; an iterable dataset with ``state_dict`` and
        ``load_state_dict`` is asked for its own, any other is read again up to there.
        """
        if self._latest is not None:
            return self._latest.state_dict()
        if self._resume is not None:
            return self._resume
        return place_of(self)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The next epoch goes on where `state_dict` was asked for."""
        known = state_dict.get("num_workers")
        if self.iterable and known != self.num_workers:
            raise ValueError(
                f"this state is of a loader with num_workers={known}, this one has "
                f"{self.num_workers}: each worker reads its own share of an iterable dataset"
            )
        self._resume, self._latest = state_dict, None

    def check_worker_number_rationality(self) -> None:
        """Warns of more worker processes than there are processors."""
        if hasattr(os, "sched_getaffinity"):
            cores, note = len(os.sched_getaffinity(0)), ""
        else:
            cores, note = os.cpu_count() or 1, " (`cpuset` is not taken into account)"
        if self.num_workers <= cores or self.worker_type == "thread":
            return
        warnings.warn(
            f"This DataLoader will create {self.num_workers} worker processes in total. Our "
            f"suggested max number of worker in current system is {cores}{note}, which is smaller "
            "than what this DataLoader is going to create. Please be aware that excessive worker "
            "creation might get DataLoader running slow or even freeze, lower the worker number "
            "to avoid potential slowness/freeze if necessary.",
            stacklevel=3,
        )
