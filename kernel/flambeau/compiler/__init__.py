"""``compile``: accepted where PyTorch's programs call it; the function runs as it is, eagerly."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

__all__ = ["compile", "disable", "is_compiling", "is_dynamo_compiling", "reset"]

_said: set[str] = set()


def runs_eagerly(name: str) -> None:
    """Says once for each name that what was given to it runs eagerly."""
    if name not in _said:
        _said.add(name)
        warnings.warn(
            f"{name}() gives back what it was given, which runs eagerly: the results are the "
            "same, the speed is that of the plain program",
            stacklevel=3,
        )


def compile(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """The function or module as it is; mirrors ``torch.compile``, as a decorator too.

    The options are those of PyTorch's compiler and have no effect here.

    >>> double = fb.compile(lambda x: 2 * x, backend="eager")
    >>> double(fb.tensor([1, 2]))
    tensor([2, 4])
    """
    if mode is not None and options is not None:
        raise RuntimeError("compile(): either mode or options can be given, but both were")
    if model is None:
        return lambda given: compile(given, disable=disable)
    if not callable(model):
        raise RuntimeError(f"compile() takes a function or a module, not {type(model).__name__}")
    if not disable:
        runs_eagerly("compile")
    return model


def disable(fn: Callable[..., Any] | None = None, recursive: bool = True, **reason: Any) -> Any:
    """The function as it is: nothing is compiled."""
    return (lambda given: given) if fn is None else fn


def is_compiling() -> bool:
    """Whether a compiler is looking at the program now: never."""
    return False


is_dynamo_compiling = is_compiling


def reset() -> None:
    """Forgets what was compiled: nothing was."""
