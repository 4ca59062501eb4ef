"""Adamax: Adam with the largest gradient in place of the mean square."""

from __future__ import annotations

from typing import Any

from ..kernels import optim as loops
from .compiled import Loop
from .optimizer import (
    Optimizer,
    State,
    check_at_least,
    check_betas,
    count_step,
    sign,
    state_array,
)


class Adamax(Optimizer):
    """m = β₁m + (1-β₁)g, u = max(β₂u, |g| + eps); p -= lr / (1-β₁ᵗ) · m / u (Kingma & Ba 2014).

    ``weight_decay`` adds weight_decay · p to g.

    >>> w = nn.Parameter(fb.tensor([3.0]))
    >>> (w * w).sum().backward()
    >>> fb.optim.Adamax([w], lr=0.1).step()
    >>> w.data
    tensor([2.9000])
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_at_least(0.0, lr=lr, eps=eps)
        check_betas(betas)
        check_at_least(0.0, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _update(self, xp: Any, p: Any, g: Any, state: State, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        t = count_step(state)
        if group["weight_decay"] != 0:
            g = g + group["weight_decay"] * p
        m, u = state_array(state, "exp_avg", p), state_array(state, "exp_inf", p)
        m += (1 - beta1) * (g - m)
        u *= beta2
        xp.maximum(u, xp.abs(g) + group["eps"], out=u)
        p -= float(group["lr"]) / (1 - beta1**t) * (m / u)

    def _compiled(self, group: dict[str, Any]) -> Loop | None:
        (beta1, beta2), lr = group["betas"], float(group["lr"])
        options = (sign(group), group["weight_decay"], 1 - beta1, beta2, group["eps"])
        return Loop(loops.adamax, ("exp_avg", "exp_inf"), lambda t: (lr / (1 - beta1**t), *options))
