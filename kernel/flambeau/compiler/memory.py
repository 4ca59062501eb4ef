"""Reading and writing memory by its address, in compiled loops.

A compiled function takes an array in about a tenth of a microsecond; a small step has dozens of
arrays, and nearly all of them stay where they are from call to call. So their addresses are put
into one table, and the loops read and write by address.
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
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    kind = getattr(types, name)
    bits = {"float32": ir.FloatType(), "float64": ir.DoubleType(), "int64": ir.IntType(64),
            "int32": ir.IntType(32)}.get(name, ir.IntType(8))  # fmt: skip

    def place(builder: Any, address: Any, index: Any) -> Any:
        return builder.gep(builder.inttoptr(address, ir.PointerType(bits)), [index])

    @intrinsic  # type: ignore[misc]
    def get(typing: Any, address: Any, index: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = builder.load(place(builder, *args))
            return builder.icmp_unsigned("!=", value, bits(0)) if name == "boolean" else value

        return kind(types.int64, types.int64), build

    @intrinsic  # type: ignore[misc]
    def put(typing: Any, address: Any, index: Any, value: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = builder.zext(args[2], bits) if name == "boolean" else args[2]
            builder.store(value, place(builder, *args[:2]))
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, kind), build

    return get, put
