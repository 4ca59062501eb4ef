"""An optimizer's step inside a program: SGD, Adam and AdamW as loops, any other as it is.

Options are read at every replay, so schedulers work; so are the state's tensors, so that loading a
state works. What was zero and is not any more changes the formula: such a call runs eagerly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..optim.adam import Adam, AdamW
from ..optim.hooks import _of_all
from ..optim.sgd import SGD
from ..tensor import Tensor, wrap

_FLOAT32 = np.dtype(np.float32)


class Step:
    """One optimizer and the parameters that it moves."""

    def __init__(self, optimizer: Any, moved: list[Tensor]) -> None:
        self.optimizer = optimizer
        self.moved = moved
        self.listed = optimizer.param_groups
        self.count = len(self.listed)
        self.__name__ = f"{type(optimizer).__name__}_step"
        self.groups = [g for g in optimizer.param_groups if any(_in(p, moved) for p in g["params"])]
        self.of_param = [
            next(i for i, g in enumerate(self.groups) if _in(p, g["params"])) for p in moved
        ]
        self.kind = _KINDS.get(type(optimizer))
        self.inner = self.kind is not None and self.usual()
        if self.inner:
            self.flags = [self.kind.flags(g) for g in self.groups]  # type: ignore[union-attr]
            self.states = [self.kind.states(self, p, i) for p, i in zip(moved, self.of_param)]  # type: ignore[union-attr]  # noqa: B905
            self.inner = None not in self.states

    def __call__(self, grads: Any) -> None:
        """Gives the parameters their gradients and has the optimizer make its step."""
        for group in self.listed:
            for p in group["params"]:
                p._grad = None  # those that had none stay where they are
        for p, g in zip(self.moved, grads, strict=True):
            p._grad = wrap(g)
        self.optimizer.step()

    def same_groups(self) -> bool:
        """Whether the optimizer has the groups that it had."""
        return self.optimizer.param_groups is self.listed and len(self.listed) == self.count

    def usual(self) -> bool:
        """Whether nothing is asked of it that its loops do not do."""
        o = self.optimizer
        hooks = _of_all["step_pre"] or _of_all["step_post"] or any(o._hooks.values())
        plain = all(
            p.__class__.__module__.startswith("flambeau.")
            and p.array.dtype is _FLOAT32
            and p.array.flags.c_contiguous
            for p in self.moved
        )
        rare = any(
            g.get(name)
            for g in self.groups
            for name in ("maximize", "amsgrad", "differentiable", "capturable")
        )
        return plain and not hooks and not rare and "step" not in o.__dict__

    def numbers(self) -> list[tuple[Any, ...]]:
        """The present options of each group, as the loops use them."""
        return [self.kind.numbers(g) for g in self.groups]  # type: ignore[union-attr]

    def stands(self) -> bool:
        """Whether the formula and the state are still those that were traced."""
        if not self.usual():
            return False
        kind: Any = self.kind
        return [kind.flags(g) for g in self.groups] == self.flags


def _in(p: Any, listed: Any) -> bool:
    return any(p is one for one in listed)


class _SGD:
    """p -= lr · g, with momentum and weight decay."""

    @staticmethod
    def flags(g: Any) -> tuple[Any, ...]:
        """What decides on the formula."""
        return g["momentum"] != 0, g["weight_decay"] != 0, bool(g["nesterov"])

    @staticmethod
    def numbers(g: Any) -> tuple[Any, ...]:
        """What the formula reads."""
        return g["lr"], g["momentum"], g["weight_decay"], g["dampening"]

    @staticmethod
    def states(step: Step, p: Tensor, group: int) -> Any:
        """The state's tensors; None where there are none yet."""
        if not step.flags[group][0]:
            return ()
        kept = step.optimizer.state.get(p, {}).get("momentum_buffer")
        return None if kept is None else (("momentum_buffer", kept),)

    @staticmethod
    def line(flags: Any, n: int, p: str, g: str, states: list[str], at: str) -> str:
        """The source that moves one parameter."""
        momentum, decay, nesterov = flags
        if not momentum and not decay:
            return f"sgd({p}, {g}, {n}, {at})"
        kept = states[0] if momentum else p
        return f"momentum({p}, {g}, {kept}, {n}, {at}, {momentum}, {nesterov})"


class _Adam:
    """Adam and AdamW."""

    @staticmethod
    def flags(g: Any) -> tuple[Any, ...]:
        """What decides on the formula."""
        return g["weight_decay"] != 0, bool(g["decoupled_weight_decay"])

    @staticmethod
    def numbers(g: Any) -> tuple[Any, ...]:
        """What the formula reads."""
        return g["lr"], *g["betas"], g["eps"], g["weight_decay"]

    @staticmethod
    def states(step: Step, p: Tensor, group: int) -> Any:
        """The state's tensors; None where there are none yet."""
        state = step.optimizer.state.get(p, {})
        names = ("exp_avg", "exp_avg_sq", "step")
        if any(name not in state for name in names):
            return None
        if state["step"].array.dtype is not _FLOAT32 or "max_exp_avg_sq" in state:
            return None
        return tuple((name, state[name]) for name in names)

    @staticmethod
    def line(flags: Any, n: int, p: str, g: str, states: list[str], at: str) -> str:
        """The source that moves one parameter."""
        m, v, t = states
        return f"adam({p}, {g}, {m}, {v}, {t}, {n}, {at}, {flags[1]})"


_KINDS: dict[type, Any] = {SGD: _SGD, Adam: _Adam, AdamW: _Adam}
