"""The command `flambeau`: tutorials never overwritten, clear words when something is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flambeau import cli


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "data").mkdir(parents=True)
    (folder / "00_start.ipynb").write_text("first")
    (folder / "data" / "digits.txt").write_text("0 1")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "00_start.ipynb").write_text("hidden")
    return folder


def contents(folder: Path) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_text() for p in files}


def test_place_copies_everything_but_hidden_files(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er"
    assert cli.place(source, target) == []
    assert set(contents(target)) == {"00_start.ipynb", "data/digits.txt", cli.MANIFEST}


def test_place_updates_what_is_unchanged_and_keeps_what_is_not(
    source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "mine"
    cli.place(source, target)
    (target / "00_start.ipynb").write_text("my own work")
    (source / "00_start.ipynb").write_text("second edition")
    (source / "data" / "digits.txt").write_text("0 1 2")
    for _ in range(2):  # a second run must not forget that it is the user's
        assert cli.place(source, target) == ["00_start.ipynb"]
        assert (target / "00_start.ipynb").read_text() == "my own work"
    assert (target / "data" / "digits.txt").read_text() == "0 1 2"


@pytest.mark.parametrize("manifest", [None, "{", "[1, 2]", "null"])
def test_place_without_a_usable_manifest_keeps_what_differs(
    source: Path, tmp_path: Path, manifest: str | None
) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    (target / "00_start.ipynb").write_text("was here before")
    if manifest is not None:
        (target / cli.MANIFEST).write_text(manifest)
    assert cli.place(source, target) == ["00_start.ipynb"]
    assert json.loads((target / cli.MANIFEST).read_text()).keys() == {"data/digits.txt"}


def test_lab_places_then_launches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Path, capsys: pytest.CaptureFixture
) -> None:
    started: list[list[str]] = []

    class Server:
        def __init__(self, command: list[str]) -> None:
            started.append(command)
            self.interrupted = False

        def wait(self) -> int:
            if not self.interrupted:  # Ctrl+C belongs to the server
                self.interrupted = True
                raise KeyboardInterrupt
            return 0

    monkeypatch.setattr("flambeau_lab.tutorials", lambda: source)
    monkeypatch.setattr(cli.subprocess, "Popen", Server)
    target = tmp_path / "mine"
    assert cli.main(["lab", str(target), "--no-browser", "--port", "9999"]) == 0
    assert {
        f"--ServerApp.root_dir={target}",
        "--LabApp.default_url=/lab/tree/00_start.ipynb",
        "--ServerApp.port=9999",
        "--no-browser",
    } <= set(started[0])
    assert not any("token" in part for part in started[0]), "Jupyter's own security stays on"
    (target / "00_start.ipynb").write_text("mine")
    assert cli.main(["lab", str(target)]) == 0
    assert "you changed it" in capsys.readouterr().out


def test_lab_without_jupyterlab_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    assert cli.main(["lab", str(tmp_path / "mine")]) == 1
    assert "pip install jupyterlab" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()


def test_lab_where_a_file_is_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Path, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("flambeau_lab.tutorials", lambda: source)
    (tmp_path / "mine").write_text("a file")
    assert cli.main(["lab", str(tmp_path / "mine")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("flambeau: ")
    assert error.count("\n") == 1
    assert (tmp_path / "mine").read_text() == "a file"


def test_info_names_what_is_there_and_how_to_get_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(cli, "_extension", lambda: "enabled")
    monkeypatch.setattr(cli, "_version", {"flambeau": "0.1.0", "numpy": "2.0.0"}.get)
    monkeypatch.setattr(cli.shutil, "which", lambda name: None)
    assert cli.main(["info"]) == 0
    said = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert said["flambeau"] == "0.1.0"
    assert said["numpy"] == "2.0.0"
    assert "pip install jupyterlab" in said["jupyterlab"]
    assert "flambeau[cuda12]" in said["cupy"]
    assert "graphviz" in said["dot"]
    assert "cores" in said["cpu"]


def test_version(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == "0.1.0\n"


def test_the_package_is_the_command() -> None:
    command = [sys.executable, "-m", "flambeau", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == "0.1.0\n"


@pytest.mark.parametrize("bad", ["missing", "empty", "text", "truncated", "folder"])
def test_view_of_a_bad_file_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture, bad: str
) -> None:
    pytest.importorskip("flambeau.record")
    path, page = tmp_path / "run.flb", tmp_path / "run.html"
    made = {"empty": b"", "text": b"hello, this is no recording\n", "truncated": b"FLB1\x40\0\0\0"}
    if bad == "folder":
        path.mkdir()
    elif bad in made:
        path.write_bytes(made[bad])
    assert cli.main(["view", str(path), "--no-browser"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"flambeau: {path}: ")
    assert error.count(str(path)) == error.count("\n") == 1
    assert not page.exists()


def test_view_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    record = pytest.importorskip("flambeau.record")

    class Trace:
        def to_html(self, path: Path) -> None:
            Path(path).write_text("<!doctype html>")

    opened: list[str] = []
    monkeypatch.setattr(record, "load", lambda path: Trace(), raising=False)
    monkeypatch.setattr(cli.webbrowser, "open", lambda url: opened.append(url) is None)
    source, page = tmp_path / "run.flb", tmp_path / "page.html"
    source.write_bytes(b"recorded")
    assert cli.main(["view", str(source), "-o", str(page)]) == 0
    assert page.read_text() == "<!doctype html>"
    assert opened == [page.as_uri()]
    assert cli.main(["view", str(source), "-o", str(source)]) == 1
    assert source.read_bytes() == b"recorded"


def test_the_library_and_its_command_import_nothing_of_jupyter() -> None:
    code = (
        "import sys, flambeau.cli\n"
        "bad = {'IPython', 'ipykernel', 'jupyterlab', 'jupyter_core', 'ipywidgets', 'anywidget'}\n"
        "assert not bad & set(sys.modules), bad & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.gpu
def test_info_names_every_cuda_device() -> None:
    import cupy

    rows = dict(cli._cuda())
    for i in range(cupy.cuda.runtime.getDeviceCount()):
        assert rows[f"cuda:{i}"].endswith("GiB")


@pytest.mark.parametrize("port", ["abc", "-1", "99999999", "1.5"])
def test_a_port_that_cannot_be_is_refused(port, capsys):
    with pytest.raises(SystemExit):
        cli.main(["lab", "--port", port])
    assert "--port" in capsys.readouterr().err
