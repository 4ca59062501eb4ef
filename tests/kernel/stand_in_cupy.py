"""A stand-in for CuPy where there is no GPU: NumPy behind arrays that will not mix with NumPy's.

CuPy can be imported without a GPU, but makes no arrays then. This module has the same functions and
makes arrays of a class of their own, `Card`. Like CuPy's they are no NumPy arrays, are not turned
into one unasked, and refuse one beside them; a result without dimensions is an array as well. So
whatever in the kernel takes the CPU for granted fails here as it would on a GPU.

`install()` puts it in the place of ``cupy`` and ``cupyx``.
"""

from __future__ import annotations

import contextlib
import operator
import sys
import types
from typing import Any

import numpy as np
import scipy.fft
import scipy.linalg
import scipy.special

PLAIN = frozenset(("result_type", "can_cast", "issubdtype", "shares_memory", "may_share_memory"))
METHODS = """
all any argmax argmin argpartition argsort astype choose clip compress conj conjugate copy cumprod
cumsum diagonal dot fill flatten max mean min nonzero partition prod ptp put ravel repeat reshape
round searchsorted sort squeeze std sum swapaxes take trace transpose var view
"""
ARITHMETIC = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift"


def inner(value: Any) -> Any:
    """The NumPy array in a Card, also inside of lists and slices; TypeError for a bare one."""
    if isinstance(value, Card):
        return value.inside
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(inner, value))
    if isinstance(value, (tuple, list)):
        return type(value)(map(inner, value))
    if isinstance(value, slice):
        return slice(inner(value.start), inner(value.stop), inner(value.step))
    if isinstance(value, dict):
        return {key: inner(one) for key, one in value.items()}
    return value


def outer(value: Any) -> Any:
    """A Card for each array or number of NumPy's."""
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        if not array.flags.writeable:  # CuPy knows no such thing
            with contextlib.suppress(ValueError):
                array.flags.writeable = True
        return Card(array)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(outer, value))
    if isinstance(value, (tuple, list)):
        return type(value)(map(outer, value))
    return value


class Device:
    """The one device."""

    id = 0

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Flags:
    """How an array lies in memory; CuPy's cannot be written to."""

    def __init__(self, flags: Any) -> None:
        self.c_contiguous, self.f_contiguous = flags.c_contiguous, flags.f_contiguous
        self.owndata = flags.owndata


