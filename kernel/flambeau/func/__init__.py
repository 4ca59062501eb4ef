"""Functions of functions: gradients, Jacobians and ``vmap``; mirrors ``torch.func``."""

from typing import Any

from ..left_out import explains
from .jacobians import hessian, jacfwd, jacrev
from .mapping import vmap
from .transforms import grad, grad_and_value, jvp, linearize, vjp

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "vjp",
    "vmap",
]

_OF_MODULES = ("functional_call", "replace_all_batch_norm_modules_", "stack_module_state")


def __getattr__(name: str) -> Any:
    """The functions that know of modules, which stand on all that is here."""
    if name in _OF_MODULES:
        from . import stateless

        return getattr(stateless, name)
    return explains(__name__)(name)
