"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from ..kernels import optim as loops
from ..tensor import wrap
from .compiled import Loop
from .optimizer import Optimizer, State, check_at_least, sign


class SGD(Optimizer):
    """p -= lr · g; with momentum v = momentum · v + (1 - dampening) · g and p -= lr · v.

    ``nesterov`` steps by g + momentum · v; ``weight_decay`` adds weight_decay · p to g.

    >>> import flambeau as fb
    >>> w = fb.nn.Parameter(fb.tensor([3.0]))
    >>> optimizer = fb.optim.SGD([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.item()
    0.0
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_at_least(0.0, lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _update(self, xp: Any, p: Any, g: Any, state: State, group: dict[str, Any]) -> None:
        momentum = group["momentum"]
        if group["weight_decay"] != 0:
            g = g + group["weight_decay"] * p
        if momentum != 0:
            kept = state.get("momentum_buffer")
            if kept is None:
                kept = state["momentum_buffer"] = wrap(xp.array(g))
                v = kept.array
            else:
                v = kept.array
                v *= momentum
                v += g if group["dampening"] == 0 else (1 - group["dampening"]) * g
            g = g + momentum * v if group["nesterov"] else v
        p -= float(group["lr"]) * g

    def _compiled(self, group: dict[str, Any]) -> Loop | None:
        momentum, new = group["momentum"], 1 - group["dampening"]
        options: tuple[float, ...] = (float(group["lr"]), sign(group), group["weight_decay"])
        if momentum == 0:
            return Loop(loops.sgd, (), lambda t: options, counted=False)
        options = (*options, momentum, new, group["nesterov"])
        return Loop(loops.sgd_momentum, ("momentum_buffer",), lambda t: options, counted=False)
