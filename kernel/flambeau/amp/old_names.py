"""``torch.cuda.amp`` and ``torch.cpu.amp``: mixed precision under its old names, which warn."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from . import autocast_mode, grad_scaler


def _warn(kind: str, name: str) -> None:
    warnings.warn(
        f"`torch.{kind}.amp.{name}(args...)` is deprecated. Please use "
        f"`torch.amp.{name}('{kind}', args...)` instead.",
        FutureWarning,
        stacklevel=3,
    )


def autocast_for(kind: str) -> type[autocast_mode.autocast]:
    """``torch.cuda.amp.autocast``: for one type of device, whose name it does not take."""

    class autocast(autocast_mode.autocast):  # noqa: N801  (PyTorch's name)
        __doc__ = f"Deprecated: ``torch.autocast({kind!r})``."

        def __init__(
            self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True
        ) -> None:
            _warn(kind, "autocast")
            super().__init__(kind, dtype, enabled, cache_enabled)

    return autocast


def scaler_for(kind: str) -> type[grad_scaler.GradScaler]:
    """``torch.cuda.amp.GradScaler``: for one type of device, whose name it does not take."""

    class GradScaler(grad_scaler.GradScaler):
        __doc__ = f"Deprecated: ``torch.amp.GradScaler({kind!r})``."

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            _warn(kind, "GradScaler")
            super().__init__(kind, *args, **kwargs)

    return GradScaler


def decorator_for(kind: str, decorator: Callable[..., Any]) -> Callable[..., Any]:
    """``torch.cuda.amp.custom_fwd``: a decorator for one type of device."""

    @functools.wraps(decorator)
    def old(*args: Any, **kwargs: Any) -> Any:
        _warn(kind, decorator.__name__)
        return decorator(*args, device_type=kind, **kwargs)

    return old
