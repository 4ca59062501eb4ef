"""Switches that PyTorch programs set; accepted, so that they run unchanged.

None changes a result here: NumPy and CuPy choose their own algorithms.
"""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any


class _Absent:
    """A kind of device that there is none of."""

    @staticmethod
    def is_available() -> bool:
        """Always False."""
        return False

    @staticmethod
    def is_built() -> bool:
        """Always False."""
        return False


mps = _Absent()
cudnn = SimpleNamespace(
    enabled=True,
    benchmark=False,
    deterministic=True,
    allow_tf32=False,
    is_available=lambda: False,
    version=lambda: None,
)
cuda = SimpleNamespace(matmul=SimpleNamespace(allow_tf32=False))

_switches: dict[str, Any] = {"deterministic": False, "precision": "highest"}


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: the algorithms on the CPU are deterministic as they are."""
    _switches["deterministic"] = bool(mode)


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was last told."""
    return _switches["deterministic"]


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted: matrix products are computed in full precision."""
    if precision not in ("highest", "high", "medium"):
        raise ValueError(f"precision is 'highest', 'high' or 'medium', not {precision!r}")
    _switches["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was last told."""
    return _switches["precision"]


def _pools() -> Any:
    """The controller of NumPy's thread pools, or None where threadpoolctl is not installed."""
    try:
        import threadpoolctl  # type: ignore[import-untyped]
    except ImportError:
        return None
    return threadpoolctl.ThreadpoolController()


def set_num_threads(num: int) -> None:
    """How many threads a matrix product may use; needs threadpoolctl (scikit-learn brings it)."""
    if not isinstance(num, int) or isinstance(num, bool):
        raise TypeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    pools = _pools()
    if pools is not None:
        pools.limit(limits=num)


def spare_a_core() -> None:
    """Leaves one core to the browser that draws while a network trains.

    The threads of a matrix product wait for each other by spinning, so one core too few slows a
    step more than tenfold. A smaller number that was set before stays.
    """
    cores = os.cpu_count() or 1
    if cores > 1 and get_num_threads() >= cores:
        set_num_threads(cores - 1)


def get_num_threads() -> int:
    """How many threads a matrix product may use."""
    pools = _pools()
    found = pools.info() if pools is not None else []
    return max([pool["num_threads"] for pool in found], default=1)
