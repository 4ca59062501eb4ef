"""The test table: one line of sample inputs per operation; `test_ops.py` does the rest.

    Sample("softmax", randn(3, 4), dim=1)
    Sample("F.cross_entropy", randn(5, 3), randint(0, 3, 5))
    Sample("cat", [randn(2, 3), randn(2, 1)], dim=1)
    Sample("argmax", distinct(3, 4), 1).but(grad=False)

A name is looked up in ``fb``, ``fb.nn.functional`` and ``fb.Tensor``, or where its prefix says
(``F.``, ``Tensor.``, ``linalg.``), and by the same name in PyTorch. Families stand in
``samples/<family>.py``, each with a list ``SAMPLES``. Inputs of floats are run in every floating
type and as integers; those of integers and booleans (`randint`, `bools`, arrays) stay as they are.
Values depend on the line alone, so adding one changes no other. `but` says what it cannot do:

- ``grad=False``: no gradient is checked; ``second=False``: no second gradient
- ``smooth=False``: not compared with numerical differentiation
- ``dtypes=(...)``: the types that float inputs are run in beside float64 (see `DTYPES`)
- ``random=True``: values differ from run to run, only shapes and types are compared
- ``torch=f``: what to call in PyTorch instead of the same name; None: nothing there to compare
- ``tolerance=x``: a wider one, relative to the largest value
- ``shares=True``: the result shares memory with an input (no other checks on memory)
- ``layout=False``: needs contiguous inputs
- ``method=False``: not called as a method; ``inplace=False``: its twin ``x_`` is not tried
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

import flambeau as fb
from flambeau.ops.registry import SPACES as REGISTERED

DTYPES = ("float32", "float16", "int64", "int32", "uint8", "bool")
FLOATS = ("float32", "float16")


class Spec:
    """An input to be drawn once its sample's seed is known."""

    def __init__(self, draw: Any, shape: tuple[int, ...]) -> None:
        self.draw, self.shape = draw, shape


def randn(*shape: int) -> Spec:
    """Normally distributed floats."""
    return Spec(lambda rng: rng.standard_normal(shape), shape)


def rand(*shape: int, low: float = 0.2, high: float = 0.9) -> Spec:
    """Uniformly distributed floats, by default inside (0, 1)."""
    return Spec(lambda rng: rng.uniform(low, high, shape), shape)


def positive(*shape: int) -> Spec:
    """Floats between 0.5 and 3."""
    return rand(*shape, low=0.5, high=3.0)


