"""Weights made of other parameters before each forward: weight and spectral normalisation."""

from __future__ import annotations

from typing import Any

from ...autograd.grad_mode import no_grad
from ...ops.creation import empty
from ..parameter import Parameter


def length_but(v: Any, dim: int | None) -> Any:
    """The norm over all dimensions but one, or over all."""
    if dim is None:
        return v.norm()
    others = tuple(d for d in range(v.ndim) if d != dim % v.ndim)
    return v.norm(2, others, keepdim=True) if others else v.abs()


class _WeightNorm:
    """The hook that makes ``weight`` of its length and direction."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, dim

    def compute(self, module: Any) -> Any:
        """g · v / ‖v‖."""
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / length_but(v, self.dim))

    def __call__(self, module: Any, inputs: Any) -> None:
        """Runs before each forward."""
        setattr(module, self.name, self.compute(module))


def _add(module: Any, name: str, hook: Any) -> Any:
    """Puts the hook in place of the parameter, which is returned."""
    for known in module._forward_pre_hooks.values():
        if type(known) is type(hook) and known.name == name:
            kind = "weight_norm" if isinstance(hook, _WeightNorm) else "spectral_norm"
            raise RuntimeError(f"Cannot register two {kind} hooks on the same parameter {name}")
    return module._parameters.pop(name)


def _remove(module: Any, name: str, kind: Any, parts: tuple[str, ...]) -> Any:
    """Makes the parameter anew from its parts, which are forgotten."""
    for at, hook in list(module._forward_pre_hooks.items()):
        if isinstance(hook, kind) and hook.name == name:
            with no_grad():
                weight = hook.compute(module)
            del module._forward_pre_hooks[at]
            for part in (name, *(f"{name}_{p}" for p in parts)):
                if hasattr(module, part):
                    delattr(module, part)
            module.register_parameter(name, Parameter(weight.detach()))
            return module
    raise ValueError(f"the normalisation of '{name}' not found in {module}")


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Splits a weight into a length ``weight_g`` and a direction ``weight_v``.

    weight = g · v / ‖v‖ (Salimans & Kingma 2016); one length for each entry along ``dim``.
    """
    hook = _WeightNorm(name, None if dim == -1 else dim)
    weight = _add(module, name, hook)
    module.register_parameter(f"{name}_g", Parameter(length_but(weight, hook.dim).detach()))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    hook(module, None)
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Makes one parameter again of the two that `weight_norm` made."""
    return _remove(module, name, _WeightNorm, ("g", "v"))


class _SpectralNorm:
    """The hook that divides a weight by its largest singular value."""

    def __init__(self, name: str, steps: int, eps: float, dim: int) -> None:
        self.name, self.steps, self.eps, self.dim = name, steps, eps, dim

    def matrix(self, weight: Any) -> Any:
        """The weight as a matrix with ``dim`` as its rows."""
        if self.dim:
            weight = weight.movedim(self.dim, 0)
        return weight.reshape(weight.shape[0], -1)

    def unit(self, x: Any) -> Any:
        """x divided by its length."""
        return x / x.norm().clamp(self.eps)

    def compute(self, module: Any, steps: int = 0) -> Any:
        """The weight divided by uᵀ W v, after some steps of power iteration for u and v."""
        weight = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = self.matrix(weight)
        with no_grad():
            for _ in range(steps):
                v.copy_(self.unit(matrix.t() @ u))
                u.copy_(self.unit(matrix @ v))
            if steps:  # the graph keeps these; the next forward overwrites the buffers
                u, v = u.clone(), v.clone()
        return weight / (u @ (matrix @ v))

    def __call__(self, module: Any, inputs: Any) -> None:
        """Runs before each forward."""
        weight = self.compute(module, self.steps if module.training else 0)
        setattr(module, self.name, weight)


def spectral_norm(
    module: Any,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Any:
    """Divides a weight by its largest singular value before each forward (Miyato et al. 2018)."""
    if n_power_iterations <= 0:
        raise ValueError(
            "Expected n_power_iterations to be positive, but got "
            f"n_power_iterations={n_power_iterations}"
        )
    if dim is None:
        dim = int("Transpose" in type(module).__name__)
    hook = _SpectralNorm(name, n_power_iterations, eps, dim)
    weight = _add(module, name, hook)
    with no_grad():
        matrix = hook.matrix(weight)
        made = {"dtype": weight.dtype, "device": weight.device}
        parts = [hook.unit(empty(n, **made).normal_()) for n in matrix.shape]
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    for part, values in zip("uv", parts, strict=True):
        module.register_buffer(f"{name}_{part}", values)
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Makes the normalised weight a parameter again."""
    return _remove(module, name, _SpectralNorm, ("orig", "u", "v"))
