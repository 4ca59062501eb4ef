"""``docs/coverage.md``: what agrees with PyTorch and what differs how, from the measurements here.

``make coverage-table`` writes it; `test_agreement.py` runs every entry again and compares.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import torch

from . import modules, ops, optimizers

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"
_ROW = re.compile(r"\| `([^`]+)` \| (yes|no) \| (.*) \|")

_HEAD = """# Coverage

What agrees with PyTorch {version}, measured with the sample inputs of PyTorch's own tests: values,
shapes and types for float, double, int64, bool and complex input; gradients in double and complex
precision; the method, the in-place twin and `out=` where PyTorch has them; the type of error for
input that must fail. One sample that differs makes a row a "no"; the last column has the first.
`make coverage-table` writes this page, and the tests measure every row again.

Left out on purpose: sparse, nested and quantized tensors, and kernels of single devices.
Drawn at random, or determined only up to signs: compared in shape and type.

"""


def measured() -> dict[str, list[ops.Verdict]]:
    """A verdict on every entry of PyTorch's tables, by section of the page."""
    return {
        "Operations": [ops.check(info) for info in ops.table()],
        "Modules": [modules.check(info) for info in modules.table()],
        "Optimizers": [optimizers.check(info) for info in optimizers.table()],
    }


def page(sections: dict[str, list[ops.Verdict]]) -> str:
    """The page in Markdown."""
    text = _HEAD.format(version=torch.__version__.split("+")[0])
    for title, verdicts in sections.items():
        good = sum(v.agrees for v in verdicts)
        share = 100 * good / len(verdicts)
        text += f"## {title}: {good} of {len(verdicts)} agree ({share:.1f} %)\n\n"
        text += "| name | agrees | differs how |\n|---|---|---|\n"
        for v in sorted(verdicts, key=lambda v: v.name):
            text += f"| `{v.name}` | {'yes' if v.agrees else 'no'} | {difference(v)} |\n"
        text += "\n"
    return text.rstrip() + "\n"


def difference(verdict: ops.Verdict) -> str:
    """How an entry differs, in a cell of a table."""
    told = []
    for aspect, differences in verdict.wrong.items():
        first = " ".join(differences[0].split())[:140].replace("|", "\\|")
        told.append(f"{aspect} ({len(differences)} of {verdict.tried[aspect]}): {first}")
    return "; ".join(told)


def rows() -> dict[str, bool]:
    """What the page says: does an entry agree?"""
    found = _ROW.finditer(PAGE.read_text(encoding="utf-8"))
    return {m[1]: m[2] == "yes" for m in found}


def main() -> None:
    """Writes the page, whole or not at all."""
    text = page(measured())
    with tempfile.NamedTemporaryFile("w", dir=PAGE.parent, delete=False, encoding="utf-8") as f:
        f.write(text)
    os.replace(f.name, PAGE)
    PAGE.chmod(0o644)
    print(*(line for line in text.splitlines() if line.startswith("## ")), sep="\n")


if __name__ == "__main__":
    main()
