"""``make bench``: the table of speed against PyTorch on one thread, and ``RESULTS.md``.

``python benchmarks/bench.py conv lstm`` measures what has one of these words in its row or name
and writes nothing. Workloads are lists named ``WORK`` in the files of ``benchmarks/work``.
"""

from __future__ import annotations

import importlib
import statistics
import sys
from pathlib import Path

from measure import Result, Workload, measured, peers
from results import keep, versions

HERE = Path(__file__).parent
HEAD = f"{'':52}{'ratio':>7}{'aim':>6}{'quartiles':>15}{'PyTorch':>11}{'ours':>11}"


def workloads(words: list[str]) -> list[Workload]:
    """All of them, or those with one of the words in their row or name."""
    found = []
    for file in sorted((HERE / "work").glob("[a-z]*.py")):
        found += importlib.import_module(f"work.{file.stem}").WORK
    return [w for w in found if not words or any(word in f"{w.row} {w.name}" for word in words)]


def line(result: Result) -> str:
    """One row of the table."""
    low, high = result.spread
    theirs, ours = (statistics.median(t) for t in (result.theirs, result.ours))
    mark = " " if result.ratio >= result.work.aim else "<"
    name = f"{result.work.row}: {result.work.name}" if result.work.name else result.work.row
    return (
        f"{name[:51]:52}{result.ratio:7.2f}{mark}{result.work.aim:5.1f}{low:8.2f} -{high:5.2f}"
        f"{spell(theirs):>11}{spell(ours):>11}{result.differs and '  ' + result.differs}"
    )


def spell(seconds: float) -> str:
    """A time in a fitting unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds / 1e-6:.1f} us"


def summary(results: list[Result]) -> str:
    """The geometric mean, over rows of the table and over everything."""
    rows: dict[str, list[float]] = {}
    for r in results:
        rows.setdefault(r.work.row, []).append(r.ratio)
    means = [statistics.geometric_mean(ratios) for ratios in rows.values()]
    lost = sum(r.ratio < r.work.aim for r in results)
    return (
        f"geometric mean of {len(rows)} rows {statistics.geometric_mean(means):.2f}, of "
        f"{len(results)} workloads {statistics.geometric_mean(r.ratio for r in results):.2f}; "
        f"{lost} below their aim, {sum(bool(r.differs) for r in results)} with another result"
    )


def main(words: list[str]) -> None:
    """Measures, prints, and keeps the results of a whole run."""
    torch = peers()
    if torch is None:
        raise SystemExit("PyTorch is not installed: FLAMBEAU_WITH_TORCH=1 make bench")
    print(HEAD)
    results = []
    for work in workloads(words):
        results.append(measured(work, torch))
        print(line(results[-1]), flush=True)
    print(summary(results))
    if not words:
        results.sort(key=lambda r: (r.ratio >= 1, r.ratio >= r.work.aim, r.ratio / r.work.aim))
        table = "\n".join([HEAD, *map(line, results), "", summary(results)])
        keep(
            "# Speed against PyTorch on the CPU\n\n"
            f"{versions()}. Ratio = PyTorch's median time / ours: above 1 Flambeau is faster; "
            "`<` marks what is below its aim. What loses stands first. Written by `make bench`.\n\n"
            f"```\n{table}\n```\n"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
