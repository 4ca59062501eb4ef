"""Processes; mirrors ``torch.multiprocessing``: Python's own, and `spawn`.

Tensors go from process to process as copies.
"""

from __future__ import annotations

import multiprocessing as _processes
import traceback as _traceback
from collections.abc import Callable
from multiprocessing import *  # noqa: F403
from typing import Any

from .left_out import explain_all

__all__ = [
    *_processes.__all__,
    "ProcessExitedException",
    "ProcessRaisedException",
    "SpawnContext",
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
]


class ProcessRaisedException(Exception):
    """A process that `spawn` has started has raised; the message holds its whole traceback."""

    def __init__(self, msg: str, error_index: int, error_pid: int | None) -> None:
        super().__init__(msg)
        self.msg, self.error_index, self.error_pid = msg, error_index, error_pid


class ProcessExitedException(Exception):
    """A process that `spawn` has started was killed or left with an exit code."""

    def __init__(self, msg: str, error_index: int, error_pid: int | None, exit_code: int) -> None:
        super().__init__(msg)
        self.msg, self.error_index, self.error_pid = msg, error_index, error_pid
        self.exit_code = exit_code


def _run(fn: Callable[..., Any], index: int, args: tuple[Any, ...], errors: Any) -> None:
    try:
        fn(index, *args)
    except KeyboardInterrupt:
        pass
    except Exception:
        errors.put((index, _traceback.format_exc()))
        raise SystemExit(1) from None


class SpawnContext:
    """The processes that `spawn` has started."""

    def __init__(self, processes: list[Any], errors: list[Any]) -> None:
        self.processes, self._errors = processes, errors

    def pids(self) -> list[int | None]:
        """Their process ids."""
        return [p.pid for p in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Waits; True when all have ended well. The first that fails ends all and is raised."""
        from multiprocessing.connection import wait

        running = [p.sentinel for p in self.processes if p.is_alive()]
        if running:  # waiting for nothing would take for ever
            wait(running, timeout)
        failed = next((i for i, p in enumerate(self.processes) if p.exitcode), None)
        if failed is None:
            return all(p.exitcode == 0 for p in self.processes)
        for p in self.processes:
            if p.is_alive():
                p.terminate()
            p.join()
        self._raise(failed)
        return False

    def _raise(self, index: int) -> None:
        process, errors = self.processes[index], self._errors[index]
        if not errors.empty():
            _, text = errors.get()
            raise ProcessRaisedException(
                f"\n\n-- Process {index} terminated with the following error:\n{text}",
                index,
                process.pid,
            )
        code = process.exitcode
        ended = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise ProcessExitedException(
            f"process {index} terminated with {ended}", index, process.pid, code
        )


def start_processes(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> SpawnContext | None:
    """Runs ``fn(i, *args)`` in ``nprocs`` processes; waits for them if ``join``."""
    context = _processes.get_context(start_method)
    processes, errors = [], []
    for i in range(nprocs):
        queue = context.SimpleQueue()
        process = context.Process(target=_run, args=(fn, i, args, queue), daemon=daemon)  # type: ignore[attr-defined]
        process.start()
        processes.append(process)
        errors.append(queue)
    started = SpawnContext(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> SpawnContext | None:
    """As `start_processes`, by a fresh interpreter each; as ``torch.multiprocessing.spawn``."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)


def get_all_sharing_strategies() -> set[str]:
    """The ways in which memory is handed over: copies are."""
    return {"file_system"}


def get_sharing_strategy() -> str:
    """The way in which memory is handed over."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepted for PyTorch's names of strategies; tensors are copied all the same."""
    if new_strategy not in ("file_system", "file_descriptor"):
        raise ValueError(f"unknown sharing strategy {new_strategy!r}; 'file_system' is one")


explain_all(__name__)
