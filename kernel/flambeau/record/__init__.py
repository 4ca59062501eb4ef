"""Recording: what runs inside ``with fb.record() as trace:`` becomes a trace."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..left_out import missing
from .slot import slot

if TYPE_CHECKING:
    from .frame import TraceError
    from .recorder import Recorder
    from .trace import Trace, load

__all__ = ["Recorder", "Trace", "TraceError", "load", "mark", "record", "slot"]

# What records is imported with the first recording.
_LATER = {"Recorder": "recorder", "Trace": "trace", "TraceError": "frame", "load": "trace"}


def __getattr__(name: str) -> Any:
    """The recorder and the trace, imported when they are first touched."""
    if name not in _LATER:
        raise missing(f"module {__name__!r}", name, __name__)
    found = globals()[name] = getattr(import_module(f".{_LATER[name]}", __name__), name)
    return found


class Both:
    """Two recorders in the one slot: a live view and a recording of one's own."""

    def __init__(self, first: Any, second: Any) -> None:
        self.recorders = (first, second)

    def __getattr__(self, name: str) -> Callable[..., None]:
        methods = [getattr(r, name) for r in self.recorders]

        def call(*args: Any) -> None:
            for method in methods:
                method(*args)

        setattr(self, name, call)
        return call


def add_recorder(recorder: Any) -> None:
    """Puts a recorder into the slot, beside one that is there."""
    slot.recorder = recorder if slot.recorder is None else Both(slot.recorder, recorder)


def remove_recorder(recorder: Any) -> None:
    """Takes a recorder out of the slot; one beside it stays."""
    slot.recorder = _without(slot.recorder, recorder)


def _without(found: Any, recorder: Any) -> Any:
    if found is recorder:
        return None
    if isinstance(found, Both):
        left = [r for r in (_without(r, recorder) for r in found.recorders) if r is not None]
        return Both(*left) if len(left) == 2 else left[0] if left else None
    return found


class record:  # noqa: N801  (it reads as a verb: `with fb.record() as trace`)
    """Records the operations that run inside it; gives a `Trace`.

    ``statistics`` is the share of the time that sampling values may take (0 switches it off,
    1 samples every iteration). As a decorator, the trace of the last call is ``function.trace``.
    An error inside passes on, and the trace holds what ran up to it.

    >>> import flambeau as fb
    >>> with fb.record() as trace:
    ...     y = fb.zeros(4).exp()
    >>> trace.ops[-1].name
    'exp'
    """

    def __init__(self, *, statistics: float = 0.1, title: str = "") -> None:
        if not 0 <= statistics <= 1:
            raise ValueError(f"statistics is a share of the time, 0 to 1, not {statistics!r}")
        if not isinstance(title, str):
            raise TypeError(f"title is a string, not {type(title).__name__}")
        self.statistics, self.title = statistics, title
        self.recorders: list[Recorder] = []

    def __enter__(self) -> Trace:
        from datetime import UTC, datetime

        from .. import __version__
        from .recorder import Recorder
        from .trace import Trace

        started = datetime.now(UTC).isoformat(timespec="seconds")
        about = {"flambeau": __version__, "title": self.title, "started": started}
        recorder = Recorder(Trace(about), self.statistics)
        self.recorders.append(recorder)
        add_recorder(recorder)
        return recorder.trace

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        recorder = self.recorders.pop()
        remove_recorder(recorder)
        if error is not None and kind is not GeneratorExit:  # a generator that is let go of
            recorder.error(error)
        recorder.close()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that records each call of itself; of a generator, until it is exhausted."""
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generated(*args: Any, **kwargs: Any) -> Any:
                with record(statistics=self.statistics, title=self.title) as trace:
                    generated.trace = trace  # type: ignore[attr-defined]
                    return (yield from function(*args, **kwargs))

            return generated

        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            with record(statistics=self.statistics, title=self.title) as trace:
                recorded.trace = trace  # type: ignore[attr-defined]
                return function(*args, **kwargs)

        return recorded


def mark(text: str) -> None:
    """Puts a note on the time line of the running recording, if there is one."""
    if slot.recorder is not None:
        slot.recorder.mark(text)
