"""Muon: momentum whose matrix is made nearly orthogonal before each step."""

from __future__ import annotations

import math
from typing import Any

from ..tensor import Tensor
from .optimizer import Optimizer, State, state_array


class Muon(Optimizer):
    """b = μb + (1-μ)g; p = (1 - lr · weight_decay)p - lr' · orthogonal(b), for matrices only.

    ``nesterov`` takes (1-μ)g + μb in place of b. ``orthogonal`` brings all singular values near to
    1 by ``ns_steps`` rounds of X = aX + (bA + cA²)X with A = XXᵀ (Newton and Schulz), a, b, c being
    ``ns_coefficients``. ``adjust_lr_fn``: for a matrix of m × n lr' is lr · √max(1, m/n)
    ("original", also None) or 0.2 · lr · √max(m, n) ("match_rms_adamw") (Jordan et al. 2024).

    >>> w = nn.Parameter(fb.eye(2))
    >>> (w * w).sum().backward()
    >>> fb.optim.Muon([w], lr=0.1).step()
    >>> w.data[0, 0] < 1
    tensor(True)
    """

    _takes_complex = False

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        _check(lr, momentum, weight_decay, adjust_lr_fn)
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ValueError(
                        "Muon only supports 2D parameters whereas we found a parameter with "
                        f"size: {p.size()}"
                    )

    def _update(self, xp: Any, p: Any, g: Any, state: State, group: dict[str, Any]) -> None:
        lr, momentum = float(group["lr"]), group["momentum"]
        b = state_array(state, "momentum_buffer", p)
        b += (1 - momentum) * (g - b)
        step = g + momentum * (b - g) if group["nesterov"] else b
        m, n = p.shape
        ratio = math.sqrt(max(1, m / n))
        if group["adjust_lr_fn"] == "match_rms_adamw":
            ratio = 0.2 * math.sqrt(max(m, n))
        p *= 1 - lr * group["weight_decay"]
        p -= lr * ratio * _orthogonal(xp, step, group)


def _orthogonal(xp: Any, matrix: Any, group: dict[str, Any]) -> Any:
    """It needs no precision: PyTorch computes it in bfloat16, and so do we, to agree with it."""
    a, b, c = _coefficients(group)
    wide = matrix.shape[0] <= matrix.shape[1]
    x = _short(xp, matrix if wide else matrix.T)
    x = _short(xp, x / xp.maximum(_short(xp, xp.sqrt((x * x).sum())), group["eps"]))
    for _ in range(group["ns_steps"]):
        gram = _short(xp, x @ x.T)
        change = _short(xp, b * gram + c * (gram @ gram))
        x = _short(xp, a * x + change @ x)
    return (x if wide else x.T).astype(matrix.dtype)


def _short(xp: Any, x: Any) -> Any:
    """Rounded to the eight significant bits of bfloat16, in float32."""
    bits = xp.ascontiguousarray(x, dtype=xp.float32).reshape(x.shape).view(xp.uint32)
    bits = bits + 0x7FFF + ((bits >> 16) & 1)  # to the nearest, ties to even
    return (bits & 0xFFFF0000).view(xp.float32)


def _coefficients(group: dict[str, Any]) -> tuple[float, float, float]:
    if group["ns_steps"] >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(group["ns_coefficients"]) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    return group["ns_coefficients"]


def _check(lr: Any, momentum: float, weight_decay: float, adjust: str | None) -> None:
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not lr >= 0:
        raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
    if not momentum >= 0:
        raise ValueError(f"momentum should be >= 0 but is: {momentum}")
    if not weight_decay >= 0:
        raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
    if adjust not in (None, "original", "match_rms_adamw"):
        raise ValueError(f"Adjust learning rate function {adjust} is not supported")
