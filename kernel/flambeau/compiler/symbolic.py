"""Arrays that write down what is done to them: forwards and gradient rules are run on these.

A `Sym` holds the real numbers of the call that is traced, so shapes and types come out as NumPy
has them; each NumPy function applied to it goes on the tape. What it cannot write down raises
`Opaque`, and the operation is then called in the program as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.rules import ArrayNamespace
from .ir import Tape, Value

UFUNCS = frozenset(
    (
        "add", "subtract", "multiply", "divide", "true_divide", "negative", "exp", "log", "log1p",
        "expm1", "tanh", "sqrt", "maximum", "minimum", "absolute", "abs", "sign", "greater",
        "greater_equal", "less", "less_equal", "equal", "not_equal", "logical_and", "logical_or",
        "logical_not", "bitwise_and", "bitwise_or", "bitwise_xor", "invert", "power", "square",
        "reciprocal", "sin", "cos", "tan", "floor", "ceil", "trunc", "isnan", "isinf", "isfinite",
        "sinh", "cosh", "arctan", "exp2", "log2", "log10", "floor_divide", "where", "copysign",
        "arctan2", "remainder", "fmod", "logaddexp", "hypot", "arcsin", "arccos",
    )
)  # fmt: skip
REDUCTIONS = frozenset(("sum", "mean", "max", "min", "amax", "amin", "prod", "any", "all"))


class Opaque(AttributeError):  # noqa: N818
    """What is asked of a `Sym` has no place in an array program."""


def real(x: Any) -> Any:
    """The numbers of a Sym; anything else as it is."""
    if x.__class__ is Sym:
        return x.numbers
    return tuple(map(real, x)) if x.__class__ in (tuple, list) else x


class Sym:
    """An array of a call that is being traced."""

    __slots__ = ("fresh", "numbers", "tape", "value", "viewed")
    __array_ufunc__ = None  # NumPy leaves `array + sym` to the Sym, and its ufuncs refuse it
    __hash__ = object.__hash__

    def __init__(self, tape: Tape, value: Value, numbers: Any, fresh: bool = False) -> None:
        self.tape = tape
        self.value = value
        self.numbers = numbers
        self.fresh = fresh  # made in the function that runs, which may change it in place
        self.viewed = False

    # What it is

    @property
    def shape(self) -> Any:
        """The sizes of its dimensions."""
        return self.numbers.shape

    @property
    def dtype(self) -> Any:
        """The type of its elements."""
        return self.numbers.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.numbers.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.numbers.size

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.numbers.itemsize

    @property
    def flags(self) -> Any:
        """How the array of the traced call lay in memory."""
        return self.numbers.flags

    def __len__(self) -> int:
        return len(self.numbers)

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise Opaque("a value is asked for")

    __bool__ = __float__ = __int__ = __index__ = __array__ = __iter__ = __contains__ = _refuse
    __setitem__ = item = tolist = _refuse

    # What may be done to it

    def _note(self, kind: str, name: str, args: Any, numbers: Any, params: Any = ()) -> Sym:
        return note(self.tape, kind, name, args, numbers, params)

    def _view(self, name: str, numbers: Any, params: Any) -> Sym:
        made = self._note("view", name, (self,), numbers, params)
        if numbers.base is not None:
            self.viewed, made.fresh = True, False
        return made

    @property
    def T(self) -> Sym:  # noqa: N802
        """The dimensions in reverse order."""
        return self.transpose()

    def transpose(self, *axes: Any) -> Sym:
        """The dimensions in another order."""
        axes = tuple(axes[0]) if len(axes) == 1 and axes[0].__class__ in (tuple, list) else axes
        order = tuple(a % self.ndim for a in axes) or tuple(range(self.ndim))[::-1]
        return self._view("transpose", self.numbers.transpose(order), order)

    def swapaxes(self, a: int, b: int) -> Sym:
        """Two dimensions exchanged."""
        order = list(range(self.ndim))
        order[a], order[b] = order[b], order[a]
        return self.transpose(order)

    def reshape(self, *shape: Any) -> Sym:
        """The same elements in another shape."""
        made = self.numbers.reshape(*shape)
        return self._view("reshape", made, made.shape)

    def ravel(self) -> Sym:
        """One dimension."""
        return self.reshape(-1)

    def squeeze(self, axis: Any = None) -> Sym:
        """Without dimensions of size 1."""
        return self.reshape(self.numbers.squeeze(axis).shape)

    def __getitem__(self, key: Any) -> Sym:
        keys = key if key.__class__ is tuple else (key,)
        if any(k.__class__ not in (int, slice, type(None), type(...)) for k in keys):
            raise Opaque("indexing with arrays")
        made = self.numbers[keys]
        return self._view("index", np.asarray(made), keys)

    def astype(self, dtype: Any, copy: bool = True, **_: Any) -> Sym:
        """In another type."""
        if not copy and self.dtype == dtype:
            return self
        made = self.numbers.astype(dtype)
        return self._note("cast", "astype", (self,), made, (made.dtype,))

    def copy(self, order: str = "C") -> Sym:
        """A copy."""
        return self._note("copy", "copy", (self,), self.numbers.copy(order))

    def conj(self) -> Sym:
        """Itself, being real."""
        if self.dtype.kind == "c":
            raise Opaque("complex numbers")
        return self

    conjugate = conj

    def sum(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Sym:
        """The sum over dimensions."""
        return _reduce("sum", self, axis, keepdims, dtype)

    def mean(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Sym:
        """The mean over dimensions."""
        return _reduce("mean", self, axis, keepdims, dtype)

    def max(self, axis: Any = None, keepdims: bool = False) -> Sym:
        """The largest over dimensions."""
        return _reduce("max", self, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Sym:
        """The smallest over dimensions."""
        return _reduce("min", self, axis, keepdims)

    def prod(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Sym:
        """The product over dimensions."""
        return _reduce("prod", self, axis, keepdims, dtype)

    def dot(self, other: Any) -> Sym:
        """The matrix product."""
        return product("dot", self, other)


def note(tape: Tape, kind: str, name: str, args: Any, numbers: Any, params: Any = ()) -> Sym:
    """Puts an instruction on the tape that has given these numbers."""
    numbers = np.asanyarray(numbers)
    (out,) = tape.emit(kind, name, _stripped(tape, args), (numbers,), params)
    return Sym(tape, out, numbers, True)


def _stripped(tape: Tape, args: Any) -> list[Any]:
    """Arguments as the tape keeps them: values, constants and plain numbers."""
    found: list[Any] = []
    for a in args:
        if a.__class__ is Sym:
            found.append(a.value)
        elif a.__class__ is np.ndarray:
            found.append(constant(tape, a).value)
        elif isinstance(a, (bool, int, float, complex, np.generic)):
            found.append(a)
        else:
            raise Opaque(f"an argument of type {type(a).__name__}")
    return found


def constant(tape: Tape, array: Any) -> Sym:
    """An array that is the same in every call."""
    return Sym(tape, tape.value("const", array.shape, array.dtype, array), array)


def _tape_of(args: Any) -> Tape:
    for a in args:
        if a.__class__ is Sym:
            return a.tape
    raise Opaque("no array of the program")


def ufunc(name: str, *args: Any) -> Any:
    """A function of each element."""
    function = getattr(np, name)
    if not any(a.__class__ is Sym for a in args):
        return function(*args)
    with np.errstate(all="ignore"):
        numbers = function(*map(real, args))
    return note(_tape_of(args), "ufunc", function.__name__, args, numbers)


def product(name: str, x: Any, y: Any) -> Sym:
    """A matrix product by one of NumPy's functions."""
    return note(_tape_of((x, y)), "product", name, (x, y), getattr(np, name)(real(x), real(y)))


