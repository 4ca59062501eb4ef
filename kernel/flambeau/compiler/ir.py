"""The array program: values, and the instructions that make them, in the order they ran."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class Stop(Exception):  # noqa: N818
    """The call cannot become a program; the message says why."""


class Retreat(Exception):  # noqa: N818
    """This call has to run eagerly after all: nothing has been changed yet."""


class Miss(Exception):  # noqa: N818
    """The program is not for this call, though it may be for later ones."""


class Stale(Exception):  # noqa: N818
    """Something that the program was made for has changed: it has to be traced anew."""


class Value:
    """An array of the program: its shape, its type, and where it comes from.

    ``kind``: "input" (an argument), "state" (the memory of a tensor that was there before),
    "grad" (the gradient a leaf had before), "const" or "made" (by the instruction ``maker``).
    """

    __slots__ = ("dtype", "kind", "maker", "number", "shape", "source")

    def __init__(self, number: int, kind: str, shape: Any, dtype: Any, source: Any = None) -> None:
        self.number = number
        self.kind = kind
        self.shape = tuple(shape)
        self.dtype = dtype
        self.source = source  # the position of an input, the tensor of a state, a const's array
        self.maker: Instruction | None = None

    @property
    def size(self) -> int:
        """The number of elements."""
        size = 1
        for n in self.shape:
            size *= n
        return size

    @property
    def label(self) -> str:
        """Its name in generated source."""
        return f"v{self.number}"

    def __repr__(self) -> str:
        return f"{self.label}:{self.dtype}{list(self.shape)}"


@dataclass(eq=False, slots=True)
class Instruction:
    """One step of the program.

    ``kind`` "ufunc", "reduce", "product", "view", "cast" and "copy" are named by NumPy's functions;
    "call" runs a forward or a gradient rule as it is; "draw" takes random numbers; "store" writes
    a value into the memory of a state; "step" is an optimizer's.
    """

    kind: str
    name: str
    args: tuple[Any, ...]
    outs: tuple[Value, ...]
    params: tuple[Any, ...] = ()
    run: Callable[..., Any] | None = None  # of a call
    part_of: str = ""  # the operation it belongs to
    index: int = 0  # the number of that operation in the call, 0 in a backward

    @property
    def inputs(self) -> list[Value]:
        """The values among its arguments, also those inside tuples and lists."""
        return list(values_in(self.args))

    @property
    def effect(self) -> bool:
        """Whether it does something besides making its outputs."""
        return self.kind in ("store", "step", "draw", "check") or self.name == "draws"


def values_in(args: Any) -> Any:
    """Every value in nested tuples and lists."""
    for a in args:
        if a.__class__ is Value:
            yield a
        elif a.__class__ in (tuple, list):
            yield from values_in(a)


@dataclass(eq=False)
class Tape:
    """What is written down while a call is traced."""

    code: list[Instruction] = field(default_factory=list)
    count: int = 0
    part: str = ""
    index: int = 0

    def value(self, kind: str, shape: Any, dtype: Any, source: Any = None) -> Value:
        """A new value."""
        self.count += 1
        return Value(self.count, kind, shape, dtype, source)

    def emit(
        self, kind: str, name: str, args: Any, like: Any, params: Any = (), run: Any = None
    ) -> list[Value]:
        """Adds an instruction; ``like`` are the arrays it gave, whose shapes are noted."""
        outs = [self.value("made", _shape(a), _dtype(a)) for a in like]
        made = Instruction(
            *(kind, name, tuple(args), tuple(outs), tuple(params), run, self.part, self.index)
        )
        for out in outs:
            out.maker = made
        self.code.append(made)
        return outs


def _shape(a: Any) -> Any:
    return getattr(a, "shape", ())


def _dtype(a: Any) -> Any:
    return getattr(a, "dtype", None)


def needed(code: list[Instruction], results: list[Value]) -> list[Instruction]:
    """The instructions that the results or some effect depend on."""
    wanted = set(results)
    kept = []
    for one in reversed(code):
        if one.effect or not wanted.isdisjoint(one.outs):
            kept.append(one)
            wanted.update(one.inputs)
    return kept[::-1]
