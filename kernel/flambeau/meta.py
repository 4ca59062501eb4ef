"""Arrays without numbers: what tensors on the device "meta" hold.

A `MetaArray` has a shape, a type and strides. Its memory is one piece for all of them, which the
system promises and never provides as long as nobody looks; whoever does, reads zeros. NumPy
makes views of it as of any array, computing only says what shape and type would come out, and
writing does nothing.
"""

from __future__ import annotations

import mmap
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

_ground: Any = b""  # the piece of memory that all of them lie on
when_meta: list[Callable[[], None]] = []  # what is to be done when the first one is made
# Their shapes depend on the numbers.
_ASK_FOR_NUMBERS = {"nonzero", "argwhere", "flatnonzero", "unique", "bincount", "array_equal"}
_WRITERS = {"copyto", "put", "place", "putmask", "put_along_axis", "fill_diagonal"}


def _memory(size: int) -> Any:
    global _ground
    if size > len(_ground):
        size = max(size, 1 << 20)
        if sys.platform == "linux":
            unreserved = getattr(mmap, "MAP_NORESERVE", 0x4000)  # which Python 3.11 does not name
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | unreserved
            _ground = mmap.mmap(-1, size, flags=flags, prot=mmap.PROT_READ)
        else:
            _ground = np.zeros(size, np.uint8).data.toreadonly()
    return _ground


