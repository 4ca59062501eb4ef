"""Whether an operation costs the same in a large graph as in a small one, and in a large model.

``python benchmarks/scale.py``: nanoseconds for each operation, forward, backward and when the graph
is let go of, in graphs of 100 to 100,000 operations; then in models of 10 to 10,000 modules.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from time import process_time
from typing import Any

from measure import peers

import flambeau

SIZES = (100, 1_000, 10_000, 100_000)


def chain(lib: Any, count: int) -> Callable[[], tuple[float, float, float]]:
    """One operation after the other: a program with a long loop."""
    x, w = lib.ones(8, 8, requires_grad=True), lib.full((8, 8), 0.5)

    def forward() -> Any:
        y = x
        for _ in range(count // 2):
            y = (y * w) + w
        return y.sum()

    return lambda: timed(forward)


def many(lib: Any, count: int) -> Callable[[], tuple[float, float, float]]:
    """Operations side by side, all on one leaf: a tensor that is used everywhere."""
    x, w = lib.ones(8, 8, requires_grad=True), lib.full((8, 8), 0.5)

    def forward() -> Any:
        return lib.stack([x * w for _ in range(count)]).sum()

    return lambda: timed(forward)


def model(lib: Any, count: int) -> Callable[[], tuple[float, float, float]]:
    """Layers one after the other, each with parameters of its own."""
    nn = lib.nn
    layers = [nn.Linear(8, 8) if i % 2 else nn.Tanh() for i in range(count)]
    net, x = nn.Sequential(*layers), lib.ones(8, 8)
    return lambda: timed(lambda: net(x).sum())


def blocks(lib: Any, count: int) -> Callable[[], tuple[float, float, float]]:
    """The same in blocks within blocks, ten in each."""
    nn = lib.nn
    parts = [nn.Linear(8, 8) if i % 2 else nn.Tanh() for i in range(count)]
    while len(parts) > 1:
        parts = [nn.Sequential(*parts[i : i + 10]) for i in range(0, len(parts), 10)]
    net, x = parts[0], lib.ones(8, 8)
    return lambda: timed(lambda: net(x).sum())


def timed(forward: Callable[[], Any]) -> tuple[float, float, float]:
    """Seconds of processor time: forward, backward, and letting go of the graph."""
    begin = process_time()
    loss = forward()
    middle = process_time()
    loss.backward(retain_graph=True)
    late = process_time()
    del loss
    return middle - begin, late - middle, process_time() - late


def best(run: Callable[[], tuple[float, float, float]], count: int) -> list[float]:
    """Nanoseconds for each of so many operations, the median of some runs."""
    runs = sorted(run() for _ in range(max(3, min(30, 20_000 // count))))
    return [value / count * 1e9 for value in runs[len(runs) // 2]]


def main() -> None:
    """Prints the table, of both libraries where PyTorch is installed."""
    torch = peers()
    libraries = [("ours", flambeau)] + ([("PyTorch", torch)] if torch else [])
    print(f"{'ns for each operation':34}{'forward':>10}{'backward':>10}{'let go':>10}")
    sizes = {chain: SIZES, many: SIZES, model: SIZES[:3], blocks: SIZES[:3]}
    for kind, counts in sizes.items():
        for who, lib in libraries:
            for count in counts:
                gc.collect()
                row = best(kind(lib, count), count)
                print(f"{kind.__name__:8}{who:9}{count:16,} {''.join(f'{v:10.0f}' for v in row)}")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
