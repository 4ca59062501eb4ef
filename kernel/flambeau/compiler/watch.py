"""What Python may do with a tensor while its call is traced, without the tracer knowing.

Operations are seen by the recorder's slot. But a tensor's numbers may also be read, and its memory
written, past every operation: ``loss.item()``, ``print(x)``, a library function that works on
arrays. While a call is traced, ``Tensor.array`` is a property that looks at who asks: code that
asks for a shape or a type may go on, code of the operations themselves too; whoever else reads
numbers ends the trace with a reason.
"""

from __future__ import annotations

import dis
import functools
import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from .. import random
from ..errors import is_library
from ..ops.apply import apply, apply_inplace
from ..ops.short import apply_number, apply_one, apply_two, apply_written
from ..tensor import Tensor

_ARRAY: Any = Tensor.__dict__["array"]
_GRAD: Any = Tensor.__dict__["grad"]
# What may be asked of an array without its numbers.
_OUTSIDE = frozenset(
    ("shape", "dtype", "ndim", "size", "flags", "strides", "itemsize", "nbytes", "__class__")
)
# Code of this package that hands arrays on, and whose doings the tracer sees in another way.
_FILES = (
    "ops/apply.py", "ops/short.py", "autograd/engine.py", "autograd/__init__.py", "errors.py",
    "amp/state.py",
)  # fmt: skip
_FUNCTIONS = {
    "tensor.py": {"detach", "data", "wrap", "_fill", "wrap_as", "_make_subclass"},
    "attributes.py": {
        "device", "stride", "is_contiguous", "storage_offset", "data_ptr", "is_shared", "is_meta",
    },
    "ops/shape.py": {"contiguous"},
    "ops/norm.py": {"normalize", "rms_norm"},
    "ops/creation.py": {"like_of"},
    "ops/resize.py": {"interpolate"},
    "ops/convert.py": {"to", "_moved", "_to"},
    "ops/activation.py": None,  # looks at types alone
    "nn/conv.py": None,
    "ops/conv.py": None,
    "ops/pool.py": None,
    "ops/multihead.py": None,
    "ops/attention.py": None,
}  # fmt: skip


@functools.cache
def _next_names(code: Any) -> dict[int, str]:
    """For each instruction of a function the name that the next one asks for."""
    listed = list(dis.get_instructions(code))
    return {
        a.offset: str(b.argval) if b.opname.startswith("LOAD_") else ""
        for a, b in itertools.pairwise(listed)
    }


@functools.cache
def _trusted(code: Any) -> bool:
    file = code.co_filename.replace("\\", "/")
    if "/flambeau/" not in file or not is_library(code.co_filename):
        return False
    inside = file.rpartition("/flambeau/")[2]
    if inside.startswith(("compiler/", "record/")) or inside in _FILES:
        return True
    if inside not in _FUNCTIONS:
        return False
    names = _FUNCTIONS[inside]
    return names is None or code.co_name in names


def _may_read(frame: Any) -> bool:
    code = frame.f_code
    if _trusted(code) or _next_names(code).get(frame.f_lasti) in _OUTSIDE:
        return True
    if code.co_name == "getitem" and code.co_filename.endswith("index.py"):
        key = frame.f_locals.get("key")
        return not any(
            isinstance(k, Tensor) or hasattr(k, "dtype") or isinstance(k, list)
            for k in (key if isinstance(key, tuple) else (key,))
        )
    return False


def described(frame: Any) -> str:
    """Who asks, in words: the library's function that was called, and the user's line."""
    names = []
    while frame is not None and is_library(frame.f_code.co_filename):
        name = frame.f_code.co_name
        if name not in ("called", "__call__", "array", "<genexpr>") and not name.startswith("_"):
            names.append(name)
        frame = frame.f_back
    asked = names[-1] if names else "an operation"
    if frame is None:
        return asked
    file = frame.f_code.co_filename.rpartition("/")[2]
    place = f"{file} line {frame.f_lineno}"
    return f"{asked}, at {place}" if names else place


@contextmanager
def watching(tracer: Any) -> Iterator[None]:
    """Has the tracer told of reads, of gradients that are set, and of random numbers drawn."""
    me = get_ident()
    read, write = _ARRAY.__get__, _ARRAY.__set__

    def array(t: Any) -> Any:
        if tracer.listening and get_ident() == me:
            frame = sys._getframe(1)
            if not _may_read(frame):
                tracer.stop(f"the numbers of a tensor are used by {described(frame)}")
        return read(t)

    def set_array(t: Any, value: Any) -> None:
        if tracer.listening and get_ident() == me and not _trusted(sys._getframe(1).f_code):
            tracer.stop(f"a tensor gets other memory in {described(sys._getframe(1))}")
        write(t, value)

    def set_grad(t: Any, value: Any) -> None:
        if get_ident() == me:
            tracer.grad_is_set(t, value)
        _GRAD.fset(t, value)

    def drawn() -> None:
        if tracer.listening and get_ident() == me:
            tracer.drawn(_inside_operation(sys._getframe(1)))

    Tensor.array = property(array, set_array)  # type: ignore[assignment]
    Tensor.grad = property(_GRAD.fget, set_grad)  # type: ignore[assignment]
    random.watchers.append(drawn)
    try:
        yield
    finally:
        random.watchers.remove(drawn)
        Tensor.array = _ARRAY
        Tensor.grad = _GRAD


_ENTRIES = (apply, apply_inplace, apply_one, apply_two, apply_number, apply_written)
_APPLYING = {entry.__code__ for entry in _ENTRIES}


def _inside_operation(frame: Any) -> bool:
    while frame is not None and is_library(frame.f_code.co_filename):
        if frame.f_code in _APPLYING:
            return True
        frame = frame.f_back
    return False
