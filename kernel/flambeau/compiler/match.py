"""Whether a program serves a call: a function made for each program, that looks and then runs it.

What a replay costs besides its arithmetic is mostly this, so it is written out flat.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

from .. import dtypes
from ..autograd import grad_mode
from ..ops.apply import refresh
from ..tensor import Tensor
from . import status

MISS: Any = object()  # the program is not for this call


def described(args: Any, kwargs: Any) -> Any:
    """What a call depends on of its arguments and of the modes that are on; and its tensors."""
    key: list[Any] = [
        get_ident() in grad_mode.off,
        get_ident() in grad_mode.inference,
        dtypes.get_default_dtype(),
        len(args),
    ]
    tensors: list[Tensor] = []
    for a in args:
        _describe(a, key, tensors)
    for name in kwargs:
        key.append(name)
        _describe(kwargs[name], key, tensors)
    arrays = [t.array for t in tensors]
    if len({id(a) for a in arrays}) != len(arrays):
        key.append([[a is b for a in arrays] for b in arrays])
    return key, tensors


def _describe(a: Any, key: list[Any], tensors: list[Tensor]) -> None:
    if isinstance(a, Tensor):
        if a._view is not None:
            refresh(a)
        array = a.array
        key += (a.__class__, array.shape, array.dtype, a._needs_grad, a._node is None)
        if a._needs_grad and a._node is None:
            key.append(id(a))
        tensors.append(a)
    elif a.__class__ in (tuple, list):
        key += (a.__class__, len(a))
        for one in a:
            _describe(one, key, tensors)
    elif a.__class__ is dict:
        key += (dict, len(a))
        for name, one in a.items():
            key.append(name)
            _describe(one, key, tensors)
    else:
        key += (a.__class__, a)


_PLAIN = (int, float, str, bool, type(None))


def matcher(
    key: Any, args: Any, kwargs: Any, guards: Any, modules: Any, run: Any
) -> Callable[..., Any]:
    """``attempt(args, kwargs, function)``: what the program gives, or `MISS`."""
    values = (*args, *kwargs.values())
    simple = all(type(a) is Tensor or isinstance(a, Tensor) or a.__class__ in _PLAIN for a in values)
    if not simple or key[0] or key[1]:
        return _general(key, guards, modules, run)
    scope: dict[str, Any] = {
        "MISS": MISS, "off": grad_mode.off, "inference": grad_mode.inference, "refresh": refresh,
        "dtypes": dtypes, "kind": key[2], "status": status, "modules": modules, "guards": guards,
        "run": run,
    }  # fmt: skip
    names = [f"a{i}" for i in range(len(values))]
    lines = [f"if len(args) != {len(args)} or len(kwargs) != {len(kwargs)}: return MISS"]
    if args:
        lines.append(f"{', '.join(names[: len(args)])}, = args")
    for name, key_name in zip(names[len(args) :], kwargs, strict=True):
        lines.append(f"{name} = kwargs.get({key_name!r}, MISS)")
    tensors = []
    for i, a in enumerate(values):
        lines += _tests(i, a, scope)
        if isinstance(a, Tensor):
            tensors.append(f"a{i}")
    for n, a in enumerate(tensors):
        for b in tensors[:n]:
            same = values[int(a[1:])].array is values[int(b[1:])].array
            lines.append(f"if (x{a[1:]} is x{b[1:]}) is not {same}: return MISS")
    lines += [
        "if off or inference or dtypes._default is not kind or not guards(): return MISS",
        "if status.changes != modules.changes and not modules.holds(): return MISS",
        f"return run(({''.join(t + ', ' for t in tensors)}), function, args, kwargs)",
    ]
    body = "\n".join("    " + text for text in lines)
    exec(compile(f"def attempt(args, kwargs, function):\n{body}\n", "<flambeau guards>", "exec"), scope)  # noqa: S102
    return scope["attempt"]  # type: ignore[no-any-return]


def _tests(i: int, a: Any, scope: dict[str, Any]) -> list[str]:
    """Lines that look at one argument."""
    scope[f"c{i}"] = a.__class__
    if not isinstance(a, Tensor):
        scope[f"v{i}"] = a
        return [f"if a{i}.__class__ is not c{i} or a{i} != v{i}: return MISS"]
    scope[f"s{i}"], scope[f"d{i}"] = a.array.shape, a.array.dtype
    tests = [f"x{i}.shape != s{i}", f"x{i}.dtype is not d{i} and x{i}.dtype != d{i}"]
    tests.append(f"a{i}._needs_grad" if not a._needs_grad else f"not a{i}._needs_grad")
    tests.append(f"a{i}._node is {'not ' if a._node is None else ''}None")
    if a._needs_grad and a._node is None:
        scope[f"l{i}"] = a
        tests.append(f"a{i} is not l{i}")
    return [
        f"if a{i}.__class__ is not c{i}: return MISS",
        f"if a{i}._view is not None: refresh(a{i})",
        f"x{i} = a{i}.array",
        f"if {' or '.join(tests)}: return MISS",
    ]


def _general(key: Any, guards: Any, modules: Any, run: Any) -> Callable[..., Any]:
    """The same for arguments of any kind."""

    def attempt(args: Any, kwargs: Any, function: Any) -> Any:
        now, tensors = described(args, kwargs)
        if now != key or not guards() or not modules.holds():
            return MISS
        return run(tensors, function, args, kwargs)

    return attempt
