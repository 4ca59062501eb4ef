"""Names for what is recorded: modules by path, parameters by path, arguments in short."""

from __future__ import annotations

import sys
import weakref
from inspect import CO_OPTIMIZED
from types import FrameType
from typing import Any

from ..errors import is_library

PLAIN = frozenset((int, float, bool, str, type(None)))


def variable_of(thing: Any) -> str:
    """The name of the user's variable that holds a thing, else its class in lower case."""
    frame = sys._getframe(1)
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back  # type: ignore[assignment]
    while frame is not None:
        for scope in (_locals(frame), frame.f_globals):
            for name, value in list(scope.items()):
                if value is thing and not name.startswith("_") and name != "self":
                    return name
        frame = frame.f_back  # type: ignore[assignment]
    return type(thing).__name__.lower()


def _locals(frame: FrameType) -> dict[str, Any]:
    """The local variables of a frame, which Python up to 3.12 would keep alive with the frame."""
    found = frame.f_locals
    copy = dict(found)
    # Held by the frame, by `found` and by the call below alone: nobody has asked for locals().
    if frame.f_code.co_flags & CO_OPTIMIZED and sys.getrefcount(found) == 3:
        found.clear()
    return copy


def argument_text(op: Any, params: tuple[Any, ...]) -> str:
    """An operation's plain arguments in short: ``"dim=1, keepdim=True"``; defaults left out."""
    parts = []
    for parameter, value in zip(op.params, params, strict=False):
        if value is parameter.default or (value.__class__ in PLAIN and value == parameter.default):
            continue
        parts.append(f"{parameter.name}={_short(value)}")
    return ", ".join(parts)


def is_plain(params: tuple[Any, ...]) -> bool:
    """Whether arguments are numbers and strings alone, which may be kept without harm."""
    return all(is_plain(p) if p.__class__ is tuple else p.__class__ in PLAIN for p in params)


def _short(value: Any) -> str:
    if value.__class__ in PLAIN:
        return repr(value)[:60]
    if isinstance(value, (tuple, list)):
        inside = ", ".join(_short(v) for v in value[:8])
        return f"({inside}{', …' if len(value) > 8 else ''})"
    if isinstance(value, slice):
        return ":".join("" if v is None else _short(v) for v in (value.start, value.stop))
    if hasattr(value, "shape"):
        return f"tensor{tuple(value.shape)}"
    if value is Ellipsis:
        return "..."
    return type(value).__name__


class Names:
    """Module and parameter paths, found from the outermost module when it is first entered."""

    def __init__(self) -> None:
        self.modules: dict[int, tuple[Any, str, str]] = {}  # id -> itself (weakly), path, kind
        self.tensors: dict[int, tuple[Any, str]] = {}

    def find(self, module: Any) -> tuple[str, str] | None:
        """The path and kind of a module, None for one that is not known yet."""
        found = self.modules.get(id(module))
        return found[1:] if found is not None and found[0]() is module else None

    def add_root(self, module: Any, name: str) -> list[Any]:
        """Names everything inside a module; returns its parameters and buffers."""
        try:
            inside = list(module.named_modules())
            named = [*module.named_parameters(), *module.named_buffers()]
        except Exception:  # the user's own, or a module that never called super().__init__()
            inside, named = [("", module)], []
        for path, inner in inside:
            self._add_module(inner, f"{name}.{path}" if path else name)
        for path, t in named:
            self.tensors[id(t)] = (weakref.ref(t), f"{name}.{path}")
        return [t for _, t in named]

    def _add_module(self, module: Any, path: str) -> None:
        try:
            inside = module.extra_repr() if not module._modules else ""
        except Exception:  # written by the user; what it says is only shown
            inside = ""
        kind = type(module).__name__ + (f"({inside})" if inside else "")
        self.modules[id(module)] = (weakref.ref(module), path, kind)

    def of_tensor(self, t: Any) -> str:
        """The path of a parameter or buffer, ``""`` for any other tensor."""
        found = self.tensors.get(id(t))
        return found[1] if found is not None and found[0]() is t else ""

    def gradient_of(self, array: Any) -> Any:
        """The gradient array of the parameter that lies in an array, if it has one."""
        for reference, _ in list(self.tensors.values()):
            t = reference()
            if t is not None and t.array is array and t.grad is not None:
                return t.grad.array
        return None
