"""Names for how a tensor lies in memory: ``torch.strided``, ``torch.channels_last``."""

from __future__ import annotations

from typing import Any


class layout:  # noqa: N801  (PyTorch's name)
    """A way to store a tensor; mirrors ``torch.layout``. There is ``strided``, the dense one."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class memory_format:  # noqa: N801  (PyTorch's name)
    """An order of the dimensions in memory; mirrors ``torch.memory_format``."""

    def __init__(self, name: str, order: tuple[int, ...] = ()) -> None:
        self.name = name
        self.order = order  # the dimensions from the outermost in memory to the innermost

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


strided = layout("strided")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last", (0, 2, 3, 1))
channels_last_3d = memory_format("channels_last_3d", (0, 2, 3, 4, 1))


def order_of(format: Any, ndim: int) -> tuple[int, ...]:
    """The order of the dimensions that a memory format asks for; () for the usual one, by rows."""
    order: tuple[int, ...] = getattr(format, "order", ())
    if order and ndim != len(order):
        raise RuntimeError(
            f"required rank {len(order)} tensor to use {format.name} format, this one has {ndim} "
            "dimensions"
        )
    return order


def lies_in(array: Any, order: tuple[int, ...]) -> bool:
    """Whether an array lies in memory without gaps, in this order of its dimensions."""
    return bool((array.transpose(order) if order else array).flags.c_contiguous)


def laid_out(array: Any, order: tuple[int, ...]) -> Any:
    """A copy that lies in memory in this order of its dimensions."""
    if not order:
        return array.copy("C")
    back = sorted(range(array.ndim), key=order.__getitem__)
    return array.transpose(order).copy("C").transpose(back)
