"""What `compile` gives back: a callable that traces, replays, or falls back and says why."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from threading import Lock
from typing import Any

from ..autograd import engine
from ..autograd.layers import _on as modes_on
from ..backends import exact
from ..record.slot import slot
from ..subclasses import PLAIN
from . import status
from .aliases import reached
from .backward import tracing_pass
from .effects import chances, noticing
from .guards import MOST, Guards, ModuleGuard
from .ir import Miss, Retreat, Stale, Stop
from .match import MISS, described, matcher
from .program import Program
from .shown import recorded
from .trace import Tracer
from .watch import watching

LIMIT = 8  # programs that are kept for one callable
_one_at_a_time = Lock()
TRIES = 3  # traces without a program after which a call of this kind just runs


# The function that runs a program where it serves a call, and the program.
Entry = tuple[Callable[..., Any], Program]


class Compiled:
    """A function that is replayed where it can be.

    ``reasons`` lists why calls were run eagerly; `explain` tells what became of it.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any] | None = None) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function = function
        self.options_given = options or {}
        self.reset()

    def reset(self) -> None:
        """Forgets all programs."""
        self.entries: list[Entry] = []
        self.reasons: list[str] = []
        self.failed: dict[Any, int] = {}
        self.runs = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Replays the call if one like it was traced, traces it if not."""
        if slot.recorder is not None or not PLAIN or modes_on or exact.enabled:
            return self.as_it_is(args, kwargs)
        for entry in self.entries:
            try:
                result = entry[0](args, kwargs, self.function)
            except Miss:
                continue
            except Stale:
                self.entries.remove(entry)
                break
            except Exception as error:  # of a retreat, or of an operation: eager calls explain
                return self.retreat(entry, error, args, kwargs)
            if result is not MISS:
                return result
        return self.trace(args, kwargs)

    def as_it_is(self, args: Any, kwargs: Any) -> Any:
        """The call, eagerly; where it is recorded, operations tell what they are fused with."""
        fused = getattr(self.entries[0][1].runner, "fused", None) if self.entries else None
        if not fused or slot.recorder is None or status.tracing:
            return self.function(*args, **kwargs)
        return recorded(fused, lambda: self.function(*args, **kwargs))

    def retreat(self, entry: Entry, error: Exception, args: Any, kwargs: Any) -> Any:
        """Runs a call eagerly whose replay came to nothing."""
        result = self.function(*args, **kwargs)
        if not isinstance(error, Retreat):  # it should have raised the same
            self.entries.remove(entry)
            self.say(f"its replay raised {type(error).__name__}: {error}")
        return result

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    # Tracing

    def trace(self, args: Any, kwargs: Any) -> Any:
        """Runs eagerly under the eyes of a tracer, and makes a program of it."""
        if not _one_at_a_time.acquire(blocking=False):  # another thread is tracing
            return self.function(*args, **kwargs)
        try:
            return self.trace_alone(args, kwargs)
        finally:
            _one_at_a_time.release()

    def trace_alone(self, args: Any, kwargs: Any) -> Any:
        """The same, while no other thread traces."""
        key, tensors = described(args, kwargs)
        why = self.hopeless(key, args, kwargs)
        if why:
            self.say(why)
            return self.function(*args, **kwargs)
        tracer, chance = Tracer(tensors), chances()
        guards = self.guards(tracer, args, kwargs)
        try:
            returned = self.watched(tracer, args, kwargs)
            if chances() != chance:
                tracer.stop("it draws random numbers of Python's or NumPy's own")
            self.try_to_keep(key, tracer, guards, returned, args, kwargs)
        finally:
            tracer.release()
        return returned

    def try_to_keep(self, key: Any, tracer: Tracer, *rest: Any) -> None:
        """Makes a program of what was traced, or notes why there is none."""
        try:
            if tracer.reason:
                raise Stop(tracer.reason)
            self.keep(key, tracer, *rest)
            return
        except Stop as stop:
            why = str(stop)
        except Exception as error:  # the call itself has been made: it must not fail for this
            why = f"no program could be made of it: {type(error).__name__} {error}"
        self.failed[_hashable(key)] = self.failed.get(_hashable(key), 0) + 1
        self.say(why)

    def hopeless(self, key: Any, args: Any, kwargs: Any) -> str:
        """Why this call is not traced at all, "" if it is."""
        if engine.kind_of_pass is not engine.Pass:
            return "anomaly mode is on"
        if self.failed.get(_hashable(key), 0) >= TRIES:
            return self.reasons[-1] if self.reasons else "it could not be traced"
        if len(self.entries) >= LIMIT:
            return f"it has {LIMIT} programs already, for other shapes and values"
        return ""

    def guards(self, tracer: Tracer, args: Any, kwargs: Any) -> Any:
        """What the function reads besides its arguments."""
        try:
            found = Guards(self.function)
            for value in (*args, *kwargs.values()):
                found.argument(value)
            return found
        except Stop as why:
            tracer.stop(str(why))
        except Exception as error:  # of objects that do not let themselves be looked at
            tracer.stop(f"what it reads cannot be looked at: {type(error).__name__} {error}")
        return None

    def watched(self, tracer: Tracer, args: Any, kwargs: Any) -> Any:
        """The call, run eagerly."""
        if tracer.reason:
            return self.function(*args, **kwargs)
        kind, slot.recorder, status.tracing = engine.kind_of_pass, tracer, True
        engine.kind_of_pass = tracing_pass(tracer)
        try:
            with watching(tracer), noticing(tracer):
                tracer.listening = True
                return self.function(*args, **kwargs)
        finally:
            tracer.listening = False
            status.tracing = False
            if slot.recorder is tracer:
                slot.recorder = None
            engine.kind_of_pass = kind

    def keep(
        self, key: Any, tracer: Tracer, guards: Guards, returned: Any, args: Any, kwargs: Any
    ) -> None:
        """Makes the program, if nothing that it depends on was changed by the call itself."""
        holds = guards.holds()
        modules = list({**guards.modules, **tracer.modules}.values())
        if not holds():
            raise Stop("it changes what it reads: a name, a container or an object's attribute")
        if tracer.modules_changed():
            raise Stop("it changes the attributes of a module")
        if tracer.options_changed():
            raise Stop("it changes an optimizer's options: let schedulers step outside of it")
        program = Program(tracer, returned)
        outside = reached((*guards.named, *modules), MOST)
        attempt = matcher(key, args, kwargs, guards, ModuleGuard(modules), program, outside)
        self.entries.insert(0, (attempt, program))

    def say(self, reason: str) -> None:
        """Notes why a call runs eagerly; said aloud once."""
        if not self.reasons:
            name = getattr(self.function, "__qualname__", type(self.function).__name__)
            warnings.warn(f"compile: {name} runs eagerly: {reason}", stacklevel=5)
        if reason not in self.reasons:
            self.reasons.append(reason)

    # What it tells

    @property
    def programs(self) -> list[Program]:
        """The programs that there are, the latest first."""
        return [program for _, program in self.entries]

    def source(self) -> str:
        """The source of the latest program: the function that runs a call, and its kernels."""
        return self.entries[0][1].text() if self.entries else ""

    def explain(self) -> str:
        """What became of the calls so far, in words."""
        count = len(self.entries)
        lines = [f"{count} program{'s' * (count != 1)}"]
        for program in self.programs:
            lines += [f"  {line}" for line in program.summary()]
        lines += [f"ran eagerly: {reason}" for reason in self.reasons]
        return "\n".join(lines)

    def __reduce__(self) -> Any:
        return Compiled, (self.function, self.options_given)


def _hashable(key: Any) -> str:
    return repr([k if not hasattr(k, "__dict__") else id(k) for k in key])