def distinct(*shape: int) -> Spec:
    """Floats that all differ by at least 0.1, in random order: no ties, no zero, no round ones."""
    n = int(np.prod(shape))
    values = (np.arange(n) - n // 2 + 0.5) * max(0.1, 4.0 / max(n, 1)) + 0.0137 / max(n, 1)
    return Spec(lambda rng: rng.permutation(values).reshape(shape), shape)


def randint(low: int, high: int, *shape: int) -> Spec:
    """int64 from ``low`` up to, not including, ``high``."""
    return Spec(lambda rng: rng.integers(low, high, shape), shape)


def bools(*shape: int) -> Spec:
    """Booleans, about half of them True."""
    return Spec(lambda rng: rng.integers(0, 2, shape).astype(bool), shape)


def map_nested(f: Any, value: Any) -> Any:
    """Applies ``f`` to what stands in lists, tuples, dicts and slices."""
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(map_nested(f, v) for v in value)
    if isinstance(value, dict):
        return {k: map_nested(f, v) for k, v in value.items()}
    return f(value)


class Sample:
    """One call of one operation."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        self.space, _, self.name = name.rpartition(".")
        seed = crc32(repr((name, len(args), sorted(kwargs))).encode())
        rng = np.random.default_rng(seed)
        self.args, self.kwargs = map_nested(
            lambda v: v.draw(rng) if isinstance(v, Spec) else v, (args, kwargs)
        )
        self.second = self.smooth = self.method = self.inplace = True
        self.grad = self.takes_floats
        self.layout = True
        self.random = self.shares = False
        self.dtypes: tuple[str, ...] = DTYPES
        self.torch: Any = self.name
        self.tolerance = 0.0
        self.id = name

    @property
    def writes(self) -> bool:
        """Whether writing into its input is what it is for."""
        return self.name.endswith("_")

    @property
    def on_tensor(self) -> bool:
        """Whether its first argument is a tensor."""
        return bool(self.args) and isinstance(self.args[0], np.ndarray)

    @property
    def takes_floats(self) -> bool:
        """Whether any input holds floats, and can hold another type."""
        found: list[Any] = []
        map_nested(found.append, (self.args, self.kwargs))
        return any(isinstance(v, np.ndarray) and v.dtype == np.float64 for v in found)

    def but(self, **options: Any) -> Sample:
        """Says what is special about it; see the top of this file."""
        for key, value in options.items():
            assert hasattr(self, key), f"a sample has no option {key!r}"
            setattr(self, key, value)
        return self

    def __repr__(self) -> str:
        return self.id


SPACES = {"": ("fb", "F", "Tensor"), **{space: (space,) for space in REGISTERED}}


def look_up(sample: Sample, package: Any) -> Any:
    """The function that a sample names, in Flambeau or in PyTorch."""
    if package is not fb:
        if callable(sample.torch):
            return sample.torch
        places = {"fb": package, "F": package.nn.functional, "Tensor": package.Tensor}
        places |= {k: getattr(package, k) for k in REGISTERED if k not in places}
        here = next((k for k in SPACES[sample.space] if sample.name in REGISTERED[k]), "fb")
        places = {k: p for k, p in places.items() if k == here or here == "fb"}
        found = {k: getattr(p, sample.torch, None) for k, p in places.items()}
    else:
        found = {k: things.get(sample.name) for k, things in REGISTERED.items()}
    for space in SPACES[sample.space]:
        if callable(found.get(space)):
            return found[space]
    raise AttributeError(f"{package.__name__} has no {sample.space or 'operation'} {sample.name!r}")


def load() -> list[Sample]:
    """Every sample of every family, numbered where an operation has several."""
    samples: list[Sample] = []
    folder = Path(__file__).parent / "samples"
    for found in pkgutil.iter_modules([str(folder)]):
        samples += importlib.import_module(f"samples.{found.name}").SAMPLES
    seen: Counter[str] = Counter()
    for s in samples:
        seen[s.id] += 1
        if seen[s.id] > 1:
            s.id = f"{s.id}-{seen[s.id]}"
    return samples


# ---- running a sample ------------------------------------------------------------------------


def to_array(t: Any) -> np.ndarray:
    """A result of either library as an array."""
    return t.detach().cpu().numpy(force=True)


class Call:
    """A sample with its float inputs made into tensors of one library, in one dtype."""

    def __init__(
        self,
        sample: Sample,
        package: Any,
        dtype: str = "float64",
        grad: bool = False,
        shift: Any = None,
        layout: Any = None,
        device: str = "cpu",
    ) -> None:
        self.sample, self.package = sample, package
        self.leaves: list[Any] = []
        self.tensors: list[Any] = []
        self.dtype, self.grad, self.shift, self.device = dtype, grad, shift, device
        self.layout = layout
        self.args, self.kwargs = map_nested(self._tensor, (sample.args, sample.kwargs))

    def _tensor(self, value: Any) -> Any:
        if isinstance(value, fb.dtype) and self.package is not fb:
            return getattr(self.package, value.name)
        if not isinstance(value, np.ndarray):
            return value
        floats = value.dtype == np.float64
        if floats:
            if self.shift is not None:
                value = value + self.shift[len(self.leaves)]
            value = _as(value, self.dtype)
        t = self.package.from_numpy(np.array(value))
        if self.layout is not None:
            t = self.layout(self.package, t)
        if self.device != "cpu":
            t = t.to(self.device)
        if floats:
            if self.grad:
                t.requires_grad_()
            self.leaves.append(t)
        self.tensors.append(t)
        return t

    def run(self, function: Any = None) -> Any:
        """Calls the operation; what it gives as it is."""
        found = function or look_up(self.sample, self.package)
        return found(*self.args, **self.kwargs)

    def outputs(self, function: Any = None) -> list[Any]:
        """Calls the operation; its results as a flat list."""
        return flat(self.run(function))

    def reals(self) -> list[Any]:
        """Its results as a flat list, complex ones as pairs of real numbers."""
        split = self.package.view_as_real
        return [split(t) if is_complex(t) else t for t in self.outputs()]


def is_complex(t: Any) -> bool:
    """Whether a result is a complex tensor."""
    return hasattr(t, "is_complex") and t.is_complex()


def _as(value: np.ndarray, dtype: str) -> np.ndarray:
    kind = np.dtype(dtype).kind
    if kind == "f":
        return value.astype(dtype)
    if kind == "b":
        return value > np.median(value) if value.size else value.astype(bool)
    whole = np.rint(value * 2)
    return (abs(whole) if kind == "u" else whole).astype(dtype)


def flat(result: Any) -> list[Any]:
    """A result's tensors (and numbers) in a flat list."""
    if isinstance(result, (list, tuple)) and not _is_size(result):
        return [x for part in result for x in flat(part)]
    return [result]


def _is_size(value: Any) -> bool:
    return type(value).__name__ == "Size"


def non_contiguous(package: Any, t: Any) -> Any:
    """The same values laid out with gaps, and with the dimensions in reverse order."""
    if t.ndim == 0:
        return t
    array = np.asarray(t)
    order = tuple(reversed(range(array.ndim)))
    wide = np.repeat(array.transpose(order), 2, axis=0)
    spread = package.from_numpy(np.ascontiguousarray(wide))
    return spread[::2].permute(*order)


def weights(outs: list[Any]) -> list[np.ndarray | None]:
    """Fixed weights for each floating output, which make one number of all of them."""
    rng = np.random.default_rng(7)
    return [rng.uniform(0.5, 1.5, tuple(t.shape)) if _differentiable(t) else None for t in outs]


def _differentiable(t: Any) -> bool:
    return hasattr(t, "is_floating_point") and t.is_floating_point()


def weighted(package: Any, outs: list[Any], ws: list[Any]) -> Any:
    """The sum of outputs times weights: a number that depends on every output."""
    total = 0
    for out, w in zip(outs, ws, strict=True):
        if w is not None and out.requires_grad:
            total = total + (out * w).sum()
    return total
