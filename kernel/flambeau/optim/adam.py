"""Adam and its relatives: steps scaled by running averages of the gradient and its square."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from ..kernels import optim as loops
from .compiled import Loop
from .optimizer import (
    Optimizer,
    State,
    check_at_least,
    check_betas,
    check_tensor_options,
    count_step,
    sign,
    state_array,
)


class Adam(Optimizer):
    """m = β₁m + (1-β₁)g, v = β₂v + (1-β₂)g²; p -= lr · m̂ / (√v̂ + eps) (Kingma & Ba 2014).

    m̂ = m / (1-β₁ᵗ) and v̂ = v / (1-β₂ᵗ) undo the start from zero. ``weight_decay`` adds
    weight_decay · p to g, or (``decoupled_weight_decay``) first shrinks p by lr · weight_decay.
    ``amsgrad`` divides by the largest v seen so far.

    >>> w = nn.Parameter(fb.tensor([3.0]))
    >>> (w * w).sum().backward()
    >>> fb.optim.Adam([w], lr=0.1).step()
    >>> w.data
    tensor([2.9000])
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_tensor_options(lr, betas, foreach, capturable)
        check_at_least(0.0, lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(betas)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _update(self, xp: Any, p: Any, g: Any, state: State, group: dict[str, Any]) -> None:
        beta1, beta2 = map(float, group["betas"])
        lr = float(group["lr"])
        t = count_step(state)
        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                p *= 1 - lr * group["weight_decay"]
            else:
                g = g + group["weight_decay"] * p
        m, v = state_array(state, "exp_avg", p), state_array(state, "exp_avg_sq", p)
        work = xp.empty_like(p)  # the one array in between: large fresh ones are slow
        xp.multiply(g, 1 - beta1, out=work)
        m *= beta1
        m += work
        xp.multiply(g, g, out=work)
        work *= 1 - beta2
        v *= beta2
        v += work
        if group["amsgrad"]:
            largest = state_array(state, "max_exp_avg_sq", p)
            v = xp.maximum(largest, v, out=largest)
        xp.sqrt(v, out=work)
        work /= math.sqrt(1 - beta2**t)
        work += group["eps"]
        xp.divide(m, work, out=work)
        work *= lr / (1 - beta1**t)
        p -= work

    def _compiled(self, group: dict[str, Any]) -> Loop | None:
        numbers = partial(adam_numbers, group)
        if group["amsgrad"]:
            return Loop(loops.amsgrad, ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"), numbers)
        return Loop(loops.adam, ("exp_avg", "exp_avg_sq"), numbers)


def adam_numbers(group: dict[str, Any], t: float) -> tuple[float, ...]:
    """What the loop of Adam's step t is given, as its arguments are in `kernels.optim`."""
    beta1, beta2 = map(float, group["betas"])
    lr = float(group["lr"])
    rate, scale = lr / (1 - beta1**t), 1 / math.sqrt(1 - beta2**t)
    return rate, *decays(group), 1 - beta1, beta2, 1 - beta2, scale, group["eps"]


def decays(group: dict[str, Any]) -> tuple[float, float, float]:
    """The sign of the gradient, the decay that is added to it, and what shrinks the parameter."""
    decay = group["weight_decay"]
    if decay != 0 and group["decoupled_weight_decay"]:
        return sign(group), 0.0, 1 - float(group["lr"]) * decay
    return sign(group), decay, 1.0


class AdamW(Adam):
    """`Adam` that shrinks p by lr · weight_decay before the step (Loshchilov & Hutter 2017).

    >>> w = nn.Parameter(fb.tensor([3.0]))
    >>> w.grad = fb.zeros(1)
    >>> fb.optim.AdamW([w], lr=0.1, weight_decay=0.5).step()
    >>> w.data
    tensor([2.8500])
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            *(params, lr, betas, eps, weight_decay, amsgrad),
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
