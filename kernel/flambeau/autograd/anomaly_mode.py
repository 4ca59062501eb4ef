"""Anomaly detection: which line made the NaN, or the error, of a backward.

While it is on, every operation notes where in the user's code it ran, and every step of a backward
is looked at. That makes both slower, so it is a tool for debugging.
"""

from __future__ import annotations

import traceback
import warnings
import weakref
from types import FrameType
from typing import Any

from ..device import module_of
from ..errors import is_library, location_of, user_frame
from ..left_out import explain_all
from ..tensor import Tensor
from . import engine
from .layers import Layer
from .node import Node, Output

# Where each operation ran that was recorded while anomaly mode was on.
_places: weakref.WeakKeyDictionary[Node, Place] = weakref.WeakKeyDictionary()


class Place:
    """The lines of the user's code that led to an operation, and the modules around it."""

    def __init__(self) -> None:
        frame: FrameType | None = user_frame()
        self.line = ""
        if frame is not None:
            self.line = location_of(frame.f_code.co_filename, frame.f_lineno)
        self.stack = traceback.StackSummary.extract(traceback.walk_stack(frame))
        self.stack.reverse()
        self.path = ".".join(_modules_above(frame))

    def text(self) -> str:
        """The forward call, as a traceback shows it."""
        kept = [entry for entry in self.stack if not is_library(entry.filename)]
        return "".join(traceback.StackSummary.from_list(kept).format())


def _modules_above(frame: FrameType | None) -> list[str]:
    """The names of the modules whose ``forward`` is running, the outermost first."""
    from ..nn.call import name_of
    from ..nn.module import Module

    found: list[str] = []
    inner: Any = None
    while frame is not None:
        names = frame.f_code.co_varnames if frame.f_code.co_name == "forward" else ()
        module = frame.f_locals.get(names[0]) if names else None
        if isinstance(module, Module) and module is not inner:
            inner = module
            found[:0] = name_of(module, _caller(frame))
        frame = frame.f_back
    return found


def _caller(frame: FrameType) -> FrameType | None:
    """The first frame above that does not belong to calling a module."""
    above = frame.f_back
    while above is not None and is_library(above.f_code.co_filename):
        if above.f_code.co_name == "forward":
            break
        above = above.f_back
    return above


def note(node: Any) -> None:
    """Remembers where the operation of a node ran."""
    if node is not None:
        main = node.parents[0] if node.__class__ is Output else node
        if main not in _places:
            _places[main] = Place()


def place_of(node: Node) -> Place | None:
    """Where the operation of a node ran, if that was noted."""
    return _places.get(node)


class Noting(Layer):
    """Notes where each recorded operation ran."""

    rank = 30

    def apply(self, inner: Any, op: Any, inputs: Any, params: Any = ()) -> Any:
        """Runs an operation and notes its place."""
        out = inner(op, inputs, params)
        for t in out if out.__class__ is tuple else (out,):
            if t._node is not None:
                note(t._node)
        return out

    def apply_inplace(self, inner: Any, op: Any, inputs: Any, params: Any = ()) -> Any:
        """The same for an operation that writes into its first input."""
        out = inner(op, inputs, params)
        note(out._node)
        return out


class CarefulPass(engine.Pass):
    """A backward that says which forward line an error or a NaN belongs to."""

    def _step(self, node: Node, g: Any) -> None:
        self.made: list[Any] = []
        try:
            super()._step(node, g)
        except Exception as error:
            raise _explained(error, node) from error
        finally:
            made, self.made = self.made, []
        if _state.check_nan:
            for i, one in enumerate(made):
                if _has_nan(one):
                    raise _nan_error(node, i)

    def send(self, target: Any, g: Any, owned: bool) -> None:
        """Adds a gradient, and remembers it until it was looked at."""
        if hasattr(self, "made"):
            self.made.append(g)
        super().send(target, g, owned)


def _has_nan(g: Any) -> bool:
    array = g.array if isinstance(g, Tensor) else g
    if getattr(array, "dtype", None) is None or array.dtype.kind not in "fcV":  # bfloat16 is "V"
        return False
    return bool(module_of(array).isnan(array).any())


def _where(node: Node) -> str:
    place = place_of(node)
    if place is None:
        return ""
    where = ", ".join(part for part in (place.path, place.line) if part)
    return f" The forward call was {node.plan.op.name}, at {where}." if where else ""


def _warn(node: Node) -> None:
    """Shows the traceback of the forward call, as PyTorch does."""
    place = place_of(node)
    text = f"Error detected in {node.name()}. "
    if place is not None:
        text += f"Traceback of forward call that caused the error:\n{place.text()}"
    else:
        text += (
            "No forward pass information available. Enable detect anomaly during forward pass "
            "for more information."
        )
    warnings.warn(text, UserWarning, stacklevel=5)


def _nan_error(node: Node, i: int) -> RuntimeError:
    _warn(node)
    return RuntimeError(
        f"Function '{node.name()}' returned nan values in its {i}th output.{_where(node)}"
    )


def _explained(error: Exception, node: Node) -> Exception:
    """The error of a backward, with the line of the forward call that it belongs to."""
    where = _where(node)
    _warn(node)
    if not where or where in str(error):
        return error
    try:
        return type(error)(f"{str(error).rstrip('.')}.{where}")
    except Exception:
        return RuntimeError(f"{error}.{where}")


class _State:
    on = False
    check_nan = True


_state = _State()
_noting = Noting()


def _switch(mode: bool, check_nan: bool) -> None:
    if mode and not _state.on:
        _noting.switch_on()
    elif _state.on and not mode:
        _noting.switch_off()
    _state.on, _state.check_nan = mode, check_nan
    engine.kind_of_pass = CarefulPass if mode else engine.Pass


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on."""
    return _state.on


def is_anomaly_check_nan_enabled() -> bool:
    """Whether a backward looks for NaN while anomaly mode is on."""
    return _state.check_nan


class set_detect_anomaly:  # noqa: N801
    """Switches anomaly mode on or off, for good or as ``with``.

    Mirrors ``torch.autograd.set_detect_anomaly``.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.before = (_state.on, _state.check_nan)
        _switch(bool(mode), bool(check_nan))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        _switch(*self.before)


class detect_anomaly:  # noqa: N801
    """Inside it, a backward that makes a NaN or fails names the line of its forward call.

    Mirrors ``torch.autograd.detect_anomaly``.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        self.before = (_state.on, _state.check_nan)
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should "
            "only be enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self.before = (_state.on, _state.check_nan)
        _switch(True, self.check_nan)

    def __exit__(self, *_: object) -> None:
        _switch(*self.before)


explain_all(__name__)
