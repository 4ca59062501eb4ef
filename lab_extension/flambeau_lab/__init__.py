"""Carries the built JupyterLab extension and the tutorials."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Tell Jupyter where the built extension lies, for a development install."""
    return [{"src": "labextension", "dest": "flambeau"}]


def tutorials() -> Path:
    """Folder of the tutorials: inside the package when installed, beside it in a checkout."""
    packed = _HERE / "tutorials"
    return packed if packed.is_dir() else _HERE.parent.parent / "tutorials"
