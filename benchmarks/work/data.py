"""Loading data: from memory, and through workers that change each image."""

from __future__ import annotations

import random

import numpy as np
from measure import Workload


def in_memory(shape, shuffle: bool, count: int = 6400, batch: int = 64, subset: bool = False):
    """An epoch over tensors in memory."""

    def make(lib):
        rng = np.random.default_rng(0)
        x = lib.tensor(rng.random((count, *shape), dtype=np.float32))
        data = lib.utils.data.TensorDataset(x, lib.tensor(rng.integers(0, 10, count)))
        if subset:
            data = lib.utils.data.Subset(data, list(range(0, count, 2)))
        loader = lib.utils.data.DataLoader(data, batch_size=batch, shuffle=shuffle)

        def run():
            total = 0
            for x, y in loader:
                total += len(x) + len(y)
            return lib.tensor(float(total))

        return run

    return make


class Images:
    """Images that are turned, moved and changed in brightness when they are taken."""

    def __init__(self, lib, side: int, count: int) -> None:
        self.images = np.random.default_rng(0).integers(0, 256, (count, 3, side, side), np.uint8)
        self.lib, self.side = lib, side

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int):
        image = self.images[i]
        if random.random() < 0.5:
            image = image[:, :, ::-1]
        padded = np.pad(image, ((0, 0), (4, 4), (4, 4)))
        top, left = random.randrange(8), random.randrange(8)
        image = padded[:, top : top + self.side, left : left + self.side].astype(np.float32)
        image = (image / 255 - 0.5) * random.uniform(0.8, 1.2)
        return self.lib.from_numpy(image), i % 10


def augmented(side: int, kind: str = "process", workers: int = 2, count: int = 2000):
    """A steady epoch through workers that live on from one to the next."""

    def make(lib):
        ours = lib.__name__ == "flambeau"
        loader = lib.utils.data.DataLoader(
            Images(lib, side, count),
            batch_size=64,
            shuffle=True,
            num_workers=workers,
            persistent_workers=workers > 0,
            **({"worker_type": kind} if ours else {}),
        )

        def run():
            total = 0
            for x, _ in loader:
                total += len(x)
            return lib.tensor(float(total))

        return run

    return make


WORK = [
    *(
        Workload("in-memory loader", f"{s} shuffle={mix}", 10, in_memory(s, mix), rounds=9)
        for s in ((3, 32, 32), (1, 28, 28), (784,), (16,))
        for mix in (True, False)
    ),
    Workload("in-memory loader", "Subset of (784,)", 10, in_memory((784,), True, subset=True)),
    *(
        Workload("loader, 2 workers", f"3x{side}x{side}", 1.5, augmented(side), rounds=7, wall=True)
        for side in (32, 64)
    ),
]
