"""The arguments that say where and in which type a layer makes its parameters."""

from __future__ import annotations

from typing import Any

_NAMES = ("device", "dtype", "memory_format")


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """The arguments for making tensors, gathered from a layer's own.

    They stand under their names or in a dictionary under "factory_kwargs", not in both;
    anything else is a TypeError.
    """
    if kwargs is None:
        return {}
    own = {name: value for name, value in kwargs.items() if name != "factory_kwargs"}
    if not set(own) <= set(_NAMES):
        raise TypeError(f"unexpected kwargs {set(own) - set(_NAMES)}; known are {_NAMES}")
    given = dict(kwargs.get("factory_kwargs", {}))
    if twice := set(given) & set(own):
        raise TypeError(f"{sorted(twice)} specified twice, in **kwargs and in factory_kwargs")
    return {**given, **own}
