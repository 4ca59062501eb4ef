"""Divergences, and gradients through samples."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as fb
from flambeau import distributions as D

torch = pytest.importorskip("torch")
from distribution_table import (  # noqa: E402
    chances,
    compared,
    lower,
    matrix,
    normal,
    positive,
    simplex,
)

T = torch.distributions

# Gradients of samples that no formula gives


def test_gamma_samples_move_as_their_distribution_function_says():
    special = pytest.importorskip("scipy.special")
    a = np.array([0.05, 0.3, 1.0, 2.5, 12.0, 300.0, 1e5])
    u = np.array([[0.02], [0.3], [0.7], [0.98]])
    z = special.gammaincinv(a, u)
    h = 1e-5 * a
    wanted = (special.gammaincinv(a + h, u) - special.gammaincinv(a - h, u)) / (2 * h)
    found = fb._standard_gamma_grad(fb.tensor(a), fb.tensor(z)).numpy()
    np.testing.assert_allclose(found, wanted, rtol=2e-4)
    theirs = torch._standard_gamma_grad(torch.tensor(a).expand(4, -1), torch.tensor(z)).numpy()
    np.testing.assert_allclose(found, theirs, rtol=2e-2)
    x = fb.tensor(a, requires_grad=True)
    out = fb._standard_gamma(x)
    out.sum().backward()
    np.testing.assert_allclose(
        x.grad.numpy(), fb._standard_gamma_grad(x.detach(), out.detach()).numpy()
    )


def test_beta_samples_move_as_their_distribution_function_says():
    special = pytest.importorskip("scipy.special")
    a, b = np.meshgrid([0.2, 1.0, 4.0, 90.0], [0.3, 1.0, 7.0, 60.0])
    for u in (0.05, 0.5, 0.9):
        x = special.betaincinv(a, b, u)
        h = 1e-4 * a
        wanted = (special.betaincinv(a + h, b, u) - special.betaincinv(a - h, b, u)) / (2 * h)
        total = fb.tensor(a + b)
        found = fb._dirichlet_grad(fb.tensor(x), fb.tensor(a), total).numpy() * (1 - x)
        inside = (x > 1e-6) & (x < 1 - 1e-6)
        np.testing.assert_allclose(found[inside], wanted[inside], rtol=1e-3)


def test_expected_gradients_through_dirichlet_samples():
    c = np.array([0.8, 2.0, 5.0])
    x = fb.tensor(np.broadcast_to(c, (40000, 3)).copy(), requires_grad=True)
    weight = fb.tensor([1.0, -2.0, 0.5], dtype=fb.float64)
    (D.Dirichlet(x).rsample() * weight).sum().backward()
    theirs = torch.tensor(c, requires_grad=True)
    (theirs / theirs.sum() * torch.tensor([1.0, -2.0, 0.5])).sum().backward()
    np.testing.assert_allclose(x.grad.numpy().mean(0), theirs.grad.numpy(), atol=6e-3)


# Divergences

FAMILIES = {
    "Bernoulli": [{"probs": chances(4)}, {"probs": np.array([0.0, 1.0, 0.3, 0.5])}],
    "Beta": [{"concentration1": positive(4), "concentration0": positive(4)} for _ in "ab"],
    "Binomial": [{"total_count": 5, "probs": chances(4)}, {"total_count": 3, "probs": chances(4)}],
    "Categorical": [{"probs": simplex(4, 3)} for _ in "ab"],
    "Cauchy": [{"loc": normal(4), "scale": positive(4)} for _ in "ab"],
    "ContinuousBernoulli": [{"probs": chances(4)} for _ in "ab"],
    "Dirichlet": [{"concentration": positive(4, 3)} for _ in "ab"],
    "Exponential": [{"rate": positive(4)} for _ in "ab"],
    "Gamma": [{"concentration": positive(4), "rate": positive(4)} for _ in "ab"],
    "Geometric": [{"probs": chances(4)} for _ in "ab"],
    "Gumbel": [{"loc": normal(4), "scale": positive(4)} for _ in "ab"],
    "HalfNormal": [{"scale": positive(4)} for _ in "ab"],
    "Laplace": [{"loc": normal(4), "scale": positive(4)} for _ in "ab"],
    "LogNormal": [{"loc": normal(4), "scale": positive(4)} for _ in "ab"],
    "LowRankMultivariateNormal": [
        {"loc": normal(4, 3), "cov_factor": normal(4, 3, 2), "cov_diag": positive(4, 3)}
        for _ in "ab"
    ],
    "MultivariateNormal": [{"loc": normal(4, 3), "scale_tril": lower(4)},
                           {"loc": normal(3), "covariance_matrix": matrix()}],
    "Normal": [{"loc": normal(4), "scale": positive(4)} for _ in "ab"],
    "OneHotCategorical": [{"probs": simplex(4, 3)} for _ in "ab"],
    "Pareto": [{"scale": positive(4), "alpha": np.array([0.8, 1.6, 3.0, 4.0])},
               {"scale": positive(4), "alpha": positive(4)}],
    "Poisson": [{"rate": positive(4)} for _ in "ab"],
    "Uniform": [{"low": chances(4) / 2, "high": 1 - chances(4) / 2},
                {"low": -positive(4), "high": positive(4) + 3}],
    "Wishart": [{"df": np.array(4.0 + i), "covariance_matrix": matrix()} for i in (1, 2)],
}  # fmt: skip


def made(library, name, given):
    tensor = fb.tensor if library is D else torch.tensor
    grads = {k: tensor(v, requires_grad=True) if isinstance(v, np.ndarray) else v
             for k, v in given.items()}  # fmt: skip
    return getattr(library, name)(**grads), grads


@pytest.mark.parametrize("p_name", FAMILIES)
def test_divergences_of_all_pairs(p_name):
    for q_name in FAMILIES:
        for p_given in FAMILIES[p_name]:
            for q_given in FAMILIES[q_name]:
                (p, po), (pt, py) = made(D, p_name, p_given), made(T, p_name, p_given)
                (q, qo), (qt, qy) = made(D, q_name, q_given), made(T, q_name, q_given)
                ours = {**{f"p.{k}": v for k, v in po.items()},
                        **{f"q.{k}": v for k, v in qo.items()}}  # fmt: skip
                yours = {**{f"p.{k}": v for k, v in py.items()},
                         **{f"q.{k}": v for k, v in qy.items()}}  # fmt: skip
                compared(lambda p=p, q=q: D.kl_divergence(p, q),
                         lambda p=pt, q=qt: T.kl_divergence(p, q), ours, yours)  # fmt: skip


def test_the_same_pairs_are_known():
    mine = {(p.__name__, q.__name__) for p, q in D.kl._KL_REGISTRY}
    assert mine == {(p.__name__, q.__name__) for p, q in T.kl._KL_REGISTRY}


def test_divergences_of_composed_distributions():
    p = D.Independent(D.Normal(fb.zeros(2, 3), fb.ones(2, 3)), 1)
    q = D.Independent(D.Normal(fb.ones(2, 3), fb.ones(2, 3)), 1)
    assert D.kl_divergence(p, q).tolist() == [1.5, 1.5]
    with pytest.raises(NotImplementedError):
        D.kl_divergence(p, D.Independent(D.Normal(fb.ones(2, 3), fb.ones(2, 3)), 2))


def test_register_kl():
    class Mine(D.Normal):
        pass

    assert float(D.kl_divergence(Mine(0.0, 1.0), D.Normal(0.0, 1.0))) == 0
    D.register_kl(Mine, D.Normal)(lambda p, q: fb.tensor(7.0))
    try:
        assert float(D.kl_divergence(Mine(0.0, 1.0), D.Normal(0.0, 1.0))) == 7
        with pytest.raises(TypeError):
            D.register_kl(int, D.Normal)
    finally:
        D.kl._KL_REGISTRY.pop((Mine, D.Normal))
        D.kl._KL_MEMOIZE.clear()
