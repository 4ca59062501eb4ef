"""The recorder: sees every operation while it is in ``slot.recorder``, and keeps short notes.

While the model runs only notes are taken: a tuple for each event, with no tensor in it. They are
written into the tables of a trace later (`notes.py`). Memory is followed in `memory.py`.
"""

from __future__ import annotations

import sys
import threading
import weakref
from threading import get_ident
from time import perf_counter
from typing import Any

import numpy as np
from numpy import ndarray

from ..autograd.node import Output
from ..errors import OpError, is_library, user_frame
from ..tensor import NUMBERS, Tensor
from . import kinds
from .memory import (
    ACTIVATION,
    BUFFER,
    GRADIENT,
    OPTIMIZER,
    OTHER,
    PARAMETER,
    Memory,
    Seen,
)
from .naming import PLAIN, argument_text, is_plain, variable_of
from .notes import Writer
from .slot import quiet
from .statistics import Sampling, statistics_of
from .trace import Trace


class Recorder(Memory):
    """Takes notes of what runs. ``statistics`` is the share of time that samples may take."""

    def __init__(self, trace: Trace, statistics: float = 0.1) -> None:
        self.trace = trace
        super().__init__()
        self.writer = Writer(trace, self.began)
        self.sampling = Sampling(statistics)
        self.iteration = 0
        self.iteration_began = 0.0
        self.calls: list[tuple[int, str, str]] = []  # running modules: number, path, kind
        self.call = -1  # number of the innermost
        self.root: Any = lambda: None  # the outermost of them
        self.next_call = 0
        self.library: set[str] = set()  # files of this package
        self.users: set[str] = set()  # all other files
        self.texts: dict[Any, str] = {}  # (op's name, arguments) -> the arguments in short
        self.failures: set[int] = set()
        self.failed = False  # in this iteration
        self.loss = float("nan")
        self.last_peak = 0  # in the one before
        self.weights_before: dict[int, Any] = {}
        self.lock = threading.RLock()
        self.note((kinds.ITERATION, 0, 0.0))
        trace.flush = self.flush

    # Operations forward

    def finish(
        self,
        op: Any,
        inputs: Any,
        given: list[Any],
        outs: tuple[Any, ...],
        params: Any,
        started: float,
        depth: int = 3,
    ) -> None:
        """An operation has run, on the arrays ``given``; the user is ``depth`` frames up or more.

        What this takes is what recording costs, so it is written flat.
        """
        if quiet and get_ident() in quiet:
            return
        ended = perf_counter()
        if self.freed:
            self.settle()
        seen = self.seen
        get = seen.get
        arrays: list[Any] = []  # what is known of the inputs, then of the outputs
        for array in given:
            found = get(id(array))
            if found is None and array.__class__ not in NUMBERS:
                arrays = [self.meet(t) for t in inputs]
                break
            arrays.append(found)
        node: Any = outs[0]._node
        sequence, plan, shape = 0, None, None
        others: Any = ()
        if node is not None:
            if node.__class__ is Output:
                node = node.parents[0]
            else:
                shape = node.shape  # at hand already: an array makes it anew each time
            sequence, plan = node.sequence, node.plan
            if plan.others:
                others = self.others(node)
        for t in outs:
            array = t.array
            key = id(array)
            if key in seen or array.base is not None:
                arrays.append(self.follow(array, OTHER))
                continue
            found = seen[key] = Seen(array, self.gone)  # as `new_block`, without a call
            found.key = key
            found.shape = shape or array.shape
            found.dtype = array.dtype
            found.category = OTHER
            found.bytes = size = array.nbytes
            self.total = size = self.total + size
            if size > self.peak:
                self.peak = size
            arrays.append(found)
        frame = sys._getframe(depth)
        library = self.library
        while True:
            code = frame.f_code
            file = code.co_filename
            if file not in library:
                if file not in self.users:
                    (library if is_library(file) else self.users).add(file)
                    continue
                break
            frame = frame.f_back  # type: ignore[assignment]
        for p in params:
            if p.__class__ not in PLAIN:  # it may hold arrays, which must not be kept
                params = self.arguments(op, params)
                break
        self.note(
            (
                kinds.FORWARD,
                op,
                started,
                ended,
                self.call,
                code,
                frame.f_lasti,
                arrays,
                len(outs),
                sequence,
                plan,
                others,
                params,
            )
        )
        if self.sampling.on:
            for t, found in zip(outs, arrays[-len(outs) :], strict=True):
                self.sample(t.array, found, 0)

    def others(self, node: Any) -> list[Seen]:
        """What is known of the arrays that a node keeps besides its inputs and output."""
        values = [node.kept[i] for i in node.plan.others]
        arrays = [v for v in values if hasattr(v, "strides") and not isinstance(v, np.generic)]
        return [self.follow(v, ACTIVATION) for v in arrays]

    def arguments(self, op: Any, params: tuple[Any, ...]) -> str:
        """An operation's plain arguments in short; the same ones come again and again."""
        key = (op.name, params)
        try:
            return self.texts[key]
        except (KeyError, TypeError):
            text = argument_text(op, params)
            if is_plain(params):
                self.texts[key] = text
            return text

    # Operations backward

    def backward_begins(self, roots: Any) -> None:
        """A backward starts from these tensors."""
        array = roots[0].array if len(roots) == 1 else None
        if array.__class__ is ndarray and array.size == 1:
            self.loss = float(array.real.item())

    def finish_backward(self, node: Any, g: Any, sent: list[Any], started: float) -> None:
        """The rules of a node have run on ``g``; ``sent``: the gradients made, and their shapes."""
        ended = perf_counter()
        seen, freed = self.seen, self.freed
        try:
            while freed:  # as `settle`, without a call
                found = freed.popleft()
                seen.pop(found.key, None)
                if found.block is None:
                    self.total -= found.bytes
                    self.note(found)
        except IndexError:  # another thread was quicker
            pass
        several = g.__class__ is list
        if several:
            arrays = [seen.get(id(one)) or self.meet_gradient(one) for one in g]
        else:
            arrays = [seen.get(id(g)) or self.meet_gradient(g)]
        for array, shape in sent:
            key = id(array)
            if key in seen:
                arrays.append(seen[key])
            elif array.__class__ is not ndarray or array.base is not None:
                arrays.append(self.meet_gradient(array))
            else:
                found = seen[key] = Seen(array, self.gone)  # as `new_block`, without a call
                found.key = key
                found.shape = shape
                found.dtype = array.dtype
                found.category = GRADIENT
                found.bytes = size = array.nbytes
                self.total = size = self.total + size
                if size > self.peak:
                    self.peak = size
                arrays.append(found)
        number = node.sequence
        given = len(g) if several else 1
        self.note((kinds.BACKWARD, node.plan.op, started, ended, number, arrays, given))
        if self.sampling.on and not several:
            array = g.array if isinstance(g, Tensor) else g
            values = self.sampling.take(statistics_of, array)
            self.note((kinds.GRADIENT_OF, number, values))

    def meet_gradient(self, g: Any) -> Any:
        """What is known of a gradient that is a view, a Tensor, or was added up from several."""
        array = g.array if isinstance(g, Tensor) else g
        if isinstance(array, np.generic):
            return None
        return self.seen.get(id(array)) or self.follow(array, GRADIENT)

    def gradient(self, leaf: Any) -> None:
        """A leaf's ``grad`` has been added to."""
        array = leaf._grad.array
        found = self.seen.get(id(array))
        if found is not None and found() is array:
            return
        self.settle()
        found = self.seen.get(id(array))
        if found is None:
            found = self.follow(array, GRADIENT)
            if found.block is None:  # a copy of what the rule made, which no operation gives
                self.note((kinds.TAKEN, found, self.now()))
            name = self.names.of_tensor(leaf)
            if name:
                found.name = f"{name}.grad"

    def fail(self, op: Any, inputs: Any, error: Exception) -> None:
        """An operation has raised: it is noted without outputs, and with the message."""
        now = perf_counter()
        self.settle()
        given = [self.meet(t) for t in inputs if isinstance(t, Tensor)]
        path = [self.calls[-1][1]] if self.calls else []
        text = error.text(path) if isinstance(error, OpError) else said(error)
        frame = user_frame()
        place = (frame.f_code, frame.f_lasti) if frame is not None else (None, 0)
        note = (kinds.FAILED, op, now, now, self.call, *place, given)
        self.note((*note, type(error).__name__, text))
        self.failures.add(id(error))
        self.failed = True
        if not self.calls:
            self.next_iteration()

    # Modules, optimizers, iterations

    def enter(self, module: Any) -> None:
        """A module's forward is about to run."""
        if self.failed and not self.calls:  # what was mended makes a picture of its own
            self.next_iteration()
        self.settle()
        path, kind = self.names.find(module) or self._name(module)
        self.note((kinds.ENTER, path, kind, self.call, self.next_call, self.now()))
        if not self.calls:
            self.root = weakref.ref(module)
        self.calls.append((self.next_call, path, kind))
        self.call = self.next_call
        self.next_call += 1

    def _name(self, module: Any) -> tuple[str, str]:
        """Names a module that is entered for the first time, and all inside it.

        One that was put into a known module since, or made on the fly inside a forward, is named
        after the outermost that is running. What was made under the recorder's eyes, by the
        operations that initialised it, turns out to be parameters and buffers here.
        """
        if self.calls and (root := self.root()) is not None:
            named = self.names.add_root(root, self.calls[0][1])
        else:
            named = self.names.add_root(module, variable_of(module))
        if self.names.find(module) is None:
            named += self.names.add_root(module, type(module).__name__.lower())
        self.know(named)
        return self.names.find(module)  # type: ignore[return-value]

    def know(self, tensors: list[Any]) -> None:
        """Gives parameters and buffers that were followed already their name and category."""
        for t in tensors:
            name = self.names.of_tensor(t)
            if id(t.array) in self.seen and getattr(self.seen[id(t.array)], "name", "") != name:
                category = PARAMETER if t._needs_grad else BUFFER
                self.categorise(self.follow(t.array, category, name), category)

    def leave(self, module: Any) -> None:
        """A module's forward has ended or raised."""
        if self.calls:
            self.note((kinds.LEAVE, self.calls.pop()[0], self.now()))
            self.call = self.calls[-1][0] if self.calls else -1

    def before_step(self, optimizer: Any) -> None:
        """An optimizer is about to change its parameters."""
        if self.sampling.on:
            self.weights_before = {
                id(p): self.sampling.take(p.array.copy)
                for group in optimizer.param_groups
                for p in group["params"]
                if p.grad is not None and not p.is_meta
            }

    def step(self, optimizer: Any) -> None:
        """An optimizer has changed its parameters: an iteration is complete."""
        self.settle()
        rate = float(optimizer.param_groups[0].get("lr", 0.0))
        self.note((kinds.STEP, self.now(), type(optimizer).__name__, rate))
        self._optimizer_state(optimizer)
        if self.sampling.on:
            self._parameter_statistics(optimizer)
        self.next_iteration()

    def _optimizer_state(self, optimizer: Any) -> None:
        for state in optimizer.state.values():
            for value in state.values():
                array = getattr(value, "array", value)
                if hasattr(array, "strides") and not isinstance(array, np.generic):
                    found = self.seen.get(id(array)) or self.follow(array, OPTIMIZER)
                    self.categorise(found, OPTIMIZER)

    def _parameter_statistics(self, optimizer: Any) -> None:
        for i, group in enumerate(optimizer.param_groups):
            for j, p in enumerate(group["params"]):
                if p.grad is not None and not p.is_meta:
                    before = self.weights_before.get(id(p))
                    values = self.sampling.take(_parameter_row, p, before)
                    name = self.names.of_tensor(p) or f"parameter {i}.{j}"
                    self.note((kinds.PARAMETER, self.iteration, name, *values))
        self.weights_before = {}

    def next_iteration(self) -> None:
        """Ends the iteration that is running and begins the next."""
        self.settle()
        now = self.now()
        duration = now - self.iteration_began
        row = (self.iteration, now, duration, self.loss, self.peak, self.total)
        self.note((kinds.SUMMARY, row, _pool()))
        self.iteration_ended()
        self.iteration += 1
        self.iteration_began = now
        self.loss = float("nan")
        self.failed = False
        self.last_peak, self.peak = self.peak, self.total
        self.sampling.next_iteration(self.will_be_seen(duration))
        self.note((kinds.ITERATION, self.iteration, now))

    def iteration_ended(self) -> None:
        """For recorders that do something with each iteration."""

    def will_be_seen(self, duration: float) -> bool:
        """Whether details are kept of the iteration that begins, if it takes so many seconds."""
        return True

    def mark(self, text: str) -> None:
        """A note of the user's own on the time line."""
        self.note((kinds.MARK, self.now(), str(text)))

    def error(self, error: BaseException) -> None:
        """Something has raised that no operation has noted."""
        if id(error) not in self.failures:
            self.note((kinds.ERROR, self.now(), type(error).__name__, said(error)))

    def sample(self, array: Any, found: Seen, kind: int) -> None:
        """Notes the statistics of an array's values."""
        self.note((kinds.STATISTICS, found, kind, self.sampling.take(statistics_of, array)))

    def array_of(self, tensor_row: int) -> Any:
        """The array behind a row of the tensors table, or None when it is gone."""
        found = self.writer.seen_of_row.get(tensor_row)
        return None if found is None else found()

    def taken_notes(self) -> list[Any]:
        """The notes so far, taken off the list while others may be adding to it."""
        count = len(self.notes)
        batch = self.notes[:count]
        del self.notes[:count]
        return batch

    def flush(self) -> None:
        """Writes the notes taken so far into the trace."""
        self.settle()
        with self.lock:
            self.writer.write(self.taken_notes())

    def close(self) -> None:
        """Ends the recording: nothing is followed any longer."""
        self.flush()
        ops = self.trace.tables["ops"]["iteration"]
        if len(ops) and ops[-1] == self.iteration:
            self.next_iteration()
            self.flush()
        self.trace.tables["iterations"].drop_last()  # the one that has only begun
        self.seen.clear()  # with the weak references go their callbacks
        self.trace.flush = lambda: None


def said(error: BaseException) -> str:
    """An error's message, or its kind where it has none (a KeyboardInterrupt, an assert)."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # its own __str__ has failed
        return type(error).__name__


def _parameter_row(p: Any, before: Any) -> tuple[Any, ...]:
    """Statistics of a parameter's gradient: the columns of `gradients` after its name."""
    s = statistics_of(p.grad.array)
    weight = float(np.sqrt((p.array.astype("float64") ** 2).sum()))
    update = float("nan")
    if before is not None and before.shape == p.array.shape:
        update = float((((p.array - before).astype("float64")) ** 2).sum() ** 0.5)
    return (s.norm, weight, update, s.zeros, s.nans + s.infs, s.min, s.max, s.histogram)


def _pool() -> tuple[float, float]:
    """Bytes used and held by CuPy's memory pool; nothing where CuPy is not in use."""
    cupy = sys.modules.get("cupy")
    if cupy is None:
        return 0.0, 0.0
    try:
        pool = cupy.get_default_memory_pool()
        return float(pool.used_bytes()), float(pool.total_bytes())
    except Exception:  # no usable CUDA device
        return 0.0, 0.0
