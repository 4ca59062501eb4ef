"""Reading and writing memory by its address, in compiled loops.

A compiled function takes an array in about a tenth of a microsecond; a small step has dozens of
arrays, and nearly all of them stay where they are from call to call. So their addresses are put
into one table, and the loops read and write by address.

The first argument of each access is the number of the piece of memory, known when it is compiled.
It tells the compiler that what is written to one piece does not change what is read from another,
which is what lets it keep sums in registers and go over elements eight at a time.
"""

from __future__ import annotations

from functools import cache
from typing import Any

TYPES = {
    "f4": "float32",
    "f8": "float64",
    "i8": "int64",
    "i4": "int32",
    "b1": "boolean",
    "u1": "uint8",
}


@cache
def accessors() -> dict[str, Any]:
    """``get_f4(address, index)``, ``set_f4(address, index, value)`` and so on, for numba."""
    made: dict[str, Any] = {}
    for short, name in TYPES.items():
        made[f"get_{short}"], made[f"set_{short}"] = _pair(name)
    return made


def _pair(name: str) -> tuple[Any, Any]:
    from llvmlite import ir  # type: ignore[import-untyped]
    from numba import types
    from numba.extending import intrinsic

    kind = getattr(types, name)
    bits = {"float32": ir.FloatType(), "float64": ir.DoubleType(), "int64": ir.IntType(64),
            "int32": ir.IntType(32)}.get(name, ir.IntType(8))  # fmt: skip

    def place(builder: Any, address: Any, index: Any) -> Any:
        return builder.gep(builder.inttoptr(address, ir.PointerType(bits)), [index])

    @intrinsic(prefer_literal=True)  # type: ignore[misc]
    def get(typing: Any, piece: Any, address: Any, index: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = builder.load(place(builder, *args[1:]))
            _apart(builder, value, piece.literal_value)
            return builder.icmp_unsigned("!=", value, bits(0)) if name == "boolean" else value

        return kind(piece, types.int64, types.int64), build

    @intrinsic(prefer_literal=True)  # type: ignore[misc]
    def put(typing: Any, piece: Any, address: Any, index: Any, value: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = builder.zext(args[3], bits) if name == "boolean" else args[3]
            _apart(builder, builder.store(value, place(builder, *args[1:3])), piece.literal_value)
            return context.get_dummy_value()

        return types.void(piece, types.int64, types.int64, kind), build

    return get, put


PIECES = 40  # pieces of memory that are told apart; number 0 is whatever is not ours


def _apart(builder: Any, access: Any, piece: int) -> None:
    """Notes on a load or a store that other pieces of memory have nothing to do with it."""
    module = builder.module
    domain = module.add_metadata(["flambeau replay"])
    scopes = [module.add_metadata([f"piece {i}", domain]) for i in range(PIECES)]
    others = [s for i, s in enumerate(scopes) if i != piece]
    access.set_metadata("alias.scope", module.add_metadata([scopes[piece]]))
    access.set_metadata("noalias", module.add_metadata(others))
