"""Every array function that the kernel calls exists in CuPy, checked without a GPU."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import flambeau

KERNEL = Path(flambeau.__file__).parent


class Names(ast.NodeVisitor):
    """Collects ``xp.<name>`` and ``xp.<module>.<name>``, with their lines."""

    def __init__(self) -> None:
        self.found: dict[str, int] = {}

    def visit_Attribute(self, node: ast.Attribute) -> None:
        parts = [node.attr]
        inner = node.value
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        at_root = isinstance(inner, ast.Name) and inner.id == "xp"
        on_self = parts[-1] == "xp" and isinstance(inner, ast.Name)
        if at_root or on_self:
            path = parts if at_root else parts[:-1]
            if path:
                self.found.setdefault(".".join(reversed(path)), node.lineno)
            return
        self.generic_visit(node)


# Written as getattr(xp, f"arg{name}"), which the visitor does not see.
DYNAMIC = ("argmax", "argmin")


def used() -> dict[str, str]:
    """Each name used, and where."""
    places: dict[str, str] = {}
    for path in sorted(KERNEL.rglob("*.py")):
        names = Names()
        names.visit(ast.parse(path.read_text()))
        for name, line in names.found.items():
            places.setdefault(name, f"{path.relative_to(KERNEL)}:{line}")
    return places


def test_names_are_found_at_all() -> None:
    assert {"exp", "matmul", "take_along_axis"} <= used().keys()


def test_every_array_function_exists_in_cupy() -> None:
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed (pip install cupy-cuda12x)")
    missing = []
    for name, place in {**used(), **dict.fromkeys(DYNAMIC, "sort.py")}.items():
        thing = cupy
        for part in name.split("."):
            thing = getattr(thing, part, None)
        if thing is None:
            missing.append(f"{name} ({place})")
    assert not missing, "not in CuPy: " + ", ".join(missing)


def test_the_helpers_of_cupyx_exist() -> None:
    pytest.importorskip("cupy", reason="CuPy is not installed (pip install cupy-cuda12x)")
    cupyx = importlib.import_module("cupyx")
    for path in KERNEL.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "cupyx":
                assert hasattr(cupyx, node.attr), f"{path.name}: cupyx.{node.attr}"
