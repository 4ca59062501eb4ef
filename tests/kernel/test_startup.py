"""What ``import flambeau`` imports, and what is only imported when it is touched."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys

import pytest

import flambeau as fb


def run(code: str, **environment: str) -> str:
    """What a program prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True, text=True, stdout=subprocess.PIPE, env={**os.environ, **environment},
    )  # fmt: skip
    return done.stdout.strip()


# Each takes a millisecond or more, and few programs need it, or not at once.
LATER = """
    numpy.random numba threadpoolctl safetensors dataclasses json zipfile pickletools tempfile
    hashlib secrets pathlib urllib.parse traceback logging concurrent.futures multiprocessing
    flambeau.nn flambeau.optim flambeau.utils flambeau.func flambeau.serialization flambeau.masked
    flambeau.signal flambeau.distributions flambeau.cuda flambeau.record.recorder
    flambeau.record.trace
"""


def test_import_brings_only_what_every_program_needs():
    code = "import numpy, sys; before = set(sys.modules); import flambeau; "
    found = run(f"{code} print(*(set(sys.modules) - before))").split()
    assert sorted(set(LATER.split()) & set(found)) == []


def test_the_first_operation_imports_nothing_more():
    code = """
import sys, flambeau as fb
before = set(sys.modules)
x = fb.tensor([1.0, 2.0], requires_grad=True)
(x * x).sum().backward()
print(*(set(sys.modules) - before))
"""
    assert run(code) == ""


def test_what_comes_later_is_shown_from_the_start():
    names = "'nn', 'optim', 'cuda', 'distributions', 'load', 'save', 'vmap', 'Trace', 'add'"
    code = f"import flambeau as fb; print([n for n in ({names}) if n not in dir(fb)])"
    assert run(code) == "[]"
    assert run("import flambeau as fb; print(hasattr(fb, 'nn'), hasattr(fb, 'hub'))") == (
        "True False"
    )


def test_star_import_brings_it_too():
    code = "from flambeau import *; print(nn.Linear.__name__, optim.SGD.__name__, load.__name__)"
    assert run(f"{code}; print(add(ones(1), 1).item(), vmap.__name__)") == (
        "Linear SGD load\n2.0 vmap"
    )


@pytest.mark.parametrize(
    "code",
    [
        "import flambeau.nn as nn; print(nn.functional.relu.__name__)",
        "from flambeau.nn import functional as F; print(F.relu.__name__)",
        "from flambeau import nn; print(nn.functional.relu.__name__)",
        "import flambeau.nn.functional as F; print(F.relu.__name__)",
        "import flambeau; print(flambeau.nn.functional.relu.__name__)",
    ],
)
def test_packages_are_found_in_every_way_of_asking(code):
    assert run(code) == "relu"


# Of its own house: nothing there is PyTorch's.
INSIDE = ("ops", "record", "kernels", "cli", "door", "collector", "version", "__main__")


def test_every_public_module_says_why_a_name_is_missing():
    public = {m.name for m in pkgutil.iter_modules(fb.__path__) if m.name not in INSIDE}
    public |= {f"autograd.{n}" for n in ("functional", "graph", "forward_ad", "variable")}
    public |= {f"utils.{n}" for n in ("checkpoint", "data", "dlpack", "hooks", "tensorboard")}
    public |= {f"nn.{n}" for n in ("functional", "init", "modules", "utils", "utils.rnn")}
    code = f"""
import importlib
for name in {sorted(public)}:
    if "__getattr__" not in vars(importlib.import_module(f"flambeau.{{name}}")):
        print(name)
"""
    assert run(code) == ""


def test_the_collector_leaves_the_package_alone_unless_it_is_told_to():
    code = "import gc, flambeau; print(*gc.get_threshold(), gc.get_freeze_count() > 10_000)"
    before = run("import gc; print(*gc.get_threshold())").split()
    expected = [*before[:2], "100" if before[2] == "10" else before[2], "True"]
    assert run(code).split() == expected
    assert run(code, FLAMBEAU_GC="0").split() == [*before, "False"]
    chosen = run(f"import gc; gc.set_threshold(900, 20, 30); {code}")
    assert chosen == "900 20 30 True"


def test_what_a_large_program_has_made_before_the_import_can_still_be_collected():
    code = (
        "made = [[i] for i in range(1_000_000)]; import gc, flambeau; print(gc.get_freeze_count())"
    )
    assert run(code) == "0"
