"""Every operation of PyTorch's table on inputs that lie in memory in unusual ways.

Whether an input is transposed, has gaps, runs backwards, is expanded or has no rows: results and
gradients are PyTorch's, and so are the inputs afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is what is compared with")
pytest.importorskip("expecttest", reason="PyTorch's test tables need it")

from agreement import ops, translate  # noqa: E402
from agreement.compare import differs  # noqa: E402

import flambeau as fb  # noqa: E402

SAMPLES = 3
# Without rows these take PyTorch's whole process down.
CRASH = frozenset(
    ("native_batch_norm", "_native_batch_norm_legit", "nn.functional.pdist", "_segment_reduce")
)
# Of matrices whose rows are all the same, or of none, these give what rounding makes of them; or
# values of memory that nobody wrote, or the place of one of several equal values.
SINGULAR = frozenset(
    [
        *("qr", "linalg.qr", "logdet", "linalg.slogdet", "linalg.cond", "linalg.cholesky_ex"),
        *("linalg.inv_ex", "linalg.solve_ex", "linalg.svdvals", "norm", "linalg.matrix_rank"),
        *("linalg.pinv", "native_group_norm", "masked.median", "block_diag", "stft"),
        "nn.functional.multilabel_margin_loss",
    ]
)
# These write to their statistics, which must not be expanded.
STATISTICS = frozenset(
    [
        *("native_batch_norm", "_native_batch_norm_legit", "_batch_norm_with_update"),
        "nn.functional.batch_norm",
    ]
)
# What these give depends on the layout, or is drawn at random.
OF_LAYOUT = frozenset(
    ("as_strided", "as_strided_copy", "as_strided_scatter", "empty_strided", "stride")
)


def transposed(a: np.ndarray) -> np.ndarray:
    """In column-major order."""
    return np.array(a, order="F")


def stepped(a: np.ndarray) -> np.ndarray:
    """Every other element of a larger array."""
    wide = np.full((*a.shape[:-1], 2 * a.shape[-1] + 1) if a.ndim else (3,), np.nan, a.dtype)
    view = wide[..., 1::2] if a.ndim else wide[1:2].reshape(())
    view[...] = a
    return view


def backwards(a: np.ndarray) -> np.ndarray:
    """With steps below zero, which PyTorch does not have."""
    return np.flip(np.flip(a).copy()) if a.ndim else a.copy()


def run(call: Callable[..., Any], given: Any, process: Any, seeds: Any) -> tuple[Any, ...]:
    """Results, the inputs as they are then, seeds, and the gradients of the inputs."""
    lib = torch if seeds is None else fb
    one, args, kwargs = given
    made = call(one, *args, **kwargs)
    after = [t.detach().clone() for t in ops._leaves([one, args, kwargs])]
    inputs, outs = ops._wanting([one, args, kwargs]), ops._differentiable(process(made))
    if not inputs or not outs:  # without a graph all gradients are 0
        return made, after, [], [ops._zeros(None, t) for t in inputs]
    if seeds is None:
        torch.manual_seed(11)
        seeds = [torch.randn_like(o) for o in outs]
    else:
        seeds = [translate.tensor(s) for s in seeds]
    found = lib.autograd.grad(outs, inputs, seeds, allow_unused=True)
    return made, after, seeds, [ops._zeros(g, t) for g, t in zip(found, inputs, strict=True)]


def mapped(f: Callable[[Any], Any], given: Any, kind: type) -> Any:
    """The arguments with each tensor of floats made anew; one and the same stays one."""
    seen: dict[int, Any] = {}
    whole = f.__name__ == "fewer"  # rows of all types

    def one(x: Any) -> Any:
        if isinstance(x, kind) and (whole or "float64" in str(x.dtype)):
            return seen.setdefault(id(x), f(x))
        if isinstance(x, dict):
            return {k: one(v) for k, v in x.items()}
        if isinstance(x, (list, tuple)) and not hasattr(x, "_fields") and type(x) in (list, tuple):
            return type(x)(map(one, x))
        return x

    return tuple(map(one, given))


def relaid(lay: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], Any]:
    """The same tensor with its memory laid out anew; also one of PyTorch's, where it can."""

    def made(t: Any) -> Any:
        lib = fb if isinstance(t, fb.Tensor) else torch
        again = lib.from_numpy(lay(t.detach().numpy()))
        return again.requires_grad_() if t.requires_grad else again

    return made


