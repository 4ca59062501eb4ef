"""What is in the sdist and the wheel, and that JupyterLab finds the extension in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling")

ROOT = Path(__file__).parent.parent
SHARED = "flambeau-{version}.data/data/share/jupyter/labextensions/flambeau/"


def hatch(tree: Path, target: str, out: Path) -> Path:
    """Build a sdist or a wheel of a tree with this environment's hatchling."""
    # No PATH: nothing that happens to be installed here may help.
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "-d", str(out)]
    done = subprocess.run(
        command,
        cwd=tree,
        env={**os.environ, "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module")
def sdist(folder: Path) -> Path:
    return hatch(ROOT, "sdist", folder / "sdist")


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    return hatch(ROOT, "wheel", folder / "wheel")


@pytest.fixture(scope="module")
def unpacked(folder: Path, sdist: Path) -> Path:
    with tarfile.open(sdist) as archive:
        # Python 3.11 knows the filter from 3.11.4 on.
        how = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder / "unpacked", **how)
    (tree,) = (folder / "unpacked").iterdir()
    return tree


def files(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.slow
def test_wheel_from_the_sdist_is_the_wheel_from_the_clone(
    folder: Path, wheel: Path, unpacked: Path
) -> None:
    again = hatch(unpacked, "wheel", folder / "again")
    assert again.name == wheel.name
    ours, theirs = files(wheel), files(again)
    assert sorted(ours) == sorted(theirs)
    assert [name for name in ours if ours[name] != theirs[name]] == []
    # the sdist brings the built front end: making the wheel took no Node
    assert not (unpacked / "lab_extension" / "node_modules").exists()


def test_wheel_carries_the_three_packages_and_the_front_end(wheel: Path) -> None:
    names = set(files(wheel))
    shared = SHARED.format(version=project()["version"])
    assert {"flambeau/cli.py", "flambeau_widgets/__init__.py", "flambeau_lab/__init__.py"} <= names
    assert {"flambeau_widgets/static/widget.js", "flambeau_widgets/static/page.js"} <= names
    assert {shared + "package.json", shared + "install.json"} <= names
    assert any(name.startswith(shared + "static/remoteEntry.") for name in names)
    tutorials = [p.name for p in (ROOT / "tutorials").glob("*.ipynb")]
    assert {f"flambeau_lab/tutorials/{name}" for name in tutorials} <= names
    tops = {name.split("/")[0] for name in names}
    kinds = {top for top in tops if not re.fullmatch(r"flambeau-.*\.(data|dist-info)", top)}
    assert kinds == {"flambeau", "flambeau_widgets", "flambeau_lab"}


def test_archives_carry_nothing_else(sdist: Path, wheel: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = archive.getnames() + list(files(wheel))
    bad = re.compile(
        r"node_modules|\.venv|__pycache__|\.ipynb_checkpoints|\.git/|/lib/|_cache|\.log$"
    )
    assert [name for name in names if bad.search(name)] == []
    assert sdist.stat().st_size < 5e6
    assert wheel.stat().st_size < 5e6


@pytest.mark.slow
def test_jupyterlab_finds_the_installed_extension(wheel: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--prefix", str(tmp_path)]
    subprocess.run([*pip, "--ignore-installed", str(wheel)], check=True)
    place = tmp_path / "share" / "jupyter"
    listed = subprocess.run(
        [sys.executable, "-m", "jupyterlab.labextensions", "list"],
        env={**os.environ, "JUPYTER_PATH": str(place)},
        capture_output=True,
        text=True,
        check=True,
    )
    said = re.sub(r"\x1b\[\d*m", "", listed.stderr + listed.stdout)
    section = said.split(f"{place / 'labextensions'}\n", 1)[1]
    line = next(line for line in section.splitlines() if "flambeau v" in line)
    assert re.search(r"flambeau v\S+\s+enabled\s+OK", line), said


def test_one_version_everywhere(wheel: Path) -> None:
    import flambeau

    version = project()["version"]
    package = json.loads((ROOT / "lab_extension" / "package.json").read_text())
    assert package["version"] == version
    assert f"flambeau-{version}-" in wheel.name
    assert getattr(flambeau, "__version__", version) == version
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_lock_file_names_no_host() -> None:
    lock = json.loads((ROOT / "lab_extension" / "package-lock.json").read_text())
    resolved = {p["resolved"] for p in lock["packages"].values() if "resolved" in p}
    assert all(url.startswith("https://registry.npmjs.org/") for url in resolved)


def test_versions_of_jupyterlab_are_ranges() -> None:
    # An exact version would be refused by every JupyterLab but that one.
    package = json.loads((ROOT / "lab_extension" / "package.json").read_text())
    ours = {k: v for k, v in package["dependencies"].items() if k.startswith("@jupyterlab/")}
    assert ours
    assert all(v.startswith("^") for v in ours.values()), ours
    assert all(k.startswith(("@jupyterlab/", "@lumino/")) for k in package["dependencies"])
