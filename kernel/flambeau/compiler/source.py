"""Groups of instructions as the source of one compiled function."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .ir import Instruction, Value
from .loops import BINARY, TYPES, Group, Ref, Refs, common_type, rows

_AT_ONCE = 8  # rows that a product adds up before it writes
_WIDE = 1024  # a sum of more numbers is taken in float64
_START = {"sum": "0", "mean": "0", "max": "-np.inf", "min": "np.inf"}
_STEP = {
    "sum": "{0} + {1}",
    "mean": "{0} + {1}",
    "max": "({1} if {1} > {0} or {1} != {1} else {0})",
    "min": "({1} if {1} < {0} or {1} != {1} else {0})",
}


def literal(value: Any, dtype: Any) -> str:
    """A number in a type, as source."""
    if dtype.kind == "b":
        return str(bool(value))
    number = float(value) if dtype.kind == "f" else int(value)
    text = repr(number)
    if number != number or number in (float("inf"), float("-inf")):
        text = "np.nan" if number != number else "np.inf" if number > 0 else "-np.inf"
    return f"np.{dtype.name}({text})"


def get(address: str, index: str, dtype: Any) -> str:
    """Source that reads one element."""
    return f"get_{TYPES[dtype.name]}({address}, {index})"


def put(address: str, index: str, value: str, dtype: Any) -> str:
    """Source that writes one element."""
    return f"set_{TYPES[dtype.name]}({address}, {index}, {value})"


def indexed(offset: int, steps: Any, names: Any) -> str:
    """Where an element lies, as source."""
    terms = [n if s == 1 else f"{n} * {s}" for n, s in zip(names, steps, strict=True) if s]
    if offset or not terms:
        terms.append(str(offset))
    return " + ".join(terms)


def spread_steps(ref: Ref, own: Any, shape: Any) -> tuple[int, ...]:
    """The steps of a value that is broadcast to a shape."""
    extra = len(shape) - len(own)
    return (0,) * extra + tuple(
        0 if n == 1 and m != 1 else s for n, m, s in zip(own, shape[extra:], ref.steps, strict=True)
    )


def merged(shape: Any, accesses: list[Any]) -> tuple[list[int], list[list[int]]]:
    """Fewer loops over the same elements: neighbours that every access steps evenly over."""
    sizes: list[int] = []
    kept: list[list[int]] = [[] for _ in accesses]
    for d, n in enumerate(shape):
        if n == 1:
            continue
        steps = [a[d] for a in accesses]
        if sizes and all(k[-1] == s * n for k, s in zip(kept, steps, strict=True)):
            sizes[-1] *= n
            for k, s in zip(kept, steps, strict=True):
                k[-1] = s
            continue
        sizes.append(n)
        for k, s in zip(kept, steps, strict=True):
            k.append(s)
    return sizes, kept


class Nest:
    """Writes the loops of one group. ``address(value)`` names where the memory of a root is."""

    def __init__(self, group: Group, refs: Refs, kept: set[Value], address: Any) -> None:
        self.group, self.refs, self.kept, self.address = group, refs, kept, address
        self.accesses: list[tuple[int, ...]] = []
        self.loads: dict[Any, tuple[str, int]] = {}
        self.body: list[Any] = []  # (text, access) of what the innermost loop does
        self.names: dict[Value, str] = {}
        self.sums: list[tuple[Instruction, int, str]] = []
        for one in group.code:
            self.add(one)

    def access(self, steps: Any) -> int:
        """Notes that memory is stepped over like this."""
        self.accesses.append(tuple(steps))
        return len(self.accesses) - 1

    def add(self, one: Instruction) -> None:
        """Takes in one instruction."""
        if one.kind == "reduce":
            self.sums.append((one, self.access(_reduced_steps(one)), self.read(one.args[0])))
            return
        if one.kind == "store":
            (target,) = one.params
            at = self.access(rows(self.group.shape))
            self.body.append(("put", target, at, self.read(one.args[0]), 0))
            return
        out = one.outs[0]
        name = self.names[out] = f"t{out.number}"
        self.body.append(("let", name, self.formula(one)))
        if out in self.kept:
            self.body.append(("put", out, self.access(rows(self.group.shape)), name, 0))

    def read(self, v: Value) -> str:
        """The name that a value has in the innermost loop."""
        if v in self.names:
            return self.names[v]
        ref = self.refs(v)
        if ref.root in self.names:
            return self.names[ref.root]
        steps = spread_steps(ref, v.shape, self.group.shape)
        key = (ref.root, ref.offset, steps)
        if key not in self.loads:
            name = f"a{v.number}"
            self.loads[key] = (name, self.access(steps))
            self.body.append(("get", name, ref, self.loads[key][1]))
        return self.loads[key][0]

    def formula(self, one: Instruction) -> str:
        """What an elementwise instruction computes."""
        out = one.outs[0]
        if one.kind in ("cast", "copy"):
            return cast(self.read(one.args[0]), one.args[0].dtype, out.dtype)
        common = common_type(one)
        args = []
        for i, a in enumerate(one.args):
            own = np.dtype(bool) if one.name == "where" and i == 0 else common
            if a.__class__ is Value:
                args.append(cast(self.read(a), a.dtype, own))
            else:
                args.append(literal(a, own))
        if one.name == "reciprocal":
            return f"{literal(1, common)} / {args[0]}"
        return BINARY[one.name].format(*args)

    # Writing

    def lines(self) -> list[str]:
        """The source, indented by the loops alone."""
        self.sizes, self.steps = merged(self.group.shape, self.accesses)
        self.found: list[str] = []
        self.prepare()
        self.loop(0)
        self.finish()
        return self.found

    def say(self, depth: int, text: str) -> None:
        """One more line."""
        self.found.append("    " * depth + text)

    def at(self, access: int, offset: int = 0, upto: int | None = None) -> str:
        """The index of an access, in the loops' variables."""
        names = [f"i{d}" for d in range(len(self.sizes))]
        steps = self.steps[access][:upto]
        return indexed(offset, steps, names[:upto])

    def depth_of(self, access: int) -> int:
        """The loop from which on inwards a sum is over everything."""
        depth = len(self.sizes)
        while depth and self.steps[access][depth - 1] == 0:
            depth -= 1
        return depth

    def gathers(self, access: int) -> bool:
        """Whether a sum has to be gathered in memory: an outer loop sums, an inner one does not."""
        return any(s == 0 for s in self.steps[access][: self.depth_of(access)])

    def prepare(self) -> None:
        """Empties the memory that sums are gathered in."""
        for one, access, _ in self.sums:
            if self.gathers(access):
                out = one.outs[0]
                start = f"np.{out.dtype.name}({_START[one.name]})"
                self.say(0, f"for i in range({out.size}):")
                self.say(1, put(self.address(out), "i", start, out.dtype))

    def loop(self, depth: int) -> None:
        """The loop of a depth, and those inside."""
        for n, (one, access, _) in enumerate(self.sums):
            if self.depth_of(access) == depth:
                self.say(depth, f"s{n} = {_accumulator(one)}({_START[one.name]})")
        if depth == len(self.sizes):
            self.innermost(depth)
        else:
            self.say(depth, f"for i{depth} in range({self.sizes[depth]}):")
            self.loop(depth + 1)
        for n, (one, access, _) in enumerate(self.sums):
            if self.depth_of(access) == depth:
                self.hand_over(n, one, access, depth)

    def innermost(self, depth: int) -> None:
        """What is done for each element."""
        for kind, *what in self.body:
            if kind == "get":
                name, ref, access = what
                index = self.at(access, ref.offset)
                self.say(depth, f"{name} = {get(self.address(ref.root), index, ref.root.dtype)}")
            elif kind == "let":
                self.say(depth, f"{what[0]} = {what[1]}")
            else:
                target, access, name, _offset = what
                self.say(depth, put(self.address(target), self.at(access), name, target.dtype))
        for n, (one, _, name) in enumerate(self.sums):
            if _accumulator(one) == "np.float64":
                name = f"np.float64({name})"
            self.say(depth, f"s{n} = {_STEP[one.name].format(f's{n}', name)}")

    def hand_over(self, n: int, one: Instruction, access: int, depth: int) -> None:
        """A sum is complete, as far as the inner loops go."""
        out = one.outs[0]
        index = self.at(access, 0, depth)
        value = f"np.{out.dtype.name}(s{n})" if _accumulator(one) == "np.float64" else f"s{n}"
        if self.gathers(access):
            before = get(self.address(out), index, out.dtype)
            value = _STEP[one.name].format(before, value)
        elif one.name == "mean":
            count = one.args[0].size // max(out.size, 1)
            total = f"s{n} / {_accumulator(one)}({count})"
            value = f"np.{out.dtype.name}({total})"
        self.say(depth, put(self.address(out), index, value, out.dtype))

    def finish(self) -> None:
        """Divides the means that were gathered in memory."""
        for one, access, _ in self.sums:
            if one.name == "mean" and self.gathers(access):
                out = one.outs[0]
                count = one.args[0].size // max(out.size, 1)
                value = f"{get(self.address(out), 'i', out.dtype)} / np.{out.dtype.name}({count})"
                self.say(0, f"for i in range({out.size}):")
                self.say(1, put(self.address(out), "i", value, out.dtype))


