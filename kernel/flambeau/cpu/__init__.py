"""The CPU as a device like others; mirrors ``torch.cpu``."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from ..left_out import explains
from .memory import cache_limit, empty_cache, memory_cached, set_cache_limit

if TYPE_CHECKING:
    from . import amp

__all__ = [
    "Event", "Stream", "amp", "cache_limit", "current_device", "current_stream", "device_count",
    "empty_cache", "is_available", "is_initialized", "memory_cached", "set_cache_limit",
    "set_device", "stream", "synchronize",
]  # fmt: skip

__getattr__ = explains(__name__)  # imports `amp` when it is first touched


def is_available() -> bool:
    """Always True."""
    return True


def is_initialized() -> bool:
    """Always True."""
    return True


def device_count() -> int:
    """Always 1."""
    return 1


def current_device() -> str:
    """Always "cpu"."""
    return "cpu"


def set_device(device: Any) -> None:
    """Accepted: there is one."""


def synchronize(device: Any = None) -> None:
    """Accepted: operations are done when they return."""


class Stream:
    """A line of work; on the CPU there is one."""

    def __init__(self, priority: int = -1) -> None:
        self.priority = priority

    def wait_stream(self, stream: Any) -> None:
        """Accepted: operations are done when they return."""

    def synchronize(self) -> None:
        """Accepted: operations are done when they return."""


class Event:
    """A mark in a line of work, reached at once."""

    def query(self) -> bool:
        """Always True."""
        return True

    def record(self, stream: Any = None) -> None:
        """Accepted: it is reached at once."""

    def synchronize(self) -> None:
        """Accepted: it is reached."""

    def wait(self, stream: Any = None) -> None:
        """Accepted: it is reached."""


_only = Stream()


def current_stream(device: Any = None) -> Stream:
    """The one line of work that there is."""
    return _only


def stream(stream: Any) -> AbstractContextManager[Any]:
    """A context in which work goes to a stream: there is one, so nothing changes."""
    return nullcontext(stream)
