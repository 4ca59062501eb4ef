"""RAdam: Adam that waits with its scaling until it has seen enough gradients."""

from __future__ import annotations

import math
from typing import Any

from ..kernels import optim as loops
from .adam import decays
from .compiled import Loop
from .optimizer import Optimizer, State, check_at_least, check_betas, count_step, state_array


class RAdam(Optimizer):
    """p -= lr · m̂ · r / (√v̂ + eps') once the variance of v̂ is known, p -= lr · m̂ before that.

    m̂ and v̂ are those of `Adam`. With ρ∞ = 2 / (1-β₂) - 1 and ρ = ρ∞ - 2tβ₂ᵗ / (1-β₂ᵗ), it is known
    when ρ > 5, and r² = (ρ-4)(ρ-2)ρ∞ / ((ρ∞-4)(ρ∞-2)ρ) (Liu et al. 2019). ``weight_decay`` adds
    weight_decay · p to g, or (``decoupled_weight_decay``) first shrinks p by lr · weight_decay.

    >>> w = nn.Parameter(fb.tensor([3.0]))
    >>> (w * w).sum().backward()
    >>> fb.optim.RAdam([w], lr=0.1).step()
    >>> w.data
    tensor([2.4000])
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least(0.0, lr=lr, eps=eps)
        check_betas(betas)
        check_at_least(0.0, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _update(self, xp: Any, p: Any, g: Any, state: State, group: dict[str, Any]) -> None:
        (beta1, beta2), lr = group["betas"], float(group["lr"])
        t = count_step(state)
        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                p *= 1 - lr * group["weight_decay"]
            else:
                g = g + group["weight_decay"] * p
        m, v = state_array(state, "exp_avg", p), state_array(state, "exp_avg_sq", p)
        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * (g * g)
        step = m * (lr / (1 - beta1**t))
        if scale := _scale(beta2, t):
            step = step * (scale / (xp.sqrt(v) + group["eps"]))
        p -= step

    def _compiled(self, group: dict[str, Any]) -> Loop | None:
        (beta1, beta2), lr = group["betas"], float(group["lr"])
        options = (*decays(group), 1 - beta1, beta2, 1 - beta2)
        return Loop(
            loops.radam,
            ("exp_avg", "exp_avg_sq"),
            lambda t: (lr / (1 - beta1**t), *options, _scale(beta2, t), group["eps"]),
        )


def _scale(beta2: float, t: float) -> float:
    """r · √(1-β₂ᵗ), or 0 as long as the variance of v̂ is not known."""
    most = 2 / (1 - beta2) - 1
    rho = most - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return 0.0
    r = math.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
    return r * math.sqrt(1 - beta2**t)
