"""Switches that PyTorch programs set. Threads are real; the others are kept and told, no more.

NumPy and CuPy choose their own algorithms, which are deterministic and compute in full precision.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from .kernels.threads import spread_over

_switches: dict[str, Any] = {
    "deterministic": 0,  # 0: off, 1: warn, 2: on
    "precision": "highest",
    "warn_always": False,
    "interop": os.cpu_count() or 1,
}
_DEBUG_MODES = {"default": 0, "warn": 1, "error": 2}


def _checked(name: str, value: Any, kind: type, error: type[Exception] = RuntimeError) -> Any:
    if type(value) is not kind:
        raise error(f"{name} expects {kind.__name__}, but got {type(value).__name__}")
    return value


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: the algorithms on the CPU are deterministic as they are."""
    _checked("use_deterministic_algorithms", mode, bool, TypeError)
    _checked("use_deterministic_algorithms", warn_only, bool, TypeError)
    _switches["deterministic"] = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was last told."""
    return _switches["deterministic"] > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether it was told so with ``warn_only=True``."""
    return _switches["deterministic"] == 1


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """`use_deterministic_algorithms` in other words: "default" or 0, "warn" or 1, "error" or 2."""
    if isinstance(debug_mode, str):
        if debug_mode not in _DEBUG_MODES:
            raise RuntimeError(
                "invalid value of debug_mode, expected one of `default`, `warn`, `error`, "
                f"but got {debug_mode}"
            )
        debug_mode = _DEBUG_MODES[debug_mode]
    if not isinstance(debug_mode, int):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(
            f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}"
        )
    _switches["deterministic"] = int(debug_mode)


def get_deterministic_debug_mode() -> int:
    """What `set_deterministic_debug_mode` was last told, as a number."""
    return _switches["deterministic"]


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted: matrix products are computed in full precision."""
    _checked("set_float32_matmul_precision", precision, str)
    if precision not in ("highest", "high", "medium"):
        warnings.warn(
            f"{precision!r} is not one of 'highest', 'high' and 'medium'; the setting stays as it "
            "was",
            stacklevel=2,
        )
        return
    _switches["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was last told."""
    return _switches["precision"]


def set_warn_always(b: bool, /) -> None:
    """Accepted: how often a warning shows is up to Python's ``warnings``."""
    _switches["warn_always"] = _checked("set_warn_always", b, bool)


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was last told."""
    return _switches["warn_always"]


def set_flush_denormal(mode: bool) -> bool:
    """False: NumPy keeps the smallest numbers as they are, and that cannot be changed."""
    return _checked("set_flush_denormal", mode, bool) and False


# Threads


def _pools() -> Any:
    """The controller of NumPy's thread pools, or None where threadpoolctl is not installed."""
    try:
        import threadpoolctl  # type: ignore[import-untyped]
    except ImportError:
        return None
    return threadpoolctl.ThreadpoolController()


def set_num_threads(num: int, /) -> None:
    """How many threads an operation may use; a matrix product where threadpoolctl is installed."""
    if _checked("set_num_threads", num, int) <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    pools = _pools()
    if pools is not None:
        pools.limit(limits=num)
    spread_over(num)


def get_num_threads() -> int:
    """How many threads a matrix product may use."""
    pools = _pools()
    found = pools.info() if pools is not None else []
    return max([pool["num_threads"] for pool in found], default=1)


def set_num_interop_threads(num: int, /) -> None:
    """Accepted: operations run one after the other."""
    if _checked("set_num_interop_threads", num, int) <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _switches["interop"] = num


def get_num_interop_threads() -> int:
    """What `set_num_interop_threads` was last told."""
    return _switches["interop"]


def spare_a_core() -> None:
    """Leaves one core to the browser that draws while a network trains.

    The threads of a matrix product wait for each other by spinning, so one core too few slows a
    step more than tenfold. A smaller number that was set before stays.
    """
    cores = os.cpu_count() or 1
    if cores > 1 and get_num_threads() >= cores:
        set_num_threads(cores - 1)
