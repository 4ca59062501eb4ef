"""What a program depends on besides its arguments, and whether that is still so.

A function reads global names and names of the functions around it; modules have attributes. Plain
values are compared, containers and simple objects by what is in them, everything else must be the
same object. Attributes deeper inside foreign objects are not looked at.
"""

from __future__ import annotations

import dis
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import dtype as Dtype
from ..errors import is_library
from ..nn.call import everywhere
from ..nn.module import Module
from ..optim.optimizer import Optimizer
from ..tensor import Tensor
from . import status
from .effects import kind_of
from .ir import Stop

_PLAIN = (int, float, complex, str, bytes, bool, type(None), Dtype, np.dtype, range, slice)
_FIXED = (
    type, types.ModuleType, types.BuiltinFunctionType, types.MethodDescriptorType,
    types.WrapperDescriptorType, np.ufunc,
)  # fmt: skip
MOST = 300  # entries of a container that are compared
_INSIDE = frozenset(("_parameters", "_buffers", "_modules", "_hook_ways"))


def users(module: types.ModuleType) -> bool:
    """Whether a module is the user's own."""
    return kind_of(getattr(module, "__file__", None) or "<frozen") == "user"


class Guards:
    """Names that functions read, with the values that they had."""

    def __init__(self, function: Any) -> None:
        self.seen: set[int] = set()
        self.tests: list[tuple[str, Any, Any]] = []  # (kind, where, value)
        self.objects: list[Any] = []
        self.modules: dict[int, Module] = {}
        self.visit(function)
        self.named = list(self.objects)  # what is not read as an argument alone

    # Finding them

    def argument(self, value: Any) -> None:
        """Looks at what a function was called with."""
        self.inspect(value)
        self.visit(value)
        if not isinstance(value, (Tensor, list, tuple, dict)):
            self.named.append(value)

    def visit(self, value: Any) -> None:
        """Looks into a value that can be reached from the function."""
        if id(value) in self.seen or isinstance(value, _FIXED):
            return
        self.seen.add(id(value))
        self.objects.append(value)  # which keeps its id
        if isinstance(value, types.FunctionType):
            self.visit_function(value)
        elif isinstance(value, types.MethodType):
            self.visit(value.__func__)
            self.inspect(value.__self__)
            self.visit(value.__self__)
        elif isinstance(value, Module):
            self.modules[id(value)] = value
            self.visit(type(value).forward)
        elif hasattr(value, "__wrapped__"):
            self.visit(value.__wrapped__)
        elif hasattr(value, "func") and hasattr(value, "keywords"):  # a partial
            for one in (value.func, *value.args, *value.keywords.values()):
                self.visit(one)
        elif callable(value) and isinstance(called := type(value).__call__, types.FunctionType):
            self.visit(called)

    def visit_function(self, function: types.FunctionType) -> None:
        """The names that a function reads."""
        if is_library(function.__code__.co_filename):
            return
        for cell in function.__closure__ or ():
            try:
                value = cell.cell_contents
            except ValueError:
                raise Stop("it reads a name that has no value yet") from None
            self.test("cell", cell, value)
        self.visit_code(function.__code__, function.__globals__)
        for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self.inspect(value)

    def visit_code(self, code: Any, names: dict[str, Any]) -> None:
        """The global names in code, and in code inside it."""
        room: Any = None  # the user's module that an attribute is asked of
        for one in dis.get_instructions(code):
            if one.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                raise Stop(f"it sets the global name {one.argval!r}")
            if one.opname == "STORE_DEREF" and one.argval in code.co_freevars:
                raise Stop(f"it sets the name {one.argval!r} of a function around it")
            if room is not None and one.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                self.name(vars(room), one.argval)
            room = None
            if one.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                self.name(names, one.argval)
                found = names.get(one.argval)
                room = found if isinstance(found, types.ModuleType) and users(found) else None
        for inner in code.co_consts:
            if isinstance(inner, types.CodeType):
                self.visit_code(inner, names)

    def name(self, names: dict[str, Any], name: str) -> None:
        """A name that is read in a module, once."""
        key: Any = (id(names), name)
        if name in names and key not in self.seen:
            self.seen.add(key)
            self.test("global", (names, name), names[name])

    def test(self, kind: str, where: Any, value: Any) -> None:
        """Notes a name and its value."""
        self.tests.append((kind, where, value))
        self.inspect(value)
        self.visit(value)

    def inspect(self, value: Any) -> None:
        """What is in a container or a simple object is compared, too."""
        if isinstance(value, Optimizer):  # whose options are read in each call
            return
        if isinstance(
            value, (Tensor, Module, types.FunctionType, types.MethodType, *_PLAIN, *_FIXED)
        ):
            return
        if isinstance(value, (np.ndarray, np.random.Generator, np.random.RandomState)):
            raise Stop(f"it reads a {type(value).__name__}, whose contents nobody can watch")
        if hasattr(value, "__next__"):
            raise Stop(f"it reads an iterator ({type(value).__name__})")
        if isinstance(value, (list, tuple, dict, set)) or hasattr(value, "__dict__"):
            self.tests.append(("inside", value, frozen(value)))
            for one in _contents(value):
                self.visit(one)

    # Asking whether they still hold

    def terms(self) -> tuple[list[str], dict[str, Any]]:
        """Tests as source, and the names in them."""
        terms, scope = [], {"frozen": frozen, "same": same}
        for i, (kind, where, value) in enumerate(self.tests):
            scope[f"was{i}"] = value
            scope[f"at{i}"] = where[0] if kind == "global" else where
            if kind == "inside":
                terms.append(f"frozen(at{i}) == was{i}")
                continue
            now = f"at{i}.cell_contents" if kind == "cell" else f"at{i}.get({where[1]!r})"
            equal = f" or same({now}, was{i})" if isinstance(value, _PLAIN) else ""
            terms.append(f"{now} is was{i}{equal}")
        return terms, scope

    def holds(self) -> Callable[[], bool]:
        """A function that says whether all is as it was."""
        terms, scope = self.terms()
        source = f"def holds():\n    return {' and '.join(f'({t})' for t in terms) or 'True'}\n"
        exec(compile(source, "<flambeau guards>", "exec"), scope)
        return scope["holds"]  # type: ignore[return-value]


