"""Helpers for training: clipping gradients, and parameters as one vector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...autograd.grad_mode import no_grad
from ...device import module_of
from ...ops.join import cat
from ...tensor import Tensor, wrap
from . import rnn
from .weights import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "get_total_norm",
    "parameters_to_vector",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "spectral_norm",
    "vector_to_parameters",
    "weight_norm",
]


def _gradients(parameters: Any) -> list[Any]:
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p.grad for p in listed if p.grad is not None]


def _changed(t: Tensor) -> None:
    if t._counter is not None:
        t._counter[0] += 1


def get_total_norm(
    tensors: Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False, **_: Any
) -> Tensor:
    """The norm of all tensors together, as if they were one vector."""
    arrays = [t.array for t in ([tensors] if isinstance(tensors, Tensor) else tensors)]
    if not arrays:
        return Tensor([0.0]).sum()  # type: ignore[attr-defined]
    xp, p = module_of(arrays[0]), float(norm_type)
    if p == 2:  # a dot product needs no array in between
        each = [xp.sqrt(xp.dot(flat, flat)) for flat in (a.reshape(-1) for a in arrays)]
    else:
        each = [xp.linalg.norm(a.reshape(-1), p) for a in arrays]
    total = xp.linalg.norm(xp.stack(each), p)
    if error_if_nonfinite and not bool(xp.isfinite(total)):
        raise RuntimeError(
            f"The total norm of order {p} for gradients from `parameters` is non-finite, so it "
            "cannot be clipped. To disable this error and scale the gradients by the non-finite "
            "norm anyway, set `error_if_nonfinite=False`"
        )
    return wrap(xp.asarray(total, dtype=arrays[0].dtype))


def clip_grad_norm_(
    parameters: Iterable[Tensor] | Tensor,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scales all gradients so that their norm together is at most ``max_norm``; returns the norm.

    g *= min(1, max_norm / (norm + 1e-6)).
    """
    gradients = _gradients(parameters)
    total = get_total_norm(gradients, norm_type, error_if_nonfinite)
    if gradients:
        xp = module_of(total.array)
        scale = xp.minimum(float(max_norm) / (total.array + 1e-6), 1.0)
        for g in gradients:
            g.array *= scale.astype(g.array.dtype)
            _changed(g)
    return total


def clip_grad_value_(
    parameters: Iterable[Tensor] | Tensor, clip_value: float, foreach: bool | None = None
) -> None:
    """Cuts every element of the gradients off to [-clip_value, clip_value]."""
    bound = float(clip_value)
    for g in _gradients(parameters):
        module_of(g.array).clip(g.array, -bound, bound, out=g.array)
        _changed(g)


def parameters_to_vector(parameters: Iterable[Any]) -> Tensor:
    """All parameters, one after the other, as one vector."""
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Gives the parameters the values of a vector, in their order."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    start = 0
    with no_grad():
        for p in parameters:
            part = vec.array[start : start + p.numel()].reshape(tuple(p.shape))
            p.data = wrap(part.astype(p.array.dtype))
            start += p.numel()
