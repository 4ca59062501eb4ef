"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

import math
from typing import Any

from ..kernels import optim as loops
from .adam import decays
from .compiled import Loop
from .optimizer import (
    Optimizer,
    State,
    check_at_least,
    check_betas,
    count_step,
    scalar,
    state_array,
)


class NAdam(Optimizer):
    """p -= lr · (μₜ₊₁m / (1 - Πμₜ₊₁) + (1-μₜ)g / (1 - Πμₜ)) / (√v̂ + eps) (Dozat 2016).

    m and v̂ are those of `Adam`, and μₜ = β₁(1 - 0.96^(t · momentum_decay) / 2), whose product over
    all steps is Πμₜ. ``weight_decay`` adds weight_decay · p to g, or (``decoupled_weight_decay``)
    first shrinks p by lr · weight_decay.

    >>> w = nn.Parameter(fb.tensor([3.0]))
    >>> (w * w).sum().backward()
    >>> fb.optim.NAdam([w], lr=0.1).step()
    >>> w.data
    tensor([2.8944])
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least(0.0, lr=lr, eps=eps)
        check_betas(betas)
        check_at_least(0.0, weight_decay=weight_decay, momentum_decay=momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
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
        now, ahead = _rates(group, t, state)
        m, v = state_array(state, "exp_avg", p), state_array(state, "exp_avg_sq", p)
        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * (g * g)
        scale = xp.sqrt(v) / math.sqrt(1 - beta2**t) + group["eps"]
        p -= now * (g / scale)
        p -= ahead * (m / scale)

    def _compiled(self, group: dict[str, Any]) -> Loop | None:
        beta1, beta2 = group["betas"]
        options = (*decays(group), 1 - beta1, beta2, 1 - beta2)

        def numbers(t: float, state: State) -> tuple[float, ...]:
            now, ahead = _rates(group, t, state)
            return ahead, now, *options, 1 / math.sqrt(1 - beta2**t), group["eps"]

        return Loop(loops.nadam, ("exp_avg", "exp_avg_sq"), numbers, own=True)


def _rates(group: dict[str, Any], t: float, state: State) -> tuple[float, float]:
    """What g and m are multiplied by; the product of all μ in the state moves on."""
    beta1, lr = group["betas"][0], float(group["lr"])
    mu, following = (beta1 * (1 - 0.5 * 0.96 ** (s * group["momentum_decay"])) for s in (t, t + 1))
    product = state.setdefault("mu_product", scalar(1.0)).array
    product *= mu
    done = float(product)
    return lr * (1 - mu) / (1 - done), lr * following / (1 - done * following)
