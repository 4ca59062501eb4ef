"""``compile``: a function, a module or a whole training step, replayed as a program of arrays.

The first call of a kind runs eagerly, under the eyes of a tracer; what it did becomes a program;
later calls run the program. How that goes, room by room:

``watch`` ``trace``  The tracer sits in the recorder's slot, so it is told of every operation (and
    ordinary programs pay nothing for it). Arrays are followed by identity: arguments, tensors that
    were there before (read anew from the tensor in each replay, so changes from outside are seen),
    constants, and what operations give. Whatever reads numbers past the operations
    (``loss.item()``, ``print(x)``, ``if x > 0``) ends the trace with a reason.
``symbolic`` ``lower`` ``backward``  An operation's forward and its gradient rules are functions of
    arrays: they are run once more on `Sym`s, arrays that write down each NumPy call. What cannot
    be written down (convolutions, sorting, code that looks at numbers) is called as it is. The
    backward of the engine is run on Syms in the same way, so the program has it too.
``ir`` ``plan``  The tape is cut down to what results and effects need; buffers are planned once.
``loops`` ``source`` ``kernels``  Elementwise chains, sums, small matrix products and the steps of
    SGD, Adam and AdamW become loops that numba compiles, a kernel for each stretch that needs no
    other call: a small training step is one kernel. Large products are NumPy's.
``assemble`` ``driver`` ``straight``  The function that runs a call, as Python source; without numba
    a straight line of NumPy calls.
``guards`` ``effects``  A program is used where shapes, types, ``requires_grad``, plain arguments,
    grad mode, and the names, flags and attributes that were read are as they were; learning rates
    are read each time. A call that has effects besides its tensors (prints, appends, sets an
    attribute, draws numbers outside of operations) is not replayed. Nothing is replayed in doubt:
    then the call runs eagerly and says why (``compiled.reasons``, ``compiled.explain()``).

What is handed out (results, gradients) is never written to again while somebody holds it. Inside
``record`` everything runs eagerly, so that the graph shows it all. Not looked at: attributes deep
inside foreign objects, and what libraries in C keep for themselves.
"""

from __future__ import annotations

import contextlib
import warnings
import weakref
from collections.abc import Callable
from typing import Any

from . import status

__all__ = ["compile", "disable", "is_compiling", "is_dynamo_compiling", "reset"]

_said: set[str] = set()
_all: weakref.WeakSet[Any] = weakref.WeakSet()


def runs_eagerly(name: str) -> None:
    """Says once for each name that what was given to it runs eagerly."""
    if name not in _said:
        _said.add(name)
        warnings.warn(
            f"{name}() gives back what it was given, which runs eagerly: the results are the "
            "same, the speed is that of the plain program",
            stacklevel=3,
        )


def compile(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """The function or module, replayed as a program of arrays; mirrors ``torch.compile``.

    Also a decorator. A whole training step (``zero_grad`` to ``step``) gains most. The results are
    those of the eager call; where it cannot be replayed it runs eagerly and says why once
    (``.reasons``, ``.explain()``, ``.source()``). ``backend="eager"`` and ``disable`` change
    nothing about the function; PyTorch's other options are taken and have no effect.

    >>> double = fb.compile(lambda x: 2 * x)
    >>> double(fb.tensor([1, 2]))
    tensor([2, 4])
    """
    if mode is not None and options is not None:
        raise RuntimeError("compile(): either mode or options can be given, but both were")
    given = {"fullgraph": fullgraph, "dynamic": dynamic, "backend": backend, "mode": mode}
    if model is None:
        return lambda f: compile(f, **given, options=options, disable=disable)
    if not callable(model):
        raise RuntimeError(f"compile() takes a function or a module, not {type(model).__name__}")
    if disable or backend == "eager" or getattr(model, "_flambeau_disabled", False):
        return model
    return _compiled(model, given)


def _compiled(model: Any, given: dict[str, Any]) -> Any:
    from ..nn.module import Module
    from .frontend import Compiled
    from .module import OptimizedModule

    if isinstance(model, (Compiled, OptimizedModule)):
        return model
    if isinstance(model, Module):
        made = OptimizedModule(model, given)
        _all.add(made.compiled)
        return made
    compiled = Compiled(model, given)
    _all.add(compiled)
    return compiled


def disable(fn: Callable[..., Any] | None = None, recursive: bool = True, **reason: Any) -> Any:
    """The function as it is, which `compile` leaves alone from now on."""
    if fn is None:
        return lambda given: disable(given, recursive)
    with contextlib.suppress(AttributeError):  # of a built-in function
        fn._flambeau_disabled = True  # type: ignore[attr-defined]
    return fn


def is_compiling() -> bool:
    """Whether a call is being traced now."""
    return status.tracing


is_dynamo_compiling = is_compiling


def reset() -> None:
    """Forgets all programs; they are traced anew."""
    for compiled in list(_all):
        compiled.reset()
