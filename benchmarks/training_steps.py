"""Whole training steps against PyTorch, and what recording adds to them.

Ratio = PyTorch's median / ours: above 1 Flambeau is faster. One thread, interleaved.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
from _measure import interleaved, median, torch_on_one_thread

import flambeau
from flambeau.record import add_recorder, remove_recorder
from flambeau.record.live import Live


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


def stepper(lib, build, optimizer: str, batch: int):
    """A function that does one training step."""
    model, shape = build(lib)
    rng = np.random.default_rng(0)
    x = lib.tensor(rng.random((batch, *shape), dtype=np.float32))
    y = lib.tensor(rng.integers(0, 10, batch))
    step = getattr(lib.optim, optimizer)(model.parameters(), lr=1e-3)

    def run() -> None:
        step.zero_grad()
        lib.nn.functional.cross_entropy(model(x), y).backward()
        step.step()

    return run


def recording_adds(run, share: float, seconds: float = 1.5) -> float:
    """What a live recording that nobody watches adds to a step, as a share of it.

    Blocks of consecutive steps take turns; each block has a recorder of its own, whose first steps
    are not counted: every value is sampled in them.
    """
    plain, live = [], []
    for _ in range(3):
        plain.append(mean_step(run, seconds))
        recorder = Live(statistics=share)
        add_recorder(recorder)
        mean_step(run, max(1.0, seconds / 2))
        live.append(mean_step(run, seconds))
        remove_recorder(recorder)
    return median(live) / median(plain) - 1


def mean_step(run, seconds: float) -> float:
    """Mean seconds of one step, over so many seconds of them."""
    start, count = perf_counter(), 0
    while perf_counter() - start < seconds:
        run()
        count += 1
    return (perf_counter() - start) / count


def main() -> None:
    """Prints the table."""
    torch = torch_on_one_thread()
    print(f"{'one step':28}{'ours ms':>9}{'PyTorch':>9}{'ratio':>7}{'live':>8}{'+stats':>8}")
    for name, build, optimizer, batch, rounds in (
        ("MLP, batch 32, SGD", mlp, "SGD", 32, 300),
        ("MLP, batch 32, Adam", mlp, "Adam", 32, 300),
        ("MLP, batch 1024, Adam", mlp, "Adam", 1024, 30),
        ("LeNet, batch 32, SGD", lenet, "SGD", 32, 100),
    ):
        ours = stepper(flambeau, build, optimizer, batch)
        runs = {"ours": ours}
        if torch:
            runs["torch"] = stepper(torch, build, optimizer, batch)
        times = {k: median(v) * 1e3 for k, v in interleaved(runs, rounds).items()}
        peer = f"{times['torch']:9.2f}{times['torch'] / times['ours']:7.2f}" if torch else " " * 16
        live, statistics = (recording_adds(ours, share) for share in (0.0, 0.1))
        print(f"{name:28}{times['ours']:9.2f}{peer}{live:+8.0%}{statistics:+8.0%}")


if __name__ == "__main__":
    main()
