"""Whole training steps against PyTorch, and what recording adds to them.

Ratio = PyTorch's median / ours: above 1 Flambeau is faster. One thread, interleaved.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from _measure import interleaved, median, torch_or_none  # first: it sets the threads

import flambeau


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


def recorded(run, statistics: float) -> None:
    """One step inside ``record``; what it takes to write the trace afterwards is included."""
    with flambeau.record(statistics=statistics):
        run()


def live_stepper(run, statistics: float):
    """The same under a live recorder that nobody watches."""
    from flambeau.record import add_recorder, remove_recorder
    from flambeau.record.live import Live

    live = Live(statistics=statistics)

    def recorded_run() -> None:
        add_recorder(live)
        run()
        remove_recorder(live)

    return recorded_run


def main() -> None:
    """Prints the table."""
    torch = torch_or_none()
    print(f"{'one step':28}{'ours ms':>9}{'PyTorch':>9}{'ratio':>7}{'live':>8}{'+stats':>8}")
    for name, build, optimizer, batch, rounds in (
        ("MLP, batch 32, SGD", mlp, "SGD", 32, 300),
        ("MLP, batch 32, Adam", mlp, "Adam", 32, 300),
        ("MLP, batch 1024, Adam", mlp, "Adam", 1024, 30),
        ("LeNet, batch 32, SGD", lenet, "SGD", 32, 100),
    ):
        ours = stepper(flambeau, build, optimizer, batch)
        runs = {
            "ours": ours,
            "live": live_stepper(ours, 0),
            "statistics": live_stepper(ours, 0.1),
        }
        if torch:
            runs["torch"] = partial(stepper(torch, build, optimizer, batch))
        times = {k: median(v) * 1e3 for k, v in interleaved(runs, rounds).items()}
        peer = f"{times['torch']:9.2f}{times['torch'] / times['ours']:7.2f}" if torch else " " * 16
        live, statistics = (times[k] / times["ours"] - 1 for k in ("live", "statistics"))
        print(f"{name:28}{times['ours']:9.2f}{peer}{live:+8.0%}{statistics:+8.0%}")


if __name__ == "__main__":
    main()