def _reduce(name: str, x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    if x.__class__ is not Sym:
        return getattr(np, name)(x, axis=axis, keepdims=keepdims)
    if dtype is not None and np.dtype(dtype) != x.dtype:
        x = x.astype(dtype)
    options = {} if dtype is None else {"dtype": dtype}
    numbers = getattr(np, name)(x.numbers, axis=axis, keepdims=keepdims, **options)
    axes = tuple(range(x.ndim)) if axis is None else axis if axis.__class__ is tuple else (axis,)
    axes = tuple(sorted(a % x.ndim for a in axes)) if x.ndim else ()
    return note(x.tape, "reduce", name.removeprefix("a") if name in ("amax", "amin") else name,
                (x,), numbers, (axes, bool(keepdims)))  # fmt: skip


def _binary(name: str, swapped: bool = False) -> Callable[..., Any]:
    if swapped:
        return lambda self, other: ufunc(name, other, self)
    return lambda self, other: ufunc(name, self, other)


def _in_place(name: str) -> Callable[..., Any]:
    def method(self: Sym, other: Any) -> Sym:
        if not self.fresh or self.viewed:
            raise Opaque("an array of somebody else is written to")
        made = ufunc(name, self, other)
        if made.shape != self.shape:
            raise Opaque("the shape changes")
        made = made.astype(self.dtype, copy=False)
        self.value, self.numbers = made.value, made.numbers
        return self

    return method


_OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power",
    "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor", "floordiv": "floor_divide",
    "mod": "remainder",
}  # fmt: skip
for _symbol, _name in _OPERATORS.items():
    setattr(Sym, f"__{_symbol}__", _binary(_name))
    setattr(Sym, f"__r{_symbol}__", _binary(_name, True))
    setattr(Sym, f"__i{_symbol}__", _in_place(_name))
