"""The recorder: sees every operation while it is in ``slot.recorder``, and keeps short notes.

While the model runs only notes are taken: a tuple for each event, with no tensor in it. They are
written into the tables of a trace later (`notes.py`). Memory is followed by weak references: the
recorder never keeps an array alive.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from ..errors import OpError
from ..tensor import Tensor
from .naming import Names, argument_text
from .notes import Note, Seen, Writer
from .schema import CATEGORIES
from .statistics import Sampling, statistics_of
from .trace import Trace

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
OTHER, DATA, PARAMETER, BUFFER, ACTIVATION, GRADIENT, OPTIMIZER = range(len(CATEGORIES))


class Recorder:
    """Takes notes of what runs. ``statistics`` is the share of time that samples may take."""

    def __init__(self, trace: Trace, statistics: float = 0.1) -> None:
        self.trace = trace
        self.notes: list[tuple[Any, ...]] = []
        self.seen: dict[int, Seen] = {}  # id(array) -> what is known of it, while it lives
        self.names = Names()
        self.writer = Writer(trace)
        self.sampling = Sampling(statistics)
        self.iteration = 0
        self.began = perf_counter()
        self.iteration_began = 0.0
        self.calls: list[tuple[int, str, str]] = []  # running modules: number, path, kind
        self.library: dict[Any, bool] = {}  # code object -> whether it is this package's
        self.failures: set[int] = set()
        self.next_call = 0
        self.loss = float("nan")
        self.live = [0.0] * len(CATEGORIES)  # bytes by category
        self.total = self.peak = 0.0
        self.at_peak = list(self.live)
        self.op_began = 0.0
        self.sent_to: list[Any] = []
        self.weights_before: dict[int, Any] = {}
        self.lock = threading.RLock()
        self.notes.append((Note.ITERATION, 0, 0.0))
        trace.flush = self.flush

    # Operations forward

    def start(self, op: Any) -> None:
        """An operation is about to run."""
        self.op_began = perf_counter()

    def finish(self, op: Any, inputs: Any, outs: tuple[Any, ...], params: Any) -> None:
        """An operation has run."""
        ended = perf_counter()
        seen = self.seen
        given = []
        for t in inputs:
            if isinstance(t, Tensor):
                found = seen.get(id(t.array))
                given.append(found if found is not None else self.meet(t))
        made = []
        for t in outs:
            known = id(t.array) in seen
            made.append(self._again(t.array) if known else self.track(t.array, OTHER))
        node = outs[0]._node
        kept = self._kept(node, given, made, inputs) if node is not None else ()
        self.notes.append(
            (
                Note.FORWARD,
                op.name,
                self.op_began - self.began,
                ended - self.op_began,
                self.calls[-1][0] if self.calls else -1,
                self.place(),
                self.iteration,
                given,
                made,
                kept,
                node.sequence if node is not None else 0,
                argument_text(op, params) if params else "",
            )
        )
        if self.sampling.on:
            for t, found in zip(outs, made, strict=True):
                self.sample(t.array, found, 0)

    def _again(self, array: Any) -> Seen:
        """An array that comes out once more (in-place operations): a new tensor, the same memory."""
        old = self.seen[id(array)]
        new = self.seen[id(array)] = Seen(array, old.block, old.name)
        new.reference, new.owns = old.reference, old.owns
        return new

    def _kept(self, node: Any, given: list[Seen], made: list[Seen], inputs: Any) -> Any:
        """What the node keeps for its backward, which makes it an activation."""
        if not node.kept or node.__class__.__name__ == "Output":
            return ()
        kept = []
        for kind, value in zip(node.plan.kinds, node.kept, strict=True):
            if not hasattr(value, "strides") or isinstance(value, np.generic):
                continue
            found = self.seen.get(id(value))
            if found is None:
                found = self.track(value, ACTIVATION)
            if found.block.category == OTHER:
                self.categorise(found.block, ACTIVATION)
            kept.append(found)
        return kept

    # Operations backward

    def backward_begins(self, roots: Any) -> None:
        """A backward starts from these tensors."""
        if len(roots) == 1 and roots[0].array.size == 1 and not roots[0].is_cuda:
            self.loss = float(roots[0].array.real.item())

    def start_backward(self, node: Any, g: Any) -> None:
        """The rules of a node are about to run on its output's gradient."""
        self.sent_to = []
        self.op_began = perf_counter()

    def sent(self, node: Any, target: Any, g: Any) -> None:
        """A rule has made the gradient of one of its inputs."""
        self.sent_to.append((target, self._gradient_seen(g)))

    def _gradient_seen(self, g: Any) -> Any:
        array = g.array if isinstance(g, Tensor) else g
        if not hasattr(array, "strides") or isinstance(array, np.generic):
            return None
        found = self.seen.get(id(array))
        return found if found is not None else self.track(array, GRADIENT)

    def finish_backward(self, node: Any, g: Any) -> None:
        """The rules of a node have run."""
        ended = perf_counter()
        given = [self._gradient_seen(x) for x in (g if isinstance(g, list) else [g])]
        self.notes.append(
            (
                Note.BACKWARD,
                node.plan.op.name,
                self.op_began - self.began,
                ended - self.op_began,
                node.sequence,
                self.iteration,
                [x for x in given if x is not None],
                [x for _, x in self.sent_to if x is not None],
            )
        )
        if self.sampling.on and not isinstance(g, list):
            array = g.array if isinstance(g, Tensor) else g
            self.notes.append(
                (Note.GRADIENT_OF, node.sequence, self.sampling.take(statistics_of, array))
            )

    def gradient(self, leaf: Any) -> None:
        """A leaf's ``grad`` has been added to."""
        array = leaf.grad.array
        found = self.seen.get(id(array))
        if found is None:
            found = self.track(array, GRADIENT)
        elif found.block.category == OTHER:
            self.categorise(found.block, GRADIENT)
        if not found.name:
            found.name = f"{self.names.of_tensor(leaf)}.grad".lstrip(".")

    def fail(self, op: Any, inputs: Any, error: Exception) -> None:
        """An operation has raised: it is noted without outputs, and with the message."""
        given = [
            self.seen.get(id(t.array)) or self.meet(t) for t in inputs if isinstance(t, Tensor)
        ]
        path = [self.calls[-1][1]] if self.calls else []
        self.notes.append(
            (
                Note.FAILED,
                op.name,
                self.op_began - self.began,
                perf_counter() - self.op_began,
                self.calls[-1][0] if self.calls else -1,
                self.place(),
                self.iteration,
                given,
                _kind_of(error),
                error.text(path) if isinstance(error, OpError) else str(error),
            )
        )
        self.failures.add(id(error))

    def place(self) -> Any:
        """The user's line that is running: a code object and the offset in it."""
        frame = sys._getframe(2)
        library = self.library
        while frame is not None:
            code = frame.f_code
            if code not in library:
                library[code] = code.co_filename.startswith(_PACKAGE)
            if not library[code]:
                return code, frame.f_lasti
            frame = frame.f_back  # type: ignore[assignment]
        return None

    # Modules, optimizers, iterations

    def enter(self, module: Any) -> None:
        """A module's forward is about to run."""
        path, kind = self.names.enter(module, outermost=not self.calls)
        parent = self.calls[-1][0] if self.calls else -1
        self.notes.append((Note.ENTER, path, kind, parent, self.next_call, self.now()))
        self.calls.append((self.next_call, path, kind))
        self.next_call += 1

    def leave(self, module: Any) -> None:
        """A module's forward has ended or raised."""
        if self.calls:
            self.notes.append((Note.LEAVE, self.calls.pop()[0], self.now()))

    def before_step(self, optimizer: Any) -> None:
        """An optimizer is about to change its parameters."""
        if self.sampling.on:
            self.weights_before = {
                id(p): self.sampling.take(p.array.copy)
                for group in optimizer.param_groups
                for p in group["params"]
                if p.grad is not None
            }

    def step(self, optimizer: Any) -> None:
        """An optimizer has changed its parameters: an iteration is complete."""
        rate = float(optimizer.param_groups[0].get("lr", 0.0))
        self.notes.append((Note.STEP, self.now(), type(optimizer).__name__, rate))
        self._optimizer_state(optimizer)
        if self.sampling.on:
            self._parameter_statistics(optimizer)
        self.next_iteration()

    def _optimizer_state(self, optimizer: Any) -> None:
        for state in optimizer.state.values():
            for value in state.values():
                array = getattr(value, "array", value)
                if hasattr(array, "strides") and not isinstance(array, np.generic):
                    found = self.seen.get(id(array))
                    if found is None:
                        self.track(array, OPTIMIZER)
                    elif found.block.category != OPTIMIZER:
                        self.categorise(found.block, OPTIMIZER)

    def _parameter_statistics(self, optimizer: Any) -> None:
        for i, group in enumerate(optimizer.param_groups):
            for j, p in enumerate(group["params"]):
                if p.grad is not None:
                    before = self.weights_before.get(id(p))
                    values = self.sampling.take(_parameter_row, p, before)
                    name = self.names.of_tensor(p) or f"parameter {i}.{j}"
                    self.notes.append((Note.PARAMETER, self.iteration, name, *values))
        self.weights_before = {}

    def next_iteration(self) -> None:
        """Ends the iteration that is running and begins the next."""
        now = self.now()
        duration = now - self.iteration_began
        row = (self.iteration, now, duration, self.loss, self.peak, self.total)
        self.notes.append((Note.SUMMARY, (*row, tuple(self.at_peak), *_pool())))
        self.iteration_ended()
        self.iteration += 1
        self.iteration_began = now
        self.loss = float("nan")
        self.peak, self.at_peak = self.total, list(self.live)
        self.sampling.next_iteration()
        self.notes.append((Note.ITERATION, self.iteration, now))

    def iteration_ended(self) -> None:
        """For recorders that do something with each iteration."""

    def mark(self, text: str) -> None:
        """A note of the user's own on the time line."""
        self.notes.append((Note.MARK, self.now(), str(text)))

    def error(self, error: BaseException) -> None:
        """Something has raised that no operation has noted."""
        if id(error) not in self.failures:
            self.notes.append((Note.ERROR, self.now(), _kind_of(error), str(error)))

    def now(self) -> float:
        """Seconds since the recording began."""
        return perf_counter() - self.began

    # Memory

    def meet(self, t: Any) -> Seen:
        """A tensor that was made before the recording, or outside any operation."""
        if t._needs_grad and t._node is None:
            return self.track(t.array, PARAMETER, self.names.of_tensor(t))
        name = self.names.of_tensor(t)
        return self.track(t.array, BUFFER if name else DATA, name)

    def track(self, array: Any, category: int, name: str = "") -> Seen:
        """Follows an array, and the memory it is a view of, until both are gone."""
        root = array
        while isinstance(root.base, type(root)):
            root = root.base
        block = None
        if root is not array:
            block = self.seen.get(id(root))
            block = block.block if block is not None else self.track(root, category).block
        found = self.seen[id(array)] = Seen(array, block, name)
        found.reference = weakref.ref(array, partial(self._gone, id(array)))
        if block is None:
            found.owns = True
            found.category = category
            self.notes.append((Note.TAKEN, found, self.now(), category))
            self.live[category] += found.bytes
            self.total += found.bytes
            if self.total > self.peak:
                self.peak, self.at_peak = self.total, list(self.live)
        return found

    def categorise(self, block: Seen, category: int) -> None:
        """Moves a block to another category."""
        self.live[block.category] -= block.bytes
        self.live[category] += block.bytes
        block.category = category
        self.notes.append((Note.CATEGORY, block, category))

    def _gone(self, key: int, _: Any) -> None:
        found = self.seen.pop(key, None)
        if found is not None and found.owns:
            block = found.block
            self.live[block.category] -= block.bytes
            self.total -= block.bytes
            self.notes.append((Note.FREED, block, perf_counter() - self.began))

    def sample(self, array: Any, found: Seen, kind: int) -> None:
        """Notes the statistics of an array's values."""
        self.notes.append((Note.STATISTICS, found, kind, self.sampling.take(statistics_of, array)))

    def array_of(self, tensor_row: int) -> Any:
        """The array behind a row of the tensors table, or None when it is gone."""
        found = self.writer.seen_of_row.get(tensor_row)
        return found.reference() if found is not None and found.reference is not None else None

    def taken_notes(self) -> list[tuple[Any, ...]]:
        """The notes so far, taken off the list while others may be adding to it."""
        count = len(self.notes)
        batch = self.notes[:count]
        del self.notes[:count]
        return batch

    def flush(self) -> None:
        """Writes the notes taken so far into the trace."""
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


def _kind_of(error: BaseException) -> str:
    """The error's type as the user knows it: ``RuntimeError``."""
    return (type(error).__mro__[2] if isinstance(error, OpError) else type(error)).__name__


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
