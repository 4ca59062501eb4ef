"""Adadelta: steps in the units of the parameter, with no rate to choose."""

from __future__ import annotations

from typing import Any

from ..kernels import optim as loops
from .compiled import Loop
from .optimizer import Optimizer, State, check_at_least, count_step, sign, state_array


class Adadelta(Optimizer):
    """v = ρv + (1-ρ)g², d = g · √(u + eps) / √(v + eps), u = ρu + (1-ρ)d²; p -= lr · d.

    v averages the squared gradients and u the squared steps (Zeiler 2012). ``weight_decay`` adds
    weight_decay · p to g.

    >>> w = nn.Parameter(fb.tensor([3.0]))
    >>> (w * w).sum().backward()
    >>> fb.optim.Adadelta([w], lr=100.0).step()
    >>> w.data
    tensor([2.6838])
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least(0.0, lr=lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_at_least(0.0, eps=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _update(self, xp: Any, p: Any, g: Any, state: State, group: dict[str, Any]) -> None:
        rho, eps = group["rho"], group["eps"]
        count_step(state)
        if group["weight_decay"] != 0:
            g = g + group["weight_decay"] * p
        v, u = state_array(state, "square_avg", p), state_array(state, "acc_delta", p)
        v *= rho
        v += (1 - rho) * (g * g)
        d = xp.sqrt(u + eps) / xp.sqrt(v + eps) * g
        u *= rho
        u += (1 - rho) * (d * d)
        p -= float(group["lr"]) * d

    def _compiled(self, group: dict[str, Any]) -> Loop | None:
        rho = group["rho"]
        options: tuple[float, ...] = (float(group["lr"]), sign(group), group["weight_decay"])
        options = (*options, rho, 1 - rho, group["eps"])
        return Loop(loops.adadelta, ("square_avg", "acc_delta"), lambda t: options)
