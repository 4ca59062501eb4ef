"""Gradients kept from growing too long."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from ...device import module_of
from ...tensor import Tensor, wrap

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
]


def _gradients(parameters: Any) -> list[Any]:
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p.grad for p in listed if p.grad is not None]


def _changed(t: Tensor) -> None:
    if t._counter is not None:
        t._counter[0] += 1


def get_total_norm(
    tensors: Iterable[Tensor] | Tensor,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all tensors together, as if they were one vector."""
    listed: Any = [tensors] if isinstance(tensors, Tensor) else tensors
    arrays = [t.array for t in listed]
    if not arrays:
        return Tensor([0.0]).sum()  # type: ignore[attr-defined]
    xp, p = module_of(arrays[0]), float(norm_type)
    if p == 2:  # a dot product needs no array in between
        each = [xp.sqrt(xp.vdot(a, a).real) for a in arrays]
    else:
        each = [xp.linalg.norm(a.reshape(-1), p) for a in arrays]
    total = xp.linalg.norm(xp.stack(each), p)
    if error_if_nonfinite and not bool(xp.isfinite(total)):
        raise RuntimeError(
            f"The total norm of order {p} for gradients from `parameters` is non-finite, so it "
            "cannot be clipped. To disable this error and scale the gradients by the non-finite "
            "norm anyway, set `error_if_nonfinite=False`"
        )
    return wrap(xp.asarray(total, dtype=arrays[0].real.dtype))


def clip_grads_with_norm_(
    parameters: Iterable[Tensor] | Tensor,
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """Scales all gradients by min(1, max_norm / (total_norm + 1e-6)), in place."""
    gradients = _gradients(parameters)
    if gradients:
        xp = module_of(total_norm.array)
        scale = xp.minimum(float(max_norm) / (total_norm.array + 1e-6), 1.0)
        for g in gradients:
            g.array *= scale.astype(g.array.dtype)
            _changed(g)


def clip_grad_norm_(
    parameters: Iterable[Tensor] | Tensor,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scales all gradients so that their norm together is at most ``max_norm``; returns the norm.

    g *= min(1, max_norm / (norm + 1e-6)).

    >>> w = nn.Parameter(fb.zeros(2))
    >>> w.grad = fb.tensor([3.0, 4.0])
    >>> nn.utils.clip_grad_norm_([w], max_norm=1.0), w.grad
    (tensor(5.), tensor([0.6000, 0.8000]))
    """
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not listed:
        warnings.warn(
            "`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2
        )
    total = get_total_norm(_gradients(listed), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(listed, max_norm, total)
    return total


def clip_grad_norm(
    parameters: Iterable[Tensor] | Tensor,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The old name of `clip_grad_norm_`."""
    warnings.warn(
        "`nn.utils.clip_grad_norm` is now deprecated in favor of `nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(
    parameters: Iterable[Tensor] | Tensor, clip_value: float, foreach: bool | None = None
) -> None:
    """Cuts every element of the gradients off to [-clip_value, clip_value].

    >>> w = nn.Parameter(fb.zeros(2))
    >>> w.grad = fb.tensor([3.0, -0.5])
    >>> nn.utils.clip_grad_value_([w], 1.0)
    >>> w.grad
    tensor([ 1.0000, -0.5000])
    """
    bound = float(clip_value)
    for g in _gradients(parameters):
        module_of(g.array).clip(g.array, -bound, bound, out=g.array)
        _changed(g)
