"""Modules as functions of their parameters."""

from __future__ import annotations

from typing import Any

from ..nn.module import Module
from ..nn.utils.stateless import call_with
from ..ops.registry import OPS
from ..tensor import Tensor


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

    >>> layer = nn.Linear(2, 1, bias=False)
    >>> fb.func.functional_call(layer, {"weight": fb.tensor([[1.0, 10.0]])}, fb.tensor([3.0, 4.0]))
    tensor([43.])
    """
    given = parameter_and_buffer_dicts
    if not (isinstance(given, dict) or _all_dicts(given)):
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(given)}"
        )
    return call_with(module, given, args, kwargs, tie_weights=tie_weights, strict=strict)


def _all_dicts(given: Any) -> bool:
    return isinstance(given, (list, tuple)) and all(isinstance(d, dict) for d in given)


def stack_module_state(models: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and buffers of several modules of one kind, stacked, by name.

    Mirrors ``torch.func.stack_module_state``.

    >>> parameters, buffers = fb.func.stack_module_state([nn.Linear(2, 3) for _ in range(5)])
    >>> parameters["weight"].shape
    torch.Size([5, 3, 2])
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
