"""Distributions, against PyTorch's with the same parameters."""

from __future__ import annotations

import copy
import math
import pickle
import warnings

import numpy as np
import pytest

import flambeau as fb
from flambeau import distributions as D

torch = pytest.importorskip("torch")
from distribution_table import (  # noqa: E402
    CASES,
    TABLE,
    both,
    chances,
    close,
    compared,
    normal,
    outcome,
    positive,
    same,
    simplex,
)

T = torch.distributions


@pytest.mark.parametrize("index", CASES)
def test_shapes_and_what_a_distribution_says_of_itself(index):
    p, q, ours, yours = both(index)
    assert tuple(p.batch_shape) == tuple(q.batch_shape)
    assert tuple(p.event_shape) == tuple(q.event_shape)
    assert isinstance(p.batch_shape, fb.Size)
    assert p.has_rsample == q.has_rsample
    assert p.has_enumerate_support == q.has_enumerate_support
    assert repr(p.support) == repr(q.support) or "tensor" in repr(q.support)
    assert p.support.event_dim == q.support.event_dim
    assert p.support.is_discrete == q.support.is_discrete
    assert {k: repr(v) for k, v in p.arg_constraints.items() if "tensor" not in repr(v)} == {
        k: repr(v) for k, v in q.arg_constraints.items() if "tensor" not in repr(v)}  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("mean", "variance", "stddev", "mode"):
            compared(lambda n=name: getattr(p, n), lambda n=name: getattr(q, n), ours, yours)
    if "requires_grad" not in repr(q) and "grad_fn" not in repr(q):
        assert repr(p) == repr(q)
    for name in ("logits", "probs", "scale_tril", "covariance_matrix", "precision_matrix"):
        if hasattr(q, name):
            same(getattr(p, name), getattr(q, name), ours, yours)


@pytest.mark.parametrize("index", CASES)
def test_densities_and_their_gradients(index):
    p, q, ours, yours = both(index)
    torch.manual_seed(0)
    value = q.sample((3,))
    mine = fb.tensor(value.numpy())
    compared(lambda: p.log_prob(mine), lambda: q.log_prob(value), ours, yours)
    through = {} if "Gamma" in TABLE[index][0] or TABLE[index][0] == "Chi2" else ours
    compared(lambda: p.cdf(mine), lambda: q.cdf(value), through, yours)
    if not q.support.is_discrete:
        value, mine = value.clone().requires_grad_(), mine.clone().requires_grad_()
        p.log_prob(mine).sum().backward(retain_graph=True)
        q.log_prob(value).sum().backward(retain_graph=True)
        if value.grad is not None:
            close(mine.grad, value.grad, 1e-5)
    level = torch.tensor(chances(3, *q.batch_shape), dtype=value.dtype)
    levels = fb.tensor(level.numpy())
    compared(lambda: p.icdf(levels), lambda: q.icdf(level), ours, yours)


@pytest.mark.parametrize("index", CASES)
def test_entropy_and_enumeration(index):
    p, q, ours, yours = both(index)
    compared(p.entropy, q.entropy, ours, yours)
    compared(p.perplexity, q.perplexity, ours, yours)
    for expand in (False, True):
        compared(lambda e=expand: p.enumerate_support(e), lambda e=expand: q.enumerate_support(e),
                 ours, yours)  # fmt: skip


@pytest.mark.parametrize("index", CASES)
def test_expanded_distributions(index):
    p, q, ours, yours = both(index)
    shape = (2, *q.batch_shape)
    p, q = p.expand(shape), q.expand(torch.Size(shape))
    assert tuple(p.batch_shape) == tuple(q.batch_shape) == shape
    assert tuple(p.event_shape) == tuple(q.event_shape)
    value = q.sample((4,))
    same(p.log_prob(fb.tensor(value.numpy())), q.log_prob(value), ours, yours)
    compared(lambda: p.mean, lambda: q.mean, ours, yours)
    compared(p.entropy, q.entropy, ours, yours)
    assert tuple(p.sample((4,)).shape) == tuple(value.shape)
    again = p.expand((3, *shape))
    assert tuple(again.sample().shape) == (3, *shape, *q.event_shape)


