"""What recording adds: to each small operation, and to whole training steps."""

from __future__ import annotations

from time import perf_counter

from measure import peers
from work.steps import classifier, lenet, mlp
from work.tiny import A, B

import flambeau
from flambeau.record import add_recorder, remove_recorder
from flambeau.record.live import Live

STEPS, OPS = 25, 100


def median(values: list[float]) -> float:
    """The middle value."""
    return sorted(values)[len(values) // 2]


def chain() -> tuple[float, float]:
    """Microseconds an operation, forward and backward, of a chain of 8x8 arrays."""
    x, y = (flambeau.tensor(a, requires_grad=True) for a in (A, B))
    start = perf_counter()
    for _ in range(STEPS):
        x = flambeau.relu(((x + y) * y) @ y)
    middle = perf_counter()
    x.sum().backward()
    return (middle - start) / OPS * 1e6, (perf_counter() - middle) / OPS * 1e6


def recorded() -> tuple[float, float]:
    """The same inside ``record``, without statistics."""
    with flambeau.record(statistics=0):
        return chain()


def of_operations() -> None:
    """Prints what metadata costs."""
    plain, noted = zip(*((chain(), recorded()) for _ in range(300)), strict=True)
    for phase, at in (("forward", 0), ("backward", 1)):
        without, with_ = (median([t[at] for t in times]) for times in (plain, noted))
        print(f"{phase:9} {without:5.2f} us an op, recorded {with_:5.2f}: {with_ - without:.2f}")


def of_step(run, share: float, seconds: float = 1.5) -> float:
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
    """Prints both."""
    peers()
    of_operations()
    for name, make in (
        ("MLP, batch 32, Adam", classifier(mlp, "Adam", 32)),
        ("MLP, batch 1024, Adam", classifier(mlp, "Adam", 1024)),
        ("LeNet, batch 32, SGD", classifier(lenet, "SGD", 32)),
    ):
        live, sampled = (of_step(make(flambeau), share) for share in (0.0, 0.1))
        print(f"{name:24} live {live:+.0%}, with statistics {sampled:+.0%}")


if __name__ == "__main__":
    main()
