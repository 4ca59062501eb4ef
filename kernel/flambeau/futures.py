"""Results that are there later; mirrors ``torch.futures``."""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures as _futures
from typing import Any, Generic, TypeVar

from .left_out import explain_all

__all__ = ["Future", "collect_all", "wait_all"]

T = TypeVar("T")


class Future(Generic[T]):
    """A value that some thread will set, and what is to be done with it then."""

    def __init__(self, *, devices: Any = None) -> None:
        self._inner: _futures.Future[Any] = _futures.Future()

    def done(self) -> bool:
        """Whether the value (or an error) is there."""
        return self._inner.done()

    def wait(self) -> T:
        """The value, once it is there; raises the error that was set instead."""
        return self._inner.result()

    def value(self) -> T:
        """The value; RuntimeError before it is there."""
        if not self.done():
            raise RuntimeError("value() of a Future that is not done; wait() waits for it")
        return self._inner.result()

    def set_result(self, result: T) -> None:
        """Sets the value, once; RuntimeError the second time."""
        if self.done():
            raise RuntimeError("Future can only be marked completed once")
        self._inner.set_result(result)

    def set_exception(self, result: BaseException) -> None:
        """Sets an error, which `wait` raises."""
        if not isinstance(result, Exception):
            raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
        self._inner.set_exception(result)

    def then(self, callback: Callable[[Future[T]], Any]) -> Future[Any]:
        """A Future of what ``callback(self)`` will give, called once this one is done."""
        following: Future[Any] = Future()

        def call(_: Any) -> None:
            try:
                following.set_result(callback(self))
            except Exception as error:
                following.set_exception(error)

        self._inner.add_done_callback(call)
        return following

    def add_done_callback(self, callback: Callable[[Future[T]], None]) -> None:
        """Calls ``callback(self)`` once it is done."""
        self._inner.add_done_callback(lambda _: callback(self))


def collect_all(futures: list[Future[Any]]) -> Future[list[Future[Any]]]:
    """A Future of the given ones, done when all of them are."""
    together: Future[list[Future[Any]]] = Future()
    left = len(futures)

    def one_done(_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            together.set_result(futures)

    for future in futures:
        future.add_done_callback(one_done)
    if not futures:
        together.set_result(futures)
    return together


def wait_all(futures: list[Future[Any]]) -> list[Any]:
    """The values of all, once all are there."""
    return [future.wait() for future in futures]


explain_all(__name__)
