"""``RESULTS.md``: each program that measures keeps its own part there, under its own heading."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

FILE = Path(__file__).parent / "RESULTS.md"


def keep(part: str) -> None:
    """Puts a part, whose first line is its heading, in place of the one with the same heading."""
    heading = part.split("\n", 1)[0]
    parts = {text.split("\n", 1)[0]: text.strip() for text in _parts()}
    parts[heading] = part.strip()
    draft = FILE.with_suffix(".md.part")
    draft.write_text("\n\n".join(parts.values()) + "\n")
    draft.replace(FILE)


def _parts() -> list[str]:
    if not FILE.exists():
        return []
    first, *rest = FILE.read_text().split("\n# ")
    return [first, *(f"# {text}" for text in rest)]


def processor() -> str:
    """The name of this machine's processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(n.split(":")[1].strip() for n in lines if n.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def versions() -> str:
    """Machine and versions, for the head of a part."""
    return (
        f"{processor()}, one thread; Python {platform.python_version()}, "
        f"NumPy {version('numpy')}, PyTorch {version('torch')}"
    )
