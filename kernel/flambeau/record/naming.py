"""Names for what is recorded: modules by path, parameters by path, arguments in short."""

from __future__ import annotations

import os
import sys
import weakref
from typing import Any

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_PLAIN = frozenset((int, float, bool, str, type(None)))


def variable_of(thing: Any) -> str:
    """The name of the user's variable that holds a thing, else its class in lower case."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back  # type: ignore[assignment]
    while frame is not None:
        for scope in (frame.f_locals, frame.f_globals):
            for name, value in list(scope.items()):
                if value is thing and not name.startswith("_") and name != "self":
                    return name
        frame = frame.f_back  # type: ignore[assignment]
    return type(thing).__name__.lower()


def argument_text(op: Any, params: tuple[Any, ...]) -> str:
    """An operation's plain arguments in short: ``"dim=1, keepdim=True"``; defaults left out."""
    parts = []
    for parameter, value in zip(op.params, params, strict=False):
        if value is parameter.default or (value.__class__ in _PLAIN and value == parameter.default):
            continue
        parts.append(f"{parameter.name}={_short(value)}")
    return ", ".join(parts)


def is_plain(params: tuple[Any, ...]) -> bool:
    """Whether arguments are numbers and strings alone, which may be kept without harm."""
    return all(is_plain(p) if p.__class__ is tuple else p.__class__ in _PLAIN for p in params)


def _short(value: Any) -> str:
    if value.__class__ in _PLAIN:
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

    def enter(self, module: Any, outermost: bool) -> tuple[str, str]:
        """The path and kind of a module that is entered."""
        found = self.modules.get(id(module))
        if found is None or found[0]() is not module:
            if outermost:
                self.add_root(module, variable_of(module))
            else:  # made on the fly inside a forward
                self._add_module(module, type(module).__name__.lower())
            found = self.modules[id(module)]
        return found[1:]

    def add_root(self, module: Any, name: str) -> None:
        """Names everything inside a module."""
        for path, inner in module.named_modules():
            self._add_module(inner, f"{name}.{path}" if path else name)
        for path, t in [*module.named_parameters(), *module.named_buffers()]:
            self.tensors[id(t)] = (weakref.ref(t), f"{name}.{path}")

    def _add_module(self, module: Any, path: str) -> None:
        inside = module.extra_repr() if not module._modules else ""
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