for _symbol, _name in {
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal",
    "ne": "not_equal",
}.items():  # fmt: skip
    setattr(Sym, f"__{_symbol}__", _binary(_name))
for _symbol, _name in {"neg": "negative", "abs": "absolute", "invert": "invert"}.items():
    setattr(Sym, f"__{_symbol}__", lambda self, _name=_name: ufunc(_name, self))


class SymbolicNumPy:
    """What stands for ``numpy`` in a forward that is run on Syms."""

    ndarray = Sym
    pi, e, inf, nan, newaxis = np.pi, np.e, np.inf, np.nan, None

    def __getattr__(self, name: str) -> Any:
        found: Any
        if name in UFUNCS:
            found = lambda *args: ufunc(name, *args)  # noqa: E731
            if name == "add":
                found.reduce = lambda x, axis=0: _reduce("sum", x, axis)
        elif name in REDUCTIONS:
            found = lambda x, axis=None, keepdims=False, dtype=None: _reduce(  # noqa: E731
                name, x, axis, keepdims, dtype
            )
        elif name in _PURE:
            found = getattr(np, name)
        else:
            raise Opaque(f"numpy.{name}")
        setattr(self, name, found)
        return found

    def dot(self, x: Any, y: Any) -> Any:
        """A matrix product."""
        return product("dot", x, y)

    def matmul(self, x: Any, y: Any) -> Any:
        """A matrix product over the last two dimensions."""
        return product("dot" if x.ndim == y.ndim == 2 else "matmul", x, y)

    def broadcast_to(self, x: Any, shape: Any) -> Any:
        """x repeated to a shape."""
        if x.__class__ is not Sym:
            return np.broadcast_to(x, shape)
        made = np.broadcast_to(x.numbers, shape)
        return x._view("broadcast_to", made, made.shape)

    def asarray(self, x: Any, dtype: Any = None) -> Any:
        """The array itself, in the type asked for."""
        if x.__class__ is not Sym:
            return np.asarray(x, dtype)
        return x if dtype is None else x.astype(dtype, copy=False)

    def result_type(self, *args: Any) -> Any:
        """The type that NumPy would give."""
        return np.result_type(*(a.dtype if a.__class__ is Sym else a for a in args))

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        """x kept between two bounds."""
        x = x if low is None else ufunc("maximum", x, low)
        return x if high is None else ufunc("minimum", x, high)

    def expand_dims(self, x: Any, axis: int) -> Any:
        """x with a dimension of size 1 more."""
        return x.reshape(np.expand_dims(x.numbers, axis).shape)

    def moveaxis(self, x: Any, source: int, to: int) -> Any:
        """x with a dimension moved."""
        order = list(range(x.ndim))
        order.insert(to % x.ndim, order.pop(source % x.ndim))
        return x.transpose(order)


_PURE = frozenset(
    (
        "float32", "float64", "int64", "int32", "bool_", "dtype", "arange", "tri", "eye", "zeros",
        "ones", "full", "issubdtype", "finfo", "iinfo", "can_cast", "broadcast_shapes", "uint8",
    )
)  # fmt: skip
NUMPY: Any = SymbolicNumPy()


class SymbolicNamespace(ArrayNamespace):
    """What rules that run on Syms find operations in."""


NAMESPACE: Any = SymbolicNamespace(NUMPY)
