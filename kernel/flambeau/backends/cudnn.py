"""Switches of cuDNN, which is not used; mirrors ``torch.backends.cudnn``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

enabled, benchmark, deterministic, allow_tf32 = True, False, False, True
benchmark_limit: int | None = None


def is_available() -> bool:
    """Always False."""
    return False


def version() -> int | None:
    """None: there is none."""
    return None


def set_flags(**values: Any) -> dict[str, Any]:
    """Sets switches by name (``_enabled=False``) and gives what they were before."""
    before = {}
    for name, value in values.items():
        plain = name.removeprefix("_")
        before[name] = globals()[plain]
        if value is not None:
            globals()[plain] = value
    return before


@contextmanager
def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
) -> Iterator[None]:
    """Inside, the switches are so; afterwards as they were."""
    before = set_flags(
        enabled=enabled,
        benchmark=benchmark,
        benchmark_limit=benchmark_limit,
        deterministic=deterministic,
        allow_tf32=allow_tf32,
    )
    try:
        yield
    finally:
        for name, value in before.items():
            globals()[name] = value
