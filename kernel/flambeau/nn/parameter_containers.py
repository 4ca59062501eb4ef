"""Modules that hold parameters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, Self

from ..tensor import Tensor
from .containers import pairs_of, place
from .module import Module, type_name
from .parameter import Parameter


def _registered(value: Any) -> Any:
    return Parameter(value) if isinstance(value, Tensor) and type(value) is Tensor else value


class _Parameters(Module):
    """What ParameterList and ParameterDict share: how they are shown."""

    def _pairs(self) -> list[tuple[Any, Any]]:
        return []

    def _type_of(self, value: Any) -> str:
        return str(value.dtype)

    def extra_repr(self) -> str:
        """One line for each entry."""
        lines = []
        for key, value in self._pairs():
            if isinstance(value, Tensor):
                size = "x".join(map(str, value.shape))
                where = f" (GPU {value.device.index})" if value.is_cuda else ""
                kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
                text = f"{kind} containing: [{self._type_of(value)} of size {size}{where}]"
                lines.append(f"  ({key}): {text}")
            else:
                lines.append(f"  ({key}): Object of type: {type_name(value)}")
        return "\n".join(lines)


class ParameterList(_Parameters):
    """A list of parameters (plain tensors put into it become parameters).

    >>> weights = nn.ParameterList([fb.ones(2), fb.zeros(3)])
    >>> weights[0].requires_grad, len(weights)
    (True, 2)
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _pairs(self) -> list[tuple[Any, Any]]:
        return list(enumerate(self))

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, str(place(index, len(self))))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, str(place(index, len(self))), _registered(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter([self[i] for i in range(len(self))])

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def append(self, value: Any) -> Self:
        """Adds a parameter at the end."""
        self._size += 1
        self[-1] = value
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Adds parameters at the end."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(
                "ParameterList.extend should be called with an iterable, but got "
                + type(values).__name__
            )
        for value in values:
            self.append(value)
        return self


class ParameterDict(_Parameters):
    """A dictionary of parameters (plain tensors put into it become parameters)."""

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def _pairs(self) -> list[tuple[Any, Any]]:
        return list(self.items())

    def _type_of(self, value: Any) -> str:
        return str(value.type())

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise AttributeError(f"'ParameterDict' object has no attribute '{key}'")
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(
                "Index given to ParameterDict cannot be used as a key as it is not a string "
                f"(type is '{type(key).__name__}')"
            )
        self._keys[key] = None
        setattr(self, key, _registered(value))

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def copy(self) -> ParameterDict:
        """Another dictionary of the same parameters."""
        return ParameterDict(OrderedDict(self.items()))

    def get(self, key: str, default: Any = None) -> Any:
        """The parameter of a name, or ``default``."""
        return self[key] if key in self._keys else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The parameter of a name; where there is none, ``default`` is put there."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> Any:
        """Takes a parameter out and returns it."""
        taken = self[key]
        del self[key]
        return taken

    def popitem(self) -> tuple[str, Any]:
        """Takes the last one out and returns it with its name."""
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def clear(self) -> None:
        """Takes everything out."""
        for key in list(self):
            del self[key]

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A new dictionary with the same value under all these names."""
        return ParameterDict((k, default) for k in keys)

    def keys(self) -> Any:
        """The names."""
        return self._keys.keys()

    def values(self) -> Iterator[Any]:
        """The parameters."""
        return (self[k] for k in self._keys)

    def items(self) -> Iterator[tuple[str, Any]]:
        """The names with their parameters."""
        return ((k, self[k]) for k in self._keys)

    def update(self, parameters: Any) -> None:
        """Adds parameters from pairs or from a mapping (a plain dict in the order of its keys)."""
        pairs: Any = pairs_of("ParameterDict", parameters)
        for key, value in sorted(pairs, key=lambda p: p[0]) if type(parameters) is dict else pairs:
            self[key] = value

    def __or__(self, other: ParameterDict) -> ParameterDict:
        made = self.copy()
        made.update(other)
        return made

    def __ror__(self, other: ParameterDict) -> ParameterDict:
        made = ParameterDict(other)
        made.update(self)
        return made

    def __ior__(self, other: ParameterDict) -> Self:
        self.update(other)
        return self
