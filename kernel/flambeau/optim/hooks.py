"""Functions that an optimizer calls around its steps and around saving and loading its state."""

from __future__ import annotations

from typing import Any

from ..autograd.hooks import RemovableHandle, add_hook

KINDS = (
    "step_pre",
    "step_post",
    "state_dict_pre",
    "state_dict_post",
    "load_state_dict_pre",
    "load_state_dict_post",
)
_of_all: dict[str, list[Any]] = {"step_pre": [], "step_post": []}


def register_optimizer_step_pre_hook(hook: Any) -> RemovableHandle:
    """Calls ``hook(optimizer, args, kwargs)`` before each step of every optimizer."""
    return add_hook(_of_all["step_pre"], hook)


def register_optimizer_step_post_hook(hook: Any) -> RemovableHandle:
    """Calls ``hook(optimizer, args, kwargs)`` after each step of every optimizer."""
    return add_hook(_of_all["step_post"], hook)


class Hooks:
    """The part of an optimizer that keeps its hooks and calls them."""

    _hooks: dict[str, list[Any]]
    _stepping: bool

    def _no_hooks(self) -> None:
        self._hooks = {kind: [] for kind in KINDS}
        self._stepping = False

    def _add(self, kind: str, hook: Any, prepend: bool) -> RemovableHandle:
        handle = add_hook(self._hooks[kind], hook)
        if prepend:
            self._hooks[kind].insert(0, self._hooks[kind].pop())
        return handle

    def _before_step(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """Calls the hooks that come before a step; they may give it other arguments."""
        for hook in _of_all["step_pre"] + self._hooks["step_pre"]:
            result = hook(self, (self, *args), kwargs)
            if result is None:
                continue
            if not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError(
                    f"{type(self).__name__}.step: a pre hook must return None or a tuple of "
                    f"(new_args, new_kwargs), but got {result}."
                )
            (_, *args), kwargs = result
        return args, kwargs

    def _after_step(self, args: Any, kwargs: Any) -> None:
        for hook in self._hooks["step_post"] + _of_all["step_post"]:
            hook(self, (self, *args), kwargs)

    def _replaced(self, kind: str, state_dict: dict[str, Any]) -> dict[str, Any]:
        """The state dict, or what a hook gives in its place."""
        for hook in self._hooks[kind]:
            given = hook(self, state_dict)
            state_dict = state_dict if given is None else given
        return state_dict

    def register_step_pre_hook(self, hook: Any) -> RemovableHandle:
        """Calls ``hook(optimizer, args, kwargs)`` before each step; it may return new ones."""
        return self._add("step_pre", hook, False)

    def register_step_post_hook(self, hook: Any) -> RemovableHandle:
        """Calls ``hook(optimizer, args, kwargs)`` after each step."""
        return self._add("step_post", hook, False)

    def register_state_dict_pre_hook(self, hook: Any, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(optimizer)`` before ``state_dict`` looks at anything."""
        return self._add("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Any, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(optimizer, state_dict)``, which may return another one to give instead."""
        return self._add("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Any, prepend: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(optimizer, state_dict)``, which may return another one to load instead."""
        return self._add("load_state_dict_pre", hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Any, prepend: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(optimizer)`` once a state has been loaded."""
        return self._add("load_state_dict_post", hook, prepend)
