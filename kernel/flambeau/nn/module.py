"""`Module`: what every network and layer is made of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any, Self

from ..autograd.hooks import RemovableHandle
from ..compiler import compile, status
from ..tensor import Tensor
from .call import HOOK_LISTS, HookMethods, put_hook
from .moves import MoveMethods
from .parameter import Buffer, Parameter
from .state import StateMethods, reset_grad


def type_name(value: Any) -> str:
    """The name of a value's type, as PyTorch writes it in messages."""
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _indent(text: str) -> str:
    first, *rest = text.split("\n")
    return "\n".join([first, *("  " + line if line.strip() else "" for line in rest)])


def _unimplemented(self: Any, *input: Any) -> Any:
    """Computes the output; every module writes its own."""
    raise NotImplementedError(
        f'Module [{type(self).__name__}] is missing the required "forward" function'
    )


# Functions that are asked whenever any module registers something, by its kind.
_ASKED: dict[str, OrderedDict[int, Any]] = {
    kind: OrderedDict() for kind in ("parameter", "buffer", "module")
}


def register_module_parameter_registration_hook(hook: Any) -> RemovableHandle:
    """Calls ``hook(module, name, param)`` at each registration; its result is taken instead."""
    return put_hook(_ASKED["parameter"], {}, hook, False)


def register_module_buffer_registration_hook(hook: Any) -> RemovableHandle:
    """Calls ``hook(module, name, buffer)`` at each registration; its result is taken instead."""
    return put_hook(_ASKED["buffer"], {}, hook, False)


def register_module_module_registration_hook(hook: Any) -> RemovableHandle:
    """Calls ``hook(module, name, child)`` at each registration; its result is taken instead."""
    return put_hook(_ASKED["module"], {}, hook, False)


def _registered(kind: str, module: Any, name: str, value: Any) -> Any:
    for hook in _ASKED[kind].values():
        changed = hook(module, name, value)
        value = value if changed is None else changed
    return value


