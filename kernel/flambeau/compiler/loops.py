"""From instructions to loops: which belong in one nest, and how each reads its memory.

A `Group` is what one nest of loops does: elementwise instructions of one shape, and sums over it.
Views are no work at all: a `Ref` is a place in memory with a step for each dimension.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .ir import Instruction, Value

TYPES = {
    "float32": "f4",
    "float64": "f8",
    "int64": "i8",
    "int32": "i4",
    "bool": "b1",
    "uint8": "u1",
}
SMALL_PRODUCT = 1 << 15  # multiplications up to which a product is written out as loops
_LARGE = 1 << 12  # elements from which a function without a short polynomial is NumPy's

BINARY = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "true_divide": "{0} / {1}",
    "maximum": "({0} if {0} >= {1} or {0} != {0} else {1})",
    "minimum": "({0} if {0} <= {1} or {0} != {0} else {1})",
    "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}",
    "less": "{0} < {1}",
    "less_equal": "{0} <= {1}",
    "equal": "{0} == {1}",
    "not_equal": "{0} != {1}",
    "negative": "-{0}",
    "absolute": "abs({0})",
    "square": "{0} * {0}",
    "reciprocal": "1 / {0}",
    "sqrt": "np.sqrt({0})",
    "exp": "exp({0})",
    "tanh": "tanh({0})",
    "log": "np.log({0})",
    "log1p": "np.log1p({0})",
    "sin": "np.sin({0})",
    "cos": "np.cos({0})",
    "power": "{0} ** {1}",
    "floor": "np.floor({0})",
    "sign": "np.sign({0})",
    "isnan": "{0} != {0}",
    "where": "({1} if {0} else {2})",
    "logical_and": "{0} and {1}",
    "logical_or": "{0} or {1}",
    "logical_not": "not {0}",
    "bitwise_and": "{0} & {1}",
    "bitwise_or": "{0} | {1}",
}
_SLOW = frozenset(("log", "log1p", "sin", "cos", "power"))
_FLOATS = frozenset(("divide", "true_divide", "reciprocal", "sqrt", "exp", "tanh")) | _SLOW
_COMPARES = frozenset(
    ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "isnan")
)
_LOGIC = frozenset(("logical_and", "logical_or", "logical_not"))
REDUCTIONS = {"sum", "mean", "max", "min"}


class Ref(NamedTuple):
    """Where a value lies: in the memory of ``root``, from ``offset`` on, with a step each."""

    root: Value
    offset: int
    steps: tuple[int, ...]


@dataclass(eq=False)
class Group:
    """Instructions that one nest of loops does (``inner``), or one that NumPy does."""

    inner: bool
    shape: tuple[int, ...] = ()
    code: list[Instruction] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """What it does: "loops", or the kind of its one instruction."""
        return self.code[0].kind if self.code[0].kind in ("product", "step") else "loops"

    @property
    def name(self) -> str:
        """The operations that it is made of, as the graph shows it."""
        parts = list(dict.fromkeys(one.part_of or one.name for one in self.code))
        return parts[0] if len(parts) == 1 else f"fused({', '.join(parts)})"


def rows(shape: Any) -> tuple[int, ...]:
    """The steps of an array that lies in rows, in elements."""
    steps: list[int] = []
    step = 1
    for n in reversed(shape):
        steps.insert(0, step)
        step *= max(n, 1)
    return tuple(steps)


class Refs:
    """Finds where each value lies; a reshape that needs a copy has memory of its own."""

    def __init__(self) -> None:
        self.found: dict[Value, Ref] = {}

    def __call__(self, v: Value) -> Ref:
        """Where a value lies."""
        if v not in self.found:
            maker = v.maker
            made = None
            if maker is not None and maker.kind == "view":
                made = viewed(self(maker.args[0]), maker)
            self.found[v] = made or Ref(v, 0, rows(v.shape))
        return self.found[v]

    def copies(self, one: Instruction) -> bool:
        """Whether a view has to be a copy."""
        return self(one.outs[0]).root is one.outs[0]

    def whole(self, values: Any) -> bool:
        """Whether values fill the memory that they lie in, in its order."""
        return all(self.in_line(v, v.shape) and self(v).root.size == v.size for v in values)

    def in_line(self, v: Value, shape: Any) -> bool:
        """Whether a value is its own memory, read in the order it was written in."""
        return self(v) == Ref(self(v).root, 0, rows(shape))


def viewed(ref: Ref, one: Instruction) -> Ref | None:
    """The place of a view, None where it has to be a copy."""
    shape, out = one.args[0].shape, one.outs[0]
    if one.name == "transpose":
        return Ref(ref.root, ref.offset, tuple(ref.steps[a] for a in one.params))
    if one.name == "broadcast_to":
        extra = len(out.shape) - len(shape)
        steps = [0 if n == 1 else s for n, s in zip(shape, ref.steps, strict=True)]
        return Ref(ref.root, ref.offset, (0,) * extra + tuple(steps))
    if out.size == 0 or 0 in shape:
        return Ref(ref.root, ref.offset, rows(out.shape))
    probe = np.lib.stride_tricks.as_strided(np.empty(1, np.uint8), shape, ref.steps)
    if one.name == "index":
        made = probe[one.params]
        base = probe.__array_interface__["data"][0]
        return Ref(ref.root, ref.offset + made.__array_interface__["data"][0] - base, made.strides)
    if ref.steps == rows(shape):
        return Ref(ref.root, ref.offset, rows(out.shape))
    try:
        return Ref(ref.root, ref.offset, np.reshape(probe, out.shape, copy=False).strides)
    except (TypeError, ValueError):  # an older NumPy; or it has to be a copy
        return None


def inner(one: Instruction) -> bool:
    """Whether an instruction can be written as a loop."""
    if one.kind in ("call", "draw", "view"):
        return False
    values = [*one.inputs, *one.outs]
    if any(v.dtype is None or v.dtype.name not in TYPES or not v.size for v in values):
        return False
    if one.kind == "ufunc":
        return _ufunc_is_inner(one)
    if one.kind == "reduce":
        return (
            one.name in REDUCTIONS
            and one.outs[0].dtype == one.args[0].dtype
            and (one.outs[0].dtype.kind == "f")
        )
    if one.kind == "product":
        x, out = one.args[0], one.outs[0]
        if x.__class__ is not Value or one.args[1].__class__ is not Value:
            return False
        small = out.size * x.shape[-1] <= SMALL_PRODUCT
        return (
            small
            and one.name == "dot"
            and len(x.shape) == 2 == len(one.args[1].shape)
            and (out.dtype.kind == "f")
        )
    if one.kind == "step":
        return one.run is not None and getattr(one.run, "inner", False)
    return one.kind in ("cast", "copy", "store")


def common_type(one: Instruction) -> Any:
    """The type that an elementwise function works in."""
    given = [a.dtype if a.__class__ is Value else a for a in one.args]
    if one.name == "where":
        given = given[1:]
    return np.result_type(*given)


def _ufunc_is_inner(one: Instruction) -> bool:
    if one.name not in BINARY:
        return False
    out, common = one.outs[0], common_type(one)
    if common.name not in TYPES or (one.name in _SLOW and out.size > _LARGE):
        return False
    if one.name in _FLOATS and (common.kind != "f" or (one.name == "exp" and common != "float32")):
        return common.kind == "f" and out.size <= _LARGE
    if one.name in _COMPARES:
        return bool(out.dtype == np.bool_)
    if one.name in _LOGIC:
        return bool(common == np.bool_)
    if common.kind == "b" and one.name not in ("where", "bitwise_and", "bitwise_or"):
        return False
    return bool(out.dtype == common)


def loop_shape(one: Instruction) -> tuple[int, ...]:
    """The shape that an instruction goes over."""
    if one.kind in ("reduce", "store"):
        return one.args[0].shape
    return one.outs[0].shape


def grouped(code: list[Instruction], refs: Refs) -> list[Group]:
    """The program as nests of loops and NumPy calls, in order."""
    groups: list[Group] = []
    for one in code:
        if one.kind == "view":
            if not refs.copies(one):
                continue
            one = Instruction("copy", "copy", one.args, one.outs, (), None, one.part_of, one.index)
            one_shape = one.args[0].shape
        elif not inner(one) or (one.kind == "step" and not refs.whole(one.args[1])):
            groups.append(Group(False, (), [one]))
            continue
        else:
            one_shape = () if one.kind in ("product", "step") else loop_shape(one)
        last = groups[-1] if groups else None
        if last is None or not _joins(one, one_shape, last, refs):
            last = Group(True, one_shape)
            groups.append(last)
        last.code.append(one)
    return groups


def _joins(one: Instruction, shape: Any, group: Group, refs: Refs) -> bool:
    """Whether an instruction can be done in the same nest as those before it."""
    if not group.inner or group.kind != "loops" or one.kind in ("product", "step"):
        return False
    if group.shape != shape or _gathers(one) or _gathers(group.code[-1]):
        return False
    made = {v: earlier for earlier in group.code for v in earlier.outs}
    for v in one.inputs:
        ref = refs(v)
        earlier = made.get(ref.root)
        if earlier is None:
            continue
        reshaped = earlier.kind == "copy" and earlier.args[0].shape != earlier.outs[0].shape
        if earlier.kind == "reduce" or reshaped or not refs.in_line(v, shape):
            return False
    return one.kind != "store"


def _gathers(one: Instruction) -> bool:
    """Whether a sum is a small one over outer dimensions: it is faster in a nest of its own."""
    if one.kind != "reduce" or one.args[0].size > _LARGE:
        return False
    return max(one.params[0], default=0) < len(one.args[0].shape) - 1
