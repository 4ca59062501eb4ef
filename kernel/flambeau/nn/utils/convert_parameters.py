"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...autograd.grad_mode import no_grad
from ...ops.join import cat
from ...tensor import Tensor, wrap

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def _on_one_device(parameters: Iterable[Any]) -> list[Any]:
    listed = list(parameters)
    if len({str(p.device) for p in listed}) > 1:
        raise TypeError(
            "Found two parameters on different devices, this is currently not supported."
        )
    return listed


def parameters_to_vector(parameters: Iterable[Any]) -> Tensor:
    """All parameters, one after the other, as one vector.

    >>> nn.utils.parameters_to_vector(nn.Linear(4, 2).parameters()).shape
    torch.Size([10])
    """
    return cat([p.reshape(-1) for p in _on_one_device(parameters)])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Gives the parameters the values of a vector, in their order."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    start = 0
    with no_grad():
        for p in _on_one_device(parameters):
            part = vec.array[start : start + p.numel()].reshape(tuple(p.shape))
            p.data = wrap(part)
            start += p.numel()