def expanded(t: Any) -> Any:
    """The first row in place of all the others: a step of 0."""
    if not t.ndim or t.shape[0] < 2:
        return t
    again = t.detach()[:1].clone().expand(*t.shape)
    return again.requires_grad_() if t.requires_grad else again


def without_rows(rows: int) -> Callable[[Any], Any]:
    """None of the rows, for all tensors that have as many as the first."""

    def fewer(t: Any) -> Any:
        if not t.ndim or t.shape[0] != rows:
            return t
        again = t.detach()[:0].clone()
        return again.requires_grad_() if t.requires_grad else again

    return fewer


def of(info: Any) -> list[Any]:
    """The first samples of an entry: input, args, kwargs and what to compare of the results."""
    torch.manual_seed(7)
    every = info.sample_inputs("cpu", torch.float64, requires_grad=info.supports_autograd)
    return [
        ((s.input, tuple(s.args), dict(s.kwargs)), s.output_process_fn_grad or (lambda x: x))
        for s in islice(every, SAMPLES)
        if not ops._drops(s.args, s.kwargs)
    ]


def theirs(info: Any, given: Any, process: Any) -> tuple[Any, ...] | None:
    """What PyTorch gives; None where it raises."""
    try:
        return run(info.op, given, process, None)
    except Exception:
        return None


def agrees(info: Any, ours: Any, given: Any, process: Any, expected: Any) -> str | None:
    """How results, gradients or the inputs differ from what is right."""
    try:
        made, after, _, found = run(ours, given, translate.value(process), expected[2])
    except Exception as error:
        return ops._said(error)
    if unlike := differs(after, expected[1]):
        return f"an input afterwards: {unlike}"
    compared = info.name not in ops.GAUGED | ops.TIED
    difference = differs(made, expected[0], compared)
    return difference or (differs(found, expected[3]) if info.supports_autograd else None)


def told(given: Any) -> str:
    """A sample in short."""
    return str([tuple(t.shape) for t in ops._leaves(list(given))])


TABLE = [
    i for i in ops.table() if torch.float64 in i.dtypes and i.name not in ops.RANDOM | OF_LAYOUT
]


@pytest.mark.parametrize("info", TABLE, ids=ops.label)
def test_layout_of_memory_does_not_matter(info: Any) -> None:
    ours = ops.callable_of(info)
    wrong = []
    for given, process in of(info):
        twin = tuple(map(translate.value, given))
        plain = theirs(info, mapped(relaid(np.copy), given, torch.Tensor), process)
        for lay in (transposed, stepped, backwards) if plain is not None else ():
            difference = agrees(info, ours, mapped(relaid(lay), twin, fb.Tensor), process, plain)
            if difference and lay is not backwards:  # unless PyTorch refuses it too
                other = mapped(relaid(lay), given, torch.Tensor)
                if theirs(info, other, process) is None:
                    continue
            if difference:
                wrong.append(f"{lay.__name__}: {told(given)}: {difference}")
        rows = given[0].shape[0] if isinstance(given[0], torch.Tensor) and given[0].ndim else -1
        changes = () if info.name in SINGULAR | STATISTICS else (expanded, without_rows(rows))
        for change in changes[: 1 if info.name in CRASH else 2]:
            expected = theirs(info, mapped(change, given, torch.Tensor), process)
            if expected is None:
                continue
            difference = agrees(info, ours, mapped(change, twin, fb.Tensor), process, expected)
            if difference:
                wrong.append(f"{change.__name__}: {told(given)}: {difference}")
    assert not wrong, "\n".join(wrong)
