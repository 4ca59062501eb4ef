"""``jit``: accepted where PyTorch's programs call it; what is given runs as it is, eagerly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from .autograd.grad_mode import no_grad
from .compiler import runs_eagerly
from .left_out import explains
from .nn.module import Module

__all__ = [
    "Attribute",
    "Final",
    "ScriptFunction",
    "ScriptModule",
    "annotate",
    "export",
    "fork",
    "freeze",
    "ignore",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "optimize_for_inference",
    "optimized_execution",
    "script",
    "script_if_tracing",
    "script_method",
    "trace",
    "trace_module",
    "unused",
    "wait",
]

__getattr__ = explains(__name__)

_isinstance = isinstance


def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
    """The module, function or class as it is; mirrors ``torch.jit.script``."""
    runs_eagerly("jit.script")
    return obj


def trace(
    func: Callable[..., Any], example_inputs: Any = None, *args: Any, **kwargs: Any
) -> Callable[..., Any]:
    """The module or function as it is, once it has run on the examples; as ``torch.jit.trace``.

    Other than PyTorch's trace it follows the control flow of each call.
    """
    runs_eagerly("jit.trace")
    given = kwargs.get("example_kwarg_inputs")
    if example_inputs is not None or given:
        if not _isinstance(example_inputs, (tuple, list, type(None))):
            example_inputs = (example_inputs,)
        with no_grad():
            func(*(example_inputs or ()), **(given or {}))
    return func


def trace_module(mod: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
    """The module as it is, once the named methods have run on their examples."""
    runs_eagerly("jit.trace_module")
    with no_grad():
        for name, example in inputs.items():
            example = example if _isinstance(example, tuple) else (example,)
            getattr(mod, name)(*example)
    return mod


def freeze(mod: Any, *args: Any, **kwargs: Any) -> Any:
    """The module as it is; RuntimeError in training mode, as in PyTorch."""
    if mod.training:
        raise RuntimeError("jit.freeze() takes a module in eval mode: call mod.eval() first")
    return mod


def optimize_for_inference(mod: Any, *args: Any, **kwargs: Any) -> Any:
    """The module as it is, in eval mode."""
    return mod.eval()


def _as_is(fn: Any) -> Any:
    """The function as it is: nothing is compiled."""
    return fn


export = script_method = script_if_tracing = _as_is


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """A decorator that changes nothing: eager functions may call any Python."""
    return drop if callable(drop) else _as_is


unused = _as_is


def is_scripting() -> bool:
    """Whether a compiler reads the program now: never."""
    return False


def is_tracing() -> bool:
    """Whether a tracer follows the program now: never."""
    return False


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value; the type is for PyTorch's compiler."""
    return the_value


class Attribute:
    """A value with a type, for PyTorch's compiler."""

    def __init__(self, value: Any, type: Any) -> None:
        self.value, self.type = value, type


def isinstance(obj: Any, target_type: Any) -> bool:
    """Python's ``isinstance``, that takes ``list[int]`` for ``list`` as well."""
    origin = getattr(target_type, "__origin__", target_type)
    return _isinstance(obj, origin)


class ScriptModule(Module):
    """A base for modules of the user's own; no module is one otherwise, as none is compiled."""


class ScriptFunction:
    """PyTorch's type of a compiled function: nothing is one here."""


def fork(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Runs the function at once; `wait` gives its result."""
    return _Done(func(*args, **kwargs))


def wait(future: Any) -> Any:
    """The result of `fork`."""
    return future.wait()


class _Done:
    def __init__(self, value: Any) -> None:
        self.value_ = value

    def wait(self) -> Any:
        """The result."""
        return self.value_

    value = wait

    def done(self) -> bool:
        """Whether it has run: always."""
        return True


@contextmanager
def optimized_execution(should_optimize: bool) -> Iterator[None]:
    """A context that changes nothing."""
    yield
