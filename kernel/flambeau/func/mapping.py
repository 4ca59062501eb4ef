"""``vmap``: a function of one example becomes one of a whole batch of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import random
from ..ops.registry import OPS
from ..tensor import Tensor
from .batched import Batched, Level, batched, here, unwrap
from .slices import Mapping, before_drawing
from .trees import Tree, count, flatten, spread, unflatten

MAPPING = Mapping()


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """``func`` for all slices of its inputs at once.

    ``in_dims`` says which dimension of each input holds the slices (None: the input is the same
    for all), ``out_dims`` where they stand in what is returned. ``randomness`` is ``"error"``,
    ``"same"`` or ``"different"`` for each slice. ``chunk_size`` slices run at a time.
    Mirrors ``torch.vmap``.

    >>> rows = fb.tensor([[1, 2], [3, 4]])
    >>> fb.vmap(fb.dot, in_dims=(0, None))(rows, fb.tensor([1, 10]))
    tensor([21, 43])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. "
            f"Got {randomness}"
        )
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        size, dims, leaves, tree = _inputs(in_dims, args, func)
        if chunk_size is not None and size > chunk_size:
            return _in_chunks(
                func, size, chunk_size, leaves, dims, tree, kwargs, out_dims, randomness
            )
        return _run(func, size, leaves, dims, tree, kwargs, out_dims, randomness)

    return mapped


def name_of(func: Any) -> str:
    """How a function is called in errors."""
    if isinstance(func, functools.partial):
        return f"functools.partial({name_of(func.func)}, ...)"
    return getattr(func, "__name__", None) or repr(func)


def _inputs(in_dims: Any, args: Any, func: Any) -> tuple[int, list[Any], list[Any], Tree]:
    """The number of slices, and for each tensor among the arguments where they stand."""
    start = f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(
            start + "expected `in_dims` to be int or a (potentially nested) tuple matching the "
            f"structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name_of(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or "
            "you are trying to vmap over a function with no inputs. The latter is unsupported."
        )
    leaves, tree = flatten(args)
    dims = spread(in_dims, tree)
    if dims is None:
        raise ValueError(
            start + "in_dims is not compatible with the structure of `inputs`. in_dims has "
            f"structure {flatten(in_dims)[1]} but inputs has structure {tree}."
        )
    dims = [_checked(start, leaf, dim) for leaf, dim in zip(leaves, dims, strict=True)]
    pairs = zip(leaves, dims, strict=True)
    sizes = [leaf.array.shape[dim] for leaf, dim in pairs if dim is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0], dims, leaves, tree


def _checked(start: str, leaf: Any, dim: Any) -> Any:
    """A dimension of a tensor as a number from 0 on."""
    if dim is None:
        return None
    if not isinstance(dim, int):
        raise ValueError(
            start + f"Got in_dim={dim} for an input but in_dim must be either an integer dimension "
            "or None."
        )
    if not isinstance(leaf, Tensor):
        raise ValueError(
            start + f"Got in_dim={dim} for an input but the input is of type {type(leaf)}. We "
            "cannot vmap over non-Tensor arguments, please use None as the respective in_dim"
        )
    if not -leaf.ndim <= dim < leaf.ndim:
        raise ValueError(
            start + f"Got in_dim={dim} for some input, but that input is a Tensor of "
            f"dimensionality {leaf.ndim} so expected in_dim to satisfy "
            f"-{leaf.ndim} <= in_dim < {leaf.ndim}."
        )
    return dim % leaf.ndim


def _run(
    func: Any,
    size: int,
    leaves: list[Any],
    dims: list[Any],
    tree: Tree,
    kwargs: Any,
    out_dims: Any,
    randomness: str,
) -> Any:
    """Runs the function once, on tensors that stand for one slice."""
    level = Level(len(here.levels) + 1, size, randomness)
    here.levels.append(level)
    random.watchers.append(before_drawing)
    try:
        with MAPPING.switched_on():
            given = [
                leaf if dim is None else batched(_to_front(leaf, dim), level)
                for leaf, dim in zip(leaves, dims, strict=True)
            ]
            result = func(*unflatten(given, tree), **kwargs)
            return _outputs(result, out_dims, level, func)
    finally:
        random.watchers.remove(before_drawing)
        here.levels.pop()


def _to_front(t: Tensor, dim: int) -> Tensor:
    return OPS["permute"](t, (dim, *(i for i in range(t.ndim) if i != dim))) if dim else t


def _outputs(result: Any, out_dims: Any, level: Level, func: Any) -> Any:
    """What the function gave, with all slices."""
    leaves, tree = flatten(result)
    if tree.kind is None and isinstance(out_dims, tuple) and len(out_dims) == 1:
        (out_dims,) = out_dims
    dims = spread(out_dims, tree)
    if dims is None:
        raise ValueError(
            f"vmap({name_of(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not "
            f"compatible with the structure of `outputs`. out_dims has structure "
            f"{flatten(out_dims)[1]} but outputs has structure {tree}."
        )
    made = [_output(t, dim, level, func) for t, dim in zip(leaves, dims, strict=True)]
    return unflatten(made, tree)


def _output(t: Any, dim: Any, level: Level, func: Any) -> Any:
    name = name_of(func)
    if dim is None:
        if isinstance(t, Batched) and t.level is level:
            raise ValueError(
                f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None"
            )
        return t
    if not isinstance(t, Tensor):
        raise ValueError(
            f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(t)}. Did you "
            "mean to set out_dims= to None for output?"
        )
    value = unwrap(t, level)
    if not -value.ndim <= dim < value.ndim:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-value.ndim}, "
            f"{value.ndim - 1}], but got {dim})"
        )
    dim %= value.ndim
    if not dim:
        return value
    return OPS["permute"](value, (*range(1, dim + 1), 0, *range(dim + 1, value.ndim)))


def _in_chunks(
    func: Any,
    size: int,
    chunk_size: int,
    leaves: list[Any],
    dims: list[Any],
    tree: Tree,
    kwargs: Any,
    out_dims: Any,
    randomness: str,
) -> Any:
    """Runs the function on some slices at a time, and joins what it gives."""
    state = random.get_rng_state() if randomness == "same" else None
    parts = []
    for start in range(0, size, chunk_size):
        if state is not None:
            random.set_rng_state(state)
        n = min(chunk_size, size - start)
        given = [
            leaf if dim is None else OPS["narrow"](leaf, dim, start, n)
            for leaf, dim in zip(leaves, dims, strict=True)
        ]
        parts.append(_run(func, n, given, dims, tree, kwargs, out_dims, randomness))
    flat = [flatten(part)[0] for part in parts]
    tree = flatten(parts[0])[1]
    if tree.kind is None and isinstance(out_dims, tuple):
        (out_dims,) = out_dims
    dims = spread(out_dims, tree) or [0] * count(tree)
    columns = zip(zip(*flat, strict=True), dims, strict=True)
    joined = [
        column[0] if dim is None else OPS["cat"](list(column), dim) for column, dim in columns
    ]
    return unflatten(joined, tree)
