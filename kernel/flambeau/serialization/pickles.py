"""A reader of pickles that runs nothing.

A pickle is a small program for a stack machine. This machine knows the instructions that build
containers, and instead of importing what the program names it looks it up in a short list; the
functions in that list are this package's own. Anything else stops it with an error.
"""

from __future__ import annotations

import pickletools
from collections import Counter, OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any, BinaryIO, NamedTuple

import numpy as np

_KEYS = (str, int, float, bool, bytes, type(None))
_KEY_PARTS = 1000  # of a tuple that is a key, with the tuples in it
_CONSTANTS = {
    "NONE": None,
    "NEWTRUE": True,
    "NEWFALSE": False,
}
_EMPTY: dict[str, Callable[[], Any]] = {
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": set,
}
# Instructions whose argument is the value.
_LITERALS = frozenset(
    """INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT UNICODE BINUNICODE
    SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8
    STRING BINSTRING SHORT_BINSTRING""".split()  # noqa: SIM905
)


class Known(NamedTuple):
    """A function of this package that stands for one that a pickle may name."""

    function: Callable[..., Any]


class Mark:
    """The instruction MARK on the stack."""


class NumpyType:
    """A NumPy dtype while it is being read."""

    def __init__(self, name: Any, *_: Any) -> None:
        self.dtype = np.dtype(name if isinstance(name, str) else None)
        if self.dtype.kind not in "biufc" or self.dtype.fields is not None:
            raise UnpicklingError(f"the pickle holds a NumPy array of {self.dtype}")


def _ordered(pairs: Any = ()) -> Any:
    made: OrderedDict[Any, Any] = OrderedDict()
    for key, value in pairs:
        made[_key(key)] = value
    return made


def _counter(given: Any = ()) -> Any:
    pairs = given.items() if type(given) is dict else given
    return Counter({_key(k): v for k, v in pairs})


def _set(values: Any = ()) -> Any:
    return {_key(v) for v in values}


def _encode(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise UnpicklingError(f"the pickle asks for the encoding {named(encoding)}")
    return text.encode("latin1")


def _numpy_scalar(kind: NumpyType, data: bytes) -> Any:
    return np.frombuffer(data, kind.dtype, 1)[0]


def _numpy_array(*_: Any) -> Any:
    return np.ndarray((0,), np.int8)


KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): Known(_ordered),
    ("collections", "Counter"): Known(_counter),
    ("_codecs", "encode"): Known(_encode),
    ("numpy", "dtype"): Known(NumpyType),
    ("numpy", "ndarray"): np.ndarray,  # never called: it is an argument of _reconstruct
    **{(m, "set"): Known(_set) for m in ("builtins", "__builtin__")},
    **{
        (m, "frozenset"): Known(lambda values=(): frozenset(_set(values)))
        for m in ("builtins", "__builtin__")
    },
    **{(m, "complex"): Known(lambda a, b: complex(a, b)) for m in ("builtins", "__builtin__")},
    **{
        (f"numpy.{core}.multiarray", name): Known(function)
        for core in ("core", "_core")
        for name, function in (("scalar", _numpy_scalar), ("_reconstruct", _numpy_array))
    },
}


def _key(value: Any) -> Any:
    """A dictionary key, if it is a plain one.

    Hashing a very deep tuple would crash, and one that holds itself many times would never end.
    """
    waiting, met = [value], 0
    while waiting:
        part, met = waiting.pop(), met + 1
        if type(part) is tuple and met + len(waiting) + len(part) <= _KEY_PARTS:
            waiting += part
        elif type(part) not in _KEYS:
            kind = type(part).__name__
            raise UnpicklingError(f"the pickle has a {kind} as the key of a dictionary")
    return value


def named(value: Any) -> str:
    """What a pickle asks for, in a message: printing anything but a string could take for ever."""
    return repr(value[:200]) if type(value) is str else f"a {type(value).__name__}"


def refused(module: str, name: str) -> UnpicklingError:
    """The error for something that a pickle names and load does not know."""
    hint = "Load it where you trust it, with the program that wrote it, and save plain tensors."
    if module.startswith("torch.nn") or module == "__main__":
        hint = "It seems to hold a whole module: save model.state_dict() and load that."
    return UnpicklingError(
        f"the pickle asks for {module}.{name}, which load never imports or calls: files may hold "
        f"only tensors and plain containers. Nothing was run. {hint}"
    )


