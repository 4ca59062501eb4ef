"""Errors that teach: what was wrong, the shapes, where, and what would fit."""

from __future__ import annotations

import os
import sys
from inspect import Parameter
from types import FrameType, SimpleNamespace
from typing import Any

_libraries: tuple[str, ...] = ()


def add_library(file: str) -> None:
    """Says that the package with this ``__init__.py`` is not the user's own code."""
    global _libraries
    _libraries += (os.path.dirname(os.path.abspath(file)) + os.sep,)


def is_library(filename: str) -> bool:
    """Whether a code object's file belongs to this package, or to one that shows its work."""
    return filename.startswith(_libraries)


add_library(__file__)


class OpError(Exception):
    """Mixed into what an operation raises: keeps the parts of the message apart.

    ``op`` its name, ``problem`` what was wrong, ``path`` the module path (filled in while the
    error passes through the modules), ``location`` the user's line, ``hint`` what would fit.
    """

    def __init__(self, op: str, problem: str, hint: str = "", location: str = "") -> None:
        super().__init__(problem)
        self.op, self.problem, self.hint, self.location = op, problem, hint, location
        self.path: list[str] = []

    def __str__(self) -> str:
        return self.text(self.path)

    def text(self, path: list[str]) -> str:
        """The whole message, for an error at this module path."""
        text = self.problem if self.problem.startswith(self.op) else f"{self.op}: {self.problem}"
        where = ", ".join(p for p in (".".join(path), self.location) if p)
        text = text.rstrip(".") + (f"; at {where}" if where else "")
        return f"{text}. {self.hint}" if self.hint else text

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self).__name__, self.op, self.problem, self.hint, self.location)


def _rebuild(name: str, *parts: str) -> OpError:
    return next(kind for kind in _PUBLIC if kind.__name__ == name)(*parts)


class OpRuntimeError(OpError, RuntimeError):
    """Shapes or devices that do not fit; PyTorch raises RuntimeError."""


class OutOfMemoryError(OpRuntimeError, MemoryError):
    """More memory was asked for than there is; nothing was changed by what asked for it."""


class OpNotImplementedError(OpRuntimeError, NotImplementedError):
    """A dtype that the operation is not defined for."""


class OpTypeError(OpError, TypeError):
    """An argument of the wrong type."""


class OpValueError(OpError, ValueError):
    """An argument of the right type with a value that makes no sense."""


class OpIndexError(OpError, IndexError):
    """A dimension or an index out of range."""


# A traceback shows them under the names that users know and catch them by.
_PUBLIC = (
    OpRuntimeError, OutOfMemoryError, OpNotImplementedError, OpTypeError, OpValueError,
    OpIndexError,
)  # fmt: skip
for _kind in _PUBLIC:
    _kind.__name__ = _kind.__qualname__ = _kind.__name__.removeprefix("Op")
    _kind.__module__ = "builtins"


class BadValue(ValueError):
    """What a forward raises where PyTorch raises ValueError.

    A plain ValueError from a forward is the array module's own, about shapes, and the user sees
    it as PyTorch's usual RuntimeError.
    """


class ValuesNeeded(RuntimeError):
    """Raised under vmap where values are asked for that differ from slice to slice."""


ValuesNeeded.__name__ = ValuesNeeded.__qualname__ = "RuntimeError"
ValuesNeeded.__module__ = "builtins"


def user_frame() -> FrameType | None:
    """The innermost frame outside this package: the line that the user wrote."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def cell_of(filename: str) -> int:
    """The execution count of the notebook cell that a code object's file stands for, else 0."""
    ipython = sys.modules.get("IPython")
    if ipython is None:
        return 0
    shell = ipython.get_ipython()
    known = getattr(getattr(shell, "compile", None), "_filename_map", None)
    return int(known.get(filename, 0)) if known else 0


def location_of(filename: str, line: int) -> str:
    """``cell 5 line 3``, or ``train.py line 3``."""
    cell = cell_of(filename)
    return f"cell {cell} line {line}" if cell else f"{os.path.basename(filename)} line {line}"


def here() -> str:
    """Where the user's code is at this moment."""
    frame = user_frame()
    return location_of(frame.f_code.co_filename, frame.f_lineno) if frame else ""


def not_a_tensor(op: Any, value: Any) -> OpTypeError:
    """The error for an argument that should have been a tensor."""
    kind = type(value).__name__
    hint = "fb.tensor(...) makes one of it." if isinstance(value, (list, tuple)) else ""
    if type(value).__module__ == "numpy":
        hint = "fb.from_numpy(...) makes one of it without copying."
    problem = f"expected a Tensor, got {kind}"
    return OpTypeError(op.name, problem, hint, here())


