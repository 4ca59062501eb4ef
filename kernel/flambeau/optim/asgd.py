"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from .optimizer import Optimizer, State, check_at_least, count_step, scalar, state_array


class ASGD(Optimizer):
    """p = (1 - λη)p - ηg, and ax = ax + μ(p - ax), the average over steps (Polyak & Juditsky 1992).

    η = lr / (1 + λ · lr · t)^alpha and μ = 1 / max(1, t - t0), each for the step after; the average
    is kept in the state under ``ax``. ``weight_decay`` adds weight_decay · p to g.

    >>> w = nn.Parameter(fb.tensor([3.0]))
    >>> (w * w).sum().backward()
    >>> fb.optim.ASGD([w], lr=0.1).step()
    >>> w.data
    tensor([2.4000])
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_at_least(0.0, lr=lr, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _update(self, xp: Any, p: Any, g: Any, state: State, group: dict[str, Any]) -> None:
        lr, lambd = float(group["lr"]), group["lambd"]
        t = count_step(state)
        if group["weight_decay"] != 0:
            g = g + group["weight_decay"] * p
        if "eta" not in state:
            state["eta"], state["mu"] = scalar(lr), scalar(1.0)
        eta, mu = float(state["eta"].array), float(state["mu"].array)
        p *= 1 - lambd * eta
        p -= eta * g
        average = state_array(state, "ax", p)
        average[...] = p if mu == 1 else average + mu * (p - average)
        state["eta"].array[...] = lr / (1 + lambd * lr * t) ** group["alpha"]
        state["mu"].array[...] = 1 / max(1, t - group["t0"])
