"""Side-by-side timing with PyTorch: interleaved in one process, medians and quartiles."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Any

import numpy as np

import flambeau


@dataclass
class Workload:
    """Something that both libraries do. ``make(lib)`` prepares it and returns what is timed.

    What the timed function returns (a tensor, or several: a loss, outputs, gradients) is compared
    between the libraries before anything is timed. ``aim`` is the ratio to reach: PyTorch's time
    over ours. ``row`` names the row of the table that it counts for.
    """

    row: str
    name: str
    aim: float
    make: Callable[[Any], Callable[[], Any]]
    theirs: Callable[[Any], Callable[[], Any]] | None = None  # where PyTorch's part is another
    rounds: int = 30
    wall: bool = False  # seconds on the wall: for work in other processes
    tolerance: float = 1e-3  # relative distance of what is returned


@dataclass
class Result:
    """What was measured of a workload; times in seconds of one run."""

    work: Workload
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    differs: str = ""  # how what was computed differs, where it does

    @property
    def ratio(self) -> float:
        """PyTorch's median time over ours: above 1 Flambeau is faster."""
        return statistics.median(self.theirs) / statistics.median(self.ours)

    @property
    def spread(self) -> tuple[float, float]:
        """The first and third quartile of the ratios of neighbouring runs."""
        pairs = [t / o for t, o in zip(self.theirs, self.ours, strict=True)]
        first, _, third = statistics.quantiles(pairs, n=4)
        return first, third


def peers() -> Any:
    """PyTorch, or None where it is not installed; it and NumPy use one thread from here on."""
    flambeau.set_num_threads(1)
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    return torch


def measured(work: Workload, torch: Any) -> Result:
    """Runs both sides in turn. Small work is repeated, so that each figure covers 2 ms or more."""
    sides = [work.make(flambeau), (work.theirs or work.make)(torch)]
    differs = difference(work, *(side() for side in sides))
    clock = perf_counter if work.wall else process_time
    for side in sides:  # compiled, cached, warm
        side()
    start = clock()
    sides[1]()
    repeat = max(1, int(0.002 / max(clock() - start, 1e-6)))
    result = Result(work, differs=differs)
    gc.collect()
    for _ in range(work.rounds):
        for side, times in zip(sides, (result.ours, result.theirs), strict=True):
            start = clock()
            for _ in range(repeat):
                side()
            times.append((clock() - start) / repeat)
    return result


def difference(work: Workload, ours: Any, theirs: Any) -> str:
    """Says where the two libraries did not compute the same; empty where they did."""
    for i, (a, b) in enumerate(zip(_arrays(ours), _arrays(theirs), strict=True)):
        if a.shape != b.shape:
            return f"result {i} has shape {a.shape}, PyTorch's {b.shape}"
        distance = np.linalg.norm((a - b).ravel()) / max(float(np.linalg.norm(b.ravel())), 1e-30)
        if not distance <= work.tolerance:
            return f"result {i} is off by {distance:.1e}"
    return ""


def _arrays(values: Any) -> list[np.ndarray]:
    if values is None:
        return []
    if isinstance(values, (list, tuple)):
        return [a for v in values for a in _arrays(v)]
    return [np.asarray(values.detach().numpy() if hasattr(values, "detach") else values, float)]