class Machine:
    """Reads one pickle from a file.

    ``known``: what it may name, besides `KNOWN`; ``persistent``: what stands for a persistent id.
    """

    def __init__(
        self, file: BinaryIO, known: dict[Any, Any], persistent: Callable[[Any], Any]
    ) -> None:
        self.file, self.known, self.persistent = file, KNOWN | known, persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """The object; UnpicklingError for a pickle that is damaged or asks for anything else."""
        try:
            for opcode, argument, _ in pickletools.genops(self.file):
                if opcode.name == "STOP":
                    (made,) = self.stack
                    return made
                self._do(opcode.name, argument)
        except UnpicklingError:
            raise
        except (MemoryError, RecursionError) as error:
            raise UnpicklingError(f"the pickle is damaged ({type(error).__name__})") from None
        except Exception as error:
            raise UnpicklingError(f"the pickle is cut off or damaged ({error!r})") from None
        raise UnpicklingError("the pickle is cut off: it has no end")

    def _do(self, name: str, argument: Any) -> None:
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif hasattr(self, f"_do_{name}"):
            getattr(self, f"_do_{name}")(argument)
        else:
            raise UnpicklingError(f"the pickle has the instruction {name}, which files do not need")

    def _since_mark(self) -> list[Any]:
        at = len(self.stack) - 1
        while not isinstance(self.stack[at], Mark):
            at -= 1
            if at < 0:
                raise UnpicklingError("the pickle is damaged: it has no mark")
        values = self.stack[at + 1 :]
        del self.stack[at:]
        return values

    def _top(self, *kinds: type) -> Any:
        if type(self.stack[-1]) not in kinds:
            raise UnpicklingError(f"the pickle adds to a {type(self.stack[-1]).__name__}")
        return self.stack[-1]

    # One method for each instruction

    def _do_PROTO(self, version: int) -> None:  # noqa: N802
        if not 0 <= version <= 5:
            raise UnpicklingError(f"the pickle is of protocol {version}, which does not exist")

    def _do_FRAME(self, _: Any) -> None:  # noqa: N802
        pass

    def _do_MARK(self, _: Any) -> None:  # noqa: N802
        self.stack.append(Mark())

    def _do_POP(self, _: Any) -> None:  # noqa: N802
        self.stack.pop()

    def _do_PUT(self, number: int) -> None:  # noqa: N802
        self.memo[number] = self.stack[-1]

    _do_BINPUT = _do_LONG_BINPUT = _do_PUT  # noqa: N815

    def _do_MEMOIZE(self, _: Any) -> None:  # noqa: N802
        self.memo[len(self.memo)] = self.stack[-1]

    def _do_GET(self, number: int) -> None:  # noqa: N802
        self.stack.append(self.memo[number])

    _do_BINGET = _do_LONG_BINGET = _do_GET  # noqa: N815

    def _do_TUPLE(self, _: Any) -> None:  # noqa: N802
        self.stack.append(tuple(self._since_mark()))

    def _do_TUPLE1(self, _: Any, n: int = 1) -> None:  # noqa: N802
        if len(self.stack) < n:
            raise UnpicklingError("the pickle is damaged: its stack is empty")
        self.stack[-n:] = [tuple(self.stack[-n:])]

    def _do_TUPLE2(self, _: Any) -> None:  # noqa: N802
        self._do_TUPLE1(_, 2)

    def _do_TUPLE3(self, _: Any) -> None:  # noqa: N802
        self._do_TUPLE1(_, 3)

    def _do_LIST(self, _: Any) -> None:  # noqa: N802
        self.stack.append(self._since_mark())

    def _do_DICT(self, _: Any) -> None:  # noqa: N802
        values = self._since_mark()
        self.stack.append({})
        self._set_items(values)

    def _do_FROZENSET(self, _: Any) -> None:  # noqa: N802
        self.stack.append(frozenset(_set(self._since_mark())))

    def _do_APPEND(self, _: Any) -> None:  # noqa: N802
        value = self.stack.pop()
        self._top(list).append(value)

    def _do_APPENDS(self, _: Any) -> None:  # noqa: N802
        values = self._since_mark()
        self._top(list).extend(values)

    def _do_ADDITEMS(self, _: Any) -> None:  # noqa: N802
        values = self._since_mark()
        self._top(set).update(_set(values))

    def _do_SETITEM(self, _: Any) -> None:  # noqa: N802
        value, key = self.stack.pop(), self.stack.pop()
        self._set_items([key, value])

    def _do_SETITEMS(self, _: Any) -> None:  # noqa: N802
        self._set_items(self._since_mark())

    def _set_items(self, values: list[Any]) -> None:
        into = self._top(dict, OrderedDict, Counter)
        for key, value in zip(values[::2], values[1::2], strict=True):
            into[_key(key)] = value

    def _do_GLOBAL(self, argument: str) -> None:  # noqa: N802
        module, _, name = argument.partition(" ")
        if (module, name) not in self.known:
            raise refused(module, name)
        self.stack.append(self.known[module, name])

    def _do_STACK_GLOBAL(self, _: Any) -> None:  # noqa: N802
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise UnpicklingError("the pickle asks for something without a name")
        self._do_GLOBAL(f"{module} {name}")

    def _do_REDUCE(self, _: Any) -> None:  # noqa: N802
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, Known) or type(arguments) is not tuple:
            raise UnpicklingError(f"the pickle calls a {type(function).__name__}")
        self.stack.append(function.function(*arguments))

    _do_NEWOBJ = _do_REDUCE  # noqa: N815

    def _do_BUILD(self, _: Any) -> None:  # noqa: N802
        state, made = self.stack.pop(), self.stack[-1]
        if isinstance(made, OrderedDict):
            return  # the versions of modules that a state_dict carries along
        if isinstance(made, NumpyType):
            if state[1] in ("<", ">"):
                made.dtype = made.dtype.newbyteorder(state[1])
        elif type(made) is np.ndarray:
            _fill(made, state)
        else:
            raise UnpicklingError(f"the pickle sets attributes of a {type(made).__name__}")

    def _do_BINPERSID(self, _: Any) -> None:  # noqa: N802
        self.stack.append(self.persistent(self.stack.pop()))


def _fill(array: np.ndarray, state: Any) -> None:
    """Gives an empty NumPy array its contents, in the way its own pickles do."""
    version, shape, kind, fortran, data = state
    if not isinstance(kind, NumpyType) or type(data) is not bytes:
        raise UnpicklingError("the pickle holds a NumPy array of Python objects")
    state = (version, shape, kind.dtype, bool(fortran), data)
    array.__setstate__(state)  # type: ignore[arg-type]