@pytest.mark.parametrize("index", CASES)
def test_samples_have_the_right_moments_and_lie_in_the_support(index):
    p, q, _, _ = both(index)
    fb.manual_seed(index)
    drawn = p.sample((4000,))
    assert not drawn.requires_grad
    assert tuple(drawn.shape) == (4000, *q.batch_shape, *q.event_shape)
    assert str(drawn.dtype) == str(q.sample().dtype)
    assert bool(p.support.check(drawn).all())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mean, wrong = outcome(lambda: q.mean.detach().numpy())
        variance, _ = outcome(lambda: q.variance.detach().numpy())
    name = TABLE[index][0]
    if wrong or name in ("VonMises", "Cauchy", "HalfCauchy", "StudentT", "FisherSnedecor"):
        return
    if not np.isfinite(mean).all() or not np.isfinite(variance).all():
        return
    found = drawn.double().numpy()
    slack = 6 * np.sqrt(variance / 4000) + 1e-3
    assert (np.abs(found.mean(0) - mean) < slack).all()
    if name not in ("Pareto", "InverseGamma", "LogNormal", "Wishart", "GeneralizedPareto"):
        np.testing.assert_allclose(found.var(0), variance, rtol=0.25, atol=0.01)


@pytest.mark.parametrize("index", CASES)
def test_samples_follow_the_distribution(index):
    stats = pytest.importorskip("scipy.stats")
    p, q, _, _ = both(index)
    if q.event_shape:
        return
    fb.manual_seed(index)
    torch.manual_seed(index)
    mine, theirs = p.sample((3000,)).double().numpy(), q.sample((3000,)).double().numpy()
    rows = zip(mine.reshape(3000, -1).T, theirs.reshape(3000, -1).T, strict=True)
    for a, b in rows:
        assert stats.ks_2samp(a, b).pvalue > 1e-4


@pytest.mark.parametrize("index", CASES)
def test_gradients_through_samples(index):
    p, q, ours, _ = both(index)
    if not q.has_rsample:
        with pytest.raises(NotImplementedError):
            p.rsample()
        return
    drawn = p.rsample((2,))
    wanted = [v for v in ours.values() if isinstance(v, fb.Tensor)]
    if wanted:
        drawn.pow(2).sum().backward()
        assert all(np.isfinite(v.grad.numpy()).all() for v in wanted if v.grad is not None)
        assert any(v.grad is not None for v in wanted)


@pytest.mark.parametrize("index", CASES)
def test_distributions_can_be_pickled_and_copied(index):
    p, q, _, _ = both(index)
    value = q.sample()
    score = q.log_prob(value)
    name = TABLE[index][0]
    plain = type(p)(**{k: fb.tensor(v) if isinstance(v, np.ndarray) else v
                       for k, v in TABLE[index][1].items()})  # fmt: skip
    for other in (pickle.loads(pickle.dumps(plain)), copy.deepcopy(plain)):
        close(other.log_prob(fb.tensor(value.numpy())), score, 1e-6)
        assert type(other).__name__ == name


# Errors, and distributions of one's own

