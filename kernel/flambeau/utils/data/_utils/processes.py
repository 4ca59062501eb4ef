"""Workers that are processes.

Each has one connection to the parent and shares nothing else with anybody: no lock that a killed
worker could hold, no queue with a thread of its own in the parent. A worker ends when it is told
to, and at once when its parent has died.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
import warnings
from multiprocessing.connection import wait
from typing import Any

from ....record.slot import slot
from ....switches import set_num_threads
from . import collate, transport
from .worker import Batch, Job, Worker

PATIENCE = 5.0  # seconds that a worker has to finish what it is doing
_LAST = object()
_gone = (EOFError, OSError)


# In the worker


def _listen(connection: Any, inbox: Any, parent: int) -> None:
    """Takes in tasks as they come, so that the parent never waits to hand one over."""
    try:
        while os.getppid() == parent:
            if not connection.poll(2):
                continue
            if (task := connection.recv()) is None:
                break
            inbox.put(task)
    except _gone:
        pass
    inbox.put(_LAST)
    while os.getppid() == parent:  # it only wants no more; it will see to it that we end
        time.sleep(0.1)
    os._exit(1)


def _portable(error: BaseException, worker: int) -> BaseException:
    """An error with the whole traceback in its message, which can travel to the parent.

    Where a type cannot be made of a message, its first base that can stands in for it.
    """
    told = "".join(traceback.format_exception(error))
    text = f"Caught {type(error).__name__} in DataLoader worker process {worker}.\n"
    text += f"Original {told}"
    for kind in type(error).__mro__[:-1]:
        if kind in (Exception, BaseException) and kind is not type(error):
            break
        try:
            made = kind(_Plain(text) if issubclass(kind, KeyError) else text)
            return pickle.loads(pickle.dumps(made))
        except Exception:  # the next base, then
            continue
    return RuntimeError(text)


class _Plain(str):
    """A message that shows as it is also in a KeyError, which shows the repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _alone(inherited: list[Any]) -> None:
    """Lets go of what a forked process should not have of its parent's."""
    slot.recorder = None
    for connection in inherited:
        with contextlib.suppress(OSError):
            connection.close()
    with contextlib.suppress(ValueError):
        signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # an interrupt ends it without a word
    set_num_threads(1)


def serve(connection: Any, job: Job | bytes, inherited: list[Any]) -> None:
    """What runs in the process, until the parent wants no more."""
    _alone(inherited)
    inbox: Any = queue.SimpleQueue()
    threading.Thread(
        target=_listen, args=(connection, inbox, os.getppid()), name="tasks", daemon=True
    ).start()
    try:
        worker, failure = Worker(pickle.loads(job) if isinstance(job, bytes) else job), None
    except Exception as error:
        worker, failure = None, error
    number = -1 if worker is None else worker.job.id
    sender = transport.Sender(connection)
    collate.room_for = sender.empty
    while (given := inbox.get()) is not _LAST:
        *task, returned = given
        sender.begin(returned)
        done = Batch(task[0], failure=failure) if worker is None else worker.answer(*task)
        if done.failure is not None:
            done = done._replace(failure=_portable(done.failure, number))
        try:
            sender.send(done)
        except _gone:
            break
        except Exception as error:  # a batch that cannot be pickled
            sender.send(Batch(task[0], failure=_portable(error, number)))
        del done, given  # what lies in a room must not be held when the next batch begins


# In the parent


class Processes:
    """The worker processes of one iterator."""

    def __init__(self, jobs: list[Job], context: Any) -> None:
        self.owner = os.getpid()
        context = context or multiprocessing.get_context()
        self.forks = context.get_start_method() == "fork"
        self.connections: list[Any] = []
        self.processes: list[Any] = []
        self.receivers: list[transport.Receiver] = []
        given = jobs if self.forks else [_pickled(job) for job in jobs]
        try:
            for job in given:
                self._start(context, job)
        except BaseException:
            self.stop()
            raise

    def _start(self, context: Any, job: Any) -> None:
        mine, its = context.Pipe(duplex=True)
        inherited = [*self.connections, mine] if self.forks else []
        process = context.Process(target=serve, args=(its, job, inherited), daemon=True)
        try:
            with warnings.catch_warnings():  # of forking with threads; workers use none of them
                warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
                process.start()
        except BaseException:
            mine.close()
            raise
        finally:
            its.close()
        self.connections.append(mine)
        self.receivers.append(transport.Receiver(mine))
        self.processes.append(process)

    @property
    def alive(self) -> bool:
        """Whether all of them still run."""
        return bool(self.processes) and all(p.is_alive() for p in self.processes)

    def send(self, worker: int, number: int, task: Any) -> None:
        """Hands a task to a worker."""
        try:
            returned = self.receivers[worker].returned()
            self.connections[worker].send((number, task, returned))
        except _gone:
            raise self._lost(worker) from None

    def receive(self, timeout: float) -> Batch:
        """The next batch that any of them has made; `TimeoutError` after ``timeout`` seconds."""
        ready = wait(self.connections, timeout or None)
        if not ready:
            raise TimeoutError
        try:
            return self.receivers[self.connections.index(ready[0])].receive()
        except _gone:
            raise self._lost(self.connections.index(ready[0])) from None

    def _lost(self, worker: int) -> RuntimeError:
        """The error for a worker that is no more."""
        process = self.processes[worker]
        process.join(1)
        code, how = process.exitcode, ""
        if code is not None and code < 0:
            how = f" It is killed by signal: {signal.strsignal(-code)}."
        if code == -signal.SIGKILL:
            how += " The system does that when memory runs out: fewer workers, smaller batches?"
        elif code is not None and code > 0:
            how = f" Its exit code was {code}; what it printed may say why."
        if not self.forks:
            how += " A script starts workers only under `if __name__ == '__main__':`."
        return RuntimeError(f"DataLoader worker (pid(s) {process.pid}) exited unexpectedly.{how}")

    def stop(self, patience: float = PATIENCE) -> None:
        """Ends them all: asked first, after ``patience`` seconds told, then killed."""
        if os.getpid() != self.owner:  # a copy in a forked process, where they are not its own
            return
        for connection in self.connections:
            with contextlib.suppress(*_gone):
                connection.send(None)
            connection.close()
        deadline = time.monotonic() + patience
        for process in self.processes:
            process.join(max(deadline - time.monotonic(), 0))
        for end in ("terminate", "kill"):
            late = [p for p in self.processes if p.is_alive()]
            for process in late:
                getattr(process, end)()
            for process in late:
                process.join(1)
        for process in self.processes:
            with contextlib.suppress(ValueError):
                process.close()
        self.connections, self.processes, self.receivers = [], [], []


def _pickled(job: Job) -> bytes:
    """A job for a process that begins from nothing; the error says what to do where it cannot."""
    advice = (
        "Workers that are not forked begin as new interpreters, so the dataset, collate_fn and "
        "worker_init_fn must be importable: define them at the top of a module (a .py file). "
        "DataLoader(worker_type='thread') works with anything"
    )
    if "fork" in multiprocessing.get_all_start_methods():
        advice += ", and so does multiprocessing_context='fork' on this system"
    try:
        data = pickle.dumps(job)
    except Exception as error:
        kinds = (pickle.PicklingError, AttributeError, TypeError)
        kind = next((k for k in kinds if isinstance(error, k)), RuntimeError)
        raise kind(f"{error}. {advice}.") from None
    if b"__main__" in data and not hasattr(sys.modules["__main__"], "__file__"):
        raise RuntimeError(
            "DataLoader: something that the workers need is defined in this notebook or prompt, "
            f"where no other process can find it. {advice}."
        )
    return data
