"""Runs the tutorials from top to bottom and keeps light outputs: text and still pictures.

    python tutorials/refresh.py               every notebook
    python tutorials/refresh.py 00_start.ipynb

What is saved reads well where nothing runs; what only a running kernel can use is taken out.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
LIMIT = 300_000  # bytes of a saved notebook
KEPT = {"text/plain", "text/markdown", "image/png", "image/svg+xml"}


def run(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Executes a notebook in an empty folder; raises CellExecutionError where a cell fails."""
    with TemporaryDirectory() as folder:
        NotebookClient(
            notebook,
            timeout=300,
            kernel_name="python3",
            store_widget_state=False,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        ).execute()
    return notebook


def strip(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Takes out all but text and still pictures, and what differs from machine to machine."""
    language = {"name": "python"}
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": language})
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k == "tags"})
        for output in cell.get("outputs", []):
            if "data" in output:
                output.data = {k: v for k, v in output.data.items() if k in KEPT}
                output.metadata = {}
    return notebook


def complaints(notebook: nbformat.NotebookNode) -> list[str]:
    """What a reader should not meet in a saved notebook."""
    found = []
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            if output.output_type == "error" or output.get("name") == "stderr":
                said = output.get("text") or f"{output.ename}: {output.evalue}"
                found.append(f"cell {number} complains: {said.strip()}")
    size = len(nbformat.writes(notebook).encode())
    if size > LIMIT:
        found.append(f"{size:,} bytes with its outputs; {LIMIT:,} at most")
    return found


def refresh(path: Path) -> list[str]:
    """Runs a notebook and writes it back, unless there is something to complain of."""
    notebook = strip(run(nbformat.read(path, as_version=4)))
    found = complaints(notebook)
    if not found:
        nbformat.write(notebook, path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} KB")
    return [f"{path.name}: {line}" for line in found]


def main(names: list[str]) -> int:
    """Refreshes the notebooks named, or all of them."""
    paths = [FOLDER / name for name in names] or sorted(FOLDER.glob("[0-9]*.ipynb"))
    found = [line for path in paths for line in refresh(path)]
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
