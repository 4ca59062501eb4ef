"""Pruning: weights that count for little are set to zero by a mask, and stay zero in training.

Pruning ``weight`` makes it a parameter ``weight_orig`` and a buffer ``weight_mask``; before each
forward ``weight`` is their product. Pruning again prunes what is left.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from numbers import Integral, Real
from typing import Any, ClassVar

from ...ops.creation import ones_like
from ...ops.random import rand_like
from ...tensor import Tensor
from .convert_parameters import parameters_to_vector


def _hooks(module: Any) -> list[Any]:
    """The hooks of a module that prune it, each with the number that it stands under."""
    hooks = module._forward_pre_hooks.items()
    return [(i, hook) for i, hook in hooks if isinstance(hook, BasePruningMethod)]


class BasePruningMethod(ABC):
    """A way to prune; a subclass says which entries stay (``compute_mask``)."""

    PRUNING_TYPE: ClassVar[str] = "unstructured"  # or "structured": whole channels; or "global"
    _tensor_name: str

    def __call__(self, module: Any, inputs: Any) -> None:
        """Runs before each forward."""
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask for a tensor of importance scores, within the mask that there is already."""

    def apply_mask(self, module: Any) -> Any:
        """The original times the mask."""
        original = getattr(module, f"{self._tensor_name}_orig")
        return getattr(module, f"{self._tensor_name}_mask").to(original.dtype) * original

    @classmethod
    def apply(
        cls, module: Any, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any
    ) -> Any:
        """Prunes the parameter of that name, by its own values or by ``importance_scores``."""
        value = getattr(module, name)
        scores = value if importance_scores is None else importance_scores
        if scores.shape != value.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, "
                f"got {scores.shape} vs {value.shape}"
            )
        method: Any = cls(*args, **kwargs)
        method._tensor_name = name
        before = next((h for h in _hooks(module) if h[1]._tensor_name == name), None)
        if before is None:
            mask = method.compute_mask(scores, default_mask=ones_like(value))
            del module._parameters[name]
            module.register_parameter(f"{name}_orig", value)
        else:
            at, old = before
            joined = old if isinstance(old, PruningContainer) else PruningContainer(old)
            joined.add_pruning_method(method)
            method, mask = joined, getattr(module, f"{name}_mask").detach().clone()
            mask = method.compute_mask(scores, default_mask=mask)
            del module._forward_pre_hooks[at]
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Any, default_mask: Any = None, importance_scores: Any = None) -> Any:
        """A tensor times the mask that the method finds for it."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError(
                "importance_scores should have the same shape as tensor t, got "
                f"{scores.shape} vs {t.shape}"
            )
        mask = ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=mask)

    def remove(self, module: Any) -> None:
        """Makes the pruned tensor an ordinary parameter; its zeros stay."""
        name, pruned = self._tensor_name, self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original = module._parameters.pop(f"{name}_orig")
        original.data = pruned.data
        del module._buffers[f"{name}_mask"]
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Several prunings of one tensor, one after the other."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[Any, ...] = ()
        if len(args) == 1:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Adds one that prunes the same tensor."""
        if method is not None and not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask with what the last method takes away of the entries or channels left."""
        method = self._pruning_methods[-1]
        mask = default_mask.to(t.dtype)
        left = self._left(method, t, default_mask)
        found = method.compute_mask(t[left], default_mask=default_mask[left])
        mask[left] = found.to(mask.dtype)
        return mask

    def _left(self, method: Any, t: Any, mask: Any) -> Any:
        """An index of what is not pruned yet."""
        if method.PRUNING_TYPE == "unstructured":
            return mask == 1
        index: list[Any] = [slice(None)] * t.ndim
        if method.PRUNING_TYPE == "structured":
            if not hasattr(method, "dim"):
                raise AttributeError(
                    'Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` '
                    "defined."
                )
            if method.dim < -t.ndim:
                raise IndexError(f"Index is out of bounds for tensor with dimensions {t.ndim}")
            dim = method.dim % t.ndim
            index[dim] = mask.sum(dim=[d for d in range(t.ndim) if d != dim]) != 0
        elif method.PRUNING_TYPE != "global":
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        return tuple(index)


class Identity(BasePruningMethod):
    """Prunes nothing, and makes the mask."""

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask as it is."""
        return default_mask


