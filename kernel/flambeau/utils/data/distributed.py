"""Samples shared out over several processes that train together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ...ops.random import randperm
from ...random import Generator
from .sampler import Sampler


class DistributedSampler(Sampler[int]):
    """Every ``num_replicas``-th number, beginning with ``rank``: each process has its share.

    The order is shuffled by ``seed + epoch``, so call `set_epoch` before each epoch. Shares are
    made equal by repeating the first samples, or by leaving out the last with ``drop_last``.

    >>> list(DistributedSampler(range(6), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 5]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            raise RuntimeError(
                "DistributedSampler: without a process group nothing knows how many processes "
                "there are and which this is; DistributedSampler(data, num_replicas=2, rank=0) fits"
            )
        if not 0 <= rank < num_replicas:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.shuffle, self.seed, self.drop_last, self.epoch = shuffle, seed, drop_last, 0
        share = len(dataset) / num_replicas
        self.num_samples = math.floor(share) if drop_last else math.ceil(share)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        count = len(self.dataset)
        order = list(range(count))
        if self.shuffle:
            generator = Generator().manual_seed(self.seed + self.epoch)
            order = randperm(count, generator=generator).tolist()
        if self.total_size > count:
            order *= math.ceil(self.total_size / count)
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Chooses the order of an epoch; all processes must call it with the same number."""
        self.epoch = epoch
