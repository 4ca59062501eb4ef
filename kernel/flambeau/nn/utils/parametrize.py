"""Parameters computed from others: `register_parametrization` puts a module in front of a tensor.

``module.weight`` then is what ``parametrization(original)`` gives, computed at each access (once
inside `cached`); ``original`` is the parameter that is learned.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ...autograd.grad_mode import no_grad
from ...tensor import Tensor
from ..containers import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_caches: list[dict[tuple[int, str], Tensor]] = []  # of the `cached` blocks that are open


@contextmanager
def cached() -> Iterator[None]:
    """Inside it each parametrized tensor is computed once, at its first access."""
    _caches.append(_caches[-1] if _caches else {})
    try:
        yield
    finally:
        _caches.pop()


def _register(module: Any, name: str, tensor: Any) -> None:
    """Registers a tensor as what it is."""
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, first one first, and the parameters they start from.

    These are ``original``, or ``original0``, ``original1``, … where the ``right_inverse`` of the
    first parametrization gives several tensors. Calling it gives the parametrized tensor.
    """

    def __init__(
        self, modules: Sequence[Module], original: Tensor | Parameter, unsafe: bool = False
    ) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more parametrizations.")
        super().__init__(modules)
        self.unsafe = unsafe
        start = self._start(original)
        self.is_tensor = isinstance(start, Tensor)
        self.ntensors = 1 if self.is_tensor else len(start)
        if self.is_tensor:
            self._check("`right_inverse`", start, original)
            original.data = start
            _register(self, "original", original)
        else:
            for i, part in enumerate(start):
                _register(self, f"original{i}", _as(original, part, i))
        if not unsafe:
            self._check("A parametrization", self(), original, shape=True)

    def _start(self, original: Any) -> Any:
        """What the right inverses make of the tensor as it is."""
        start = original
        with no_grad():
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    with suppress(NotImplementedError):
                        start = module.right_inverse(start)
        if not isinstance(start, (Tensor, Sequence)):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(start).__name__}"
            )
        return start

    def _check(self, who: str, made: Any, original: Any, shape: bool = False) -> None:
        if not isinstance(made, Tensor):
            raise ValueError(f"{who} must return a tensor. Got {type(made).__name__}.")
        if made.dtype != original.dtype:
            raise ValueError(
                f"{who} may not change the dtype of the tensor: {original.dtype} became "
                f"{made.dtype}; unsafe=True lets a parametrization do that."
            )
        if shape and made.shape != original.shape:
            raise ValueError(
                f"{who} may not change the shape of the tensor: {tuple(original.shape)} became "
                f"{tuple(made.shape)}; unsafe=True lets a parametrization do that."
            )

    def right_inverse(self, value: Tensor) -> None:
        """Sets the parameters so that the parametrized tensor has this value."""
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                value = module.right_inverse(value)
            if self.is_tensor:
                self._check("`right_inverse`", value, self.original)
                self.original.data = value
                return
            if not isinstance(value, Sequence) or len(value) != self.ntensors:
                raise ValueError(
                    f"'right_inverse' must return a sequence of {self.ntensors} tensors, got "
                    f"{type(value).__name__}."
                )
            for i, part in enumerate(value):
                own = getattr(self, f"original{i}")
                self._check("`right_inverse`", part, own)
                own.data = part

    def forward(self) -> Tensor:
        """The parametrized tensor."""
        modules = list(self)
        if self.is_tensor:
            out = modules[0](self.original)
        else:
            out = modules[0](*(getattr(self, f"original{i}") for i in range(self.ntensors)))
        for module in modules[1:]:
            out = module(out)
        return out


def _as(original: Any, part: Any, i: int) -> Any:
    """One of several originals, a parameter if the tensor was one."""
    if not isinstance(part, Tensor):
        raise ValueError(
            "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
            f"Got element {i} of the sequence with type {type(part).__name__}."
        )
    made = Parameter(part) if isinstance(original, Parameter) else part
    return made.requires_grad_(original.requires_grad)


