"""``python -m tests.agreement [-v] [--more] [name ...]``: what agrees with PyTorch and what not."""

from __future__ import annotations

import argparse
import fnmatch
import time

from . import ops


def main() -> None:
    """Prints a line for each operation that differs, and the count."""
    parser = argparse.ArgumentParser(prog="python -m tests.agreement", description=__doc__)
    parser.add_argument("names", nargs="*", help="names or patterns; none: all")
    parser.add_argument("-v", "--verbose", action="store_true", help="every difference")
    parser.add_argument("--more", action="store_true", help="more types")
    parser.add_argument("--times", action="store_true", help="what took long")
    given = parser.parse_args()
    chosen = [
        info
        for info in ops.table()
        if not given.names or any(fnmatch.fnmatch(info.name, n) for n in given.names)
    ]
    good = 0
    took = []
    for info in chosen:
        began = time.perf_counter()
        verdict = ops.check(info, given.more)
        took.append((time.perf_counter() - began, verdict.name))
        good += verdict.agrees
        if verdict.agrees and given.names:
            print(f"{verdict.name}: agrees {verdict.tried}")
        for aspect, differences in verdict.wrong.items():
            tried = verdict.tried[aspect]
            print(f"{verdict.name}: {aspect} {len(differences)} of {tried}: {differences[0]}")
            for one in differences[1:] if given.verbose else ():
                print(f"    {one}")
    print(f"{good} of {len(chosen)} agree")
    if given.times:
        for seconds, name in sorted(took, reverse=True)[:15]:
            print(f"{seconds:8.2f} s  {name}")


if __name__ == "__main__":
    main()