class Card:
    """An array on the card."""

    __array_priority__ = 100
    __cuda_array_interface__ = None
    device = Device()

    def __init__(self, inside: np.ndarray) -> None:
        self.inside = inside

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        return outer(getattr(ufunc, method)(*inner(args), **inner(kwargs)))

    def __array_function__(self, function: Any, _: Any, args: Any, kwargs: Any) -> Any:
        return outer(function(*inner(args), **inner(kwargs)))

    @property
    def flags(self) -> Flags:
        return Flags(self.inside.flags)

    @property
    def base(self) -> Any:
        return outer(self.inside.base)

    def get(self) -> np.ndarray:
        return self.inside.copy()

    def __getitem__(self, key: Any) -> Card:
        return outer(self.inside[inner(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.inside[inner(key)] = inner(value)

    def __iter__(self) -> Any:
        return map(outer, self.inside)

    def __deepcopy__(self, _: Any) -> Card:
        return Card(self.inside.copy())

    __hash__ = None  # type: ignore[assignment]


def _fill_in() -> None:
    """Gives `Card` the rest of what an array has."""
    for name in ("shape", "dtype", "ndim", "size", "strides", "itemsize", "nbytes"):
        setattr(Card, name, property(lambda self, name=name: getattr(self.inside, name)))
    for name in ("real", "imag", "T", "mT"):
        setattr(Card, name, property(_method_of_none(name), _setter(name)))
    for name in ("item", "tolist", "tobytes"):
        setattr(Card, name, lambda self, *args, name=name: getattr(self.inside, name)(*args))
    for name, way in (
        ("len", len), ("bool", bool), ("int", int), ("float", float), ("complex", complex),
        ("index", operator.index),
    ):  # fmt: skip
        setattr(Card, f"__{name}__", lambda self, way=way: way(self.inside))
    for name in METHODS.split():
        setattr(Card, name, _method(name))
    for name in ARITHMETIC.split():
        setattr(Card, f"__{name}__", _operator(f"__{name}__"))
        setattr(Card, f"__r{name}__", _operator(f"__r{name}__"))
        setattr(Card, f"__i{name}__", _in_place(f"__i{name}__"))
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(Card, f"__{name}__", _operator(f"__{name}__"))
    for name in ("neg", "abs", "invert", "pos"):
        setattr(Card, f"__{name}__", _method(f"__{name}__"))


def _method(name: str) -> Any:
    return lambda self, *args, **kwargs: outer(
        getattr(self.inside, name)(*inner(args), **inner(kwargs))
    )


def _method_of_none(name: str) -> Any:
    return lambda self: outer(getattr(self.inside, name))


def _setter(name: str) -> Any:
    return lambda self, value: setattr(self.inside, name, inner(value))


def _operator(name: str) -> Any:
    def method(self: Card, other: Any) -> Any:
        made = getattr(self.inside, name)(inner(other))
        return made if made is NotImplemented else outer(made)

    return method


def _in_place(name: str) -> Any:
    def method(self: Card, other: Any) -> Any:
        getattr(self.inside, name)(inner(other))
        return self

    return method


_fill_in()


class Function:
    """A function of NumPy's on Cards."""

    def __init__(self, function: Any, name: str) -> None:
        self.function, self.__name__ = function, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.__name__ in ("asarray", "array", "ascontiguousarray"):  # these take NumPy's, too
            args = tuple(a if isinstance(a, np.ndarray) else inner(a) for a in args)
            return Card(self.function(*args, **kwargs))
        made = self.function(*inner(args), **inner(kwargs))
        return made if self.__name__ in PLAIN else outer(made)

    def __getattr__(self, name: str) -> Any:
        return Function(getattr(self.function, name), name)


class Grid:
    """``ogrid``."""

    def __getitem__(self, key: Any) -> Any:
        return outer(np.ogrid[key])


class Generator:
    """Random numbers on the card: NumPy's."""

    def __init__(self, bits: Any) -> None:
        self.inside = np.random.Generator(bits)

    def __getattr__(self, name: str) -> Any:
        return Function(getattr(self.inside, name), name)


class Room(types.ModuleType):
    """A module whose functions are those of another, on Cards."""

    def __init__(self, name: str, real: Any, **own: Any) -> None:
        super().__init__(name)
        self.__dict__.update(own, real_room=real)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.real_room, name)
        if isinstance(found, types.ModuleType):
            found = Room(name, found)
        elif callable(found) and not isinstance(found, type):
            found = Function(found, name)
        self.__dict__[name] = found
        return found


def install() -> None:
    """Has ``import cupy`` give the stand-in, with one device."""
    from flambeau import device

    runtime = types.SimpleNamespace(getDeviceCount=lambda: 1)
    cuda = types.SimpleNamespace(runtime=runtime, Device=lambda *_: Device())
    random = Room("cupy.random", np.random, Generator=Generator, Philox4x3210=np.random.Philox)
    cupy = Room(
        *("cupy", np), ndarray=Card, cuda=cuda, random=random, ogrid=Grid(), asnumpy=Card.get
    )
    add = lambda a, at, values: np.add.at(a.inside, inner(at), inner(values))  # noqa: E731
    scipy_ = Room("cupyx.scipy", scipy)
    cupyx = Room("cupyx", np, scatter_add=add, scipy=scipy_)
    sys.modules.update({"cupy": cupy, "cupyx": cupyx, "cupyx.scipy": scipy_})
    for name in ("special", "linalg", "fft"):
        room = sys.modules[f"cupyx.scipy.{name}"] = Room(name, getattr(scipy, name))
        setattr(scipy_, name, room)
    module = sys.modules[device.__module__]
    module.cupy.cache_clear()  # type: ignore[attr-defined]
    module.cuda_count.cache_clear()  # type: ignore[attr-defined]
