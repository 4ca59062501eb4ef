"""`Batched`: what a function under ``vmap`` sees, one slice standing for all of them.

A `Batched` has the shape of one slice; ``value`` holds all slices along its first dimension (and is
itself a `Batched` under nested vmaps). Its ``array`` is a `Stand`: right in shape and type, and
without values. Whoever asks it for values gets `ValuesNeeded`, and is run on each slice instead.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

import numpy as np

from ..device import module_of
from ..errors import ValuesNeeded
from ..ops.registry import OPS
from ..subclasses import disabled_torch_function
from ..tensor import Tensor, _fill


class Level:
    """One vmap that is running: how many slices, and what random operations do."""

    __slots__ = ("depth", "randomness", "size")

    def __init__(self, depth: int, size: int, randomness: str) -> None:
        self.depth, self.size, self.randomness = depth, size, randomness


class Here(threading.local):
    """The vmaps that are running in this thread, the innermost last."""

    def __init__(self) -> None:
        self.levels: list[Level] = []


here = Here()


class Stand(np.ndarray):
    """The array of a `Batched`: a shape and a type, and no values."""

    value: Any = None
    level: Any = None

    def __array_ufunc__(self, *args: Any, **kwargs: Any) -> Any:
        raise ValuesNeeded(_WHY)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in _OF_SHAPE:
            raise ValuesNeeded(_WHY)
        bare = [a.view(np.ndarray) if isinstance(a, Stand) else a for a in args]
        return function(*bare, **kwargs)

    def reshape(self, *shape: Any, **_: Any) -> Any:  # type: ignore[override]
        """Another shape of the same slices."""
        return OPS["reshape"](self.tensor(), *shape).array

    def tensor(self) -> Batched:
        """The tensor that this is the array of."""
        return batched(self.value, self.level)


_WHY = (
    "vmap: the values of a tensor were asked for inside a function under vmap, where they differ "
    "from slice to slice; use operations on tensors instead"
)
_OF_SHAPE = {
    np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like, np.full_like,
    np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.may_share_memory,
}  # fmt: skip
_KEPT = {"reshape", "view"}


def _refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
    raise ValuesNeeded(_WHY)


for _name in dir(np.ndarray):
    _method = getattr(np.ndarray, _name)
    if callable(_method) and not _name.startswith("_") and _name not in _KEPT:
        setattr(Stand, _name, _refuse)
for _name in ("getitem", "setitem", "bool", "float", "int", "index", "complex", "iter", "contains"):
    setattr(Stand, f"__{_name}__", _refuse)
for _name in ("T", "base", "strides", "data", "ctypes", "flat", "real", "imag"):
    setattr(Stand, _name, property(_refuse))


class Batched(Tensor):
    """A tensor under vmap; ``value`` has all slices, along its first dimension."""

    __slots__ = ("level", "value")
    __torch_function__ = disabled_torch_function  # type: ignore[assignment]

    value: Tensor
    level: Level

    @property
    def device(self) -> Any:
        """Where its memory is."""
        return self.value.device

    @property
    def is_cuda(self) -> bool:
        """Whether it lies on a CUDA device."""
        return self.value.is_cuda

    def stride(self, dim: int | None = None) -> Any:
        """Elements from one entry of each dimension of a slice to the next."""
        steps = self.value.stride()[1:]
        return steps if dim is None else steps[dim]

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether its slices lie in row-major order without gaps."""
        return self.value.is_contiguous()

    @property  # type: ignore[misc]
    def requires_grad(self) -> bool:  # type: ignore[override]
        """Whether gradients are computed with respect to it."""
        return self.value.requires_grad

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """RuntimeError: which slice the gradient would belong to is not known."""
        raise RuntimeError(
            "You are attempting to call Tensor.requires_grad_() inside of a function being "
            "transformed by a functorch transform. Use torch.func.grad or torch.func.vjp inside, "
            "or call requires_grad_() before"
        )

    @property
    def grad_fn(self) -> Any:
        """The node of the operation that made all slices."""
        return self.value.grad_fn

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made it."""
        return self.value.is_leaf

    @property
    def _version(self) -> int:
        return self.value._version

    def detach(self) -> Tensor:
        """The same memory outside the graph."""
        return batched(self.value.detach(), self.level)

    @property  # type: ignore[misc]
    def data(self) -> Tensor:  # type: ignore[override]
        """The same memory outside the graph."""
        return batched(self.value.data, self.level)

    def register_hook(self, hook: Any) -> Any:
        """Calls ``hook`` with the gradient of all slices."""
        level = self.level

        def with_slices(g: Tensor) -> Any:
            made = hook(batched(g, level))
            return made.value if isinstance(made, Batched) else made

        return self.value.register_hook(with_slices)

    def backward(self, *args: Any, **kwargs: Any) -> None:
        """RuntimeError: inside vmap, ``torch.func.grad`` and ``vjp`` give gradients."""
        raise RuntimeError(
            "backward() called inside a functorch transform. This is not supported, please use "
            "torch.func.grad or torch.func.vjp instead or call backward() outside of it"
        )

    def item(self) -> Any:
        """RuntimeError: it differs from slice to slice."""
        raise ValuesNeeded(
            "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over "
            "calling .item() on a Tensor, please try to rewrite what you're doing with other "
            "operations (torch.where chooses between values without asking for them)"
        )

    _number = tolist = item

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """RuntimeError: it differs from slice to slice."""
        raise ValuesNeeded("vmap: cannot access the memory of one slice as a NumPy array")

    def __index__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        raise ValuesNeeded(
            "vmap: It looks like you're attempting to use a Tensor in some data-dependent control "
            "flow, such as `if x.sum() > 0`. The condition differs from slice to slice: "
            "torch.where(condition, a, b) chooses for each"
        )

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"BatchedTensor(lvl={self.level.depth}, bdim=0, value={self.value!r})"


@functools.lru_cache(64)
def _memory(kind: str) -> bytes:
    """What a `Stand` lies over: NaN where it is read all the same."""
    return (b"\xff" if kind in "fc" else b"\0") * 16


def batched(value: Tensor, level: Level) -> Batched:
    """All slices along the first dimension of ``value`` as one slice, for a level."""
    t: Any = object.__new__(Batched)
    array = value.array
    shape, dtype = array.shape[1:], array.dtype
    strides = (0,) * len(shape)
    stand = np.ndarray.__new__(Stand, shape, dtype, _memory(dtype.kind), 0, strides)
    stand.value, stand.level = value, level
    _fill(t, stand)
    t.value, t.level = value, level
    return t


def unwrap(t: Any, level: Level) -> Tensor:
    """The slices of a tensor for a level, along a new first dimension.

    Those of a tensor that the level does not know are one and the same, repeated without a copy.
    """
    if not isinstance(t, Batched) or t.level.depth < level.depth:
        return OPS["expand"](OPS["unsqueeze"](t, 0), (level.size, *t.shape))
    if t.level is level:
        return t.value
    return batched(OPS["transpose"](unwrap(t.value, level), 0, 1), t.level)


def rewrap(t: Tensor, level: Level) -> Batched:
    """The opposite of `unwrap`: the first dimension is that of a level."""
    if not isinstance(t, Batched) or t.level.depth < level.depth:
        return batched(t, level)
    return batched(rewrap(OPS["transpose"](t.value, 0, 1), level), t.level)


def levels_of(t: Any) -> list[Level]:
    """The levels of a tensor, the innermost last."""
    found = []
    while isinstance(t, Batched):
        found.append(t.level)
        t = t.value
    return found[::-1]


def bottom(t: Any) -> Any:
    """The plain tensor that holds all slices of all levels."""
    while isinstance(t, Batched):
        t = t.value
    return t


def arange(size: int, like: Tensor) -> Any:
    """0, 1, ... on the device of a tensor."""
    return module_of(bottom(like).array).arange(size)
