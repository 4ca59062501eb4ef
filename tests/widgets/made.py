"""Traces made by hand, so that a picture's test needs no model and no luck."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

import numpy as np

from flambeau.record.schema import CATEGORIES
from flambeau.record.trace import Trace

DATA, PARAMETER, ACTIVATION, GRADIENT = (
    CATEGORIES.index(c) for c in ("data", "parameter", "activation", "gradient")
)


class Made:
    """Writes a trace one event at a time; tensors are known by their rows."""

    def __init__(self, title: str = "") -> None:
        self.trace = Trace({"title": title})
        self.tick = 0
        self.iteration = -1
        self.calls: list[int] = []
        self.modules: dict[tuple[str, str], int] = {}
        self.next_iteration()

    def _add(self, table: str, *row: object) -> int:
        strings = (self.trace.intern(v) if isinstance(v, str) else v for v in row)
        return self.trace.tables[table].add(*strings)

    def _now(self) -> tuple[int, float]:
        self.tick += 1
        return self.tick, self.tick * 1e-5

    def next_iteration(self) -> None:
        self.iteration += 1
        self._add("iterations", self.iteration, *self._now())

    def memory(self, *shape: int, category: int = DATA, name: str = "") -> int:
        op = len(self.trace.tables["ops"]) if category in (ACTIVATION, GRADIENT) else -1
        block = self._add("blocks", *self._now(), 4.0 * prod(shape), "cpu", category, op)
        shown = ",".join(map(str, shape))
        return self._add("tensors", self.tick, block, shown, "float32", name)

    def free(self, tensor: int) -> None:
        self._add("frees", tensor, *self._now())  # each tensor has a block of its own

    @contextmanager
    def module(self, path: str, kind: str = "Net") -> Iterator[None]:
        module = self.modules.get((path, kind))
        if module is None:
            module = self.modules[path, kind] = self._add("modules", path, kind)
        call = self._add("calls", module, self.calls[-1] if self.calls else -1, *self._now())
        self.calls.append(call)
        try:
            yield
        finally:
            self._add("leaves", self.calls.pop(), *self._now())

    def _op(self, name: str, phase: int, call: int, forward: int, arguments: str = "") -> int:
        tick, time = self._now()
        row = (tick, time, 1e-5, phase, name, call, -1, forward, self.iteration, arguments)
        return self._add("ops", *row)

    def _uses(self, op: int, given: list[int], made: list[int]) -> None:
        for role, tensors in enumerate((given, made)):
            for tensor in tensors:
                self._add("uses", op, tensor, role)

    def op(self, name: str, given: list[int], *shape: int, arguments: str = "") -> int:
        made = self.memory(*shape, category=ACTIVATION)
        op = self._op(name, 0, self.calls[-1] if self.calls else -1, -1, arguments)
        self._uses(op, given, [made])
        return made

    def backward(self, forward: int, given: int, *shape: int) -> int:
        made = self.memory(*shape, category=GRADIENT)
        ops = self.trace.tables["ops"]
        name, call = self.trace.strings[ops["name"][forward]], int(ops["call"][forward])
        self._uses(self._op(name, 1, call, forward), [given], [made])
        return made

    def fail(self, name: str, given: list[int], message: str, kind: str = "RuntimeError") -> None:
        call = self.calls[-1] if self.calls else -1
        op = self._op(name, 0, call, -1)
        self._uses(op, given, [])
        self._add("errors", *self._now(), op, kind, message, call, -1)

    def error(self, kind: str, message: str) -> None:
        """An error that no operation raised."""
        self._add("errors", *self._now(), -1, kind, message, -1, -1)

    def step(self, loss: float, norms: dict[str, float]) -> None:
        """An optimizer's step, which ends the iteration."""
        self._add("steps", *self._now(), "SGD", 0.1)
        for name, norm in norms.items():
            broken = float(not np.isfinite(norm))
            row = (norm, 1.0, 0.01, 0.0, broken, -1.0, 1.0, np.zeros(32))
            self._add("gradients", self.iteration, name, *row)
        row = (loss, 1e6, 1e5, (0.0,) * len(CATEGORIES), 0.0, 0.0)
        self._add("summaries", self.iteration, self._now()[1], 1e-3, *row)
        self.next_iteration()


LAYERS = (
    ("conv1", "Conv2d(1, 16, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))", "conv2d"),
    ("act1", "ReLU()", "relu"),
    ("pool1", "MaxPool2d(kernel_size=2, stride=2, padding=0)", "max_pool2d"),
    ("conv2", "Conv2d(16, 32, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))", "conv2d"),
    ("act2", "ReLU()", "relu"),
    ("pool2", "MaxPool2d(kernel_size=2, stride=2, padding=0)", "max_pool2d"),
    ("flatten", "Flatten(start_dim=1, end_dim=-1)", "flatten"),
    ("head", "Linear(in_features=128, out_features=10, bias=True)", "linear"),
)
SHAPES = ((16, 8, 8), (16, 8, 8), (16, 4, 4), (32, 4, 4), (32, 4, 4), (32, 2, 2), (128,), (10,))


def network(iterations: int = 1, batch: int = 64, root: str = "net") -> Trace:
    """A small convolutional network that was trained for so many steps."""
    made = Made(root)
    shapes = {"conv1": (16, 1, 3, 3), "conv2": (32, 16, 3, 3), "head": (10, 128)}
    weights = {
        n: made.memory(*s, category=PARAMETER, name=f"{root}.{n}.weight") for n, s in shapes.items()
    }
    for step in range(iterations):
        first, kept = len(made.trace.tables["ops"]), []
        x = made.memory(batch, 1, 8, 8)
        with made.module(root, "Net"):
            for (name, kind, op), shape in zip(LAYERS, SHAPES, strict=True):
                with made.module(f"{root}.{name}", kind):
                    given = [x, weights[name]] if name in weights else [x]
                    x = made.op(op, given, batch, *shape)
                kept.append(x)
        g = made.op("cross_entropy", [x, made.memory(batch)])
        for i, shape in reversed([*enumerate(SHAPES), (8, (10,))]):
            made_here = made.backward(first + i, g, batch, *shape)
            made.free(g)
            g = made_here
            if i < len(kept):
                made.free(kept[i])
        made.free(g)
        names = [f"{root}.{n}.{p}" for n in weights for p in ("weight", "bias")]
        norms = {n: 2.0 / (step + 1) / (i + 1) ** 2 for i, n in enumerate(names)}
        made.step(2.3 * 0.9**step + 0.05, norms)
    made.trace.tables["iterations"].drop_last()
    return made.trace
