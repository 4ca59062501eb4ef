"""Distributions with parameters, and how what two libraries give is compared."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as fb
from flambeau import distributions as D

torch = pytest.importorskip("torch")
T = torch.distributions

RNG = np.random.default_rng(5)


def positive(*shape):
    return RNG.uniform(0.5, 3.0, shape)


def normal(*shape):
    return RNG.standard_normal(shape)


def chances(*shape):
    return RNG.uniform(0.1, 0.9, shape)


def simplex(*shape):
    made = RNG.uniform(0.2, 1.0, shape)
    return made / made.sum(-1, keepdims=True)


def matrix(*batch, n=3):
    a = normal(*batch, n, n)
    return a @ np.swapaxes(a, -1, -2) + n * np.eye(n)


def lower(*batch, n=3):
    return np.linalg.cholesky(matrix(*batch, n=n))


# name, parameters (arrays become tensors that want gradients)
TABLE = [
    ("Bernoulli", {"probs": chances(3, 2)}),
    ("Bernoulli", {"logits": normal(4)}),
    ("Beta", {"concentration1": positive(3, 2), "concentration0": positive(2)}),
    ("Beta", {"concentration1": 2.0, "concentration0": 0.7}),
    ("Binomial", {"total_count": 5, "probs": chances(3)}),
    ("Binomial", {"total_count": 4, "logits": normal(2, 3)}),
    ("Categorical", {"probs": positive(3, 4)}),
    ("Categorical", {"logits": normal(5)}),
    ("Cauchy", {"loc": normal(3), "scale": positive(2, 3)}),
    ("Chi2", {"df": positive(3)}),
    ("ContinuousBernoulli", {"probs": np.array([0.1, 0.4995, 0.5, 0.7])}),
    ("ContinuousBernoulli", {"logits": normal(3)}),
    ("Dirichlet", {"concentration": positive(2, 4)}),
    ("Dirichlet", {"concentration": np.array([0.4, 0.6, 0.3])}),
    ("Exponential", {"rate": positive(3, 2)}),
    ("Exponential", {"rate": 2.0}),
    ("FisherSnedecor", {"df1": positive(3) + 3, "df2": positive(3) + 4}),
    ("Gamma", {"concentration": positive(3), "rate": positive(2, 1)}),
    ("GeneralizedPareto", {"loc": np.float32(normal(3)), "scale": np.float32(positive(3)),
                           "concentration": np.float32([0.0, 0.3, -0.4])}),
    ("Geometric", {"probs": chances(3)}),
    ("Geometric", {"logits": normal(3)}),
    ("Gumbel", {"loc": normal(3), "scale": positive(3)}),
    ("HalfCauchy", {"scale": positive(3)}),
    ("HalfNormal", {"scale": positive(3)}),
    ("InverseGamma", {"concentration": positive(3) + 2, "rate": positive(3)}),
    ("Kumaraswamy", {"concentration1": positive(3) + 1, "concentration0": positive(3) + 1}),
    ("LKJCholesky", {"dim": 3, "concentration": positive(2)}),
    ("Laplace", {"loc": normal(3), "scale": positive(3)}),
    ("LogNormal", {"loc": normal(3), "scale": chances(3)}),
    ("LogisticNormal", {"loc": normal(2, 3), "scale": positive(3)}),
    ("LowRankMultivariateNormal", {"loc": normal(2, 3), "cov_factor": normal(3, 2),
                                   "cov_diag": positive(3)}),
    ("Multinomial", {"total_count": 5, "probs": simplex(2, 3)}),
    ("Multinomial", {"total_count": 3, "logits": normal(4)}),
    ("MultivariateNormal", {"loc": normal(2, 3), "covariance_matrix": matrix()}),
    ("MultivariateNormal", {"loc": normal(3), "precision_matrix": matrix(2)}),
    ("MultivariateNormal", {"loc": normal(4, 1, 3), "scale_tril": lower(2)}),
    ("NegativeBinomial", {"total_count": positive(3), "probs": chances(3)}),
    ("NegativeBinomial", {"total_count": 4.0, "logits": normal(3)}),
    ("Normal", {"loc": normal(3, 1), "scale": positive(2)}),
    ("Normal", {"loc": 0.0, "scale": 2.0}),
    ("OneHotCategorical", {"probs": positive(2, 3)}),
    ("OneHotCategoricalStraightThrough", {"logits": normal(3)}),
    ("Pareto", {"scale": positive(3), "alpha": positive(3) + 2}),
    ("Poisson", {"rate": positive(3)}),
    ("RelaxedBernoulli", {"temperature": np.array(0.7), "probs": chances(3)}),
    ("RelaxedOneHotCategorical", {"temperature": np.array(0.7), "logits": normal(2, 3)}),
    ("StudentT", {"df": np.array([0.7, 1.5, 4.0]), "loc": normal(3), "scale": positive(3)}),
    ("Uniform", {"low": normal(3), "high": normal(3) + 5}),
    ("VonMises", {"loc": normal(3), "concentration": positive(3)}),
    ("Weibull", {"scale": positive(3), "concentration": positive(3) + 1}),
    ("Wishart", {"df": np.array([4.0, 6.0]), "covariance_matrix": matrix()}),
    ("Wishart", {"df": np.array([5.0, 4.5]), "scale_tril": lower(2)}),
    ("Wishart", {"df": 5.0, "precision_matrix": matrix()}),
]  # fmt: skip
CASES = [pytest.param(i, id=f"{i}-{name}") for i, (name, _) in enumerate(TABLE)]


def both(index, **extra):
    """The distribution in both libraries, and its parameters."""
    name, given = TABLE[index]
    mine = {k: fb.tensor(v, requires_grad=True) if isinstance(v, np.ndarray) else v
            for k, v in given.items()}  # fmt: skip
    theirs = {k: torch.tensor(v, requires_grad=True) if isinstance(v, np.ndarray) else v
              for k, v in given.items()}  # fmt: skip
    return getattr(D, name)(**mine, **extra), getattr(T, name)(**theirs, **extra), mine, theirs


def close(mine, theirs, tolerance=1e-6):
    assert tuple(mine.shape) == tuple(theirs.shape)
    assert str(mine.dtype) == str(theirs.dtype)
    a, b = mine.detach().numpy(), theirs.detach().numpy()
    wide = 1e-5 if a.dtype == np.float32 else tolerance
    np.testing.assert_allclose(a, b, rtol=wide, atol=wide)


def same(mine, theirs, ours, yours):
    """Values and gradients with respect to the parameters agree."""
    close(mine, theirs)
    if not ours or not theirs.requires_grad or not torch.isfinite(theirs).all():
        return
    weight = np.cos(np.arange(theirs.numel())).reshape(theirs.shape)
    for p in (*ours.values(), *yours.values()):
        if hasattr(p, "grad"):
            p.grad = None
    (mine * fb.tensor(weight).to(mine.dtype)).sum().backward(retain_graph=True)
    (theirs * torch.tensor(weight).to(theirs.dtype)).sum().backward(retain_graph=True)
    for name, p in ours.items():
        if not isinstance(p, fb.Tensor) or yours[name].grad is None:
            continue
        assert p.grad is not None, name
        close(p.grad, yours[name].grad, 1e-5)


def outcome(call):
    try:
        return call(), None
    except (NotImplementedError, ValueError, TypeError) as error:
        return None, type(error)


def compared(mine, theirs, ours, yours):
    try:
        b, expected = outcome(theirs)
    except (AttributeError, RuntimeError):  # what PyTorch alone cannot do
        return
    a, wrong = outcome(mine)
    assert wrong == expected
    if expected is None:
        same(a, b, ours, yours)
