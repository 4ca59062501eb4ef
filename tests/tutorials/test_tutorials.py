"""The tutorials run from top to bottom, teach what they say, and read well without running."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("nbclient")

FOLDER = Path(__file__).resolve().parents[2] / "tutorials"
sys.path.insert(0, str(FOLDER))

import refresh  # noqa: E402  (it lies beside the notebooks)

NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.ipynb"))
every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)

# Runs first of all: as if PyTorch were not installed.
WITHOUT_TORCH = """
import sys


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Absent())
"""


def text_of(notebook: nbformat.NotebookNode) -> str:
    """All that a notebook printed."""
    outputs = [o for c in notebook.cells for o in c.get("outputs", [])]
    return "".join(o.text for o in outputs if o.get("name") == "stdout")


@every
def test_cells_are_short_and_named(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [c.source for c in notebook.cells if c.cell_type == "code"]
    assert [source for source in code if len(source.splitlines()) > 20] == []
    assert notebook.cells[0].source.startswith("# ")


@every
def test_saved_outputs_are_fresh_and_light(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert path.stat().st_size < refresh.LIMIT
    assert refresh.complaints(notebook) == []
    assert "widgets" not in notebook.metadata
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1)), "run refresh.py"
    data = [set(o.get("data", {})) for c in code for o in c.outputs]
    assert set().union(*data) <= refresh.KEPT
    assert {"image/svg+xml", "image/png"} <= set().union(*data)


@every
def test_saved_pages_name_no_machine(path: Path) -> None:
    assert not re.search(r"/(home|tmp|root|work|Users)/", path.read_text())


@pytest.fixture(scope="module")
def start() -> nbformat.NotebookNode:
    """The first tutorial, executed as if PyTorch were not installed."""
    notebook = nbformat.read(FOLDER / "00_start.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.cells.insert(0, nbformat.v4.new_code_cell(WITHOUT_TORCH))
    began = time.perf_counter()
    refresh.strip(refresh.run(notebook))
    print(f"\n00_start ran in {time.perf_counter() - began:.1f} seconds")
    return notebook


@pytest.mark.slow
def test_start_learns_to_read_digits(start: nbformat.NotebookNode) -> None:
    said = text_of(start)
    accuracy = re.search(r"test accuracy: ([\d.]+)%, trained in ([\d.]+) seconds", said)
    assert accuracy, said
    print(accuracy[0])
    assert float(accuracy[1]) > 97


@pytest.mark.slow
def test_start_has_nothing_to_complain_of(start: nbformat.NotebookNode) -> None:
    assert refresh.complaints(start) == []


@pytest.mark.slow
def test_start_shows_the_mistake_and_its_cure(start: nbformat.NotebookNode) -> None:
    said = text_of(start)
    assert "broken.head" in said
    assert "torch.Size([32, 10])" in said
    outputs = [o for c in start.cells for o in c.get("outputs", []) if "data" in o]
    pictures = [o.data["image/svg+xml"] for o in outputs if "image/svg+xml" in o.data]
    assert len(pictures) == 6
    assert [p for p in pictures if "2048" in p], "the mistake is on none of the graphs"


@pytest.mark.slow
def test_start_shows_recorded_losses_without_pytorch(start: nbformat.NotebookNode) -> None:
    said = text_of(start)
    assert "PyTorch is not installed here" in said
    check_losses(said)


def test_saved_losses_are_pytorchs() -> None:
    said = text_of(nbformat.read(FOLDER / "00_start.ipynb", as_version=4))
    assert "PyTorch is not installed here" not in said
    check_losses(said)


def check_losses(said: str) -> None:
    """The table has five rows, and Flambeau's losses in it are PyTorch's."""
    rows = re.findall(r"^ +\d+ +([\d.]+) +([\d.]+)$", said, re.M)
    assert len(rows) == 5
    for ours, theirs in rows:
        assert float(ours) == pytest.approx(float(theirs), rel=1e-3)