MISTAKES = [
    ("Normal", {"loc": 0.0, "scale": -1.0}),
    ("Normal", {"loc": "a", "scale": 1.0}),
    ("Bernoulli", {}),
    ("Bernoulli", {"probs": 0.5, "logits": 0.0}),
    ("Bernoulli", {"probs": 1.5}),
    ("Categorical", {"probs": np.array(1.0)}),
    ("Categorical", {"logits": np.array(1.0)}),
    ("Dirichlet", {"concentration": np.array(1.0)}),
    ("Gamma", {"concentration": -1.0, "rate": 1.0}),
    ("Geometric", {"probs": 0.0}),
    ("LKJCholesky", {"dim": 1}),
    ("MultivariateNormal", {"loc": np.zeros(2)}),
    ("MultivariateNormal", {"loc": np.array(0.0), "scale_tril": np.eye(2)}),
    ("MultivariateNormal", {"loc": np.zeros(2), "scale_tril": np.ones((2, 2))}),
    ("Multinomial", {"total_count": np.array(2), "probs": np.ones(2)}),
    ("Uniform", {"low": 1.0, "high": 0.0}),
    ("Wishart", {"df": 5.0}),
    ("Wishart", {"df": 1.0, "scale_tril": np.eye(3)}),
]


@pytest.mark.parametrize(("name", "given"), MISTAKES)
def test_wrong_parameters_raise_what_pytorch_raises(name, given):
    errors = []
    for library, tensor in ((D, fb.tensor), (T, torch.tensor)):
        tensors = {k: tensor(v) if isinstance(v, np.ndarray) else v for k, v in given.items()}
        with pytest.raises(Exception) as caught:  # noqa: PT011
            getattr(library, name)(**tensors)
        errors.append(caught.type)
    assert issubclass(errors[0], errors[1])


def test_values_are_checked():
    for call in (
        lambda: D.Normal(0.0, 1.0).log_prob(fb.tensor(math.nan)),
        lambda: D.Beta(1.0, 1.0).log_prob(fb.tensor(2.0)),
        lambda: D.Bernoulli(0.5).log_prob(fb.tensor(0.5)),
        lambda: D.Normal(fb.zeros(3), 1.0).log_prob(fb.zeros(2)),
        lambda: D.Dirichlet(fb.ones(3)).log_prob(fb.ones(2) / 2),
        lambda: D.Normal(0.0, 1.0).log_prob(1.0),
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            call()
    loose = D.Exponential(1.0, validate_args=False)
    assert float(loose.log_prob(fb.tensor(-1.0))) == 1
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)


def test_a_distribution_of_ones_own_must_say_how_it_expands():
    class Shifted(D.Normal):
        def __init__(self, by):
            super().__init__(by, 1.0)

    with pytest.raises(NotImplementedError, match=r"custom \.expand"):
        Shifted(fb.tensor(1.0)).expand((2,))

    class Grown(Shifted):
        def expand(self, batch_shape, _instance=None):
            new = self._get_checked_instance(Grown, _instance)
            return super().expand(batch_shape, new)

    assert Grown(fb.tensor(1.0)).expand((2,)).mean.tolist() == [1, 1]
    with pytest.raises(NotImplementedError):
        D.Distribution(validate_args=False).sample()


def test_mixtures():
    weights, means, scales = simplex(2, 3), normal(2, 3), positive(2, 3)
    p = D.MixtureSameFamily(D.Categorical(fb.tensor(weights)),
                            D.Normal(fb.tensor(means), fb.tensor(scales)))  # fmt: skip
    q = T.MixtureSameFamily(T.Categorical(torch.tensor(weights)),
                            T.Normal(torch.tensor(means), torch.tensor(scales)))  # fmt: skip
    value = q.sample((5,))
    mine = fb.tensor(value.numpy())
    close(p.log_prob(mine), q.log_prob(value))
    close(p.cdf(mine), q.cdf(value))
    close(p.mean, q.mean)
    close(p.variance, q.variance)
    assert repr(p) == repr(q)
    assert repr(p.support) == repr(q.support)
    drawn = p.sample((8000,)).numpy()
    np.testing.assert_allclose(drawn.mean(0), q.mean.numpy(), atol=0.15)
    assert p.expand((4, 2)).sample((3,)).shape == (3, 4, 2)
    vectors = D.MixtureSameFamily(
        D.Categorical(fb.ones(2)), D.Independent(D.Normal(fb.zeros(2, 3), fb.ones(2, 3)), 1)
    )
    assert vectors.sample((5,)).shape == (5, 3)
    assert vectors.log_prob(fb.zeros(5, 3)).shape == (5,)
    with pytest.raises(ValueError, match="Categorical"):
        D.MixtureSameFamily(D.Normal(0.0, 1.0), D.Normal(fb.zeros(2), 1.0))
    with pytest.raises(ValueError, match="does not equal"):
        D.MixtureSameFamily(D.Categorical(fb.ones(3)), D.Normal(fb.zeros(2), 1.0))


