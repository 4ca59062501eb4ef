"""Whole training steps that are replayed, against PyTorch's eager ones."""

from __future__ import annotations

import itertools

import numpy as np
from measure import Workload
from work.steps import lenet, same_weights

import flambeau


def regressor(*sizes):
    """Linear layers with tanh between them."""

    def build(lib):
        layers = []
        for a, b in itertools.pairwise(sizes):
            layers += [lib.nn.Linear(a, b), lib.nn.Tanh()]
        return lib.nn.Sequential(*layers[:-1]), sizes[0], sizes[-1]

    return build


def classifier(*sizes):
    """Linear layers with ReLU between them."""

    def build(lib):
        layers = []
        for a, b in itertools.pairwise(sizes):
            layers += [lib.nn.Linear(a, b), lib.nn.ReLU()]
        return lib.nn.Sequential(*layers[:-1]), sizes[0], sizes[-1]

    return build


def data(lib, shape, classes, batch):
    """Inputs, and targets for a regression or classes."""
    rng = np.random.default_rng(1)
    x = rng.random((batch, *shape), dtype=np.float32)
    if classes == 1:
        return lib.tensor(x), lib.tensor(rng.random((batch, 1), dtype=np.float32))
    return lib.tensor(x), lib.tensor(rng.integers(0, classes, batch))


def trained(build, optimizer: str, batch: int, **options):
    """A training step: forward, loss, backward, step; ours is compiled."""

    def make(lib):
        model, shape, outputs = build(lib)
        same_weights(lib, model)
        x, y = data(lib, shape if isinstance(shape, tuple) else (shape,), outputs, batch)
        chosen = getattr(lib.optim, optimizer)(model.parameters(), lr=1e-3, **options)
        loss_of = lib.nn.functional.mse_loss if outputs == 1 else lib.nn.functional.cross_entropy

        def step(x, y):
            chosen.zero_grad()
            loss = loss_of(model(x), y)
            loss.backward()
            chosen.step()
            return loss

        run = flambeau.compile(step) if lib is flambeau else step
        return lambda: run(x, y)

    return make


def forward_only(build, batch: int):
    """A model's output without gradients."""

    def make(lib):
        model, inputs, _ = build(lib)
        same_weights(lib, model)
        x, _ = data(lib, (inputs,), 1, batch)
        run = flambeau.compile(model) if lib is flambeau else model

        def infer():
            with lib.no_grad():
                return run(x)

        return infer

    return make


def pictures(lib):
    """LeNet."""
    model, shape = lenet(lib)
    return model, shape, 10


TINY, DIGITS = regressor(2, 16, 16, 1), classifier(784, 256, 128, 10)
WORK = [
    Workload("replay, tiny MLP", "SGD batch 8", 30, trained(TINY, "SGD", 8), rounds=60),
    Workload("replay, tiny MLP", "Adam batch 8", 30, trained(TINY, "Adam", 8), rounds=60),
    Workload("replay, tiny MLP", "momentum, batch 5, 3-20-1",
             30, trained(regressor(3, 20, 1), "SGD", 5, momentum=0.9), rounds=60),
    Workload("replay, tiny MLP", "classes, batch 16, 4-32-32-3",
             20, trained(classifier(4, 32, 32, 3), "Adam", 16), rounds=60),
    Workload("replay, MLP 784", "Adam batch 32", 2.5, trained(DIGITS, "Adam", 32), rounds=60),
    Workload("replay, MLP 784", "SGD batch 32", 1.5, trained(DIGITS, "SGD", 32), rounds=60),
    Workload("replay, MLP 784", "Adam batch 256", 1.3, trained(DIGITS, "Adam", 256)),
    Workload("replay, LeNet", "SGD batch 32", 1.0, trained(pictures, "SGD", 32)),
    Workload("replay, forward", "tiny, batch 8", 5, forward_only(TINY, 8), rounds=60),
    Workload("replay, forward", "784, batch 32", 1.0, forward_only(DIGITS, 32), rounds=60),
]  # fmt: skip
