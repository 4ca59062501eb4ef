"""What the tests of ``compile`` share: twins, steps, data, and the two ways a program runs."""

from __future__ import annotations

import copy
from itertools import pairwise

import numpy as np
import pytest

import flambeau as fb
from flambeau import nn

F = nn.functional


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def mlp(activation=nn.Tanh, sizes=(2, 16, 1)):
    layers = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), activation()]
    return nn.Sequential(*layers[:-1])


class Block(nn.Module):
    """A transformer block on a table of tokens."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 16)
        self.block = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        return self.head(self.block(self.table(x)).mean(1))


def lenet():
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3)),
        *(nn.ReLU(), nn.Flatten(), nn.Linear(96, 10)),
    )


def trainer(model, optimizer="SGD", loss=F.mse_loss, **options):
    """A whole training step of a model."""
    chosen = getattr(fb.optim, optimizer)(model.parameters(), **{"lr": 0.05, **options})

    def step(x, y):
        chosen.zero_grad()
        value = loss(model(x), y)
        value.backward()
        chosen.step()
        return value

    return step, chosen


def both_parameters(*models):
    return [list(m.parameters()) for m in models]


def check_training(build, batches, *args, rounds=20, tolerance=2e-5, programs=1, **options):
    """Trains twins, one eagerly and one compiled, and compares all that can be seen."""
    ours = build()
    twin = copy.deepcopy(ours)
    versions = [p._version - q._version for p, q in zip(*both_parameters(ours, twin), strict=True)]
    eager, _ = trainer(twin, *args, **options)
    step, _ = trainer(ours, *args, **options)
    compiled = fb.compile(step)
    for i in range(rounds):
        x, y = (fb.tensor(a) for a in batches[i % len(batches)])
        fb.manual_seed(i)
        expected = eager(x, y)
        fb.manual_seed(i)
        found = compiled(x, y)
        assert found.item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-5), i
    assert compiled.reasons == []
    assert len(compiled.programs) == programs
    for p, q in zip(*both_parameters(ours, twin), strict=True):
        assert np.allclose(q.detach(), p.detach(), atol=tolerance)
        assert np.allclose(q.grad, p.grad, atol=tolerance)
    now = [p._version - q._version for p, q in zip(*both_parameters(ours, twin), strict=True)]
    assert now == versions
    for p, q in zip(twin.buffers(), ours.buffers(), strict=True):
        assert np.allclose(q, p, atol=tolerance)
    return compiled


def regression(n=8, inputs=2):
    return [(numbers(n, inputs, seed=i), numbers(n, 1, seed=50 + i)) for i in range(3)]


def classes(*shape, n=8, kinds=10):
    rng = np.random.default_rng(1)
    return [(numbers(n, *shape, seed=i), rng.integers(0, kinds, n)) for i in range(3)]
