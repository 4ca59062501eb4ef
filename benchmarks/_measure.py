"""Side-by-side timing: interleaved in one process, medians and quartiles, one thread."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter

import flambeau


def torch_on_one_thread():
    """PyTorch, or None where it is not installed; it and NumPy use one thread from here on."""
    flambeau.set_num_threads(1)
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    return torch


def interleaved(runs: dict[str, Callable[[], float | None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each run in each round; a run may return its own figure instead."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = perf_counter()
            own = run()
            times[name].append(perf_counter() - start if own is None else own)
    return times


def median(values: list[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def quartiles(values: list[float]) -> tuple[float, float]:
    """The first and third quartile."""
    first, _, third = statistics.quantiles(values, n=4)
    return first, third
