"""Handles that take a hook away again."""

from __future__ import annotations

import weakref
from typing import Any


class RemovableHandle:
    """Returned by every ``register_..._hook``; ``remove()`` takes the hook away.

    ``hooks`` is a list with the hook in it, or a dict in which it stands under the handle's ``id``;
    what ``extra_dict`` has under that is taken away too.
    """

    __slots__ = ("extra", "hook", "hooks", "id")

    next_id = 0

    def __init__(self, hooks: Any, hook: Any = None, *, extra_dict: Any = None) -> None:
        self.hooks, self.hook, self.extra = hooks, hook, extra_dict
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1

    def remove(self) -> None:
        """Takes the hook away; harmless when that was done before."""
        for found in self.extra if isinstance(self.extra, (list, tuple)) else (self.extra,):
            if found is not None:
                found.pop(self.id, None)
        if isinstance(self.hooks, dict):
            self.hooks.pop(self.id, None)
            return
        for i, hook in enumerate(self.hooks):
            if hook is self.hook:
                del self.hooks[i]
                return

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class LeafHooks(list[Any]):
    """The hooks of a leaf's gradient, and in ``after`` those that run once it is in ``grad``."""

    __slots__ = ("__weakref__", "after")

    def __init__(self) -> None:
        super().__init__()
        self.after: list[Any] = []
        hooked_leaves[id(self)] = self


# Of all leaves that are alive: where there are none, a backward need not look for them.
hooked_leaves: weakref.WeakValueDictionary[int, LeafHooks] = weakref.WeakValueDictionary()


def add_hook(hooks: list[Any], hook: Any) -> RemovableHandle:
    """Adds a hook to a list of them and returns its handle."""
    if not callable(hook):
        raise TypeError(f"a hook must be callable, not {type(hook).__name__}")
    hooks.append(hook)
    return RemovableHandle(hooks, hook)
