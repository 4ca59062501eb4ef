"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..nn.module import Module
from ..ops.registry import OPS
from ..tensor import Tensor


class _Swapped:
    """Inside it, a module has these tensors for its parameters and buffers."""

    def __init__(self, module: Module, tensors: dict[str, Tensor], tie: bool, strict: bool) -> None:
        own: dict[str, Any] = dict(module.named_parameters(remove_duplicate=False))
        own.update(module.named_buffers(remove_duplicate=False))
        self._check(own, tensors, strict)
        if tie:
            tensors = _tied(own, tensors)
        self.places = [
            (_owner(module, name), value) for name, value in tensors.items() if name in own
        ]
        self.before: list[Any] = []

    @staticmethod
    def _check(own: dict[str, Any], tensors: dict[str, Tensor], strict: bool) -> None:
        unknown = [name for name in tensors if name not in own]
        missing = [name for name in own if name not in tensors]
        if strict and (unknown or missing):
            raise RuntimeError(
                "Error(s) in loading parameters: "
                + (f"Unexpected key(s): {', '.join(map(repr, unknown))}. " if unknown else "")
                + (f"Missing key(s): {', '.join(map(repr, missing))}." if missing else "")
            )

    def __enter__(self) -> None:
        self.before = []
        for (home, name), value in self.places:
            self.before.append(home[name])
            home[name] = value

    def __exit__(self, *_: object) -> None:
        for ((home, name), _value), before in zip(self.places, self.before, strict=True):
            home[name] = before


def _owner(module: Module, path: str) -> tuple[Any, str]:
    """The table of a submodule in which a parameter or buffer stands, and its name there."""
    *way, name = path.split(".")
    for step in way:
        module = getattr(module, step)
    home = module._parameters if name in module._parameters else module._buffers
    return home, name


def _tied(own: dict[str, Any], tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, also under the other names of those that a module has under several."""
    names: dict[int, list[str]] = {}
    for name, t in own.items():
        if t is not None:
            names.setdefault(id(t), []).append(name)
    made = dict(tensors)
    for group in names.values():
        given = [n for n in group if n in tensors]
        if len({id(tensors[n]) for n in given}) > 1:
            raise ValueError(
                f"functional_call got values for both {given[0]} and {given[1]}, which are tied. "
                "Consider using tie_weights=False"
            )
        for n in group if given else ():
            made[n] = tensors[given[0]]
    return made


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Calls a module with other tensors for its parameters and buffers, by name.

    Mirrors ``torch.func.functional_call``.
    """
    given = parameter_and_buffer_dicts
    if isinstance(given, dict):
        tensors = given
    elif isinstance(given, Sequence) and all(isinstance(d, dict) for d in given):
        names = [name for d in given for name in d]
        repeated = {n for n in names if names.count(n) > 1}
        if repeated:
            raise ValueError(
                f"{sorted(repeated)} appeared in multiple dictionaries; behavior of "
                "functional call is ambiguous"
            )
        tensors = {name: t for d in given for name, t in d.items()}
    else:
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(given)}"
        )
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _Swapped(module, tensors, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def stack_module_state(models: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and buffers of several modules of one kind, stacked, by name.

    Mirrors ``torch.func.stack_module_state``.
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({m.training for m in models}) > 1:
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if len({type(m) for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")

    def stacked(tensors: list[Any]) -> Tensor:
        wants = {t.requires_grad for t in tensors}
        if len(wants) > 1:
            raise RuntimeError(
                "Expected all models to have the same requires_grad for each parameter"
            )
        return OPS["stack"](tensors, 0).detach().requires_grad_(wants.pop())

    parameters = [dict(m.named_parameters()) for m in models]
    buffers = [dict(m.named_buffers()) for m in models]
    return (
        {name: stacked([p[name] for p in parameters]) for name in parameters[0]},
        {name: stacked([b[name] for b in buffers]) for name in buffers[0]},
    )


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Has all batch norms below use the statistics of their batch alone, which vmap asks for.

    Mirrors ``torch.func.replace_all_batch_norm_modules_``.
    """
    for module in root.modules():
        if "running_mean" in module._buffers and hasattr(module, "track_running_stats"):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
