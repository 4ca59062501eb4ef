"""What one small operation costs: an 8x8 float32 chain of add, mul, relu and matmul."""

from __future__ import annotations

import numpy as np
from measure import Workload

import flambeau

STEPS = 25  # of four operations
A, B = (np.random.default_rng(i).random((8, 8), dtype=np.float32) / 8 for i in (0, 1))


def chain(lib):
    """100 operations forward, and their backward."""

    def run():
        x, y = lib.tensor(A, requires_grad=True), lib.tensor(B, requires_grad=True)
        out = x
        for _ in range(STEPS):
            out = lib.relu(((out + y) * y) @ y)
        out.sum().backward()
        return out, x.grad, y.grad

    return run


def recorded(lib):
    """The same inside ``record``."""
    run = chain(lib)

    def inside():
        with flambeau.record(statistics=0):
            return run()

    return inside


WORK = [
    Workload("tiny ops", "8x8 chain, no recorder", 2.0, chain, rounds=200),
    Workload("tiny ops, recorder", "8x8 chain, recorded", 1.3, recorded, chain, rounds=200),
]
