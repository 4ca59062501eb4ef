"""`Size`: the shape of a tensor."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any


class Size(tuple[int, ...]):
    """A shape: a tuple of whole numbers; mirrors ``torch.Size``.

    >>> fb.ones(2, 3).shape + (4,), fb.Size([2, 3]).numel()
    (torch.Size([2, 3, 4]), 6)
    """

    __slots__ = ()

    def __new__(cls, sizes: Iterable[Any] = ()) -> Size:
        """A shape of anything that holds whole numbers; TypeError of the first that is none."""
        checked = []
        for i, n in enumerate(sizes):
            try:
                checked.append(index(n))
            except TypeError:
                raise TypeError(
                    f"torch.Size() takes an iterable of 'int' (item {i} is {type(n).__name__!r})"
                ) from None
        return tuple.__new__(cls, checked)

    def numel(self) -> int:
        """The number of elements: the product of the sizes."""
        result = 1
        for n in self:
            result *= n
        return result

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, tuple):
            raise TypeError(
                f"can only concatenate tuple (not {type(other).__name__}) to torch.Size"
            )
        return Size(tuple.__add__(self, other))

    def __radd__(self, other: Any) -> Any:
        return Size(other).__add__(self) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Any:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __getitem__(self, at: Any) -> Any:
        found = tuple.__getitem__(self, at)
        return Size(found) if isinstance(at, slice) else found

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"
