"""Handles of hooks; mirrors ``torch.utils.hooks``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd.hooks import RemovableHandle
from ..left_out import explain_all

__all__ = ["RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


def unserializable_hook(f: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a hook that is lost when a tensor is saved, about which nobody needs a warning."""
    f.__torch_unserializable__ = True  # type: ignore[attr-defined]
    return f


def warn_if_has_hooks(tensor: Any) -> None:
    """A warning if a tensor has hooks, which are lost when it is saved."""
    import warnings

    lost = [h for h in tensor._hooks or () if not hasattr(h, "__torch_unserializable__")]
    for hook in lost:
        name = getattr(hook, "__name__", repr(hook))
        warnings.warn(f"the hook {name} of a tensor is lost when it is saved", stacklevel=2)


explain_all(__name__)
