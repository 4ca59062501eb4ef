"""A module's state: collecting it by name, and taking it in again, all or nothing."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from ..autograd.grad_mode import no_grad
from ..autograd.hooks import RemovableHandle
from ..record.slot import unrecorded
from ..tensor import Size, Tensor, wrap
from .call import hooks_of
from .parameter import Parameter, is_lazy


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict`` returns: names not found, and names not known."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (
            f"_IncompatibleKeys(missing_keys={self.missing_keys}, "
            f"unexpected_keys={self.unexpected_keys})"
        )


def reset_grad(p: Tensor, set_to_none: bool) -> None:
    """Forgets a gradient, or sets it to zero in place."""
    if p.grad is None or set_to_none:
        p.grad = None
    else:
        p.grad.detach_()
        p.grad.requires_grad_(False)
        p.grad.zero_()


def own_tensors(module: Any) -> Iterator[tuple[str, Tensor]]:
    """The parameters and persistent buffers of this module alone."""
    for name, value in chain(module._parameters.items(), module._buffers.items()):
        if value is not None and name not in module._non_persistent_buffers_set:
            yield name, value


def _with_extra_state(module: Any, method: str) -> bool:
    return getattr(type(module), method) is not getattr(StateMethods, method)


class StateMethods:
    """The part of `Module` that reads and writes its state."""

    _modules: dict[str, Any]
    # Told in the state_dict's ``_metadata``; names that came with the second version may be missing
    # from a state_dict that is older or does not say.
    _version: int | None = 1
    _optional_state: frozenset[str] = frozenset()
    _add_hook: Any

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """All parameters and persistent buffers by dotted name, sharing their memory.

        Its attribute ``_metadata`` tells the version of each module in it.

        >>> list(nn.Sequential(nn.Linear(2, 1), nn.ReLU()).state_dict())
        ['0.weight', '0.bias']
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead: state_dict(prefix=...)",
                FutureWarning,
                stacklevel=2,
            )
            given = (destination, prefix, keep_vars)
            destination, prefix, keep_vars = (*args, *given[len(args) :])  # type: ignore[misc]
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local
        for hook, *_ in hooks_of(self, "_state_dict_pre_hooks"):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, child in self._modules.items():
            if child is not None:
                child.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        for hook, may_change, _ in hooks_of(self, "_state_dict_hooks"):
            changed = hook(self, destination, prefix, local)
            if changed is not None and not may_change:
                raise RuntimeError("state_dict post-hook must return None")
            destination = destination if changed is None else changed
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, value in own_tensors(self):
            destination[prefix + name] = value if keep_vars else value.detach()
        if _with_extra_state(self, "get_extra_state"):
            destination[prefix + "_extra_state"] = self.get_extra_state()

    def get_extra_state(self) -> Any:
        """Further state for the ``state_dict``; override it together with `set_extra_state`."""
        raise RuntimeError("get_extra_state is called only where a subclass defines it")

    def set_extra_state(self, state: Any) -> None:
        """Takes back what `get_extra_state` gave."""
        raise RuntimeError(
            "the state_dict has extra state, and this module defines no set_extra_state to take it"
        )

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copies the values of a ``state_dict`` into this module.

        ``strict``: the names must match exactly, else RuntimeError lists what differs, and nothing
        is changed. ``assign`` takes the tensors themselves in place of copying.

        >>> nn.Linear(2, 1).load_state_dict(nn.Linear(2, 1).state_dict())
        <All keys matched successfully>
        >>> nn.Linear(2, 1).load_state_dict({}, strict=False).missing_keys
        ['weight', 'bias']
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        return _Loading(self, state_dict, strict, assign).run()

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Notes what this module alone takes from a state_dict; subclasses may extend it."""
        for hook, *_ in hooks_of(self, "_load_state_dict_pre_hooks"):
            hook(
                *(self, state_dict, prefix, local_metadata, strict),
                *(missing_keys, unexpected_keys, error_msgs),
            )
        optional = self._optional_state if (local_metadata.get("version") or 1) < 2 else ()
        known = set()
        for name, current in own_tensors(self):
            known.add(name)
            if prefix + name in state_dict:
                local_metadata["take"](self, name, prefix + name, current, state_dict, error_msgs)
            elif strict and name not in optional:
                missing_keys.append(prefix + name)
        if _with_extra_state(self, "set_extra_state"):
            known.add("_extra_state")
            if prefix + "_extra_state" in state_dict:
                value = state_dict[prefix + "_extra_state"]
                local_metadata["later"].append(lambda: self.set_extra_state(value))
            elif strict:
                missing_keys.append(prefix + "_extra_state")
        for key in state_dict if strict else ():
            if key.startswith(prefix):
                name, dot, _ = key[len(prefix) :].partition(".")
                if name not in (self._modules if dot else known):
                    unexpected_keys.append(key)

    def register_state_dict_pre_hook(self, hook: Any) -> RemovableHandle:
        """Calls ``hook(module, prefix, keep_vars)`` before its state is collected."""
        return self._add_hook("_state_dict_pre_hooks", hook, False)

    def register_state_dict_post_hook(self, hook: Any) -> RemovableHandle:
        """Calls ``hook(module, state_dict, prefix, metadata)`` after its state is collected."""
        return self._add_hook("_state_dict_hooks", hook, False)

    def _register_state_dict_hook(self, hook: Any) -> RemovableHandle:
        """As the public one; the hook may return another state_dict."""
        return self._add_hook("_state_dict_hooks", hook, False, True)

    def register_load_state_dict_pre_hook(self, hook: Any) -> RemovableHandle:
        """Calls ``hook(module, state_dict, prefix, ...)`` before loading; it may rename keys."""
        return self._add_hook("_load_state_dict_pre_hooks", hook, False)

    def _register_load_state_dict_pre_hook(
        self, hook: Any, with_module: bool = False
    ) -> RemovableHandle:
        """As the public one; without ``with_module`` the hook does not get the module."""
        return self.register_load_state_dict_pre_hook(hook if with_module else _Bare(hook))

    def register_load_state_dict_post_hook(self, hook: Any) -> RemovableHandle:
        """Calls ``hook(module, incompatible_keys)`` after loading; it may change the lists."""
        return self._add_hook("_load_state_dict_post_hooks", hook, False)


class _Bare(NamedTuple):
    """A hook that does not want to see the module."""

    function: Any

    def __call__(self, module: Any, *args: Any) -> None:
        """Calls it with the rest."""
        self.function(*args)


class _Loading:
    """One ``load_state_dict``: first everything is checked, then everything is written."""

    def __init__(self, module: Any, state_dict: Any, strict: bool, assign: bool) -> None:
        self.module, self.strict, self.assign = module, strict, assign
        self.given = OrderedDict(state_dict)  # hooks may change it
        self.metadata = getattr(state_dict, "_metadata", None) or {}
        self.keys = IncompatibleKeys([], [])
        self.errors: list[str] = []
        self.later: list[Any] = []

    def run(self) -> IncompatibleKeys:
        """Checks, writes, calls the hooks."""
        self._visit(self.module, "", self.given)
        hooks = [
            (module, hook)
            for module in self.module.modules()
            for hook, *_ in hooks_of(module, "_load_state_dict_post_hooks")
        ]
        if not hooks or self.errors:  # hooks may still forgive a missing key
            self._check()
        with no_grad(), unrecorded():
            for write in self.later:
                write()
        for module, hook in hooks:
            if hook(module, self.keys) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected "
                    "to return new values, if incompatible_keys need to be modified, it should be "
                    "done inplace."
                )
        self._check()
        return self.keys

    def _visit(self, module: Any, prefix: str, given: Any) -> None:
        metadata = dict(self.metadata.get(prefix[:-1], {}), take=self._take, later=self.later)
        if self.assign:
            metadata["assign_to_params_buffers"] = True
        module._load_from_state_dict(given, prefix, metadata, True, *self.keys, self.errors)
        for name, child in module._modules.items():
            if child is not None:
                inner = f"{prefix}{name}."
                part = OrderedDict((k, v) for k, v in given.items() if k.startswith(inner))
                self._visit(child, inner, part)

    def _take(
        self, module: Any, name: str, key: str, current: Tensor, given: Any, errors: list[str]
    ) -> None:
        """Checks one value, and notes that it is to be written."""
        value = _as_tensor(given[key])
        if value is None:
            errors.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like '
                f"object from checkpoint but received {type(given[key])}"
            )
            return
        if is_lazy(current) and is_lazy(value):
            return
        if (
            not is_lazy(current) and current.ndim == 0 and tuple(value.shape) == (1,)
        ):  # as very old files have it
            value = value[0]  # type: ignore[index]
        if value.shape != current.shape:
            errors.append(
                f"size mismatch for {key}: copying a param with shape {Size(value.shape)} from "
                f"checkpoint, the shape in current model is {current.shape}."
            )
        elif self.assign:
            self.later.append(lambda: setattr(module, name, _like(value, current)))
        else:
            self.later.append(lambda: current.copy_(value))  # type: ignore[attr-defined]

    def _check(self) -> None:
        errors = list(self.errors)
        for title, names in (
            ("Unexpected key(s)", self.keys.unexpected_keys),
            ("Missing key(s)", self.keys.missing_keys),
        ):
            if names and self.strict:
                listed = ", ".join(f'"{name}"' for name in names)
                errors.insert(0, f"{title} in state_dict: {listed}. ")
        if errors:
            name = type(self.module).__name__
            listed = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {name}:\n\t{listed}")


def _as_tensor(value: Any) -> Tensor | None:
    """A tensor of ours, or one of PyTorch's as ours; None for anything else."""
    if isinstance(value, Tensor):
        return value
    if hasattr(value, "detach") and hasattr(value, "__array__"):
        return wrap(np.asarray(value.detach().cpu()))
    return None


def _like(value: Tensor, current: Tensor) -> Tensor:
    """The new value as a parameter where the old one was a parameter."""
    if not isinstance(current, Parameter):
        return value
    if isinstance(value, Parameter):
        return value.requires_grad_(current.requires_grad)
    return Parameter(value, current.requires_grad)
