"""A module called with other parameters than its own, which it keeps."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

from ...tensor import Tensor

__all__ = ["functional_call"]


def functional_call(
    module: Any,
    parameters_and_buffers: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """As ``func.functional_call``, under its older name."""
    warnings.warn(
        "`nn.utils.stateless.functional_call` is deprecated. Please use `func.functional_call`",
        FutureWarning,
        stacklevel=2,
    )
    given = parameters_and_buffers
    return call_with(module, given, args, kwargs, tie_weights=tie_weights, strict=strict)


def call_with(
    module: Any,
    given: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Calls a module with tensors, given by name, in the place of its parameters and buffers.

    ``tie_weights``: parameters that are one tensor in the module stay one. ``strict``: every name
    must be given, and no other. ``args`` may be one argument or a tuple of them.
    """
    if isinstance(given, (list, tuple)):
        given = _joined(given)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    own = dict(
        chain(
            module.named_parameters(remove_duplicate=False),
            module.named_buffers(remove_duplicate=False),
        )
    )
    if tie_weights:
        given = _tied(own, given)
    if strict:
        _check_names(module, own, given)
    with _swapped(module, given):
        return module(*args, **(kwargs or {}))


def _joined(parts: Any) -> dict[str, Any]:
    names = [name for part in parts for name in part]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(
            f"{twice} appeared in multiple dictionaries; behavior of functional call is ambiguous"
        )
    return {name: value for part in parts for name, value in part.items()}


def _tied(own: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What is given, with one tensor for all names of one parameter."""
    groups: dict[int, list[str]] = {}
    for name, tensor in own.items():
        groups.setdefault(id(tensor), []).append(name)
    made = dict(given)
    for names in groups.values():
        found = [name for name in names if name in given]
        if any(given[name] is not given[found[0]] for name in found):
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(found)}, which are tied. "
                "Consider using tie_weights=False"
            )
        if found:
            made.update((name, given[found[0]]) for name in names)
    return made


def _check_names(module: Any, own: Any, given: Any) -> None:
    text = ""
    for title, names in (("Unexpected", set(given) - set(own)), ("Missing", set(own) - set(given))):
        if names:
            text += f"\n\t{title} key(s): {', '.join(map(repr, sorted(names)))}."
    if text:
        raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:{text}")


@contextmanager
def _swapped(module: Any, given: dict[str, Any]) -> Iterator[None]:
    """The tensors in their places, and the module's own there again afterwards."""
    before: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for path, tensor in given.items():
            if not isinstance(tensor, Tensor):
                raise TypeError(f"{tensor} is not an instance of torch.Tensor")
            owner, _, name = path.rpartition(".")
            holder = module.get_submodule(owner)
            space = next((s for s in (holder._parameters, holder._buffers) if name in s), None)
            if space is not None:
                before.append((space, name, space[name]))
                space[name] = tensor
        yield
    finally:
        for space, name, tensor in reversed(before):
            space[name] = tensor
