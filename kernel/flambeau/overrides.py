"""Classes and modes that run torch's functions themselves; mirrors ``torch.overrides``.

>>> import flambeau as torch
>>> class Logged(torch.overrides.TorchFunctionMode):
...     def __torch_function__(self, func, types, args=(), kwargs=None):
...         print(func.__name__)
...         return func(*args, **(kwargs or {}))
>>> with Logged():
...     y = torch.ones(2) * 2
ones
mul
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, Self

from .left_out import explains
from .ops import SPACES
from .subclasses import (
    dispatch,
    enter_mode,
    involved,
    leave_mode,
    overloaded,
)
from .tensor import Tensor

__all__ = [
    "BaseTorchFunctionMode",
    "TorchFunctionMode",
    "get_default_nowrap_functions",
    "get_overridable_functions",
    "handle_torch_function",
    "has_torch_function",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]

__getattr__ = explains(__name__)

_NAMES = {
    "fb": "torch", "Tensor": "torch.Tensor", "F": "torch.nn.functional",
    "linalg": "torch.linalg", "fft": "torch.fft", "special": "torch.special",
}  # fmt: skip


def is_tensor_like(inp: Any) -> bool:
    """Whether it is a tensor, or of a class with a ``__torch_function__``."""
    return type(inp) is Tensor or hasattr(inp, "__torch_function__")


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether one of the arguments (or a mode that is on) is to run the function itself."""
    return involved(tuple(relevant_args))


def has_torch_function_unary(arg: Any) -> bool:
    """`has_torch_function` of one argument."""
    return involved((arg,))


def has_torch_function_variadic(*args: Any) -> bool:
    """`has_torch_function` of the arguments given one by one."""
    return involved(args)


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """What the classes of ``relevant_args`` make of a call; TypeError if all refuse."""
    return dispatch(public_api, args, kwargs, overloaded(tuple(relevant_args)))


def wrap_torch_function(dispatcher: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator: ``dispatcher(*args)`` says which arguments may run the function themselves."""

    def decorated(func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            relevant = tuple(dispatcher(*args, **kwargs))
            if involved(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return func(*args, **kwargs)

        return wrapped

    return decorated


class TorchFunctionMode:
    """A context in which every function that is called goes through its ``__torch_function__``.

    Subclass it; inside that method the mode is off, so that ``func(*args, **kwargs)`` runs.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """What a call gives instead."""
        raise NotImplementedError(f"{type(self).__name__} has no __torch_function__ of its own")

    def __enter__(self) -> Self:
        enter_mode(self)
        return self

    def __exit__(self, *_: object) -> None:
        leave_mode()


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that runs every function as it is."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """What the function gives."""
        return func(*args, **(kwargs or {}))


def get_default_nowrap_functions() -> set[Any]:
    """What gives a plain tensor for a subclass too: the gradient and the base of a view."""
    return {vars(Tensor)["grad"].__get__, vars(Tensor)["_base"].__get__}


def get_overridable_functions() -> dict[str, list[Any]]:
    """The functions that a ``__torch_function__`` is asked about, by the package of each."""
    return {name: list(SPACES[space].values()) for space, name in _NAMES.items()}


@functools.cache
def _named() -> dict[Any, str]:
    found: dict[Any, str] = {}
    for space, name in _NAMES.items():
        for own, thing in SPACES[space].items():
            found.setdefault(thing, f"{name}.{own}")
    return found


def resolve_name(f: Any) -> str | None:
    """Where a function is found, as ``"torch.add"``; None for one that is not torch's."""
    try:
        return _named().get(f)
    except TypeError:  # not hashable
        return None


def is_tensor_method_or_property(func: Any) -> bool:
    """Whether it is a method or property of Tensor."""
    name = getattr(func, "__name__", "")
    return name == "__get__" or vars(Tensor).get(name) is func