class MetaArray(np.ndarray):
    """An array of zeros that takes no memory, and that nothing can be written to."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        shape = _shape_of(ufunc, method, inputs, kwargs)
        if shape is None:
            made = settled(getattr(ufunc, method)(*map(_plain, inputs), **kwargs))
        else:
            made = _outputs(ufunc, method, inputs, shape, kwargs)
        if out is None or method == "at":
            return made
        return out[0] if len(out) == 1 else out

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = func.__name__
        if name in _ASK_FOR_NUMBERS:
            raise no_numbers(name)
        if name in _WRITERS:
            return None
        made = _KNOWN[name](*args, **kwargs) if name in _KNOWN else None
        if made is None:
            made = settled(super().__array_function__(func, types, args, kwargs))
        return made

    def __setitem__(self, index: Any, value: Any) -> None:
        if index is Ellipsis:
            np.broadcast_to(value, self.shape)  # whose error says what does not fit

    def item(self, *_: Any) -> Any:
        """RuntimeError: there is no number."""
        raise RuntimeError("Tensor.item() cannot be called on meta tensors: they have no numbers")

    def tolist(self) -> Any:
        """NotImplementedError: there are no numbers."""
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")

    def dot(self, b: Any, out: Any = None) -> Any:
        """The shape of the product."""
        return _dot(self, b, out)

    def nonzero(self) -> Any:
        """NotImplementedError: how many there are depends on the numbers."""
        raise no_numbers("nonzero")

    def astype(  # type: ignore[override]
        self, dtype: Any, *args: Any, copy: bool = True, **kwargs: Any
    ) -> Any:
        """The same shape in another type."""
        dtype = np.dtype(dtype)
        return self if dtype == self.dtype and not copy else laid(self.shape, dtype)

    def copy(self, order: Any = "C") -> Any:
        """The same shape and type, laid out in rows."""
        return laid(self.shape, self.dtype)


def no_numbers(name: str) -> NotImplementedError:
    """The error for an operation whose result depends on the numbers."""
    return NotImplementedError(
        f"{name} depends on numbers, and a tensor on the device 'meta' has none"
    )


def laid(shape: Any, dtype: Any, strides: Any = None) -> MetaArray:
    """A `MetaArray` of a shape and a type, laid out in rows or with the strides given (bytes)."""
    while when_meta:
        when_meta.pop()()
    shape = (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(map(int, shape))
    dtype = np.dtype(dtype)
    if strides is None or min(strides, default=0) < 0:
        strides, step = [], dtype.itemsize
        for n in reversed(shape):
            strides.insert(0, step)
            step *= max(n, 1)
    reach = dtype.itemsize + sum((max(n, 1) - 1) * s for n, s in zip(shape, strides, strict=True))
    try:
        return MetaArray(shape, dtype, _memory(reach), 0, tuple(strides))
    except (OSError, MemoryError, ValueError, OverflowError):  # more than can be addressed
        return MetaArray(shape, dtype, _memory(64), 0, (0,) * len(shape))


def settled(value: Any) -> Any:
    """What a computation gave, as arrays without numbers: their shapes, types and strides."""
    if isinstance(value, np.generic):
        return laid((), value.dtype)
    if isinstance(value, np.ndarray):
        if value.__class__ is MetaArray and not value.flags.writeable:
            return value
        return laid(value.shape, value.dtype, value.strides)
    if value.__class__ in (list, tuple):
        return value.__class__(settled(v) for v in value)
    return value


# NumPy's functions that are no ufuncs and are worth not running; None: to be run all the same.


def _like(a: Any, *rest: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
    return None if rest else laid(a.shape if shape is None else shape, dtype or a.dtype)


def _where(condition: Any, *choices: Any) -> Any:
    if not choices:
        raise no_numbers("where")
    kinds = [x.dtype if isinstance(x, np.ndarray) else x for x in choices]
    return laid(np.broadcast_shapes(*map(np.shape, (condition, *choices))), np.result_type(*kinds))


def _dot(a: Any, b: Any, out: Any = None) -> Any:
    if min(a.ndim, b.ndim) == 0 or a.shape[-1] != b.shape[-2:][0]:
        return None
    return laid(a.shape[:-1] + b.shape[:-2] + b.shape[-1:][: b.ndim - 1], np.result_type(a, b))


def _concatenate(arrays: Any, axis: Any = 0, **_: Any) -> Any:
    shapes = [a.shape for a in arrays]
    if axis is None or len({s[:axis] + s[axis:][1:] for s in shapes}) != 1:
        return None
    shape = list(shapes[0])
    shape[axis] = sum(s[axis] for s in shapes)
    return laid(shape, np.result_type(*arrays))


_KNOWN: dict[str, Callable[..., Any]] = {"where": _where, "dot": _dot, "concatenate": _concatenate}
_KNOWN |= dict.fromkeys(("empty_like", "zeros_like", "ones_like"), _like)


def _plain(x: Any) -> Any:
    return x.view(np.ndarray) if isinstance(x, MetaArray) else x


def _shape_of(ufunc: Any, method: str, inputs: Any, kwargs: Any) -> Any:
    """The shape that comes out; None where only running it can tell."""
    if method in ("accumulate", "at"):
        return np.shape(inputs[0])
    if method == "reduce":
        shape, axis = np.shape(inputs[0]), kwargs.get("axis", 0)
        axes = range(len(shape)) if axis is None else np.atleast_1d(axis)
        gone = {int(a) % len(shape) for a in axes} if shape else set()
        if kwargs.get("keepdims"):
            return tuple(1 if i in gone else n for i, n in enumerate(shape))
        return tuple(n for i, n in enumerate(shape) if i not in gone)
    if method != "__call__" or (ufunc.signature is not None and ufunc is not np.matmul):
        return None
    if ufunc is not np.matmul:
        return np.broadcast_shapes(*map(np.shape, inputs))
    return _of_product(*map(np.shape, inputs))


def _of_product(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    left, right = (a if len(a) > 1 else (1, *a)), (b if len(b) > 1 else (*b, 1))
    if left[-1] != right[-2]:
        raise ValueError(f"matmul: shapes {a} and {b} do not fit: {left[-1]} is not {right[-2]}")
    batch = np.broadcast_shapes(left[:-2], right[:-2])
    rows = (left[-2],) if len(a) > 1 else ()
    return (*batch, *rows, *((right[-1],) if len(b) > 1 else ()))


def _outputs(ufunc: Any, method: str, inputs: Any, shape: Any, kwargs: Any) -> Any:
    """Arrays of that shape, in the types that the function gives for a single number."""
    if method == "at":
        return None
    small = [np.ones((1, 1), x.dtype) if isinstance(x, np.ndarray) else x for x in inputs]
    options = {k: v for k, v in kwargs.items() if k == "dtype"}
    with np.errstate(all="ignore"):
        made = getattr(ufunc, method)(*small, **options)
    found = tuple(laid(shape, m.dtype) for m in (made if isinstance(made, tuple) else (made,)))
    return found if isinstance(made, tuple) else found[0]
