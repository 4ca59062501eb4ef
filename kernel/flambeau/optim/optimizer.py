"""`Optimizer`: parameter groups, state, and the step that each kind of optimizer fills in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import wraps
from typing import Any, TypeAlias

import numpy as np

from .. import dtypes
from ..autograd.grad_mode import enable_grad, no_grad
from ..device import module_of
from ..device import move as move_array
from ..device import of as device_of
from ..nn.state import reset_grad
from ..record.slot import slot
from ..tensor import Tensor, wrap
from .compiled import Flat, Loop, serve, sweep
from .hooks import (
    Hooks,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

__all__ = [
    "Optimizer",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
]

State = dict[str, Any]
ParamsT: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]


class _RequiredParameter:
    """A default that says: this option has to be given."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _RequiredParameter()


def state_array(state: State, name: str, like: Any) -> Any:
    """The array of a state tensor, made of zeros like ``like`` when it is not there yet."""
    found = state.get(name)
    if found is None:
        found = state[name] = wrap(module_of(like).zeros_like(like))
    return found.array


def count_step(state: State) -> float:
    """Adds one to the state's step count (a tensor, as PyTorch keeps it) and returns it."""
    step = state.get("step")
    if step is None:
        step = state["step"] = scalar(0.0)
    step.array[...] += 1
    return float(step.array)


def scalar(value: float) -> Tensor:
    """A number that belongs to the state, as PyTorch keeps it: a tensor in main memory."""
    wide = dtypes.get_default_dtype() is dtypes.float64
    return wrap(np.asarray(value, np.float64 if wide else np.float32))


