"""The older profiler; mirrors ``torch.autograd.profiler``."""

from __future__ import annotations

from typing import Any, Self

from ..left_out import explains
from ..profiler import (
    EventList,
    FunctionEvent,
    FunctionEventAvg,
    ProfilerActivity,
    Profiling,
    record_function,
)

__all__ = [
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
    "ProfilerActivity",
    "profile",
    "record_function",
]

__getattr__ = explains(__name__)


class profile(Profiling):  # noqa: N801  (PyTorch's name)
    """Times the operations that run inside it; prints as a table of them."""

    def __init__(self, enabled: bool = True, **more: Any) -> None:
        super().__init__()
        self.enabled = enabled

    def __enter__(self) -> Self:
        if self.enabled:
            if self._recorder is not None or self._trace is not None:
                raise RuntimeError("Profiler context manager is not reentrant")
            self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def function_events(self) -> EventList:
        """Every operation that was recorded."""
        return self.events()

    def table(self, *args: Any, **kwargs: Any) -> str:
        """The operations as text."""
        return self.events().table(*args, **kwargs)

    def total_average(self) -> FunctionEventAvg:
        """One sum of everything."""
        return self.events().total_average()

    @property
    def self_cpu_time_total(self) -> float:
        """µs in all operations."""
        return self.events().self_cpu_time_total

    def __repr__(self) -> str:
        return self.table() if self._trace is not None else "<unfinished profiler.profile>"
