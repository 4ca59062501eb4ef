"""Classes that decide for themselves what an operation does to them: ``__torch_function__``.

An operation looks at the class of each argument. One in `PLAIN` it computes with; any other takes
the slow way, through here. A class with a ``__torch_function__`` is then asked to run the function
that the program called. A subclass of Tensor has Tensor's, which runs it and makes the results
instances of the subclass. Programs that know no such class pay nothing.
"""

from __future__ import annotations

import functools
import threading
from types import FunctionType
from typing import Any

# Classes of tensors that operations compute with as they are.
PLAIN: set[Any] = set()
# Classes of arguments that never ask to run a function themselves; it fills as they are met.
KNOWN: set[type] = {type(None), bool, int, float, complex, str, tuple, list, dict}
_plain, _known = set(PLAIN), set(KNOWN)  # the same while a mode has emptied the two above


class Overridden(Exception):
    """An argument wants to run the function itself; caught by the function that was called."""


class _Here(threading.local):
    """What holds in one thread."""

    def __init__(self) -> None:
        self.off = 0  # so many contexts have switched subclasses off
        self.all_off = 0
        self.modes: list[Any] = []


here = _Here()


def disabled_torch_function(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """The ``__torch_function__`` of classes that have none: runs the function as it is."""
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


class DisableTorchFunctionSubclass:
    """A context in which subclasses of Tensor are computed with as plain tensors."""

    def __enter__(self) -> None:
        here.off += 1

    def __exit__(self, *_: object) -> None:
        here.off -= 1


class DisableTorchFunction:
    """A context in which nothing overrides a function: no subclass, no other class, no mode."""

    def __enter__(self) -> None:
        here.all_off += 1

    def __exit__(self, *_: object) -> None:
        here.all_off -= 1


def overrides(kind: type) -> bool:
    """Whether a class has a ``__torch_function__`` of its own, and none has switched it off."""
    if kind in _plain or here.all_off:
        return False
    method = getattr(kind, "__torch_function__", None)
    if method is None or method is disabled_torch_function:
        return False
    return not (here.off and issubclass(kind, Subclassing))


def admitted(value: Any) -> bool:
    """Whether an operation computes with this value as a tensor; `Overridden` if it will not."""
    kind = type(value)
    if overrides(kind) or (here.modes and not here.all_off):
        raise Overridden
    return issubclass(kind, Subclassing)


def involved(values: Any) -> bool:
    """Whether a function with these arguments is to be run by one of their classes, or a mode."""
    if here.modes and not here.all_off:
        return True
    for value in values:
        kind = type(value)
        if kind in (tuple, list):
            if involved(value):
                return True
        elif overrides(kind):
            return True
        elif not hasattr(kind, "__torch_function__"):
            _known.add(kind)
            if PLAIN:
                KNOWN.add(kind)
    return False


def overloaded(values: Any) -> list[Any]:
    """The arguments whose classes are asked, one for each class, subclasses first."""
    found: list[Any] = []
    for value in values:
        for one in value if type(value) in (tuple, list) else (value,):
            kind = type(one)
            if not overrides(kind) or any(type(other) is kind for other in found):
                continue
            places = (i for i, other in enumerate(found) if issubclass(kind, type(other)))
            found.insert(next(places, len(found)), one)
    return found


def dispatch(func: Any, args: Any, kwargs: dict[str, Any], asked: Any = None) -> Any:
    """What the arguments' classes (or the mode that is on) make of ``func(*args, **kwargs)``.

    TypeError if all of them return NotImplemented.
    """
    asked = overloaded((*args, *kwargs.values())) if asked is None else asked
    types = tuple(type(value) for value in asked)
    if here.modes and not here.all_off:
        mode = here.modes.pop()
        try:
            made = mode.__torch_function__(func, types, args, kwargs)
        finally:
            here.modes.append(mode)
        if made is not NotImplemented:
            return made
    for value in asked:
        made = value.__torch_function__(func, types, args, kwargs)
        if made is not NotImplemented:
            return made
    name = getattr(func, "__name__", str(func))
    raise TypeError(
        f"no implementation found for '{name}' on types that implement __torch_function__: "
        f"{[t.__name__ for t in types]}; each of them returned NotImplemented"
    )


def enter_mode(mode: Any) -> None:
    """Has a mode see every function that is called; plain tensors take the slow way meanwhile."""
    here.modes.append(mode)
    PLAIN.clear()
    KNOWN.clear()


def leave_mode() -> None:
    """Ends the innermost mode."""
    here.modes.pop()
    if not here.modes:
        PLAIN.update(_plain)
        KNOWN.update(_known)


def trust(kind: type) -> None:
    """Adds a class of tensors that operations compute with as they are."""
    for known in (_plain, _known) if here.modes else (_plain, _known, PLAIN, KNOWN):
        known.add(kind)


class Subclassing:
    """The part of `Tensor` that its subclasses are made by."""

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if getattr(cls, "__torch_function__", None) is disabled_torch_function:
            trust(cls)
        elif any(kind in _plain for kind in cls.__mro__[1:]):  # else it is Tensor itself
            _teach(cls)

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Runs ``func``, and makes the tensors that it gives instances of the subclass."""
        if not all(issubclass(cls, kind) for kind in types):
            return NotImplemented
        with DisableTorchFunctionSubclass():
            return _converted(func(*args, **(kwargs or {})), cls)


def _converted(made: Any, cls: Any) -> Any:
    if isinstance(made, Subclassing):
        known = cls in _plain or isinstance(made, cls)
        return made if known else made.as_subclass(cls)  # type: ignore[attr-defined]
    if isinstance(made, (tuple, list)):
        parts = [_converted(part, cls) for part in made]
        return type(made)(*parts) if hasattr(made, "_fields") else type(made)(parts)
    return made


# Methods that are no operations of the registry are put on each subclass anew, so that they ask
# its `__torch_function__`; those of Tensor itself stay as they are.

_SILENT = frozenset(
    (
        "__init__", "__new__", "__getattr__", "__hash__", "__torch_function__", "__reduce_ex__",
        "__init_subclass__", "__deepcopy__", "__setstate__", "__format__", "register_hook",
        "__array__", "__array_wrap__", "__array_function__", "__dlpack__", "__dlpack_device__",
    )
)  # fmt: skip
_ROOMS = ("tensor", "attributes", "protocols")


def _teach(cls: type) -> None:
    KNOWN.difference_update((tuple, list))  # they are looked into from now on
    _known.difference_update((tuple, list))
    for name, thing in _methods(cls).items():
        setattr(cls, name, _asking(thing))


def _methods(cls: type) -> dict[str, Any]:
    """The methods and properties that a subclass has of Tensor, apart from operations."""
    found: dict[str, Any] = {}
    for kind in reversed(cls.__mro__):
        for name, thing in vars(kind).items():
            inner = thing.fget if isinstance(thing, property) else thing
            room = getattr(inner, "__module__", "") or ""
            ours = isinstance(inner, FunctionType) and room.startswith(__package__ + ".")
            if ours and room.rpartition(".")[2] in _ROOMS and not _private(name):
                found[name] = thing
            else:
                found.pop(name, None)
    return found


def _private(name: str) -> bool:
    return name in _SILENT or (name.startswith("_") and not name.startswith("__"))


def _asking(thing: Any) -> Any:
    if isinstance(thing, property):
        read = thing.__get__

        def value(self: Any) -> Any:
            return dispatch(read, (self,), {}) if involved((self,)) else read(self)

        return property(value, thing.fset, thing.fdel, thing.__doc__)

    @functools.wraps(thing)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if involved((self, *args)):
            return dispatch(thing, (self, *args), kwargs)
        return thing(self, *args, **kwargs)

    method.__module__ = __name__
    return method
