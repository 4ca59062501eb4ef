"""Rprop: only the sign of the gradient counts, and each element has a step size of its own."""

from __future__ import annotations

from typing import Any

from .optimizer import Optimizer, State, check_at_least, count_step, state_array


class Rprop(Optimizer):
    """p -= s · sign(g), s growing while the sign stays and shrinking when it turns.

    s, which begins at lr, is multiplied by ``etas[1]`` where g has the sign it had before and by
    ``etas[0]`` where it has the other, kept within ``step_sizes``; where the sign turned, p rests
    for this step (Riedmiller & Braun 1993).

    >>> w = nn.Parameter(fb.tensor([3.0]))
    >>> (w * w).sum().backward()
    >>> fb.optim.Rprop([w], lr=0.1).step()
    >>> w.data
    tensor([2.9000])
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least(0.0, lr=lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _update(self, xp: Any, p: Any, g: Any, state: State, group: dict[str, Any]) -> None:
        shrink, grow = group["etas"]
        count_step(state)
        before = state_array(state, "prev", p)
        is_new = "step_size" not in state
        s = state_array(state, "step_size", p)
        if is_new:
            s[...] = float(group["lr"])
        agreement = xp.sign(g * before)
        turned = agreement < 0
        s *= xp.where(agreement > 0, grow, xp.where(turned, shrink, 1.0)).astype(s.dtype)
        xp.clip(s, *group["step_sizes"], out=s)
        before[...] = xp.where(turned, xp.zeros_like(g), g)
        p -= xp.sign(before) * s
