"""Adafactor: adaptive steps that remember a row and a column in place of a whole matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..tensor import Tensor
from .optimizer import Optimizer, State, count_step, state_array


class Adafactor(Optimizer):
    """p -= α · U / max(1, rms(U) / d) with U = g / √v, v = R·C / mean(R) (Shazeer & Stern 2018).

    R and C are running means of g² along rows and columns (tensors of fewer than two dimensions
    keep v itself), whose newest part weighs t^beta2_decay. α = max(eps₂, rms(p)) · min(lr, 1/√t),
    and eps₁ (the dtype's own where it is None) keeps v from zero. ``weight_decay`` first shrinks p
    by lr · weight_decay.

    >>> w = nn.Parameter(fb.tensor([3.0]))
    >>> (w * w).sum().backward()
    >>> fb.optim.Adafactor([w], lr=0.1).step()
    >>> w.data
    tensor([2.7000])
    """

    _takes_complex = False

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        _check(lr, beta2_decay, eps, d, weight_decay)
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _update(self, xp: Any, p: Any, g: Any, state: State, group: dict[str, Any]) -> None:
        (eps1, eps2), lr = group["eps"], float(group["lr"])
        if eps1 is None:
            eps1 = float(np.finfo(p.dtype).eps)
        t = count_step(state)
        alpha = max(eps2, _rms(xp, p)) * min(lr, 1 / math.sqrt(t))
        if group["weight_decay"] != 0:
            p *= 1 - lr * group["weight_decay"]
        v = _variance(xp, g, state, t ** group["beta2_decay"], eps1)
        step = g / xp.sqrt(xp.maximum(v, eps1 * eps1))
        p -= alpha / max(1.0, _rms(xp, step) / group["d"]) * step


def _variance(xp: Any, g: Any, state: State, share: float, eps: float) -> Any:
    """The estimate of g² from what is remembered, which first learns from this g."""
    square = g * g
    if g.ndim < 2:
        return _averaged(state, "variance", square, share)
    row = _averaged(state, "row_var", square.mean(axis=-1, keepdims=True), share)
    column = _averaged(state, "col_var", square.mean(axis=-2, keepdims=True), share)
    return row @ column / xp.maximum(row.mean(axis=-2, keepdims=True), eps)


def _averaged(state: State, name: str, value: Any, share: float) -> Any:
    mean = state_array(state, name, value)
    mean += share * (value - mean)
    return mean


def _rms(xp: Any, x: Any) -> float:
    """The root of the mean square."""
    return float(xp.sqrt((x * x).sum())) / math.sqrt(x.size)


def _check(lr: Any, beta2_decay: float, eps: Any, d: float, weight_decay: float) -> None:
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not lr >= 0:
        raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
    if not beta2_decay <= 0:
        raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
    if eps[0] is not None and not eps[0] >= 0:
        raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
    if not eps[1] >= 0:
        raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
    if not d >= 1:
        raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
    if not weight_decay >= 0:
        raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