def test_independent_and_transformed():
    loc, scale = normal(2, 3), positive(3)
    p = D.Independent(D.Normal(fb.tensor(loc), fb.tensor(scale)), 1)
    q = T.Independent(T.Normal(torch.tensor(loc), torch.tensor(scale)), 1)
    value = q.sample((4,))
    close(p.log_prob(fb.tensor(value.numpy())), q.log_prob(value))
    close(p.entropy(), q.entropy())
    assert repr(p) == repr(q)
    assert repr(p.support) == repr(q.support)
    with pytest.raises(ValueError, match="reinterpreted_batch_ndims"):
        D.Independent(D.Normal(0.0, 1.0), 1)

    def squashed(m, t, s):
        base = m.Normal(t(loc), t(scale))
        return m.TransformedDistribution(base, [s.TanhTransform(), s.AffineTransform(1.0, -2.0)])

    p, q = squashed(D, fb.tensor, D.transforms), squashed(T, torch.tensor, T.transforms)
    value = q.sample((4,))
    mine = fb.tensor(value.numpy())
    close(p.log_prob(mine), q.log_prob(value), 1e-5)
    close(p.cdf(mine), q.cdf(value))
    close(p.icdf(fb.full((2, 3), 0.3).double()), q.icdf(torch.full((2, 3), 0.3).double()))
    assert repr(p) == repr(q)
    with pytest.raises(ValueError, match="list of Transforms"):
        D.TransformedDistribution(D.Normal(0.0, 1.0), [3])


def test_vectors_and_triangles():
    vector = fb.tensor([1.0, 2.0, 3.0])
    for diag in (0, -1):
        made = D.utils.vec_to_tril_matrix(vector, diag)
        wanted = T.utils.vec_to_tril_matrix(torch.tensor([1.0, 2.0, 3.0]), diag)
        assert made.tolist() == wanted.tolist()
        assert D.utils.tril_matrix_to_vec(made, diag).tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="lower triangular"):
        D.utils.vec_to_tril_matrix(fb.ones(4))


def test_random_counts():
    fb.manual_seed(0)
    rate = fb.tensor([0.5, 40.0], requires_grad=True)
    drawn = fb.poisson(rate.expand(20000, 2))
    np.testing.assert_allclose(drawn.detach().numpy().mean(0), [0.5, 40], rtol=0.05)
    drawn.sum().backward()
    assert rate.grad.tolist() == [0, 0]
    counted = fb.binomial(fb.full((20000,), 10.0), fb.full((20000,), 0.3)).numpy()
    np.testing.assert_allclose([counted.mean(), counted.var()], [3, 2.1], rtol=0.05)
    with pytest.raises(RuntimeError, match="non-negative"):
        fb.poisson(fb.tensor([-1.0]))
    x = fb.empty(20000)
    assert abs(float(x.geometric_(0.4).mean()) - 2.5) < 0.1
    assert abs(float(x.cauchy_(1.0, 2.0).median()) - 1) < 0.15
    assert abs(float(x.log_normal_(0.5, 0.3).log().mean()) - 0.5) < 0.02
    for call in (lambda: x.geometric_(1.5), lambda: x.cauchy_(0, -1), lambda: x.log_normal_(0, -1)):
        with pytest.raises(RuntimeError):
            call()
