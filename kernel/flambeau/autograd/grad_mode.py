"""Whether operations are recorded for the backward pass, for each thread on its own."""

from __future__ import annotations

import functools
import inspect
import threading
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


class _Leaving:
    """Lives as long as its thread: the next thread may get the same number."""

    def __init__(self) -> None:
        self.thread = get_ident()

    def __del__(self) -> None:
        off.discard(self.thread)
        inference.discard(self.thread)


_here = threading.local()


def _put(threads: set[int], present: bool) -> None:
    if present:
        if not hasattr(_here, "leaving"):
            _here.leaving = _Leaving()
        threads.add(get_ident())
    else:
        threads.discard(get_ident())


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
        if inspect.isgeneratorfunction(function):
            return self._around_generator(function)

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with _Mode(self.enabled, self.inference):
                return function(*args, **kwargs)

        return wrapped

    def _around_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The switch is set while the generator runs, and set back whenever it yields."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            advance, value = generator.send, None
            try:
                while True:
                    with _Mode(self.enabled, self.inference):
                        try:
                            given = advance(value)
                        except StopIteration as end:
                            return end.value
                    try:
                        advance, value = generator.send, (yield given)
                    except GeneratorExit:
                        raise
                    except BaseException as error:
                        advance, value = generator.throw, error
            finally:
                with _Mode(self.enabled, self.inference):
                    generator.close()

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
    """Operations inside are not recorded for the backward pass; mirrors ``torch.no_grad``.

    >>> w = fb.ones(2, requires_grad=True)
    >>> with fb.no_grad():
    ...     print((w * 2).requires_grad)
    False
    """

    def __init__(self, function: Any = None) -> None:
        super().__init__(False)


class enable_grad(_Bare):  # noqa: N801
    """Records again inside ``no_grad``; mirrors ``torch.enable_grad``.

    >>> w = fb.ones(2, requires_grad=True)
    >>> with fb.no_grad(), fb.enable_grad():
    ...     print((w * 2).requires_grad)
    True
    """

    def __init__(self, function: Any = None) -> None:
        super().__init__(True)


class inference_mode(_Bare):  # noqa: N801
    """Like ``no_grad``, and what is made inside can never take part in a backward pass.

    Mirrors ``torch.inference_mode``.

    >>> with fb.inference_mode():
    ...     y = fb.ones(2) * 2
    >>> y.is_inference()
    True
    """

    def __init__(self, mode: Any = True) -> None:
        super().__init__(not mode, inference=bool(mode))


class set_grad_enabled(_Mode):  # noqa: N801
    """Takes effect at once, and as ``with`` until its end; mirrors ``torch.set_grad_enabled``.

    >>> w = fb.ones(2, requires_grad=True)
    >>> with fb.set_grad_enabled(False):
    ...     print((w * 2).requires_grad)
    False
    """

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)
        self.outer = is_grad_enabled()
        _put(off, not mode)

    def __enter__(self) -> None:
        self.before.append((self.outer, is_inference_mode_enabled()))
        _put(off, not self.enabled)


class set_multithreading_enabled:  # noqa: N801
    """Accepted as in PyTorch; a backward always runs in the thread that called it."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def clone(self) -> set_multithreading_enabled:
        """Another of the same."""
        return set_multithreading_enabled(self.mode)
