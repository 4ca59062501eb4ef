"""``jacrev``, ``jacfwd`` and ``hessian``: all first and second derivatives of a function."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..device import module_of
from ..ops.registry import OPS
from ..tensor import Tensor, wrap
from .batched import bottom
from .tape import for_each_row, variables_of
from .transforms import Linear, replaced, split_argnums, vjp
from .trees import flatten, unflatten


def basis_of(tensors: list[Tensor]) -> list[Tensor]:
    """The unit vectors of all tensors together: for each tensor one row of entries per vector."""
    total = sum(t.numel() for t in tensors)
    made, start = [], 0
    for t in tensors:
        n, dtype = t.numel(), t.array.dtype
        eye = module_of(bottom(t).array).eye(total, n, k=-start, dtype=dtype)
        made.append(wrap(eye.reshape((total, *t.array.shape))))
        start += n
    return made


def _rows_in_chunks(function: Any, basis: list[Tensor], chunk_size: int | None) -> list[Tensor]:
    """`for_each_row`, so many rows at a time."""
    total = len(basis[0]) if basis else 0
    step = chunk_size or max(total, 1)
    parts = [
        for_each_row(function, [OPS["narrow"](b, 0, i, min(step, total - i)) for b in basis])
        for i in range(0, total, step)
    ]
    if len(parts) == 1:
        return list(parts[0])
    return [OPS["cat"](list(column), 0) for column in zip(*parts, strict=True)]


def jacrev(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """A function that gives the Jacobian of ``func``, of shape (*output, *input), in reverse mode.

    ``chunk_size`` rows are computed at a time. Mirrors ``torch.func.jacrev``.

    >>> fb.func.jacrev(fb.square)(fb.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        places, alone = split_argnums(args, argnums)
        chosen = tuple(args[i] for i in places)
        inputs, tree = variables_of(chosen)

        def of_chosen(*values: Any) -> Any:
            return func(*replaced(args, places, values), **kwargs)

        output, vjp_fn, *aux = vjp(of_chosen, *chosen, has_aux=has_aux)
        outs, shape = flatten(output)

        def row(*seeds: Tensor) -> list[Tensor]:
            return flatten(vjp_fn(unflatten(seeds, shape)))[0]

        if sum(t.numel() for t in outs) == 0:
            found = [t.new_zeros((0, *t.shape)) for t in inputs]
        else:
            found = _rows_in_chunks(row, basis_of(outs), chunk_size)
        made = _by_output(found, inputs, outs)
        made = unflatten([_per_input(row, tree, alone) for row in made], shape)
        return (made, aux[0]) if has_aux else made

    return wrapper


def _per_input(row: list[Any], tree: Any, alone: bool) -> Any:
    found = unflatten(row, tree)
    return found[0] if alone else found


def _by_output(found: list[Tensor], inputs: list[Tensor], outs: list[Tensor]) -> list[list[Any]]:
    """For each output the Jacobians by each input, from all rows: those of all outputs."""
    made, start = [], 0
    for out in outs:
        n = out.numel()
        made.append([
            OPS["reshape"](OPS["narrow"](rows, 0, start, n), (*out.shape, *x.shape))
            for rows, x in zip(found, inputs, strict=True)
        ])  # fmt: skip
        start += n
    return made


def jacfwd(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """A function that gives the Jacobian of ``func``, of shape (*output, *input), in forward mode.

    Mirrors ``torch.func.jacfwd``.

    >>> fb.func.jacfwd(lambda x: fb.stack([x, x**2]))(fb.tensor(3.0))
    tensor([1., 6.])
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        places, alone = split_argnums(args, argnums)
        chosen = tuple(args[i] for i in places)

        def of_chosen(*values: Any) -> Any:
            return func(*replaced(args, places, values), **kwargs)

        linear = Linear("jacfwd(f, ...)(*args)", of_chosen, chosen, has_aux)
        inputs = [t.detach() for t in linear.own]
        columns = for_each_row(lambda *ts: linear.push(list(ts)), basis_of(inputs), randomness)
        made = [_by_input(c, inputs, out) for c, out in zip(columns, linear.outs, strict=True)]
        made = unflatten([_per_input(row, linear.tree, alone) for row in made], linear.shape)
        return (made, linear.aux) if has_aux else made

    return wrapper


def _by_input(columns: Tensor, inputs: list[Tensor], out: Tensor) -> list[Tensor]:
    """For each input the Jacobian of one output, from its columns: those of all inputs."""
    made, start = [], 0
    n = out.ndim
    for x in inputs:
        part = OPS["narrow"](columns, 0, start, x.numel())
        part = OPS["permute"](part, (*range(1, n + 1), 0))
        made.append(OPS["reshape"](part, (*out.shape, *x.shape)))
        start += x.numel()
    return made


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that gives all second derivatives of ``func``; mirrors ``torch.func.hessian``.

    >>> fb.func.hessian(lambda x: x[0] * x[1])(fb.tensor([1.0, 3.0]))
    tensor([[0., 1.],
            [1., 0.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)
