"""What happens around a module's ``forward``: the recorder, hooks, and names in errors."""

from __future__ import annotations

import sys
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NamedTuple

from ..autograd.engine import check_hooked
from ..autograd.function import Function
from ..autograd.hooks import RemovableHandle
from ..compiler import status
from ..errors import OpError, is_library
from ..record.slot import slot
from ..tensor import Tensor


class Hook(NamedTuple):
    """A function hooked to a module, and how it wants to be called."""

    function: Any
    with_kwargs: bool = False
    always_call: bool = False


HOOK_LISTS = (
    "_forward_pre_hooks",
    "_forward_hooks",
    "_backward_pre_hooks",
    "_backward_hooks",
    "_state_dict_pre_hooks",
    "_state_dict_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


class HookMethods:
    """The part of `Module` that calls it, and that registers hooks."""

    _hook_ways: dict[int, tuple[bool, ...]]  # of those that want to be called in another way
    _hooked = False  # set once a hook was registered; a call then takes the longer way
    forward: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs ``forward``, with its hooks before and after."""
        if self._hooked or slot.recorder is not None:
            return watched(self, args, kwargs)
        try:
            return self.forward(*args, **kwargs)
        except OpError as error:
            name_in(error, self)
            raise

    def _add_hook(self, where: str, hook: Any, prepend: bool, *how: bool) -> RemovableHandle:
        if not callable(hook):
            raise TypeError(f"a hook must be callable, not {type(hook).__name__}")
        self.__dict__["_hooked"] = True
        status.changes += 1
        return put_hook(getattr(self, where), self._hook_ways, hook, prepend, *how)

    def register_forward_pre_hook(
        self, hook: Any, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(module, args)`` before forward; what it returns replaces the arguments."""
        return self._add_hook("_forward_pre_hooks", hook, prepend, with_kwargs)

    def register_forward_hook(
        self,
        hook: Any,
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Calls ``hook(module, args, output)`` after forward; its result replaces the output."""
        return self._add_hook("_forward_hooks", hook, prepend, with_kwargs, always_call)

    def register_full_backward_pre_hook(self, hook: Any, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(module, grad_output)`` before the module's backward."""
        return self._add_hook("_backward_pre_hooks", hook, prepend)

    def register_full_backward_hook(self, hook: Any, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(module, grad_input, grad_output)`` after the module's backward."""
        return self._add_backward_hook(hook, prepend, True)

    def register_backward_hook(self, hook: Any) -> RemovableHandle:
        """The older `register_full_backward_hook`; one module takes only one of the two kinds."""
        return self._add_backward_hook(hook, False, False)

    def _add_backward_hook(self, hook: Any, prepend: bool, full: bool) -> RemovableHandle:
        if self.__dict__.get("_is_full_backward_hook") is (not full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single "
                "Module. Please use only one of them."
            )
        self.__dict__["_is_full_backward_hook"] = full
        return self._add_hook("_backward_hooks", hook, prepend)


def put_hook(hooks: Any, ways: Any, hook: Any, prepend: bool, *how: bool) -> RemovableHandle:
    """Adds a hook to an OrderedDict of them and returns its handle."""
    handle = RemovableHandle(hooks, extra_dict=ways)
    hooks[handle.id] = hook
    if any(how):
        ways[handle.id] = how
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def hooks_of(module: Any, where: str) -> list[Hook]:
    """A module's hooks of one kind, after those of all modules."""
    ways = {**everywhere.ways, **module._hook_ways}
    found = {**everywhere.hooks[where], **getattr(module, where)}
    return [Hook(hook, *ways.get(i, ())) for i, hook in found.items()]


class _Everywhere:
    """The hooks of all modules."""

    def __init__(self) -> None:
        self.hooks: dict[str, OrderedDict[int, Any]] = {name: OrderedDict() for name in HOOK_LISTS}
        self.ways: dict[int, tuple[bool, ...]] = {}

    def add(self, where: str, hook: Any, *how: bool) -> RemovableHandle:
        """Adds a hook; every module then takes the longer way."""
        HookMethods._hooked = True
        status.changes += 1
        return put_hook(self.hooks[where], self.ways, hook, False, *how)


everywhere = _Everywhere()


def register_module_forward_pre_hook(hook: Any) -> RemovableHandle:
    """Calls ``hook(module, args)`` before the forward of every module."""
    return everywhere.add("_forward_pre_hooks", hook)


def register_module_forward_hook(
    hook: Any, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Calls ``hook(module, args, output)`` after the forward of every module."""
    return everywhere.add("_forward_hooks", hook, with_kwargs, always_call)


def register_module_full_backward_pre_hook(hook: Any) -> RemovableHandle:
    """Calls ``hook(module, grad_output)`` before the backward of every module."""
    return everywhere.add("_backward_pre_hooks", hook)


def register_module_full_backward_hook(hook: Any) -> RemovableHandle:
    """Calls ``hook(module, grad_input, grad_output)`` after the backward of every module."""
    return everywhere.add("_backward_hooks", hook)


register_module_backward_hook = register_module_full_backward_hook


def watched(module: Any, args: Any, kwargs: Any) -> Any:
    """Runs a module that has hooks, or that a recorder watches."""
    recorder = slot.recorder
    if recorder is not None:
        recorder.enter(module)
    try:
        return hooked(module, args, kwargs) if module._hooked else module.forward(*args, **kwargs)
    except OpError as error:
        name_in(error, module)
        raise
    finally:
        if recorder is not None:
            recorder.leave(module)


def hooked(module: Any, args: Any, kwargs: Any) -> Any:
    """Runs the hooks before, ``forward``, and the hooks after."""
    waiting = [h for h in hooks_of(module, "_forward_hooks") if h.always_call]
    result = None
    try:
        args, kwargs = _before(module, args, kwargs)
        gates = None
        if hooks_of(module, "_backward_hooks") or hooks_of(module, "_backward_pre_hooks"):
            gates = Gates(module)
            args = gates.enter(args)
        result = module.forward(*args, **kwargs)
        for h in hooks_of(module, "_forward_hooks"):
            if h in waiting:
                waiting.remove(h)
            changed = _call(h, module, args, kwargs, result)
            result = result if changed is None else changed
        return gates.leave(result) if gates is not None else result
    except Exception:
        for h in waiting:
            _call_silently(h, module, args, kwargs, result)
        raise


def _call_silently(h: Hook, module: Any, args: Any, kwargs: Any, result: Any) -> None:
    try:
        _call(h, module, args, kwargs, result)
    except Exception as second:
        warnings.warn(
            "module forward hook with ``always_call=True`` raised an exception that was "
            f"silenced as another error was raised in forward: {second}",
            stacklevel=5,
        )


def _call(h: Hook, module: Any, args: Any, kwargs: Any, result: Any) -> Any:
    if h.with_kwargs:
        return h.function(module, args, kwargs, result)
    return h.function(module, args, result)


def _before(module: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    for h in hooks_of(module, "_forward_pre_hooks"):
        if h.with_kwargs:
            changed = h.function(module, args, kwargs)
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                    f"but got {changed}."
                )
            args, kwargs = changed
        else:
            changed = h.function(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    return args, kwargs


# Backward hooks: the module's inputs and outputs each pass through a gate that does nothing
# forward, and shows the gradients that come back through it to the hooks.


class _Gate(Function):
    """Hands tensors on as they are; in the backward, asks ``watch`` about their gradients."""

    @staticmethod
    def forward(ctx: Any, watch: Any, *tensors: Tensor) -> Any:
        """The tensors themselves."""
        ctx.watch = watch
        return tuple(t.detach() for t in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """The gradients that ``watch`` returns."""
        return None, *ctx.watch(grads)


class Gates:
    """The two gates of one call of a module."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.grad_output: tuple[Any, ...] = ()
        self.inputs: list[int] = []  # the places of the tensors in the arguments
        self.count = 0  # of all arguments
        self.has_input_gradient = False

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments behind the first gate."""
        self.count = len(args)
        self.inputs = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        self.has_input_gradient = any(args[i].requires_grad for i in self.inputs)
        return self._through(args, self.inputs, self._into) if self.has_input_gradient else args

    def leave(self, result: Any) -> Any:
        """The result behind the second gate."""
        outs = result if isinstance(result, tuple) else (result,)
        places = [i for i, r in enumerate(outs) if isinstance(r, Tensor)]
        if not places and not isinstance(result, tuple):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of "
                f"Tensors but received {type(result)}",
                stacklevel=4,
            )
        if not any(outs[i].requires_grad for i in places):
            return result
        outs = self._through(outs, places, self._out_of)
        return outs if isinstance(result, tuple) else outs[0]

    def _through(self, values: Any, places: list[int], watch: Any) -> tuple[Any, ...]:
        passed = dict(zip(places, _Gate.apply(watch, *(values[i] for i in places)), strict=True))
        return tuple(passed.get(i, v) for i, v in enumerate(values))

    def _out_of(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """The gradients of the outputs have come."""
        for h in hooks_of(self.module, "_backward_pre_hooks"):
            changed = h.function(self.module, grads)
            if changed is not None:
                grads = changed if isinstance(changed, tuple) else (changed,)
        self.grad_output = grads
        if not self.has_input_gradient:
            self._run((None,) * self.count)
        return grads

    def _into(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """The gradients of the inputs have come."""
        found = dict(zip(self.inputs, grads, strict=True))
        grads = self._run(tuple(found.get(i) for i in range(self.count)))
        return tuple(grads[i] for i in self.inputs)

    def _run(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        for h in hooks_of(self.module, "_backward_hooks"):
            changed = h.function(self.module, grads, self.grad_output)
            if changed is not None:
                changed = changed if isinstance(changed, tuple) else (changed,)
                if len(changed) != len(grads):
                    raise RuntimeError(
                        "Backward hook returned an invalid number of grad_input, got "
                        f"{len(changed)}, but expected {len(grads)}"
                    )
                _check_changed(h.function, grads, changed)
                grads = changed
        return grads


def _check_changed(hook: Any, grads: tuple[Any, ...], changed: tuple[Any, ...]) -> None:
    """An error if what a backward hook returned cannot stand for the gradients."""
    for before, after in zip(grads, changed, strict=True):
        if before is not None and after is not None:
            check_hooked(hook, before, after)


# Names in errors: only looked for once something has gone wrong.


def name_in(error: OpError, module: Any) -> None:
    """Puts the module's name in front of the path of an error that passes through its call."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != "__call__":
        frame = frame.f_back
    error.path[:0] = name_of(module, frame.f_back if frame is not None else None)


def name_of(module: Any, frame: FrameType | None) -> list[str]:
    """What the caller calls it: its name in the module around it, or the user's variable."""
    user = None
    while frame is not None:
        parent: Any = frame.f_locals.get("self")
        if isinstance(getattr(parent, "_modules", None), dict) and parent is not module:
            for path, child in parent.named_modules():
                if child is module:
                    return path.split(".")
        if user is None and not is_library(frame.f_code.co_filename):
            user = frame
        frame = frame.f_back
    for names, before in _visible(user):
        for name, value in list(names.items()):
            if value is module and not name.startswith("_") and name != "self":
                return [*before, name]
    return [type(module).__name__]


def _visible(user: FrameType | None) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """The names that a user's line can use: variables, attributes of ``self``, globals."""
    if user is not None:
        yield user.f_locals, []
        yield getattr(user.f_locals.get("self"), "__dict__", {}), ["self"]
        yield user.f_globals, []
