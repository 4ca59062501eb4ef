"""`Optimizer`: parameter groups, state, and the step that each kind of optimizer fills in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from ..autograd.grad_mode import enable_grad
from ..autograd.hooks import RemovableHandle, add_hook
from ..device import module_of
from ..device import move as move_array
from ..device import of as device_of
from ..nn.state import reset_grad
from ..record.slot import slot
from ..tensor import Tensor, wrap

State = dict[str, Any]


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
        step = state["step"] = wrap(np.zeros((), np.float32))
    step.array[...] += 1
    return float(step.array)


class Optimizer:
    """Base of all optimizers: subclasses define ``_update``, which moves one parameter.

    ``params`` are parameters, pairs of names and parameters, or dicts of them with options that
    hold for that group alone. Mirrors ``torch.optim.Optimizer``.
    """

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or "
                f"dicts, but got {type(params).__name__}"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, State] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._before: list[Any] = []
        self._after: list[Any] = []
        self._opt_called = False  # schedulers warn when they step first
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

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Moves every parameter that has a gradient; returns what ``closure`` (if any) returns."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for hook in self._before:
            hook(self, (closure,) if closure is not None else (), {})
        if slot.recorder is not None:
            slot.recorder.before_step(self)
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._step_one(p, group)
        self._opt_called = True
        if slot.recorder is not None:
            slot.recorder.step(self)
        for hook in self._after:
            hook(self, (closure,) if closure is not None else (), {})
        return loss

    def _step_one(self, p: Tensor, group: dict[str, Any]) -> None:
        assert p.grad is not None
        g = p.grad.array
        if group.get("maximize"):
            g = -g
        self._update(module_of(p.array), p.array, g, self.state[p], group)
        if not self.state[p]:
            del self.state[p]
        if p._counter is not None:
            p._counter[0] += 1

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients of all parameters, or sets them to zero."""
        for group in self.param_groups:
            for p in group["params"]:
                reset_grad(p, set_to_none)

    def register_step_pre_hook(self, hook: Any) -> RemovableHandle:
        """Calls ``hook(optimizer, args, kwargs)`` before each step."""
        return add_hook(self._before, hook)

    def register_step_post_hook(self, hook: Any) -> RemovableHandle:
        """Calls ``hook(optimizer, args, kwargs)`` after each step."""
        return add_hook(self._after, hook)

    # State

    def state_dict(self) -> dict[str, Any]:
        """State and options, with parameters as numbers in the order of the groups."""
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            packed = {k: v for k, v in group.items() if k != "params"}
            groups.append({**packed, "params": [numbers[id(p)] for p in group["params"]]})
        state = {numbers[id(p)]: dict(s) for p, s in self.state.items() if id(p) in numbers}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave; ValueError if the groups do not match."""
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

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__, _before=[], _after=[])

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
        value = wrap(value.detach().cpu().numpy())
    if not (isinstance(value, Tensor) and isinstance(p, Tensor)):
        return deepcopy(value)
    if name == "step":
        return wrap(value.array.copy())
    array = value.array.astype(p.array.dtype) if p.array.dtype.kind == "f" else value.array.copy()
    return wrap(move_array(array, device_of(p.array)))


def check_at_least(low: float, **options: Any) -> None:
    """ValueError for an option below what it may be."""
    for name, value in options.items():
        if not value >= low:
            titles = {"lr": "learning rate", "eps": "epsilon value", "momentum": "momentum value"}
            raise ValueError(f"Invalid {titles.get(name, name + ' value')}: {value}")