def _accumulator(one: Instruction) -> str:
    out = one.outs[0]
    wide = one.name in ("sum", "mean") and one.args[0].size // max(out.size, 1) > _WIDE
    return "np.float64" if wide else f"np.{out.dtype.name}"


def _reduced_steps(one: Instruction) -> tuple[int, ...]:
    axes, _ = one.params
    shape = one.args[0].shape
    rest = iter(rows([n for d, n in enumerate(shape) if d not in axes]))
    return tuple(0 if d in axes else next(rest) for d in range(len(shape)))


def cast(name: str, given: Any, wanted: Any) -> str:
    """A number in another type, as source."""
    if given == wanted:
        return name
    if wanted.kind == "b":
        return f"({name} != 0)"
    return f"np.{wanted.name}({name})"


def product_lines(one: Instruction, refs: Refs, address: Any, spare: str) -> list[str]:
    """A small matrix product: rows of the second, times numbers of the first, added up."""
    x, y = one.args
    out = one.outs[0]
    (m, k), n = x.shape, y.shape[1]
    rx, ry = refs(x), refs(y)
    kind = out.dtype
    first = get(address(rx.root), indexed(rx.offset, rx.steps, ("i", "k")), kind)
    second = get(address(ry.root), indexed(ry.offset, ry.steps, ("k", "j")), kind)
    target = address(out)
    lines = []
    if ry.steps[1] != 1 and n > 1 and m > 1:  # laid out in rows first, to be read in order
        lines += [
            f"for k in range({k}):",
            f"    for j in range({n}):",
            "        " + put(spare, indexed(0, (n, 1), ("k", "j")), second, kind),
        ]
        second = get(spare, indexed(0, (n, 1), ("k", "j")), kind)
    at = indexed(0, (n, 1), ("i", "j"))
    if n == 1:
        second = get(address(ry.root), indexed(ry.offset, ry.steps[:1], ("k",)), kind)
        return [
            f"for i in range({m}):",
            f"    s = np.{kind.name}(0)",
            f"    for k in range({k}):",
            f"        s += {first} * {second}",
            "    " + put(target, "i", "s", kind),
        ]
    lines.append(f"for i in range({m}):")
    for start in range(0, k, _AT_ONCE):
        lines += _some_rows(
            range(start, min(start + _AT_ONCE, k)), n, target, at, first, second, kind
        )
    return lines


def _some_rows(
    ks: range, n: int, target: str, at: str, first: str, second: str, kind: Any
) -> list[str]:
    """Adds some rows of the second factor to a row of the product; the first ones begin it."""
    lines = [f"    x{d} = {_with_k(first, k)}" for d, k in enumerate(ks)]
    terms = [f"x{d} * {_with_k(second, k)}" for d, k in enumerate(ks)]
    if ks.start:
        terms.insert(0, get(target, at, kind))
    return [
        *lines,
        f"    for j in range({n}):",
        "        " + put(target, at, " + ".join(terms), kind),
    ]


def _with_k(text: str, k: int) -> str:
    """An access with a number in place of ``k``."""

    def number(found: Any) -> str:
        return str(k * int(found.group(2) or 1))

    return re.sub(r"\bk\b( \* (\d+))?", number, text)
