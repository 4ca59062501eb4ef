"""Streams and events: lines of work on a CUDA device, and marks in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..device import NoDevice, cuda_count, cupy


def _needed() -> Any:
    if not cuda_count():
        raise NoDevice("streams and events need a CUDA device, and CuPy finds none")
    return cupy().cuda


class Stream:
    """A line of work on a device; ``with torch.cuda.stream(s):`` sends work there."""

    def __init__(self, device: Any = None, priority: int = 0, *, of: Any = None) -> None:
        self.inner = _needed().Stream(non_blocking=True) if of is None else of

    def synchronize(self) -> None:
        """Waits until all its work is done."""
        self.inner.synchronize()

    def query(self) -> bool:
        """Whether all its work is done."""
        return bool(self.inner.done)

    def record_event(self, event: Event | None = None) -> Event:
        """Puts a mark behind the work given so far."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Has work given from now on wait for a mark."""
        self.inner.wait_event(event.inner)

    def wait_stream(self, stream: Stream) -> None:
        """Has work given from now on wait for what another stream was given."""
        self.wait_event(stream.record_event())


class Event:
    """A mark in a stream, which can be waited for and, with ``enable_timing``, tells the time."""

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False
    ) -> None:
        self.inner = _needed().Event(block=blocking, disable_timing=not enable_timing)

    def record(self, stream: Stream | None = None) -> None:
        """Puts the mark behind the work given so far."""
        self.inner.record(None if stream is None else stream.inner)

    def wait(self, stream: Stream | None = None) -> None:
        """Has a stream wait for the mark."""
        (current_stream() if stream is None else stream).wait_event(self)

    def synchronize(self) -> None:
        """Waits until the mark is reached."""
        self.inner.synchronize()

    def query(self) -> bool:
        """Whether the mark is reached."""
        return bool(self.inner.done)

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this mark to another."""
        return float(_needed().get_elapsed_time(self.inner, end_event.inner))


def current_stream(device: Any = None) -> Stream:
    """The stream that work goes to."""
    return Stream(of=_needed().get_current_stream())


def default_stream(device: Any = None) -> Stream:
    """The stream that work goes to if nothing else is said."""
    return Stream(of=_needed().Stream.null)


@contextmanager
def stream(stream: Stream | None) -> Iterator[None]:
    """Inside, work goes to this stream; None changes nothing."""
    if stream is None:
        yield
        return
    with stream.inner:
        yield


StreamContext = stream
