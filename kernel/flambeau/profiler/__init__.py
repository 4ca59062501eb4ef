"""How long operations take, made of a recording; mirrors ``torch.profiler``.

>>> import flambeau as torch
>>> with torch.profiler.profile() as prof:
...     y = torch.ones(2, 2) @ torch.ones(2, 2)
>>> [event.key for event in prof.key_averages() if event.key == "aten::matmul"]
['aten::matmul']
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, ClassVar, Self

from ..left_out import explains
from ..record import Recorder, Trace, record
from .events import EventList, FunctionEvent, FunctionEventAvg, events_of

__all__ = [
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
]

__getattr__ = explains(__name__)


class ProfilerActivity(Enum):
    """What is timed. Kernels of a GPU run on after the call: CPU time is what calls take."""

    CPU = 0
    CUDA = 2


class ProfilerAction(Enum):
    """What a profile does in one step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


_RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def supported_activities() -> set[ProfilerActivity]:
    """What can be timed: what the program does on the CPU."""
    return {ProfilerActivity.CPU}


def schedule(
    *,
    wait: int,
    warmup: int,
    active: int,
    repeat: int = 0,
    skip_first: int = 0,
    skip_first_wait: int = 0,
) -> Callable[[int], ProfilerAction]:
    """What to do in step n: after ``skip_first`` steps, cycles of wait, warmup and active ones.

    ``repeat`` cycles, or for ever where it is 0; ``skip_first_wait`` leaves out the first wait.
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active < 1:
        raise AssertionError(
            "schedule: the numbers of steps cannot be negative, active is 1 or more"
        )
    cycle = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        if step < skip_first:
            return ProfilerAction.NONE
        step += (wait if skip_first_wait else 0) - skip_first
        if repeat and step >= repeat * cycle:
            return ProfilerAction.NONE
        at = step % cycle
        if at < wait + warmup:
            return ProfilerAction.NONE if at < wait else ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if at == cycle - 1 else ProfilerAction.RECORD

    return action


class Profiling:
    """One recording after another, and what is known of the last."""

    _running: ClassVar[list[Profiling]] = []  # those that follow what `record_function` names

    def __init__(self) -> None:
        self._record = record(statistics=0)
        self._trace: Trace | None = None
        self._ranges: list[FunctionEvent] = []
        self._recorder: Recorder | None = None

    def _begin(self) -> None:
        self._ranges = []
        self._trace = self._record.__enter__()
        self._recorder = self._record.recorders[-1]
        self._running.append(self)

    def _end(self) -> None:
        if self._recorder is not None:
            self._running.remove(self)
            self._record.__exit__(None, None, None)
            self._recorder = None

    def _now(self) -> float:
        return self._recorder.now() * 1e6 if self._recorder is not None else 0.0

    def events(self) -> EventList:
        """Every operation that was recorded last; AssertionError where nothing was."""
        if self._trace is None:
            raise AssertionError("Profiler must be initialized before getting events: run it first")
        return events_of(self._trace, self._ranges)

    def key_averages(self, group_by_input_shape: bool = False, *_: Any, **__: Any) -> EventList:
        """The times by operation, with a ``table()`` of them."""
        return self.events().key_averages(group_by_input_shape)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Writes a file that Perfetto and browsers' tracing pages open."""
        self.events().export_chrome_trace(path)


class profile(Profiling):  # noqa: N801  (PyTorch's name)
    """Times the operations that run inside it; mirrors ``torch.profiler.profile``.

    With a ``schedule``, ``step()`` after each iteration goes on in it, and ``on_trace_ready(prof)``
    is called after each cycle. What only PyTorch's own recording knows (stacks, FLOPs) is accepted
    and left out.
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[Any], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        **more: Any,
    ) -> None:
        super().__init__()
        self.activities = set(activities) if activities is not None else supported_activities()
        if not self.activities:
            raise AssertionError("No valid profiler activities found")
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.steps_named = schedule is not None
        self.on_trace_ready = on_trace_ready
        self.record_shapes, self.profile_memory = record_shapes, profile_memory
        self.step_num = 0
        self.current_action = self.schedule(0)
        self._step: record_function | None = None

    def start(self) -> None:
        """Begins, if the schedule says so for step 0."""
        if self.current_action in _RECORDING:
            self._begin()
        self._name_step()

    def _name_step(self) -> None:
        if self.steps_named and self._recorder is not None:
            self._step = record_function(f"ProfilerStep#{self.step_num}")
            self._step.__enter__()

    def _leave_step(self) -> None:
        if self._step is not None:
            self._step.__exit__(None, None, None)
            self._step = None

    def step(self) -> None:
        """One iteration is over: does what the schedule says for the next."""
        self._leave_step()
        before = self.current_action
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        if before is ProfilerAction.RECORD_AND_SAVE:
            self._finish()
        if self.current_action not in _RECORDING:
            self._end()
        elif self._recorder is None:
            self._begin()
        self._name_step()

    def _finish(self) -> None:
        self._end()
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def stop(self) -> None:
        """Ends; calls ``on_trace_ready`` if it was recording."""
        self._leave_step()
        if self._recorder is not None:
            self._finish()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class record_function:  # noqa: N801
    """Names what runs inside it, in every profile; a context, or a decorator."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self._starts: list[tuple[Profiling, float]] = []

    def __enter__(self) -> Self:
        self._starts = [(running, running._now()) for running in Profiling._running]
        return self

    def __exit__(self, *_: object) -> None:
        for running, begin in self._starts:
            if running in Profiling._running:
                event = FunctionEvent(self.name, begin, running._now(), is_user_annotation=True)
                running._ranges.append(event)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, each call of it named."""

        @functools.wraps(function)
        def named(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return named
