"""`kernel`: a loop over arrays that numba compiles when it is first called, and keeps on disk."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable
from typing import Any

# NaN and infinity keep their meaning in any case.
_AS_WRITTEN = {"contract"}
_REGROUPED = {"reassoc", "contract", "nsz"}


class Kernel:
    """A loop in Python. ``run`` calls it compiled; ``plain`` is the Python function itself.

    Inside another kernel it is called like a function.
    """

    def __init__(self, plain: Callable[..., Any], math: set[str]) -> None:
        self.plain = plain
        self.math = math
        self.__name__ = plain.__name__
        self.__doc__ = plain.__doc__
        self._dispatcher: Any = None
        self.run: Callable[..., Any] = self._first_run

    def _first_run(self, *args: Any) -> Any:
        self.run = self.dispatcher()
        return self.run(*args)

    def dispatcher(self) -> Any:
        """Numba's function, made when it is first asked for."""
        if self._dispatcher is None:
            import numba

            made = numba.njit(fastmath=self.math, nogil=True, error_model="numpy")
            self._dispatcher = made(self.plain)
            keep_on_disk(self._dispatcher)
        return self._dispatcher

    @property
    def _numba_type_(self) -> Any:  # what numba asks of a name that it meets in another kernel
        from numba.core.types import Dispatcher

        return Dispatcher(self.dispatcher())

    def __call__(self, *args: Any) -> Any:
        """Runs it compiled."""
        return self.run(*args)


def kernel(plain: Callable[..., Any] | None = None, *, regroup: bool = True) -> Any:
    """Makes a `Kernel` of a function.

    ``regroup``: sums may be taken in another order, so that they run in vector registers. Without
    it, arithmetic is done as written (formulas that split a number in parts need that).

    For speed: loop over ``range(len(x))``, not from ``start`` to ``stop`` (an index that might be
    negative keeps a loop out of vector registers), and write float32 constants as ``f32(0.5)``.
    """
    if plain is None:
        return lambda function: kernel(function, regroup=regroup)
    return Kernel(plain, _REGROUPED if regroup else _AS_WRITTEN)


def cache_folder() -> str:
    """Where compiled kernels are kept: a folder for each state of the sources of all kernels.

    Numba's own folder, beside the source, would go stale when a shared part in another file
    changes, and cannot be written where the package belongs to another user.
    """
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        root = "~/Library/Caches"
    else:
        root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return os.path.join(os.path.expanduser(root), "flambeau", "kernels", _state_of_sources())


@functools.cache
def _state_of_sources() -> str:
    from hashlib import sha256  # these two are imported with numba anyway
    from pathlib import Path

    digest = sha256()
    package = Path(__file__).parents[1]
    for room in ("kernels", "compiler"):
        for file in sorted((package / room).glob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def keep_on_disk(dispatcher: Any) -> None:
    """Has numba keep what it compiles; without a folder to write in, it compiles each time."""
    from numba.core import caching

    class Locator(caching._CacheLocator):  # type: ignore[misc]
        def __init__(self, function: Any, file: str) -> None:
            room = os.path.splitext(os.path.basename(file))[0]
            self._name = f"{room}.{function.__qualname__}"

        def get_cache_path(self) -> str:
            return cache_folder()

        def get_source_stamp(self) -> str:
            return _state_of_sources()

        def get_disambiguator(self) -> str:
            return self._name

        @classmethod
        def from_function(cls, function: Any, file: str) -> Any:
            made = cls(function, file)
            try:
                made.ensure_cache_path()
            except OSError:
                return None
            return made

    class Implementation(caching.CompileResultCacheImpl):  # type: ignore[misc]
        _locator_classes = [Locator]  # noqa: RUF012

    class OnDisk(caching.FunctionCache):  # type: ignore[misc]
        """Numba's cache; what cannot be read is compiled anew, what cannot be written is not."""

        _impl_class = Implementation

        def load_overload(self, *key: Any) -> Any:
            try:
                return super().load_overload(*key)
            except Exception:  # a file that is damaged, or of another numba
                with contextlib.suppress(OSError):
                    self.flush()
                return None

        def save_overload(self, *entry: Any) -> None:
            with contextlib.suppress(OSError):  # a full disk, a folder that has gone
                super().save_overload(*entry)

    with contextlib.suppress(RuntimeError):  # no folder can be written in
        dispatcher._cache = OnDisk(dispatcher.py_func)