def misused(name: str, error: AttributeError, given: Any) -> Exception:
    """What to raise when a function was given something that is no Tensor, and took it for one."""
    from .tensor import Tensor

    value = error.obj
    if isinstance(value, Tensor) or not hasattr(Tensor, error.name or ""):
        return error
    if not any(value is one for one in given):
        return error
    return not_a_tensor(SimpleNamespace(name=name), value)


def _stranger(op: Any, inputs: Any) -> list[Any]:
    """The first input that is no Tensor where an operation cannot do without."""
    needed = [op.variadic or op.defaults[i] is Parameter.empty for i in range(len(inputs))]
    pairs = zip(inputs, needed, strict=True)
    return [t for t, is_needed in pairs if is_needed and not hasattr(t, "array")][:1]


def _describe(t: Any) -> str:
    return str(tuple(t.shape)) if hasattr(t, "array") else repr(t)


def _device_problem(inputs: Any) -> str | None:
    where = {str(t.device) for t in inputs if hasattr(t, "array")}
    if len(where) > 1:
        return "expected all tensors to be on the same device, found " + " and ".join(sorted(where))
    return None


def _default_problem(inputs: Any, error: Exception) -> tuple[str, str]:
    shapes = [tuple(t.shape) for t in inputs if hasattr(t, "array")]
    text = str(error)
    if "broadcast" in text and len(shapes) > 1:
        a, b = shapes[:2]
        for i, (m, n) in enumerate(zip(reversed(a), reversed(b), strict=False), 1):
            if m != n and 1 not in (m, n):
                return (
                    f"shapes {a} and {b} cannot be broadcast together: "
                    f"dimension -{i} is {m} and {n}",
                    "Each pair of sizes, counted from the right, must be equal or one of them 1.",
                )
    if "read-only" in text:
        return (
            "the memory may not be written to: it is an expanded tensor, or a NumPy array that "
            "is read-only",
            "x.clone() has memory of its own.",
        )
    listed = " and ".join(map(str, shapes))
    if listed:
        text += f" (input shape{'s' if len(shapes) > 1 else ''} {listed})"
    return text, ""


_KINDS: list[tuple[type[Exception], type[OpError]]] = [
    (BadValue, OpValueError),
    (IndexError, OpIndexError),
    (NotImplementedError, OpNotImplementedError),
    (RuntimeError, OpRuntimeError),
    (TypeError, OpTypeError),
    (ValueError, OpRuntimeError),
]


def explain(op: Any, inputs: Any, params: Any, error: Exception) -> Exception:
    """Turns what the array module raised into an error that says what would fit."""
    if isinstance(error, OpError):
        return error
    if isinstance(error, MemoryError):
        lacking = out_of_memory(op.name, error)
        _tell_recorder(op, inputs, lacking)
        return lacking
    if isinstance(error, (AttributeError, TypeError)):
        for value in _stranger(op, inputs):
            strange = not_a_tensor(op, value)
            _tell_recorder(op, inputs, strange)
            return strange
    said = op.problem(*inputs, *params) if op.problem is not None else None
    problem, hint = said if said else (_device_problem(inputs), "")
    if problem is None:
        own = isinstance(error, (BadValue, RuntimeError, IndexError)) and not _from_arrays(error)
        problem, hint = (str(error), "") if own else _default_problem(inputs, error)
    kind = next((made for kind, made in _KINDS if isinstance(error, kind)), OpRuntimeError)
    if said and kind is OpTypeError:
        kind = OpRuntimeError
    made = kind(op.name, problem, hint, here())
    _tell_recorder(op, inputs, made)
    return made


def out_of_memory(name: str, error: MemoryError) -> OutOfMemoryError:
    """What to raise where the array module has no memory left."""
    if isinstance(error, OutOfMemoryError):
        return error
    said = str(error) or "not enough memory"
    hint = "Smaller batches need less, and so does no_grad() where no backward follows."
    return OutOfMemoryError(name, said[0].lower() + said[1:], hint, here())


def _from_arrays(error: Exception) -> bool:
    """Whether the message is the array module's own, rather than one written for users."""
    return type(error).__module__ not in ("builtins", __name__)


def _tell_recorder(op: Any, inputs: Any, error: OpError) -> None:
    from .record.slot import slot

    if slot.recorder is not None:
        slot.recorder.fail(op, inputs, error)
