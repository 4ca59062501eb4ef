"""Calls in the user's code that do something a program would not do again: print, append, time.

While a call is traced, Python tells of every built-in function that is called. What is done by
operations is no concern here; what the user's own lines call is.
"""

from __future__ import annotations

import functools
import random
import sys
import sysconfig
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import is_library

_STDLIB = sysconfig.get_paths()["stdlib"]
_NAMES = frozenset(("print", "input", "open", "next", "setattr", "delattr", "exec", "eval"))
_ROOMS = (
    "time",
    "_random",
    "random",
    "posix",
    "nt",
    "_io",
    "io",
    "sys",
    "secrets",
    "uuid",
    "numpy",
)
_CHANGING = frozenset(
    (
        "append", "extend", "insert", "pop", "remove", "clear", "update", "add", "discard",
        "setdefault", "popitem", "sort", "reverse", "appendleft", "popleft", "write", "send",
        "difference_update", "intersection_update", "symmetric_difference_update", "__next__",
        "__setitem__", "__delitem__",
    )
)  # fmt: skip
# Built-in functions of these rooms that only look at something.
_HARMLESS = frozenset(("array", "asarray", "getrefcount", "_getframe", "exc_info", "intern"))


@functools.cache
def kind_of(file: str) -> str:
    """Whose a file is: of this package, of another package or Python itself, or the user's."""
    if is_library(file):
        return "ours"
    foreign = ("site-packages" in file) or file.startswith((_STDLIB, "<frozen", "<string>"))
    return "foreign" if foreign else "user"


def _by_user(frame: Any) -> bool:
    """Whether the user's code runs, or other people's that it has called."""
    while frame is not None and (kind := kind_of(frame.f_code.co_filename)) == "foreign":
        frame = frame.f_back
    return frame is not None and kind == "user"


def chances() -> Any:
    """The states of the random numbers of Python and of NumPy."""
    state: Any = np.random.get_state()
    return random.getstate(), state[1].tobytes(), state[2:]


@contextmanager
def noticing(tracer: Any) -> Iterator[None]:
    """Tells the tracer of calls with effects."""
    if sys.getprofile() is not None:
        yield
        return

    def notice(frame: Any, event: str, arg: Any) -> None:
        if event == "c_call" and not tracer.reason and _by_user(frame):
            why = effect(arg, tracer.before)
            if why:
                file = frame.f_code.co_filename.rpartition("/")[2]
                tracer.stop(f"it calls {why}, at {file} line {frame.f_lineno}")

    sys.setprofile(notice)
    try:
        yield
    finally:
        sys.setprofile(None)


def effect(function: Any, before: Any) -> str:
    """The name of a built-in function that has an effect; "" if it has none that matters."""
    name = getattr(function, "__name__", "")
    of = getattr(function, "__self__", None)
    if of is None or isinstance(of, types.ModuleType):
        room = getattr(function, "__module__", None) or getattr(of, "__name__", "")
        if name in _NAMES and room in ("builtins", "io", "_io"):
            return f"{name}()"
        away = str(room).partition(".")[0] in _ROOMS and name not in _HARMLESS
        return f"{room}.{name}()" if away else ""
    kind = type(of)
    if kind.__module__.partition(".")[0] in ("_random", "random", "numpy", "_io"):
        return (
            ""
            if kind.__name__ == "ndarray" and name not in _CHANGING
            else f"{kind.__name__}.{name}()"
        )
    if name in _CHANGING and (id(of) in before.containers or kind.__name__ == "deque"):
        return f"{kind.__name__}.{name}()"
    return ""