class Optimizer(Hooks):
    """Base of all optimizers: subclasses define ``_update``, which moves one parameter.

    ``params`` are parameters, pairs of names and parameters, or dicts of them with options that
    hold for that group alone. One that moves parameters together defines ``step`` instead.
    Mirrors ``torch.optim.Optimizer``.

    >>> layer = nn.Linear(2, 1)
    >>> groups = [{"params": [layer.weight], "lr": 0.1}, {"params": [layer.bias]}]
    >>> [group["lr"] for group in fb.optim.SGD(groups, lr=0.01).param_groups]
    [0.1, 0.01]
    """

    _takes_complex = True

    def __init_subclass__(cls) -> None:
        """Has a ``step`` of its own run the hooks, and be seen by schedulers and the recorder."""
        if "step" in cls.__dict__:
            cls.step = _watched(cls.__dict__["step"])  # type: ignore[method-assign]

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self._no_hooks()
        self._flats: dict[int, Flat] = {}
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or "
                f"dicts, but got {type(params).__name__}"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, State] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._opt_called = False  # schedulers warn when they step first
        check_ways(defaults)
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds parameters to be optimized, with options of their own."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        given = param_group["params"]
        if isinstance(given, (set, frozenset)):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the "
                "ordering of tensors in sets will change between runs. Please use a list instead."
            )
        listed: list[Any] = [given] if isinstance(given, Tensor) else list(given)
        group = dict(param_group)
        if listed and isinstance(listed[0], tuple):
            group["param_names"] = [name for name, _ in listed]
            listed = [p for _, p in listed]
        for p in listed:
            self._check(p)
        group["params"] = listed
        for name, value in self.defaults.items():
            group.setdefault(name, value)
        known = {id(p) for g in self.param_groups for p in g["params"]}
        if known & {id(p) for p in listed}:
            raise ValueError("some parameters appear in more than one parameter group")
        if self.param_groups and ("param_names" in group) != (
            "param_names" in self.param_groups[0]
        ):
            ours = "with" if "param_names" in group else "without"
            raise ValueError(
                "all optimizer param groups should be with/without names. Cannot add a group "
                f"{ours} names to an optimizer whose first group is the other way"
            )
        self.param_groups.append(group)

    def _check(self, p: Any) -> None:
        if not isinstance(p, Tensor):
            raise TypeError(
                f"optimizer can only optimize Tensors, but one of the params is {type(p)}"
            )
        if not (p.is_leaf or self.defaults.get("differentiable")):
            raise ValueError("can't optimize a non-leaf Tensor")

    def _update(self, xp: Any, p: Any, g: Any, state: State, group: dict[str, Any]) -> None:
        """Moves the array ``p`` in place, given the array of its gradient."""
        raise NotImplementedError(f"{type(self).__name__} must define _update")

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Moves every parameter that has a gradient; returns what ``closure`` (if any) returns."""
        loss = None
        if closure is not None:
            loss = self._evaluate(closure)
        for group in self.param_groups:
            params = group["params"]
            loop = self._compiled(group) if serve(params) else None
            for p in params if loop is None else sweep(self, params, loop):
                if p.grad is not None:
                    self._step_one(p, group)
        return loss

    def _compiled(self, group: dict[str, Any]) -> Loop | None:
        """The compiled loop that does what `_update` does with these options, if there is one."""
        return None

    def _evaluate(self, closure: Callable[[], Any]) -> Any:
        with enable_grad():
            loss = closure()
        if slot.recorder is not None:  # told before, but without these gradients
            slot.recorder.before_step(self)
        return loss

    def _step_one(self, p: Tensor, group: dict[str, Any]) -> None:
        assert p.grad is not None
        g = p.grad.array
        if group.get("maximize"):
            g = -g
        update = self._update_complex if p.array.dtype.kind == "c" else self._update
        update(module_of(p.array), p.array, g, self.state[p], group)
        if not self.state[p]:
            del self.state[p]
        if p._counter is not None:
            p._counter[0] += 1

    def _update_complex(self, xp: Any, p: Any, g: Any, state: State, group: dict[str, Any]) -> None:
        """As `_update`, taking real and imaginary parts for parameters of their own."""
        if not self._takes_complex:
            raise RuntimeError(f"{type(self).__name__} does not support complex parameters")
        real, parts = as_real(p), dict(state)
        for name, value in state.items():
            if isinstance(value, Tensor) and value.array.dtype.kind == "c":
                parts[name] = wrap(as_real(value.array))
        self._update(xp, real, as_real(xp.asarray(g)), parts, group)
        for name in parts.keys() - state.keys():  # made by this first step
            array = parts[name].array
            of_p = array.shape == real.shape
            state[name] = wrap(array.view(p.dtype).reshape(p.shape)) if of_p else parts[name]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients of all parameters, or sets them to zero."""
        for group in self.param_groups:
            for p in group["params"]:
                reset_grad(p, set_to_none)

    # State

    def state_dict(self) -> dict[str, Any]:
        """State and options, with parameters as numbers in the order of the groups."""
        for hook in self._hooks["state_dict_pre"]:
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            packed = {k: v for k, v in group.items() if k != "params"}
            groups.append({**packed, "params": [numbers[id(p)] for p in group["params"]]})
        state = {numbers[id(p)]: dict(s) for p, s in self.state.items() if id(p) in numbers}
        return self._replaced("state_dict_post", {"state": state, "param_groups": groups})

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave; ValueError if the groups do not match."""
        state_dict = self._replaced("load_state_dict_pre", dict(state_dict))
        saved, own = state_dict["param_groups"], self.param_groups
        if len(saved) != len(own):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(s["params"]) != len(o["params"]) for s, o in zip(saved, own, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of "
                "optimizer's group"
            )
        params: dict[Any, Tensor] = {}
        groups = []
        for s, o in zip(saved, own, strict=True):
            params.update(zip(s["params"], o["params"], strict=True))
            groups.append({**deepcopy(s), "params": o["params"]})
            for name, value in self.defaults.items():  # options that an older file lacks
                groups[-1].setdefault(name, o.get(name, value))
        state: defaultdict[Any, State] = defaultdict(dict)
        for number, values in state_dict["state"].items():
            p = params.get(number, number)
            state[p] = {name: _fitting(name, value, p) for name, value in values.items()}
        self.state, self.param_groups = state, groups
        for hook in self._hooks["load_state_dict_post"]:
            hook(self)

    def __getstate__(self) -> dict[str, Any]:
        own = ("_hooks", "_flats")
        return {name: value for name, value in self.__dict__.items() if name not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._no_hooks()
        self._flats = {}
        self.__dict__.update(state)

    def __repr__(self) -> str:
        text = type(self).__name__ + " ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            shown = sorted(k for k in group if k not in ("params", "param_names"))
            text += "".join(f"    {name}: {group[name]}\n" for name in shown)
        return text + ")"


def _fitting(name: str, value: Any, p: Any) -> Any:
    """A saved state value as this parameter needs it: a copy, on its device, in its dtype."""
    if not isinstance(value, Tensor) and hasattr(value, "detach"):  # one of PyTorch's
        value = wrap(np.asarray(value.detach().cpu().resolve_conj()))
    if isinstance(value, (list, tuple)):
        return type(value)(_fitting("", v, p) for v in value)
    if not (isinstance(value, Tensor) and isinstance(p, Tensor)):
        return deepcopy(value)
    if name == "step":
        return wrap(value.array.copy())
    array = (
        value.array.astype(p.array.dtype) if dtypes.is_float(p.array.dtype) else value.array.copy()
    )
    return wrap(move_array(array, device_of(p.array)))


def sign(group: dict[str, Any]) -> float:
    """What compiled loops multiply gradients by."""
    return -1.0 if group.get("maximize") else 1.0


def as_real(array: Any) -> Any:
    """The real and imaginary parts of a complex array, in a last dimension of two; no copy."""
    return array.reshape((*array.shape, 1)).view(array.real.dtype)


def _watched(step: Callable[..., Any]) -> Callable[..., Any]:
    """A ``step`` with the hooks around it; within another (``super().step()``) the step alone.

    It runs in the caller's grad mode, as PyTorch's does: a closure called by a step of the
    user's own can go backward.
    """

    @wraps(step)
    def run(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if self._stepping:
            return step(self, *args, **kwargs)
        self._stepping = True
        try:
            args, kwargs = self._before_step(args, kwargs)
            if slot.recorder is not None:
                slot.recorder.before_step(self)
            result = step(self, *args, **kwargs)
            self._opt_called = True
            if slot.recorder is not None:
                slot.recorder.step(self)
            self._after_step(args, kwargs)
        finally:
            self._stepping = False
        return result

    return run


Optimizer.step = _watched(Optimizer.step)  # type: ignore[method-assign]


def check_ways(defaults: dict[str, Any]) -> None:
    """RuntimeError for ways of stepping that PyTorch cannot combine."""
    if defaults.get("fused") and defaults.get("differentiable"):
        raise RuntimeError("`fused` does not support `differentiable`")
    if defaults.get("fused") and defaults.get("foreach"):
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def check_tensor_options(lr: Any, betas: tuple[Any, Any], foreach: Any, capturable: Any) -> None:
    """ValueError for tensors as options where PyTorch takes numbers only."""
    if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
        raise ValueError("betas must be either both floats or both Tensors")
    for name, value in (("lr", lr), ("betas[0]", betas[0]), ("betas[1]", betas[1])):
        if isinstance(value, Tensor):
            if foreach and not capturable:
                raise ValueError(
                    f"{name} as a Tensor is not supported for capturable=False and foreach=True"
                )
            if value.numel() != 1:
                raise ValueError(f"Tensor {name} must be 1-element")


def check_betas(betas: tuple[float, float]) -> None:
    """ValueError for a rate of averaging outside [0, 1)."""
    for i, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")


def check_at_least(low: float, **options: Any) -> None:
    """ValueError for an option below what it may be, or a learning rate of several elements."""
    for name, value in options.items():
        if isinstance(value, Tensor) and value.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not value >= low:
            titles = {"lr": "learning rate", "eps": "epsilon value"}
            raise ValueError(f"Invalid {titles.get(name, name + ' value')}: {value}")
