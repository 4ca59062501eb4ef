"""What `compile` gives back: a callable that traces, replays, or falls back and says why."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..autograd import engine, layers
from ..autograd.grad_mode import is_grad_enabled, is_inference_mode_enabled
from ..record.slot import slot
from ..subclasses import here
from ..tensor import Tensor
from . import status
from .backward import tracing_pass
from .ir import Stop
from .program import Program, Retreat
from .trace import Tracer
from .watch import watching

LIMIT = 8  # programs that are kept for one callable


class Compiled:
    """A function that is replayed where it can be."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.options = options
        self.programs: list[tuple[Any, Program]] = []
        self.reasons: list[str] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Replays the call if it was seen before, traces it if not."""
        if slot.recorder is not None or layers.on() or here.modes or status.tracing:
            return self.function(*args, **kwargs)
        found = described(args, kwargs)
        if found is None:
            return self.function(*args, **kwargs)
        key, tensors = found
        for known, program in self.programs:
            if known == key:
                try:
                    return program.run(tensors)
                except Retreat:
                    return self.function(*args, **kwargs)
        return self.trace(key, tensors, args, kwargs)

    def trace(self, key: Any, tensors: list[Tensor], args: Any, kwargs: Any) -> Any:
        """Runs eagerly under the eyes of a tracer, and makes a program of it."""
        tracer = Tracer(tensors)
        before = engine.kind_of_pass
        engine.kind_of_pass = tracing_pass(tracer)
        slot.recorder = tracer
        status.tracing = True
        try:
            with watching(tracer):
                tracer.listening = True
                returned = self.function(*args, **kwargs)
                tracer.listening = False
                self.keep(key, tracer, returned)
        finally:
            status.tracing = False
            slot.recorder = None
            engine.kind_of_pass = before
        return returned

    def keep(self, key: Any, tracer: Tracer, returned: Any) -> None:
        """Keeps the program, or the reason why there is none."""
        try:
            if tracer.reason:
                raise Stop(tracer.reason)
            self.programs.append((key, Program(tracer, returned)))
        except Stop as why:
            self.reasons.append(str(why))


def described(args: Any, kwargs: Any) -> Any:
    """The shapes, types and plain values that a call depends on, and its tensors; or None."""
    key: list[Any] = [is_grad_enabled(), is_inference_mode_enabled()]
    tensors: list[Tensor] = []
    for a in args:
        _describe(a, key, tensors)
    for name in kwargs:
        key.append(name)
        _describe(kwargs[name], key, tensors)
    return tuple(key), tensors


def _describe(a: Any, key: list[Any], tensors: list[Tensor]) -> None:
    if isinstance(a, Tensor):
        array = a.array
        key += (a.__class__, array.shape, array.dtype, a._needs_grad, a._node is None)
        tensors.append(a)
    elif a.__class__ in (tuple, list):
        key.append((a.__class__, len(a)))
        for one in a:
            _describe(one, key, tensors)
    elif a.__class__ is dict:
        for name, one in a.items():
            key.append(name)
            _describe(one, key, tensors)
    else:
        key += (a.__class__, a)