# The module's class: one of its own, on which the parametrized names are properties.


def _own_class(module: Any) -> None:
    kind = type(module)
    names = {"__getstate__": _no_pickle, "__deepcopy__": _deepcopy}
    module.__class__ = type(f"Parametrized{kind.__name__}", (kind,), names)


def _no_pickle(self: Any) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(): save that, "
        "and register the parametrizations again before loading it"
    )


def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    made: Any = object.__new__(type(self).__bases__[0])
    memo[id(self)] = made
    made.__dict__.update(copy.deepcopy(self.__dict__, memo))
    _own_class(made)
    for name in made.parametrizations:
        _add_property(made, name)
    return made


def _add_property(module: Any, name: str) -> None:
    def get(self: Any) -> Tensor:
        parametrization = self.parametrizations[name]
        if not _caches:
            return parametrization()
        key = (id(self), name)
        if key not in _caches[-1]:
            _caches[-1][key] = parametrization()
        return _caches[-1][key]

    def put(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(get, put))


def register_parametrization(
    module: Any, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Any:
    """Makes ``module.tensor_name`` what ``parametrization`` gives of the tensor there.

    Its ``right_inverse``, where it has one, gives the tensor to start from (or several). More than
    one on the same tensor are run one after the other. Type and shape must stay, else ValueError;
    ``unsafe=True`` does not look.

    >>> class Positive(nn.Module):
    ...     def forward(self, w):
    ...         return w.abs()
    >>> layer = register_parametrization(nn.Linear(4, 2), "weight", Positive())
    >>> (layer.weight >= 0).all()
    tensor(True)
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        _add_to(module.parametrizations[tensor_name], parametrization, unsafe)
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        listed = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _own_class(module)
            module.parametrizations = ModuleDict()
        _add_property(module, tensor_name)
        module.parametrizations[tensor_name] = listed
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    return module


def _add_to(listed: ParametrizationList, parametrization: Any, unsafe: bool) -> None:
    """Appends one to those that there are, its start the value that they give now."""
    if not unsafe:
        value = listed()
        made = parametrization(value)
        listed._check("A parametrization", made, value, shape=True)
        if hasattr(parametrization, "right_inverse"):
            with suppress(NotImplementedError):
                start = parametrization.right_inverse(made)
                listed._check("`right_inverse`", start, value, shape=True)
    listed.append(parametrization)
    listed.unsafe |= unsafe


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """Whether a module has a parametrized tensor, or whether the one of that name is.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(4, 2))
    >>> is_parametrized(layer, "weight"), is_parametrized(layer, "bias")
    (True, False)
    """
    found = getattr(module, "parametrizations", None)
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(module: Any, tensor_name: str, leave_parametrized: bool = True) -> Any:
    """Makes a parametrized tensor an ordinary one: with its present value, or the original's."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    listed = module.parametrizations[tensor_name]
    if listed.is_tensor:
        tensor = listed.original
        if leave_parametrized:
            with no_grad():
                tensor.data = getattr(module, tensor_name)
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        tensor = Parameter(value.detach()) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register(module, tensor_name, tensor)
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Any) -> type:
    """The class that a module had before it was parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Any, to_module: Any, tensor_name: str | None = None
) -> Any:
    """Gives ``to_module`` parametrizations and parameters of a tensor, or of all; returns it."""
    if not is_parametrized(from_module):
        return to_module
    names = from_module.parametrizations if tensor_name is None else [tensor_name]
    for name in list(names):
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach().clone()))
        for one in from_module.parametrizations[name]:
            register_parametrization(to_module, name, copy.deepcopy(one))
        source, target = from_module.parametrizations[name], to_module.parametrizations[name]
        for key, value in source.named_parameters(recurse=False):
            setattr(target, key, Parameter(value.detach().clone()))
    return to_module
