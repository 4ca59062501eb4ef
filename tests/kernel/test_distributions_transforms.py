"""Transforms and constraints, against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as fb
from flambeau import distributions as D

torch = pytest.importorskip("torch")
from distribution_table import (  # noqa: E402
    close,
    compared,
    lower,
    matrix,
    outcome,
    same,
)

T = torch.distributions

# Transforms and constraints

TRANSFORMS = [
    lambda m, t, s: s.AbsTransform(),
    lambda m, t, s: s.AffineTransform(1.5, -2.0),
    lambda m, t, s: s.AffineTransform(
        t(np.array([0.3, -1.0, 2.0])), t(np.array([0.5, 2.0, 1.5])), 1
    ),
    lambda m, t, s: s.CatTransform([s.ExpTransform(), s.AffineTransform(0, 2)], 1, [1, 2]),
    lambda m, t, s: s.ComposeTransform([s.ExpTransform(), s.AffineTransform(0.5, 2.0)]),
    lambda m, t, s: s.CorrCholeskyTransform(),
    lambda m, t, s: s.CumulativeDistributionTransform(m.Normal(0.0, 1.0)),
    lambda m, t, s: s.ExpTransform(),
    lambda m, t, s: s.ExpTransform().inv,
    lambda m, t, s: s.IndependentTransform(s.ExpTransform(), 1),
    lambda m, t, s: s.LowerCholeskyTransform(),
    lambda m, t, s: s.PositiveDefiniteTransform(),
    lambda m, t, s: s.PowerTransform(t(np.array(2.0))),
    lambda m, t, s: s.ReshapeTransform((3,), (3, 1)),
    lambda m, t, s: s.SigmoidTransform(),
    lambda m, t, s: s.SoftmaxTransform(),
    lambda m, t, s: s.SoftplusTransform(),
    lambda m, t, s: s.StackTransform([s.ExpTransform(), s.TanhTransform(), s.ExpTransform()], 1),
    lambda m, t, s: s.StickBreakingTransform(),
    lambda m, t, s: s.TanhTransform(),
    lambda m, t, s: s.identity_transform,
]


@pytest.mark.parametrize("make", TRANSFORMS)
@pytest.mark.parametrize("cache", [0, 1])
def test_transforms(make, cache):
    mine = make(D, fb.tensor, D.transforms)
    theirs = make(T, torch.tensor, T.transforms)
    if cache:
        mine, theirs = mine.with_cache(), theirs.with_cache()
    shape = (4, 3, 3) if theirs.domain.event_dim == 2 else (4, 3)
    x = np.random.default_rng(2).uniform(0.2, 1.5, shape)
    a, b = fb.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    ya, yb = mine(a), theirs(b)
    same(ya, yb, {"x": a}, {"x": b})
    compared(lambda: mine.log_abs_det_jacobian(a, ya), lambda: theirs.log_abs_det_jacobian(b, yb),
             {"x": a}, {"x": b})  # fmt: skip
    close(mine.inv(fb.tensor(yb.detach().numpy())), theirs.inv(yb.detach()), 1e-6)
    assert (mine.inv(ya) is a) == (theirs.inv(yb) is b)
    assert mine.bijective == theirs.bijective
    assert repr(mine) == repr(theirs)
    assert tuple(mine.forward_shape(fb.Size(shape))) == tuple(theirs.forward_shape(b.shape))
    assert tuple(mine.inverse_shape(ya.shape)) == tuple(theirs.inverse_shape(yb.shape))
    assert mine.domain.event_dim == theirs.domain.event_dim
    assert mine.codomain.event_dim == theirs.codomain.event_dim
    assert mine.inv.inv is mine or type(mine.inv.inv) is type(mine)
    compared(lambda: fb.as_tensor(mine.sign), lambda: torch.as_tensor(theirs.sign), {}, {})


CONSTRAINTS = [
    "boolean", "corr_cholesky", "lower_cholesky", "lower_triangular", "nonnegative",
    "nonnegative_integer", "one_hot", "positive", "positive_definite", "positive_integer",
    "positive_semidefinite", "real", "real_vector", "simplex", "square", "symmetric",
    "unit_interval",
]  # fmt: skip
VALUES = [
    np.array([[0.0, 1.0, 2.0], [-1.0, 0.5, np.nan], [0.2, 0.3, 0.5]]),
    np.eye(3), matrix(2), lower(2), np.array([[1.0, 0, 0], [0, 0, 1], [1, 1, 0]]),
]  # fmt: skip


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints(name):
    mine, theirs = getattr(D.constraints, name), getattr(T.constraints, name)
    assert repr(mine) == repr(theirs)
    assert (mine.event_dim, mine.is_discrete) == (theirs.event_dim, theirs.is_discrete)
    for value in VALUES:
        try:
            wanted = theirs.check(torch.tensor(value))
        except RuntimeError:
            continue
        found = mine.check(fb.tensor(value))
        assert found.tolist() == wanted.tolist()


def test_bounded_and_joined_constraints():
    x = fb.tensor([-1.0, 0.0, 0.5, 1.0, 2.0])
    c = D.constraints
    assert c.interval(0, 1).check(x).tolist() == [False, True, True, True, False]
    assert c.half_open_interval(0, 1).check(x).tolist() == [False, True, True, False, False]
    assert c.integer_interval(0, 2).check(x).tolist() == [False, True, False, True, True]
    assert c.less_than(1).check(x).tolist() == [True, True, True, False, False]
    assert c.cat([c.positive, c.real], 0, [2, 3]).check(x).tolist() == [False, False] + [True] * 3
    assert c.stack([c.real] * 5).check(x).all()
    assert c.multinomial(3).check(fb.tensor([1.0, 1.0]))
    assert not c.independent(c.positive, 1).check(x)
    with pytest.raises(ValueError, match="dependent"):
        c.dependent.check(x)
    with pytest.raises(NotImplementedError):
        _ = c.dependent.event_dim
    assert c.is_dependent(D.Uniform.support)
    assert D.Uniform.support.event_dim == 0


@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
def test_ways_to_constraints(registry):
    c, k = D.constraints, T.constraints
    pairs = [(getattr(c, n), getattr(k, n)) for n in CONSTRAINTS]
    makers = [
        lambda s: s.greater_than(2.0),
        lambda s: s.less_than(1.0),
        lambda s: s.interval(-1.0, 3.0),
        lambda s: s.independent(s.positive, 1),
        lambda s: s.stack([s.positive, s.real, s.real], -1),
        lambda s: s.cat([s.positive, s.real], -1, [1, 2]),
    ]
    pairs += [(make(c), make(k)) for make in makers]
    for mine, theirs in pairs:
        (t, wrong), (u, expected) = (
            outcome(lambda m=mine: getattr(D, registry)(m)),
            outcome(lambda m=theirs: getattr(T, registry)(m)),
        )
        assert wrong == expected
        if expected is None:
            assert repr(t) == repr(u)
            x = np.random.default_rng(0).standard_normal((3, 3))
            close(t(fb.tensor(x)), u(torch.tensor(x)))
