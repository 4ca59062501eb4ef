"""Whole training steps."""

from __future__ import annotations

import numpy as np
from measure import Workload


def mlp(lib):
    """784-256-128-10."""
    nn = lib.nn
    return nn.Sequential(
        nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    ), (784,)


def lenet(lib):
    """LeNet-5 with ReLU and max pooling."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    ), (1, 28, 28)


def same_weights(lib, model, seed: int = 0) -> None:
    """Gives the parameters values that are the same in both libraries."""
    rng = np.random.default_rng(seed)
    with lib.no_grad():
        for p in model.parameters():
            bound = 1 / np.sqrt(max(p[0].numel(), 1) if p.ndim > 1 else p.numel())
            p.copy_(lib.tensor(rng.uniform(-bound, bound, p.shape).astype(np.float32)))


def classifier(build, optimizer: str, batch: int, **options):
    """A training step of a classifier: forward, cross-entropy, backward, step."""

    def make(lib):
        model, shape = build(lib)
        same_weights(lib, model)
        rng = np.random.default_rng(1)
        x = lib.tensor(rng.random((batch, *shape), dtype=np.float32))
        y = lib.tensor(rng.integers(0, 10, batch))
        step = getattr(lib.optim, optimizer)(model.parameters(), lr=1e-3, **options)

        def run():
            step.zero_grad()
            loss = lib.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            step.step()
            return loss

        return run

    return make


WORK = [
    Workload("MLP batch 32", "SGD", 1.3, classifier(mlp, "SGD", 32), rounds=200),
    Workload("MLP batch 32", "Adam", 2.0, classifier(mlp, "Adam", 32), rounds=200),
    Workload("MLP batch 32", "SGD momentum", 1.3, classifier(mlp, "SGD", 32, momentum=0.9)),
    Workload("MLP batch 32", "AdamW", 2.0, classifier(mlp, "AdamW", 32)),
    Workload("MLP batch 1024", "Adam", 1.1, classifier(mlp, "Adam", 1024)),
    Workload("LeNet batch 32", "SGD", 1.3, classifier(lenet, "SGD", 32), rounds=60),
]
