"""`DataLoader`: goes through a dataset in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, repeat
from typing import Any

from .collate import default_collate, default_convert
from .dataset import IterableDataset, Subset, TensorDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler
from .workers import END, Workers


class DataLoader:
    """Goes through a dataset in batches; each ``for batch in loader`` is one epoch.

    ``shuffle`` takes the samples in a new random order every epoch, reproducible from
    ``manual_seed`` or ``generator``. ``batch_size=None`` gives single samples. ``num_workers``
    threads load ahead; with 0 an in-memory `TensorDataset` is indexed a whole batch at a time.
    Mirrors ``torch.utils.data.DataLoader``.

    >>> import flambeau as fb
    >>> data = fb.utils.data.TensorDataset(fb.arange(5))
    >>> [x.tolist() for (x,) in fb.utils.data.DataLoader(data, batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

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
    ) -> None:
        self.dataset, self.num_workers, self.timeout = dataset, num_workers, timeout
        self.worker_init_fn, self.generator = worker_init_fn, generator
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.prefetch_factor, self.persistent_workers = prefetch_factor, persistent_workers
        self.multiprocessing_context, self.in_order = multiprocessing_context, in_order
        self.iterable = isinstance(dataset, IterableDataset)
        self._check_workers()
        if self.iterable:
            self._check_iterable(shuffle, sampler, batch_sampler)
        self._check_order(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if sampler is None and not self.iterable:
            if shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        elif batch_size is not None and not self.iterable:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.drop_last = batch_size, drop_last
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self.batched = batch_size is not None or batch_sampler is not None
        default = default_collate if self.batched else default_convert
        self.collate_fn = default if collate_fn is None else collate_fn

    def _check_workers(self) -> None:
        """ValueError for options about workers that make no sense."""
        if self.num_workers < 0:
            raise ValueError(
                "num_workers option should be non-negative; use num_workers=0 to disable workers."
            )
        if self.timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if self.num_workers == 0 and self.prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing. "
                "let num_workers > 0 to enable it, otherwise set prefetch_factor to None."
            )
        if self.prefetch_factor is not None and self.prefetch_factor < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        if self.persistent_workers and self.num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")

    def _check_iterable(self, shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
        """ValueError for options that need samples with numbers."""
        given = {"shuffle": shuffle or None, "sampler": sampler, "batch_sampler": batch_sampler}
        for name, value in given.items():
            if value is not None:
                raise ValueError(
                    f"DataLoader with IterableDataset: expected unspecified {name} option, "
                    f"but got {name}={value}"
                )

    def _check_order(
        self, batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: bool
    ) -> None:
        """ValueError for options that exclude each other."""
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler or drop_last):
            raise ValueError(
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, "
                "and drop_last"
            )
        if batch_size is None and batch_sampler is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with "
                "drop_last"
            )

    def __iter__(self) -> Iterator[Any]:
        tasks = self._tasks()
        if self.num_workers > 0:
            yield from Workers(self, self._fetcher).run(tasks)
            return
        fetch = self._fetcher()
        for task in tasks:
            batch = fetch(task)
            if batch is END:
                return
            yield batch

    def _tasks(self) -> Iterator[Any]:
        """The numbers of the samples of each batch; for an iterable dataset, how many."""
        if self.iterable:
            return repeat(self.batch_size)
        return iter(self.batch_sampler if self.batched else self.sampler)

    def _fetcher(self) -> Callable[[Any], Any]:
        """The function that makes a batch of a task."""
        if self.iterable:
            samples = iter(self.dataset)
            return lambda size: self._next(samples, size)
        if not self.batched:
            return lambda index: self.collate_fn(self.dataset[index])
        in_memory = type(self.dataset) in (TensorDataset, Subset)
        if in_memory and self.collate_fn is default_collate:
            return self._fetch_in_memory
        return self._fetch

    def _fetch(self, indices: list[int]) -> Any:
        whole = getattr(self.dataset, "__getitems__", None)
        samples = whole(indices) if whole is not None else [self.dataset[i] for i in indices]
        return self.collate_fn(samples)

    def _fetch_in_memory(self, indices: list[int]) -> Any:
        batch = self.dataset.batch(indices)
        return self._fetch(indices) if batch is None else batch

    def _next(self, samples: Iterator[Any], size: int | None) -> Any:
        """The next batch of an iterable dataset."""
        taken = list(islice(samples, size or 1))
        if not taken or (self.drop_last and len(taken) < (size or 1)):
            return END
        return self.collate_fn(taken if size is not None else taken[0])

    def __len__(self) -> int:
        if not self.iterable:
            return len(self.batch_sampler if self.batched else self.sampler)
        count = len(self.dataset)
        if self.batch_size is None:
            return count
        return (count if self.drop_last else count + self.batch_size - 1) // self.batch_size
