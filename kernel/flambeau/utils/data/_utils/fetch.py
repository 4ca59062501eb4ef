"""From the numbers of samples to a batch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np

from ..dataset import Subset, TensorDataset
from .collate import default_collate


def in_memory(loader: Any) -> bool:
    """Whether a loader makes each batch by indexing tensors once."""
    return _in_memory(loader.dataset, loader.collate_fn)


def _in_memory(dataset: Any, collate_fn: Callable[[Any], Any]) -> bool:
    return type(dataset) in (TensorDataset, Subset) and collate_fn is default_collate


class MapFetcher:
    """Makes batches of a dataset whose samples have numbers."""

    def __init__(
        self, dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool
    ) -> None:
        self.dataset, self.batched, self.collate_fn = dataset, batched, collate_fn
        self.whole = getattr(dataset, "__getitems__", None)
        # Tensors in memory are indexed once for the whole batch.
        self.at_once = dataset.batch if _in_memory(dataset, collate_fn) else None

    def fetch(self, task: Any) -> Any:
        """The batch of a list of numbers; the sample of one number, where there are no batches."""
        if not self.batched:
            return self.collate_fn(self.dataset[task])
        if self.at_once is not None:
            if (batch := self.at_once(task)) is not None:
                return batch
            if not isinstance(task, list):
                task = task.tolist() if isinstance(task, np.ndarray) else list(task)
        if self.whole:
            return self.collate_fn(self.whole(task))
        return self.collate_fn([self.dataset[i] for i in task])


class IterableFetcher:
    """Makes batches of a dataset that gives its samples one after the other."""

    def __init__(
        self, dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool
    ) -> None:
        self.samples = iter(dataset)
        self.batched, self.collate_fn, self.drop_last = batched, collate_fn, drop_last
        self.ended = False

    def fetch(self, task: Any) -> Any:
        """The next batch, of as many samples as the list ``task`` is long.

        Raises StopIteration where there is none.
        """
        if self.ended:
            raise StopIteration
        if not self.batched:
            return self.collate_fn(next(self.samples))
        taken = list(islice(self.samples, len(task)))
        if len(taken) < len(task):
            self.ended = True
            if not taken or self.drop_last:
                raise StopIteration
        return self.collate_fn(taken)