def same(a: Any, b: Any) -> bool:
    """Whether two plain values are the same, of the same type."""
    return type(a) is type(b) and exact(a) == exact(b)


def exact(value: Any) -> Any:
    """A plain value such that equal ones can stand for each other: 0.0 is not -0.0, nan is nan."""
    if value.__class__ is float and (not value or value != value):
        return repr(value)
    return value


def _contents(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, (list, tuple, set)) else list(vars(value).values())


def frozen(value: Any, depth: int = 3, strict: bool = True) -> Any:
    """A container or an object as nested tuples: plain values as they are, others by identity.

    Large containers are a reason to stop, or (not ``strict``) compared by identity and length.
    """
    if isinstance(value, _PLAIN):
        return type(value), exact(value) if not isinstance(value, slice) else str(value)
    if not depth:
        return id(value)
    if isinstance(value, (list, tuple, dict, set)) and len(value) > MOST:
        if strict:
            raise Stop(f"it reads a container of {len(value)} things")
        return id(value), len(value)
    if isinstance(value, (list, tuple)):
        return type(value), tuple([frozen(v, depth - 1, strict) for v in value])
    if isinstance(value, (dict, set)):
        items = value.items() if isinstance(value, dict) else [(v, None) for v in value]
        return type(value), tuple([(_name(k), frozen(v, depth - 1, strict)) for k, v in items])
    if depth == 3 and hasattr(value, "__dict__") and not isinstance(value, (Tensor, Module)):
        return id(value), frozen(vars(value), 2, strict)
    return id(value)


def _name(key: Any) -> Any:
    return key if isinstance(key, (str, int)) else id(key)


def signature(modules: list[Module]) -> Any:
    """What modules are made of: kinds, flags, plain attributes, and who is in them."""
    return [
        (
            type(m),
            [(k, frozen(v, 2, False)) for k, v in vars(m).items() if k not in _INSIDE],
            [(k, id(v)) for d in (m._parameters, m._buffers, m._modules) for k, v in d.items()],
        )
        for m in modules
    ] + [[(k, len(v)) for k, v in everywhere.hooks.items()]]


class ModuleGuard:
    """Looks at modules again when some module's attribute was set."""

    def __init__(self, modules: list[Module]) -> None:
        self.modules = modules
        self.known = signature(modules)
        self.changes = status.changes

    def holds(self) -> bool:
        """Whether the modules are as they were."""
        if status.changes != self.changes:
            if signature(self.modules) != self.known:
                return False
            self.changes = status.changes
        return True
