"""What the C library keeps of freed arrays, and how a program sets and sees it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import flambeau as fb
from flambeau.cpu import memory

glibc = pytest.mark.skipif(
    memory._library is None, reason="no glibc, or the environment says how it is to allocate"
)

# In MiB: what is resident, and pages that had to be made since the last call.
TOOLS = """
import resource
import flambeau as fb

def resident():
    with open("/proc/self/status") as file:
        return next(int(t.split()[1]) for t in file if t.startswith("VmRSS")) // 1024

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
"""


def run(code: str, **environment: str) -> list[str]:
    """What a program prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", TOOLS + code],
        check=True, text=True, stdout=subprocess.PIPE, env={**os.environ, **environment},
    )  # fmt: skip
    return done.stdout.split()


@glibc
@pytest.mark.parametrize("size", [1 << 20, 1 << 22, 1 << 24], ids=["4MiB", "16MiB", "64MiB"])
def test_freed_arrays_are_used_again(size):
    (made,) = run(f"""
x = fb.ones({size})
for i in range(6):
    if i == 2: before = faults()
    y = x + 1
    del y
print(faults() - before)
""")
    assert int(made) < 50  # each array has 256 pages for each MiB


@glibc
def test_empty_cache_gives_back_what_is_free():
    full, cached, empty, left = map(
        int,
        run("""
x = fb.ones(1 << 25)
del x
print(resident(), fb.cpu.memory_cached() >> 20)
fb.cpu.empty_cache()
print(resident(), fb.cpu.memory_cached() >> 20)
"""),
    )
    assert cached >= 128
    assert full - empty > 100
    assert left < cached - 100


@glibc
def test_no_more_is_kept_than_the_limit():
    empty, full = map(
        int,
        run("""
fb.cpu.set_cache_limit(1 << 20)
before = resident()
x = fb.ones(1 << 25)
del x
print(resident() - before)
fb.cpu.set_cache_limit(None)
x = fb.ones(1 << 25)
del x
print(resident() - before)
"""),
    )
    assert empty < 30
    assert full > 100


@glibc
def test_the_limit_is_told():
    before = fb.cpu.cache_limit()
    assert before == 2**30
    try:
        fb.cpu.set_cache_limit(5)
        assert fb.cpu.cache_limit() == 5
        fb.cpu.set_cache_limit(2**40)
        assert fb.cpu.cache_limit() is None
    finally:
        fb.cpu.set_cache_limit(before)


@pytest.mark.parametrize("wrong", [-1, 1.5, "1GB"])
def test_a_limit_is_a_number_of_bytes(wrong):
    with pytest.raises(ValueError, match="bytes"):
        fb.cpu.set_cache_limit(wrong)


@pytest.mark.parametrize(
    "environment",
    [
        {"FLAMBEAU_ALLOCATOR": "0"},
        {"MALLOC_ARENA_MAX": "2"},
        {"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=1000000"},
    ],
    ids=lambda e: next(iter(e)),
)
def test_the_environment_can_have_it_left_alone(environment):
    code = "print(fb.cpu.cache_limit(), fb.cpu.memory_cached(), fb.cpu.memory._library)"
    assert run(code, **environment) == ["0", "0", "None"]


def test_other_systems_have_the_functions_and_nothing_happens(monkeypatch):
    monkeypatch.setattr(memory, "_library", None)
    monkeypatch.setattr(memory, "_limit", memory._limit)
    monkeypatch.setattr(sys, "platform", "darwin")
    memory.set_up()
    assert memory._library is None
    fb.cpu.empty_cache()
    fb.cpu.set_cache_limit(0)
    assert fb.cpu.memory_cached() == fb.cpu.cache_limit() == 0
