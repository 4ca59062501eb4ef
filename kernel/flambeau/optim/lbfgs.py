"""L-BFGS: steps along a direction that recent changes of the gradient suggest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.grad_mode import enable_grad, no_grad
from ..device import module_of
from ..tensor import Tensor, wrap
from .line_search import strong_wolfe
from .optimizer import Optimizer, State, as_real, check_at_least


class LBFGS(Optimizer):
    """p += t · d with d = -H⁻¹g, H⁻¹ from the last ``history_size`` changes of p and g.

    With s the change of p, y that of g and ρ = 1 / yᵀs, the two-loop recursion gives d without
    forming H⁻¹ (Nocedal 1980). Each step runs ``closure`` several times: ``max_iter`` iterations
    and ``max_eval`` evaluations at most, until no element of g exceeds ``tolerance_grad`` or
    neither p nor the loss changes by more than ``tolerance_change``. t is lr, or is searched for
    (``line_search_fn="strong_wolfe"``).
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_at_least(0.0, lr=lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Moves all parameters; ``closure`` clears gradients, runs backward, gives the loss."""
        group = self.param_groups[0]
        state = self.state[group["params"][0]]
        if not state:
            state.update(func_evals=0, n_iter=0)
        first = self._evaluate(closure)
        loss, g, evaluations, done = float(first), self._gradient(), 1, 0
        state["func_evals"] += 1
        if float(abs(g).max()) <= group["tolerance_grad"]:
            return first
        while done < group["max_iter"]:
            done += 1
            state["n_iter"] += 1
            d = _direction(state, g, group["history_size"])
            t, slope = _first_rate(state, g, group["lr"]), float(g @ d)
            state.update(d=wrap(d), t=t, prev_flat_grad=wrap(g.copy()), prev_loss=loss)
            if slope > -group["tolerance_change"]:
                break
            last = done == group["max_iter"]
            left = group["max_eval"] - evaluations
            loss, g, t, used = self._move(closure, t, d, loss, g, slope, left, last)
            evaluations += used
            state.update(t=t, func_evals=state["func_evals"] + used)
            change = loss - state["prev_loss"]
            if last or evaluations >= group["max_eval"] or _settled(group, g, t, d, change):
                break
        return first

    def _move(
        self, closure: Any, t: Any, d: Any, loss: float, g: Any, slope: float, left: int, last: bool
    ) -> tuple[float, Any, Any, int]:
        """Goes along d; gives the loss and gradient there, the rate taken, the evaluations used."""
        search = self.param_groups[0]["line_search_fn"]
        if search is None:
            self._go(t, d)
            if last:  # nobody would look at the new gradient
                return loss, g, t, 0
            return *self._look(closure), t, 1
        if search != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        start = [p.array.copy() for p in self.param_groups[0]["params"]]

        def look(rate: float) -> tuple[float, Any]:
            self._go(rate, d)
            found = self._look(closure)
            for p, array in zip(self.param_groups[0]["params"], start, strict=True):
                p.array[...] = array
            return found

        loss, g, t, used = strong_wolfe(look, t, d, loss, g, slope, left)
        self._go(t, d)
        return loss, g, t, used

    def _look(self, closure: Callable[[], Any]) -> tuple[float, Any]:
        with enable_grad():
            return float(closure()), self._gradient()

    def _gradient(self) -> Any:
        """The gradients of all parameters in one line; zeros where there is none."""
        pieces = []
        for p in self.param_groups[0]["params"]:
            xp = module_of(p.array)
            g = xp.zeros_like(p.array) if p.grad is None else p.grad.array
            pieces.append((as_real(g) if g.dtype.kind == "c" else g).reshape(-1))
        return xp.concatenate(pieces)

    def _go(self, t: Any, d: Any) -> None:
        start = 0
        for p in self.param_groups[0]["params"]:
            array = as_real(p.array) if p.array.dtype.kind == "c" else p.array
            end = start + array.size
            array += (float(t) * d[start:end].reshape(array.shape)).astype(array.dtype)
            start = end
            p._counter[0] += 1


def _first_rate(state: State, g: Any, lr: Any) -> Any:
    """lr, but no more than the gradient's own size allows in the very first iteration."""
    if state["n_iter"] > 1:
        return lr
    return _scalar(g, min(1.0, 1.0 / float(abs(g).sum())) * float(lr))


def _direction(state: State, g: Any, history_size: int) -> Any:
    """-H⁻¹g by the two-loop recursion, after learning from what the last move changed."""
    if state["n_iter"] == 1:
        state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
        return -g
    _learn(state, g, history_size)
    changes = [
        (y.array, s.array, float(r))
        for y, s, r in zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True)
    ]
    weights = state.setdefault("al", [None] * history_size)
    d = -g
    for i, (y, s, rho) in reversed(list(enumerate(changes))):
        weights[i] = _scalar(g, float(s @ d) * rho)
        d -= float(weights[i]) * y
    d *= float(state["H_diag"])
    for i, (y, s, rho) in enumerate(changes):
        d += (float(weights[i]) - float(y @ d) * rho) * s
    return d


def _learn(state: State, g: Any, history_size: int) -> None:
    y = g - state["prev_flat_grad"].array
    s = state["d"].array * float(state["t"])
    product = float(y @ s)
    if product <= 1e-10:
        return
    for name, value in (("old_dirs", wrap(y)), ("old_stps", wrap(s)), ("ro", 1 / product)):
        if len(state[name]) == history_size:
            state[name].pop(0)
        state[name].append(value if isinstance(value, Tensor) else _scalar(g, value))
    state["H_diag"] = _scalar(g, product / float(y @ y))


def _settled(group: dict[str, Any], g: Any, t: Any, d: Any, gained: float) -> bool:
    """Whether the gradient is gone, or neither parameters nor loss change any more."""
    least = group["tolerance_change"]
    return (
        float(abs(g).max()) <= group["tolerance_grad"]
        or float(abs(d).max()) * float(t) <= least
        or abs(gained) < least
    )


def _scalar(like: Any, value: float) -> Tensor:
    """A number of the state, as PyTorch keeps it."""
    return wrap(np.asarray(value, like.dtype))
