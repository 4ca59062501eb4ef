"""The room of compiled loops: threads, forked processes, and where what was compiled is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import flambeau as fb
from flambeau.kernels import gate

pytestmark = pytest.mark.skipif(not gate.installed(), reason="numba is not installed")

GELU = "import flambeau as fb; x = fb.linspace(-3, 3, 1 << 19); y = fb.nn.functional.gelu(x)"
EXPECTED = "2.99595"


def run(code: str, **environment: str) -> str:
    """What a new process prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    before = fb.get_num_threads()
    fb.set_num_threads(2)
    try:
        x = fb.randn(1 << 20)
        expected = fb.nn.functional.gelu(x).numpy()  # the parent's threads exist from here on
        child = os.fork()
        if child == 0:
            signal.alarm(60)  # rather than for ever
            same = np.array_equal(fb.nn.functional.gelu(x).numpy(), expected)
            os._exit(0 if same else 1)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        fb.set_num_threads(before)


def test_threads_are_as_many_as_the_environment_says():
    code = "from flambeau.kernels import threads; print(threads._threads)"
    assert run(code, OMP_NUM_THREADS="3") == "3"
    usual = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else "")
    assert run(code, OMP_NUM_THREADS="") == (usual or str(os.cpu_count()))
    assert run(code, OMP_NUM_THREADS="many") == (usual or str(os.cpu_count()))


def test_loops_are_compiled_each_time_where_nothing_can_be_written(tmp_path):
    place = tmp_path / "a file"
    place.write_text("")
    assert run(f"{GELU}; print(round(y[-1].item(), 5))", XDG_CACHE_HOME=str(place)) == EXPECTED


def test_what_was_compiled_is_kept_and_used_again(tmp_path):
    code = f"{GELU}; print(round(y[-1].item(), 5))"
    assert run(code, XDG_CACHE_HOME=str(tmp_path)) == EXPECTED
    kept = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.nbc")}
    assert kept
    assert run(code, XDG_CACHE_HOME=str(tmp_path)) == EXPECTED
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.nbc")} == kept


def test_damaged_files_are_compiled_anew(tmp_path):
    code = f"{GELU}; print(round(y[-1].item(), 5))"
    run(code, XDG_CACHE_HOME=str(tmp_path))
    for file in tmp_path.rglob("*.nb?"):
        file.write_bytes(b"\x00 nonsense")
    assert run(code, XDG_CACHE_HOME=str(tmp_path)) == EXPECTED
