"""`autocast`, and what says whether it is on."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from ..device import cuda_count
from ..device import device as Device
from ..dtypes import bfloat16, dtype, float16
from . import casting
from .state import state

_SUPPORTED = {"cpu": (bfloat16, float16), "cuda": (float16, bfloat16)}


def _kind(device_type: Any) -> str:
    kind = Device(device_type).type
    if kind not in _SUPPORTED:
        raise RuntimeError(f"unsupported autocast device_type {kind!r}; there are 'cpu' and 'cuda'")
    return kind


def is_autocast_available(device_type: str) -> bool:
    """Whether `autocast` knows this type of device."""
    return Device(device_type).type in _SUPPORTED


class autocast:  # noqa: N801  (PyTorch's name)
    """Inside, products and convolutions run in 16 bits, losses and the like in float32.

    A context manager and a decorator; mirrors ``torch.autocast``. ``dtype`` is bfloat16 on the CPU
    and float16 on CUDA where none is given; ``enabled=False`` switches it off within another.

    >>> with fb.autocast("cpu", dtype=fb.float16):
    ...     y = fb.ones(2, 2) @ fb.ones(2, 2)
    >>> y.dtype, y.exp().dtype
    (torch.float16, torch.float16)
    """

    def __init__(
        self,
        device_type: str,
        dtype: dtype | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device = _kind(device_type)
        self.fast_dtype = get_autocast_dtype(self.device) if dtype is None else dtype
        self._enabled = bool(enabled) and self._possible()
        self._cache_enabled = state.cache if cache_enabled is None else cache_enabled
        self._before: list[tuple[Any, ...]] = []

    def _possible(self) -> bool:
        if self.device == "cuda" and not cuda_count():
            warnings.warn("CUDA is not available. Disabling autocast.", stacklevel=3)
            return False
        supported = _SUPPORTED[self.device]
        if self.fast_dtype in supported:
            return True
        warnings.warn(
            f"In {self.device.upper()} autocast, but the target dtype {self.fast_dtype} is not "
            f"supported. Disabling autocast. It takes {' and '.join(map(repr, supported))}.",
            stacklevel=3,
        )
        return False

    def __enter__(self) -> autocast:
        kind = self.device
        self._before.append((state.enabled[kind], state.types[kind], state.cache))
        state.enabled[kind], state.cache = self._enabled, self._cache_enabled
        state.types[kind] = self.fast_dtype
        if self._enabled:
            casting.enter()
        return self

    def __exit__(self, *_: object) -> None:
        kind = self.device
        if self._enabled:
            casting.leave()
        state.enabled[kind], state.types[kind], state.cache = self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, run inside."""

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return called


# What says whether it is on, and in which type


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether autocast is on for a type of device; for CUDA where none is given."""
    return state.enabled[_kind(device_type or "cuda")]


def set_autocast_enabled(device_type: Any, enabled: bool | None = None) -> None:
    """Switches autocast on or off in this thread; ``with autocast(...)`` is the better way."""
    if enabled is None:
        device_type, enabled = "cuda", device_type
    kind = _kind(device_type)
    before, state.enabled[kind] = state.enabled[kind], bool(enabled)
    if enabled and not before:
        casting.enter()
    elif before and not enabled:
        casting.leave()


def get_autocast_dtype(device_type: str) -> dtype:
    """The type that autocast uses on a type of device: bfloat16 on "cpu", float16 on "cuda"."""
    return state.types[_kind(device_type)]


def set_autocast_dtype(device_type: str, dtype: dtype) -> None:
    """Sets the type that autocast uses on a type of device."""
    state.types[_kind(device_type)] = dtype


def is_autocast_cache_enabled() -> bool:
    """What ``cache_enabled`` was last; casts are not kept here, so it changes nothing."""
    return state.cache


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Accepted: casts are not kept from one operation to the next."""
    state.cache = bool(enabled)


def clear_autocast_cache() -> None:
    """Accepted: there is nothing to clear."""


def _old(name: str, kind: str, now: Callable[..., Any]) -> Callable[..., Any]:
    def old(*args: Any) -> Any:
        warnings.warn(
            f"torch.{name}() is deprecated. Please use torch.{now.__name__}({kind!r}) instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        return now(kind, *args)

    old.__name__, old.__doc__ = name, f"Deprecated: ``{now.__name__}({kind!r})``."
    return old


_CHANGED: list[tuple[str, str, Callable[..., Any]]] = [
    ("is_autocast_cpu_enabled", "cpu", is_autocast_enabled),
    ("set_autocast_cpu_enabled", "cpu", set_autocast_enabled),
    ("get_autocast_cpu_dtype", "cpu", get_autocast_dtype),
    ("set_autocast_cpu_dtype", "cpu", set_autocast_dtype),
    ("get_autocast_gpu_dtype", "cuda", get_autocast_dtype),
    ("set_autocast_gpu_dtype", "cuda", set_autocast_dtype),
]
OLD_NAMES = {name: _old(name, kind, now) for name, kind, now in _CHANGED}


# For `autograd.Function`


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: dtype | None = None
) -> Callable[..., Any]:
    """Decorates the forward of an `autograd.Function` that is to run inside autocast.

    ``cast_inputs`` brings its floating inputs to that type, and autocast is off inside.
    """
    kind = _kind(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=kind, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        on = is_autocast_enabled(kind)
        ctx._dtype, ctx._fwd_used_autocast = get_autocast_dtype(kind), on and cast_inputs is None
        if cast_inputs is None or not on:
            return fwd(ctx, *args, **kwargs)
        with autocast(kind, enabled=False):
            to = cast_inputs.numpy
            return fwd(ctx, *casting.cast_all(args, to), **casting.cast_all(kwargs, to))

    return forward


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Callable[..., Any]:
    """Decorates the backward to it, which then runs as the forward did."""
    kind = _kind(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=kind)

    @functools.wraps(bwd)
    def backward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        with autocast(kind, dtype=ctx._dtype, enabled=ctx._fwd_used_autocast):
            return bwd(ctx, *args, **kwargs)

    return backward
