"""The command `flambeau`: `lab`, `info` and `view`.

Nothing of Jupyter is imported here: the library works where none of it is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

FIRST = "00_start.ipynb"
MANIFEST = ".flambeau-tutorials.json"


class CommandError(Exception):
    """Something the user can put right; printed as one line, without a traceback."""


# ---- lab -----------------------------------------------------------------------------------


def lab(args: argparse.Namespace) -> int:
    """Put the tutorials into a folder and open JupyterLab there."""
    try:
        from flambeau_lab import tutorials
    except ImportError:
        raise CommandError("no tutorials here: pip install --force-reinstall flambeau") from None
    if not find_spec("jupyterlab"):
        raise CommandError("JupyterLab is not installed: pip install jupyterlab")
    folder = Path(args.dir).resolve()
    kept = place(tutorials(), folder)
    for name in kept:
        print(f"kept {folder / name}: you changed it")
    print(f"tutorials in {folder}")
    return open_lab(folder, FIRST, browser=args.browser, port=args.port)


def place(source: Path, folder: Path) -> list[str]:
    """Copy the files of `source` into `folder`; return those kept because the user changed them.

    A manifest of what was copied tells a file that is merely older from one that was edited.
    """
    if not source.is_dir():
        raise CommandError(f"no tutorials in {source}: this installation is not complete")
    folder.mkdir(parents=True, exist_ok=True)
    copied = _read_manifest(folder / MANIFEST)
    kept = []
    for name, path in _files(source):
        target, new = folder / name, path.read_bytes()
        if target.exists() and _hash(target.read_bytes()) not in (_hash(new), copied.get(name)):
            kept.append(name)
            continue
        _write(target, new)
        copied[name] = _hash(new)
    _write(folder / MANIFEST, json.dumps(copied, indent=1).encode())
    return kept


def _files(source: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and not any(part.startswith((".", "__")) for part in name.parts):
            yield name.as_posix(), path


def _read_manifest(path: Path) -> dict[str, str]:
    # Without a manifest every differing file counts as the user's: the safe side.
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def open_lab(folder: Path, notebook: str, *, browser: bool = True, port: int | None = None) -> int:
    """Run JupyterLab with `folder` as its root and `notebook` open; return when it has ended."""
    command = [sys.executable, "-m", "jupyterlab"]
    command += ["--ServerApp.log_level=WARN", "--LabApp.log_level=WARN"]  # the URL stands out
    command += [f"--ServerApp.root_dir={folder.resolve()}", "--ServerApp.ip=127.0.0.1"]
    command += [f"--LabApp.default_url=/lab/tree/{notebook}"]  # in the URL that is printed too
    command += [f"--ServerApp.port={port}"] if port else []
    command += [] if browser else ["--no-browser"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container; loopback and the token still guard it
    print(f"JupyterLab opens {notebook}. No browser? Open the URL below.", flush=True)
    print("Ctrl+C twice stops it.", flush=True)
    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # JupyterLab got it too: it asks, then ends by itself
            continue


# ---- view ----------------------------------------------------------------------------------


def view(args: argparse.Namespace) -> int:
    """Write a recording as one HTML page and open it."""
    source = Path(args.file)
    if source.is_dir():
        raise CommandError(f"{source}: this is a folder; name a recording (.flb) in it")
    page = Path(args.output) if args.output else source.with_suffix(".html")
    if page.resolve() == source.resolve():
        raise CommandError(f"{page} is the recording itself: name another page with -o")
    from .record import load

    try:
        load(source).to_html(page)
    except (ValueError, ImportError) as error:  # they name the file, or what to install
        raise CommandError(_one_line(error)) from error
    print(f"wrote {page}")
    if args.browser and not _open(page.resolve().as_uri()):
        print("no browser was found: open the page yourself")
    return 0


def _open(url: str) -> bool:
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False


# ---- info ----------------------------------------------------------------------------------

_PACKAGES = {
    "numpy": "pip install numpy",
    "jupyterlab": "pip install jupyterlab",
    "ipykernel": "pip install ipykernel",
    "anywidget": "pip install anywidget",
    "matplotlib": "pip install matplotlib",
    "graphviz": "pip install graphviz",
    "torch": "optional: runs the same code for comparison",
}


def info(args: argparse.Namespace) -> int:
    """Print versions, devices, and what is missing with how to get it."""
    print("\n".join(report()))
    return 0


def report() -> list[str]:
    """The lines of `flambeau info`: name, what was found, and how to get what is missing."""
    rows = [("flambeau", _version("flambeau") or "not installed"), ("python", _python())]
    rows += [(name, _version(name) or f"missing ({how})") for name, how in _PACKAGES.items()]
    rows += [("dot", _dot()), ("cpu", _cpu()), *_cuda(), ("extension", _extension())]
    return [f"{name:<12}{value}" for name, value in rows]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _dot() -> str:
    path = shutil.which("dot")
    if not path:
        return "missing (draws Graphviz pictures: apt install graphviz, or graphviz.org/download)"
    said = subprocess.run([path, "-V"], capture_output=True, text=True, check=False)
    found = re.search(r"version ([\d.]+)", said.stderr + said.stdout)
    return f"{found[1] if found else 'found'} ({path})"


def _cpu() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        return f"{_cpu_name()}, {cores} cores, {memory:.1f} GiB"
    except (AttributeError, ValueError, OSError):  # not POSIX
        return f"{_cpu_name()}, {cores} cores"


def _cpu_name() -> str:
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _cuda() -> list[tuple[str, str]]:
    name = next((n for n in ("cupy-cuda12x", "cupy-cuda13x", "cupy") if _version(n)), None)
    if not name:
        return [("cupy", f"missing (for NVIDIA GPUs: pip install 'flambeau[{_cuda_extra()}]')")]
    rows = [("cupy", f"{_version(name)} ({name})")]
    try:
        import cupy

        for i in range(cupy.cuda.runtime.getDeviceCount()):
            device = cupy.cuda.runtime.getDeviceProperties(i)
            memory = device["totalGlobalMem"] / 2**30
            rows.append((f"cuda:{i}", f"{device['name'].decode()}, {memory:.1f} GiB"))
    except Exception as error:  # no driver, no device, wrong CUDA: CuPy has an error for each
        rows.append(("cuda", f"no device can be used: {_one_line(error)}"))
    return rows


def _cuda_extra() -> str:
    """The extra that fits the driver; the older CUDA where no driver tells."""
    smi = shutil.which("nvidia-smi")
    said = subprocess.run([smi], capture_output=True, text=True, check=False).stdout if smi else ""
    found = re.search(r"CUDA Version: (\d+)", said)
    return "cuda13" if found and int(found[1]) >= 13 else "cuda12"


def _extension() -> str:
    if not find_spec("jupyterlab"):
        return "off (JupyterLab is missing)"
    command = [sys.executable, "-m", "jupyterlab.labextensions", "list"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    line = re.search(r"^\s*flambeau v.*$", said.stderr + said.stdout, re.M)
    if not line:
        return "not found (pip install --force-reinstall flambeau)"
    if "enabled" not in line[0]:
        return "disabled (jupyter labextension enable flambeau)"
    return "enabled" if "OK" in line[0] else "enabled, but not made for this JupyterLab"


# ---- files and arguments -------------------------------------------------------------------


def _write(path: Path, data: bytes) -> None:
    from .record.trace import write_whole

    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="flambeau", description="Deep learning you can see.")
    parser.add_argument("--version", action="version", version=_version("flambeau") or "unknown")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    one = commands.add_parser("lab", help="put the tutorials into a folder, open JupyterLab there")
    where = "folder for the tutorials, made if need be (default: %(default)s)"
    one.add_argument("dir", nargs="?", default="flambeau_tutorials", metavar="DIR", help=where)
    one.add_argument("--port", type=_port, help="port of JupyterLab (default: the first free one)")
    one.set_defaults(run=lab)

    two = commands.add_parser("view", help="show a recording (.flb) as one HTML page")
    two.add_argument("file", metavar="FILE.flb", help="the recording to show")
    two.add_argument("-o", "--output", metavar="OUT.html", help="default: FILE.html beside it")
    two.set_defaults(run=view)

    for command, instead in ((one, "print the URL only"), (two, "write the page only")):
        told = f"open no browser: {instead}"
        command.add_argument("--no-browser", dest="browser", action="store_false", help=told)

    three = commands.add_parser("info", help="versions, devices, and how to get what is missing")
    three.set_defaults(run=info)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when it went well, 1 with one line on stderr when it did not."""
    args = _parser().parse_args(argv)
    try:
        return int(args.run(args))
    except CommandError as error:
        print(f"flambeau: {_one_line(error)}", file=sys.stderr)
    except OSError as error:
        said = f"{error.filename}: {error.strerror}" if error.filename else _one_line(error)
        print(f"flambeau: {said}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
