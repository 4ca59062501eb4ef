"""What a call returns, with places for the tensors that its program gives."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor, wrap


class Result:
    """A place where a tensor of the program stands."""

    def __init__(self, index: int) -> None:
        self.index = index


class Same:
    """A place where an argument, or a tensor from before the call, stands."""

    def __init__(self, tensor: Any = None, position: int = -1) -> None:
        self.tensor, self.position = tensor, position


def filled(
    template: Any, tensors: dict[int, Any], arguments: Any, arrays: Any, wrap: Any = wrap
) -> Any:
    """What is returned: ``tensors`` in their places, other results made of ``arrays``."""
    kind = template.__class__
    if kind is Result:
        found = tensors.get(template.index)
        return wrap(arrays[template.index]) if found is None else found
    if kind is Same:
        return template.tensor if template.position < 0 else arguments[template.position]
    if kind in (tuple, list):
        return kind(filled(t, tensors, arguments, arrays, wrap) for t in template)
    if kind is dict:
        return {k: filled(t, tensors, arguments, arrays, wrap) for k, t in template.items()}
    if isinstance(template, tuple):
        return kind(*(filled(t, tensors, arguments, arrays, wrap) for t in template))
    return template


def wrapper(program: Any) -> Any:
    """What makes tensors of results: in inference mode those count no versions."""
    if not getattr(program, "inference", False):
        return wrap

    def uncounted(array: Any) -> Tensor:
        t = wrap(array)
        t._counter = None
        return t

    return uncounted
