"""Whose memory a result has: an input's where PyTorch's has too, else its own, to be written to."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is what is compared with")
pytest.importorskip("expecttest", reason="PyTorch's test tables need it")

from agreement import ops, translate  # noqa: E402

import flambeau as fb  # noqa: E402

SAMPLES = 1
# Real numbers are copied here where PyTorch hands back the input; the sample is itself a view.
ASIDE = frozenset(("conj", "conj_physical", "as_strided"))
TABLE = [i for i in ops.table() if torch.float64 in i.dtypes and i.name not in ASIDE]


def pairs(info: Any) -> Any:
    """The inputs and results of the first samples, in both libraries."""
    torch.manual_seed(7)
    ours = ops.callable_of(info)
    wanted = info.supports_autograd
    for s in islice(info.sample_inputs("cpu", torch.float64, requires_grad=wanted), SAMPLES):
        given = (s.input, tuple(s.args), dict(s.kwargs))
        twin = tuple(map(translate.value, given))
        try:
            expected = info.op(s.input, *s.args, **s.kwargs)
        except RuntimeError:
            continue
        yield list(ops._leaves(list(twin))), ours(twin[0], *twin[1], **twin[2]), given, expected


def shared(outs: Any, inputs: Any) -> list[bool]:
    """Which results lie in the memory of an input."""
    if outs and isinstance(outs[0], torch.Tensor):
        places = {t.untyped_storage().data_ptr() for t in inputs}
        return [o.numel() > 0 and o.untyped_storage().data_ptr() in places for o in outs]
    return [any(np.shares_memory(o.array, t.array) for t in inputs) for o in outs]


@pytest.mark.parametrize("info", TABLE, ids=ops.label)
def test_results_and_gradients_have_memory_of_their_own_or_are_views_as_in_torch(info: Any) -> None:
    for inputs, made, given, expected in pairs(info):
        outs, theirs = list(ops._leaves(made)), list(ops._leaves(expected))
        for out in outs:
            assert type(out.array) is np.ndarray
            assert out.array.flags.writeable or 0 in out.array.strides, "read-only"
        assert shared(outs, inputs) == shared(theirs, list(ops._leaves(list(given))))
        if info.supports_autograd:
            check_gradients(inputs, made)


def one_of(t: Any, others: Any) -> bool:
    return any(np.shares_memory(t.array, o.array) for o in others if o is not t)


def check_gradients(inputs: Any, made: Any) -> None:
    """Gradients share memory with nothing, and can be written to."""
    leaves = {id(t): t for t in ops._wanting(inputs)}.values()
    outs = [o for o in ops._differentiable(made) if o.grad_fn is not None]
    seeds = [fb.ones_like(o) for o in outs]
    try:
        fb.autograd.backward(outs, seeds)
    except RuntimeError:  # of what depends on a choice of signs
        return
    grads = [t.grad for t in leaves if t.grad is not None]
    for g in grads:
        assert type(g.array) is np.ndarray
        assert g.array.flags.writeable
        assert not one_of(g, [*grads, *seeds, *inputs, *outs])
