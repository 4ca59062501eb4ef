"""RMSprop: steps divided by the recent size of the gradient."""

from __future__ import annotations

from typing import Any

from ..kernels import optim as loops
from .compiled import Loop
from .optimizer import Optimizer, State, check_at_least, count_step, sign, state_array


class RMSprop(Optimizer):
    """v = αv + (1-α)g²; p -= lr · g / (√v + eps) (Hinton's lecture 6 of 2012).

    ``centered`` takes from v the square of the average gradient; with momentum
    b = momentum · b + g / (√v + eps) and p -= lr · b. ``weight_decay`` adds weight_decay · p to g.

    >>> w = nn.Parameter(fb.tensor([3.0]))
    >>> (w * w).sum().backward()
    >>> fb.optim.RMSprop([w], lr=0.01).step()
    >>> w.data
    tensor([2.9000])
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least(0.0, lr=lr, eps=eps, momentum=momentum)
        check_at_least(0.0, weight_decay=weight_decay, alpha=alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _update(self, xp: Any, p: Any, g: Any, state: State, group: dict[str, Any]) -> None:
        alpha, lr = group["alpha"], float(group["lr"])
        count_step(state)
        if group["weight_decay"] != 0:
            g = g + group["weight_decay"] * p
        v = state_array(state, "square_avg", p)
        v *= alpha
        v += (1 - alpha) * (g * g)
        if group["momentum"] > 0:
            b = state_array(state, "momentum_buffer", p)
        if group["centered"]:
            average = state_array(state, "grad_avg", p)
            average += (1 - alpha) * (g - average)
            v = v - average * average
        step = g / (xp.sqrt(v) + group["eps"])
        if group["momentum"] > 0:
            b *= group["momentum"]
            b += step
            step = b
        p -= lr * step

    def _compiled(self, group: dict[str, Any]) -> Loop | None:
        alpha, momentum, centered = group["alpha"], group["momentum"], group["centered"]
        options: tuple[float, ...] = (float(group["lr"]), sign(group), group["weight_decay"])
        options = (*options, alpha, 1 - alpha, group["eps"])
        states = ["square_avg"]
        if centered:
            states.append("grad_avg")
        if momentum > 0:
            states.append("momentum_buffer")
            options = (*options, momentum)
        return Loop(_LOOPS[bool(centered), momentum > 0], tuple(states), lambda t: options)


_LOOPS = {  # centered, with momentum
    (False, False): loops.rmsprop,
    (False, True): loops.rmsprop_momentum,
    (True, False): loops.rmsprop_centered,
    (True, True): loops.rmsprop_centered_momentum,
}