class Module(HookMethods, MoveMethods, StateMethods):
    """Base of all networks: subclass it, make layers in ``__init__``, use them in ``forward``.

    Parameters, buffers and modules assigned as attributes are registered, so that
    ``parameters()``, ``state_dict()``, ``to()`` and ``train()`` reach them all.
    Mirrors ``torch.nn.Module``.

    >>> import flambeau as fb
    >>> class Net(fb.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layer = fb.nn.Linear(4, 2)
    ...
    ...     def forward(self, x):
    ...         return self.layer(x).relu()
    >>> Net()(fb.ones(3, 4)).shape
    torch.Size([3, 2])
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]

    call_super_init = False  # True: `Module.__init__` hands its arguments on to the next class
    dump_patches = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init and (args or kwargs):
            name = type(self).__name__
            if kwargs:
                raise TypeError(
                    f"{name}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
                )
            raise TypeError(
                f"{name}.__init__() takes 1 positional argument but {len(args) + 1} were given"
            )
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _non_persistent_buffers_set=set(),
            _modules={},
            _hook_ways={},
            **{name: OrderedDict() for name in HOOK_LISTS},
        )
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    forward: Callable[..., Any] = _unimplemented

    # Registration

    def _check_name(self, name: Any, kind: str, known: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type_name(name)}")
        if hasattr(self, name) and name not in known:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            got = f", got: {name}" if kind == "module" else ""
            raise KeyError(f'{kind} name can\'t contain "."{got}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')

    def _check_ready(self, kind: str) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds a parameter under a name; None keeps the name for later."""
        status.changes += 1
        self._check_ready("parameter")
        self._check_name(name, "parameter", self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type_name(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be "
                f"created explicitly. To express '{name}' as a function of another Tensor, "
                "compute the value in the forward() method."
            )
        self._parameters[name] = _registered("parameter", self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that is state but not learned; ``persistent``: in the state_dict."""
        status.changes += 1
        self._check_ready("buffer")
        self._check_name(name, "buffer", self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type_name(tensor)}' object to buffer '{name}' "
                "(torch Tensor or None required)"
            )
        self._buffers[name] = _registered("buffer", self, name, tensor)
        keep = self._non_persistent_buffers_set
        (keep.discard if persistent else keep.add)(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Adds a child module under a name."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type_name(module)} is not a Module subclass")
        status.changes += 1
        self._check_ready("module")
        self._check_name(name, "module", self._modules)
        self._modules[name] = _registered("module", self, name, module)

    add_module = register_module

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if "_modules" in own:
            for space in (own["_parameters"], own["_modules"], own["_buffers"]):
                if name in space:
                    return space[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        status.changes += 1
        own = self.__dict__
        if isinstance(value, Parameter):
            self._check_ready("parameters")
            self._forget(name, self._buffers, self._modules)
            self.register_parameter(name, value)
        elif "_parameters" in own and name in self._parameters:
            self._put(self._parameters, name, value, None, "parameter", "torch.nn.Parameter")
        elif isinstance(value, Module):
            self._check_ready("module")
            self._forget(name, self._buffers)
            self._modules[name] = _registered("module", self, name, value)
        elif isinstance(value, Buffer):
            self._check_ready("buffer")
            self._forget(name, self._modules)
            self.register_buffer(name, value, value.persistent)
        elif "_parameters" not in own:
            object.__setattr__(self, name, value)
        elif name in self._modules:
            self._put(self._modules, name, value, None, "child module", "torch.nn.Module")
        elif name in self._buffers:
            kind = "torch.nn.Buffer, torch.Tensor"
            self._put(self._buffers, name, value, Tensor, "buffer", kind)
        else:
            object.__setattr__(self, name, value)

    def _forget(self, name: str, *spaces: dict[str, Any]) -> None:
        """Takes a name out of everywhere but the space that it is about to be put in."""
        for space in (self.__dict__, *spaces):
            space.pop(name, None)
        if self._buffers in spaces:
            self._non_persistent_buffers_set.discard(name)

    def _put(self, space: Any, name: str, value: Any, kind: Any, role: str, fits: str) -> None:
        if value is not None and (kind is None or not isinstance(value, kind)):
            raise TypeError(
                f"cannot assign '{type_name(value)}' as {role} '{name}' ({fits} or None expected)"
            )
        space[name] = value

    def __delattr__(self, name: str) -> None:
        status.changes += 1
        for space in (self._parameters, self._buffers, self._modules):
            if name in space:
                del space[name]  # type: ignore[attr-defined]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(n for n in names if not n[:1].isdigit())

    # What it contains

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, each once, with their dotted names."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from child.named_modules(memo, path, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all below it."""
        return (m for _, m in self.named_modules(remove_duplicate=remove_duplicate))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly in it, with their names."""
        seen: set[Module] = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """The modules directly in it."""
        return (m for _, m in self.named_children())

    def _named_members(
        self, space: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        within = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        seen: set[int] = set()
        for path, module in within if recurse else [(prefix, self)]:
            for name, value in getattr(module, space).items():
                if value is not None and id(value) not in seen:
                    if remove_duplicate:
                        seen.add(id(value))
                    yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their dotted names."""
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their dotted names."""
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module of a dotted name."""
        found: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(found, name):
                raise AttributeError(f"{found._get_name()} has no attribute `{name}`")
            found = getattr(found, name)
            if not isinstance(found, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return found

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Puts a module in the place of a dotted name; ``strict``: one must stand there already."""
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def _get_member(self, target: str, space: str, kind: str) -> Any:
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if not hasattr(owner, name):
            raise AttributeError(f"{owner._get_name()} has no attribute `{name}`")
        if name not in getattr(owner, space):
            raise AttributeError(f"`{name}` is not {kind}")
        return getattr(owner, name)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a dotted name."""
        found = self._get_member(target, "_parameters", "an nn.Parameter")
        if found is None:
            raise AttributeError(f"`{target.rpartition('.')[2]}` is not an nn.Parameter")
        return found

    def get_buffer(self, target: str) -> Tensor:
        """The buffer of a dotted name."""
        return self._get_member(target, "_buffers", "a buffer")

    # Changing all of it

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Has its calls replayed from now on, as those of ``fb.compile(module)`` are."""
        self.__dict__.pop("forward", None)
        self.__dict__["forward"] = compile(MethodType(type(self).forward, self), *args, **kwargs)
        status.changes += 1

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Calls ``fn`` on every module in it, children first, then on itself."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Sets training mode, which dropout and batch norm look at; mirrors PyTorch's."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Sets evaluation mode: ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Sets whether its parameters want gradients; ``False`` freezes them."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients of its parameters, or sets them to zero."""
        for p in self.parameters():
            reset_grad(p, set_to_none)

    # Text

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What its ``repr`` says of it between the brackets."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        single = len(lines) == 1 and not self._modules
        lines += [f"({name}): {_indent(repr(child))}" for name, child in self._modules.items()]
        if not lines or single:
            return f"{self._get_name()}({''.join(lines)})"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"
