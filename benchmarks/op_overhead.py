"""What one small operation costs, with no recorder, with one, and in PyTorch.

An 8x8 float32 chain of add, mul, relu and matmul, forward and backward; microseconds an op.
"""

from __future__ import annotations

from functools import partial
from time import perf_counter

import numpy as np
from _measure import interleaved, median, quartiles, torch_on_one_thread

import flambeau

STEPS, OPS = 25, 100
A, B = (np.random.default_rng(i).random((8, 8), dtype=np.float32) / 8 for i in (0, 1))


def chain(lib, phase: str) -> float:
    """Microseconds an op of one phase of the chain."""
    x, y = lib.tensor(A, requires_grad=True), lib.tensor(B, requires_grad=True)
    start = perf_counter()
    for _ in range(STEPS):
        x = lib.relu(((x + y) * y) @ y)
    middle = perf_counter()
    x.sum().backward()
    end = perf_counter()
    return (middle - start if phase == "forward" else end - middle) / OPS * 1e6


def recorded(phase: str, statistics: float) -> float:
    """The same inside ``record``."""
    with flambeau.record(statistics=statistics):
        return chain(flambeau, phase)


def main() -> None:
    """Prints the table."""
    torch = torch_on_one_thread()
    print(f"{'us an op':24}{'forward':>10}{'backward':>10}   quartiles of the forward")
    runs = {}
    for phase in ("forward", "backward"):
        runs[phase, "no recorder"] = partial(chain, flambeau, phase)
        runs[phase, "recorder, metadata"] = partial(recorded, phase, 0)
        if torch:
            runs[phase, "PyTorch"] = partial(chain, torch, phase)
    times = interleaved(runs, 300)
    for name in [n for p, n in runs if p == "forward"]:
        forward, backward = times["forward", name], times["backward", name]
        low, high = quartiles(forward)
        print(f"{name:24}{median(forward):10.2f}{median(backward):10.2f}   {low:.2f} to {high:.2f}")
    for phase in ("forward", "backward"):
        added = median(times[phase, "recorder, metadata"]) - median(times[phase, "no recorder"])
        print(f"recording adds {added:.2f} us an op {phase} (the aim: at most 2)")


if __name__ == "__main__":
    main()
