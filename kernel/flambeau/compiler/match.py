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
from .guards import exact

MISS: Any = object()  # the program is not for this call


def described(args: Any, kwargs: Any) -> Any:
    """What a call depends on of its arguments and of the modes that are on; and its tensors."""
    me = get_ident()  # buffers are those of one thread
    key: list[Any] = [
        *(me in grad_mode.off, me in grad_mode.inference),
        *(dtypes.get_default_dtype(), me, len(args)),
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
        key += (a.__class__, exact(a))


_PLAIN = (int, float, str, bool, type(None))


def matcher(
    key: Any,
    args: Any,
    kwargs: Any,
    guards: Any,
    modules: Any,
    program: Any,
    outside: dict[int, Tensor],
) -> Callable[..., Any]:
    """``attempt(args, kwargs, function)``: what the program gives, or `MISS`.

    ``outside`` are the tensors that the function reaches otherwise, by the id of their array.
    """
    values = (*args, *kwargs.values())
    simple = all(
        type(a) is Tensor or isinstance(a, Tensor) or a.__class__ in _PLAIN for a in values
    )
    if not simple or key[1]:
        return _general(key, guards.holds(), modules, program.run, _shared(args, kwargs, outside))
    scope: dict[str, Any] = {
        "MISS": MISS, "off": grad_mode.off, "inference": grad_mode.inference, "refresh": refresh,
        "get_ident": get_ident, "thread": get_ident(), "dtypes": dtypes, "kind": key[2],
        "status": status, "modules": modules, "run": program.run,
    }  # fmt: skip
    names = [f"arg{i}" for i in range(len(values))]
    lines = [f"if len(args) != {len(args)} or len(kwargs) != {len(kwargs)}: return MISS"]
    if args:
        lines.append(f"{', '.join(names[: len(args)])}, = args")
    for name, key_name in zip(names[len(args) :], kwargs, strict=True):
        lines.append(f"{name} = kwargs.get({key_name!r}, MISS)")
    tensors = []
    for i, a in enumerate(values):
        lines += _tests(i, a, scope)
        if isinstance(a, Tensor):
            tensors.append(i)
    for n, a in enumerate(tensors):
        for b in tensors[:n]:
            same = values[a].array is values[b].array
            lines.append(f"if (arr{a} is arr{b}) is not {same}: return MISS")
    for n, t in _shared(args, kwargs, outside):
        scope[f"shared{n}"] = t
        lines.append(f"if arr{tensors[n]} is not shared{n}.array: return MISS")
    terms, names_read = guards.terms()
    scope.update(names_read)
    looks = "".join(f" or not ({t})" for t in terms)
    grads = "me not in off" if key[0] else "off and me in off"
    lines += [
        f"if (me := get_ident()) != thread or {grads} or inference: return MISS",
        f"if dtypes._default is not kind{looks}: return MISS",
        "if status.changes != modules.changes and not modules.holds(): return MISS",
    ]
    own, lines_of_program = _inside(program, tensors)
    own.update({k: v for k, v in scope.items() if k not in own})
    body = "\n".join("    " + text for text in (*lines, *lines_of_program))
    source = f"def attempt(args, kwargs, function):\n{body}\n"
    exec(compile(source, "<flambeau program>", "exec"), own)
    return own["attempt"]  # type: ignore[no-any-return]


def _inside(program: Any, tensors: list[int]) -> tuple[dict[str, Any], list[str]]:
    """The program's own lines and their names, where it consists of lines; else a call of it."""
    if not program.raw and hasattr(program.runner, "body"):
        return program.runner.scope, program.runner.body(lambda i: f"arg{tensors[i]}")
    listed = "".join(f"arg{i}, " for i in tensors)
    return {}, [f"return run(({listed}), function, args, kwargs)"]


def _tests(i: int, a: Any, scope: dict[str, Any]) -> list[str]:
    """Lines that look at one argument."""
    scope[f"class{i}"] = a.__class__
    if not isinstance(a, Tensor):
        scope[f"value{i}"], scope["exact"] = exact(a), exact
        given = f"exact(arg{i})" if a.__class__ is float else f"arg{i}"
        return [f"if arg{i}.__class__ is not class{i} or {given} != value{i}: return MISS"]
    scope[f"shape{i}"], scope[f"type{i}"] = a.array.shape, a.array.dtype
    tests = [
        f"arr{i}.shape != shape{i}",
        f"arr{i}.dtype is not type{i} and arr{i}.dtype != type{i}",
    ]
    tests.append(f"arg{i}._needs_grad" if not a._needs_grad else f"not arg{i}._needs_grad")
    tests.append(f"arg{i}._node is {'not ' if a._node is None else ''}None")
    if a._needs_grad and a._node is None:
        scope[f"leaf_{i}"] = a
        tests.append(f"arg{i} is not leaf_{i}")
    return [
        f"if arg{i}.__class__ is not class{i}: return MISS",
        f"if arg{i}._view is not None: refresh(arg{i})",
        f"arr{i} = arg{i}.array",
        f"if {' or '.join(tests)}: return MISS",
    ]


def _shared(args: Any, kwargs: Any, outside: dict[int, Tensor]) -> list[tuple[int, Tensor]]:
    """Which of the tensors among the arguments the function reaches otherwise, and how."""
    tensors = described(args, kwargs)[1]
    return [(i, outside[id(t.array)]) for i, t in enumerate(tensors) if id(t.array) in outside]


def _general(
    key: Any, guards: Any, modules: Any, run: Any, shared: list[tuple[int, Tensor]]
) -> Callable[..., Any]:
    """The same for arguments of any kind."""

    def attempt(args: Any, kwargs: Any, function: Any) -> Any:
        now, tensors = described(args, kwargs)
        if now != key or not guards() or not modules.holds():
            return MISS
        if any(tensors[i].array is not t.array for i, t in shared):
            return MISS
        return run(tensors, function, args, kwargs)

    return attempt
