"""`flambeau.masked`: reductions and normalisations that skip what a mask hides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import flambeau as fb

torch = pytest.importorskip("torch")

VALUES = np.random.default_rng(0).standard_normal((3, 4))
MASK = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]], bool)
ROW = np.array([True, False, True, True])

CALLS: list[tuple[str, tuple[Any, ...]]] = [
    *((name, (1,)) for name in ("sum", "prod", "amax", "amin", "mean", "logsumexp")),
    *((name, ()) for name in ("sum", "prod", "amax", "amin", "mean", "logsumexp", "norm")),
    *((name, (0,)) for name in ("argmax", "argmin", "median", "cumsum", "cumprod", "softmax")),
    *((name, (1,)) for name in ("log_softmax", "softmin")),
    *(("norm", (order, 1)) for order in (2.0, 1.0, float("inf"), float("-inf"))),
    ("normalize", (2.0, 1)),
    ("var", (1, False)),
    ("std", (0,)),
]


def result(package: Any, name: str, args: Any, mask: Any) -> tuple[Any, Any]:
    x = package.from_numpy(VALUES.copy()).requires_grad_()
    given = None if mask is None else package.from_numpy(mask.copy())
    out = getattr(package.masked, name)(x, *args, mask=given)
    grad = None
    if out.requires_grad:
        (g,) = package.autograd.grad(out.sum(), (x,))
        grad = g.numpy()
    return out.detach().numpy(), grad


@pytest.mark.parametrize("mask", [MASK, ROW, None], ids=["whole", "row", "none"])
@pytest.mark.parametrize(("name", "args"), CALLS, ids=str)
def test_values_and_gradients_are_pytorchs(name: str, args: Any, mask: Any) -> None:
    ours, theirs = (result(package, name, args, mask) for package in (fb, torch))
    assert ours[0].dtype == theirs[0].dtype
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-9)
    if theirs[1] is not None:
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-9, atol=1e-12)


def test_a_hidden_row_has_the_neutral_element() -> None:
    x, mask = fb.ones(2, 3), fb.zeros(2, 3).bool()
    assert fb.masked.sum(x, 1, mask=mask).tolist() == [0, 0]
    assert fb.masked.prod(x, 1, mask=mask).tolist() == [1, 1]
    assert fb.masked.amax(x, 1, mask=mask).tolist() == [float("-inf")] * 2
    assert fb.masked.amin(x.long(), 1, mask=mask).tolist() == [2**63 - 1] * 2
    assert fb.masked.mean(x, 1, mask=mask).isnan().all()


def test_logaddexp_takes_a_mask_for_each() -> None:
    x, y = fb.tensor([0.0, 1.0, 2.0]), fb.tensor([3.0, 4.0, 5.0])
    out = fb.masked.logaddexp(x, y, input_mask=fb.tensor([True, False, True]))
    np.testing.assert_allclose(out.numpy(), [np.logaddexp(0, 3), 4, np.logaddexp(2, 5)], rtol=1e-6)


def test_a_mask_with_more_dimensions_is_refused() -> None:
    with pytest.raises(IndexError, match="broadcastable"):
        fb.masked.sum(fb.ones(3), mask=fb.ones(2, 3).bool())


def test_dimensions_are_checked() -> None:
    with pytest.raises(IndexError, match="out of range"):
        fb.masked.sum(fb.ones(3), 1)
    with pytest.raises(RuntimeError, match="multiple times"):
        fb.masked.sum(fb.ones(3, 3), (0, -2))


def test_means_of_integers_and_both_corrections_are_refused() -> None:
    with pytest.raises(ValueError, match="dtype"):
        fb.masked.mean(fb.ones(3).long())
    with pytest.raises(AssertionError, match="Only one"):
        fb.masked.var(fb.ones(3), 0, True, correction=1)
