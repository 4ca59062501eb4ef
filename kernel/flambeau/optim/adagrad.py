"""Adagrad: steps that shrink where gradients have been large."""

from __future__ import annotations

from typing import Any

from ..device import module_of
from ..kernels import optim as loops
from ..tensor import wrap
from .compiled import Loop
from .optimizer import Optimizer, State, check_at_least, count_step, scalar, sign


class Adagrad(Optimizer):
    """s = s + g²; p -= lr / (1 + (t-1) · lr_decay) · g / (√s + eps) (Duchi et al. 2011).

    s begins at ``initial_accumulator_value``; ``weight_decay`` adds weight_decay · p to g.

    >>> w = nn.Parameter(fb.tensor([3.0]))
    >>> (w * w).sum().backward()
    >>> fb.optim.Adagrad([w], lr=0.1).step()
    >>> w.data
    tensor([2.9000])
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_at_least(0.0, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay)
        check_at_least(0.0, initial_accumulator_value=initial_accumulator_value, eps=eps)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                self._begin(p.array, self.state[p], initial_accumulator_value)

    def _begin(self, p: Any, state: State, value: Any) -> None:
        state["step"] = scalar(0.0)
        start = complex(value, value) if p.dtype.kind == "c" else value
        state["sum"] = wrap(module_of(p).full_like(p, start))

    def _update(self, xp: Any, p: Any, g: Any, state: State, group: dict[str, Any]) -> None:
        if not state:  # of a parameter group that came later
            self._begin(p, state, group["initial_accumulator_value"])
        rate = float(group["lr"]) / (1 + (count_step(state) - 1) * group["lr_decay"])
        if group["weight_decay"] != 0:
            g = g + group["weight_decay"] * p
        s = state["sum"].array
        s += g * g
        p -= rate * (g / (xp.sqrt(s) + group["eps"]))

    def _compiled(self, group: dict[str, Any]) -> Loop | None:
        lr, slower = float(group["lr"]), group["lr_decay"]
        options = (sign(group), group["weight_decay"], group["eps"])
        return Loop(loops.adagrad, ("sum",), lambda t: (lr / (1 + (t - 1) * slower), *options))