class _Amount(BasePruningMethod):
    """``amount``: how many entries or channels go, as a number or as a share of them."""

    def __init__(self, amount: Any) -> None:
        if not isinstance(amount, Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        whole = isinstance(amount, Integral)
        if float(amount) < 0 or (not whole and float(amount) > 1):
            raise ValueError(
                f"amount={amount} should either be a float in the range [0, 1] or a non-negative "
                "integer"
            )
        self.amount: Any = amount

    def _count(self, size: int) -> int:
        if not isinstance(self.amount, Integral):
            return round(self.amount * size)
        count = int(self.amount)
        if count > size:
            raise ValueError(
                f"amount={self.amount} should be smaller than the number of parameters to "
                f"prune={size}"
            )
        return count

    def _lowest(self, scores: Any) -> Any:
        """The places of the lowest scores."""
        count = self._count(scores.numel())
        return scores.reshape(-1).topk(count, largest=False)[1]

    def _without(self, t: Any, mask: Any, scores: Any) -> Any:
        """The mask without the entries of the lowest scores."""
        flat = mask.clone().reshape(-1)
        flat[self._lowest(scores)] = 0
        return flat.reshape(mask.shape)


class RandomUnstructured(_Amount):
    """Prunes entries drawn at random."""

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without some entries."""
        return self._without(t, default_mask, rand_like(t))


class L1Unstructured(_Amount):
    """Prunes the entries nearest to zero."""

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without the entries of smallest |t|."""
        return self._without(t, default_mask, t.abs())


class _Structured(_Amount):
    PRUNING_TYPE = "structured"
    dim: int

    def _channels(self, t: Any) -> list[int]:
        """The dimensions within a channel; errors if there are no channels."""
        if t.ndim <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor "
                f"of shape {t.shape} with {t.ndim} dims"
            )
        if not -t.ndim <= self.dim < t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        return [d for d in range(t.ndim) if d != self.dim % t.ndim]

    def _without_channels(self, t: Any, mask: Any, scores: Any) -> Any:
        lowest = self._lowest(scores)
        return mask.index_fill(self.dim, lowest, 0) if lowest.numel() else mask


class RandomStructured(_Structured):
    """Prunes whole channels along ``dim``, drawn at random."""

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without some channels."""
        self._channels(t)
        scores = rand_like(t.select(self.dim, 0).new_empty((t.shape[self.dim],)))
        return self._without_channels(t, default_mask, scores)


class LnStructured(_Structured):
    """Prunes the channels along ``dim`` whose Lₙ norm is smallest."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount)
        self.n, self.dim = n, dim

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without the channels of smallest norm."""
        scores = t.norm(self.n, self._channels(t))
        return self._without_channels(t, default_mask, scores)


class CustomFromMask(BasePruningMethod):
    """Prunes what a given mask says."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Any) -> None:
        self.mask = mask

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """Both masks together."""
        return default_mask * self.mask.to(default_mask.dtype)


def identity(module: Any, name: str) -> Any:
    """Gives a parameter a mask that prunes nothing; returns the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: float) -> Any:
    """Prunes entries drawn at random: ``amount`` of them, or that share; returns the module."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: Any, name: str, amount: float, importance_scores: Tensor | None = None
) -> Any:
    """Prunes the entries nearest to zero; returns the module.

    >>> layer = nn.Linear(4, 5)
    >>> int((l1_unstructured(layer, "weight", amount=0.25).weight == 0).sum())
    5
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: float, dim: int) -> Any:
    """Prunes channels along ``dim``, drawn at random; returns the module."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Any,
    name: str,
    amount: float,
    n: Any,
    dim: int,
    importance_scores: Tensor | None = None,
) -> Any:
    """Prunes the channels along ``dim`` whose Lₙ norm is smallest; returns the module."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Any, name: str, mask: Tensor) -> Any:
    """Prunes where ``mask`` is 0; returns the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Any, str]],
    pruning_method: Any,
    importance_scores: dict[tuple[Any, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prunes several parameters, given as (module, name), as if they were one vector."""
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    given = {} if importance_scores is None else importance_scores
    if not isinstance(given, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    values = [getattr(module, name) for module, name in pairs]
    scores = [given.get(pair, value) for pair, value in zip(pairs, values, strict=True)]
    masks = [
        getattr(module, f"{name}_mask", ones_like(value))
        for (module, name), value in zip(pairs, values, strict=True)
    ]
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    method._tensor_name = "all"
    vector = PruningContainer(method).compute_mask(
        parameters_to_vector(scores), parameters_to_vector(masks)
    )
    parts = vector.split([value.numel() for value in values])
    for (module, name), value, part in zip(pairs, values, parts, strict=True):
        custom_from_mask(module, name, part.reshape(value.shape))


def remove(module: Any, name: str) -> Any:
    """Makes a pruned parameter an ordinary one, its zeros kept; returns the module.

    >>> layer = l1_unstructured(nn.Linear(4, 5), "weight", amount=3)
    >>> is_pruned(layer), is_pruned(remove(layer, "weight"))
    (True, False)
    """
    for at, hook in _hooks(module):
        if hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[at]
            return module
    raise ValueError(
        f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
    )


def is_pruned(module: Any) -> bool:
    """Whether anything in a module is pruned."""
    return any(_hooks(inner) for inner in module.modules())
