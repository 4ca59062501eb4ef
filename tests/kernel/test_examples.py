"""The examples in the documentation of everything public, run as they stand."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Iterator

import numpy as np
import pytest

import flambeau as fb
from flambeau.ops import SPACES

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def documented() -> Iterator[doctest.DocTest]:
    """Each docstring with an example: of modules, classes and functions, and of operations."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    names = [m.name for m in pkgutil.walk_packages(fb.__path__, "flambeau.")]
    for name in ("flambeau", *names):
        try:
            module = importlib.import_module(name)
        except ImportError:  # it needs a package that is not installed
            continue
        yield from (t for t in finder.find(module, name) if t.examples)
    parser = doctest.DocTestParser()
    seen: set[int] = set()
    for space, shown in SPACES.items():
        for name, thing in shown.items():
            text = getattr(thing, "__doc__", None) or ""
            if ">>>" in text and id(thing) not in seen:
                seen.add(id(thing))
                yield parser.get_doctest(text, {}, f"{space}.{name}", None, 0)


@pytest.mark.parametrize("example", list(documented()), ids=lambda e: e.name)
def test_example(example: doctest.DocTest) -> None:
    fb.manual_seed(0)
    example.globs.update(fb=fb, torch=fb, np=np, nn=fb.nn)
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    told: list[str] = []
    runner.run(example, out=told.append)
    assert runner.failures == 0, "".join(told)
