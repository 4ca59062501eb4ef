"""Whether operations are recorded for the backward pass, for each thread on its own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from threading import get_ident
from typing import Any

# Threads in which gradients are off. An empty set is the usual case, and the cheapest test.
off: set[int] = set()
inference: set[int] = set()


def is_grad_enabled() -> bool:
    """Whether operations are being recorded for the backward pass in this thread."""
    return not off or get_ident() not in off


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside ``inference_mode``."""
    return get_ident() in inference


def _put(threads: set[int], present: bool) -> None:
    (threads.add if present else threads.discard)(get_ident())


class _Mode:
    """A switch usable as ``with``, as a decorator, and nested."""

    def __init__(self, enabled: bool, inference: bool = False) -> None:
        self.enabled = enabled
        self.inference = inference
        self.before: list[tuple[bool, bool]] = []

    def __enter__(self) -> None:
        self.before.append((is_grad_enabled(), is_inference_mode_enabled()))
        _put(off, not self.enabled)
        if self.inference:
            _put(inference, True)

    def __exit__(self, *_: object) -> None:
        enabled, was_inference = self.before.pop()
        _put(off, not enabled)
        _put(inference, was_inference)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with _Mode(self.enabled, self.inference):
                return function(*args, **kwargs)

        return wrapped


class _Bare(_Mode):
    """Also a decorator without brackets: ``@no_grad``."""

    def __new__(cls, function: Any = None) -> Any:
        """An instance, or the function wrapped in one."""
        made = super().__new__(cls)
        if callable(function):
            made.__init__()  # type: ignore[misc]
            return made(function)
        return made


class no_grad(_Bare):  # noqa: N801
    """Operations inside are not recorded for the backward pass; mirrors ``torch.no_grad``."""

    def __init__(self, function: Any = None) -> None:
        super().__init__(False)


class enable_grad(_Bare):  # noqa: N801
    """Records again inside ``no_grad``; mirrors ``torch.enable_grad``."""

    def __init__(self, function: Any = None) -> None:
        super().__init__(True)


class inference_mode(_Bare):  # noqa: N801
    """Like ``no_grad``, and what is made inside can never take part in a backward pass.

    Mirrors ``torch.inference_mode``.
    """

    def __init__(self, mode: Any = True) -> None:
        super().__init__(not mode, inference=bool(mode))


class set_grad_enabled(_Mode):  # noqa: N801
    """Takes effect at once, and as ``with`` until its end; mirrors ``torch.set_grad_enabled``."""

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)
        self.outer = is_grad_enabled()
        _put(off, not mode)

    def __enter__(self) -> None:
        self.before.append((self.outer, is_inference_mode_enabled()))
        _put(off, not self.enabled)
