"""Kullback-Leibler divergences: how many nats it costs to take q for p.

KL(p ‖ q) = E[log p(x) - log q(x)], with x from p. Here are those of two distributions of one
family; `kl_cross` has those of two families.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import flambeau as fb

from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .continuous_bernoulli import ContinuousBernoulli
from .dirichlet import Dirichlet
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .lowrank_multivariate_normal import LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal, log_diagonal, mahalanobis
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import euler_constant, sum_rightmost

__all__ = ["kl_divergence", "register_kl"]

_KL_REGISTRY: dict[tuple[type, type], Callable[[Any, Any], Any]] = {}
_KL_MEMOIZE: dict[tuple[type, type], Any] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Any], Any]:
    """Registers the function of p and q for two kinds of distributions, and those derived."""
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(kind, type) or not issubclass(kind, Distribution):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def register(function: Any) -> Any:
        _KL_REGISTRY[type_p, type_q] = function
        _KL_MEMOIZE.clear()
        return function

    return register


def _dispatch(type_p: type, type_q: type) -> Any:
    """The function registered for the nearest bases; None where there is none."""
    of_p, of_q = type_p.__mro__, type_q.__mro__
    found = [(p, q) for p, q in _KL_REGISTRY if p in of_p and q in of_q]
    if not found:
        return None
    left = min(found, key=lambda m: (of_p.index(m[0]), of_q.index(m[1])))
    right = min(found, key=lambda m: (of_q.index(m[1]), of_p.index(m[0])))
    if _KL_REGISTRY[left] is not _KL_REGISTRY[right]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). "
            f"Please register_kl({left[0].__name__}, {right[1].__name__})",
            RuntimeWarning,
            stacklevel=3,
        )
    return _KL_REGISTRY[left]


def kl_divergence(p: Distribution, q: Distribution) -> Any:
    """KL(p ‖ q), of the shape of the batch; NotImplementedError for pairs that are not known.

    >>> p, q = fb.distributions.Normal(0.0, 1.0), fb.distributions.Normal(1.0, 1.0)
    >>> kl_divergence(p, q)
    tensor(0.5000)
    """
    kinds = type(p), type(q)
    if kinds not in _KL_MEMOIZE:
        _KL_MEMOIZE[kinds] = _dispatch(*kinds)
    function = _KL_MEMOIZE[kinds]
    if function is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type "
            f"{type(q).__name__}; register_kl adds one"
        )
    return function(p, q)


# Chances


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Any:
    softplus = fb.nn.functional.softplus
    one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    none = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    one = fb.where(p.probs == 0, 0.0, fb.where(q.probs == 0, math.inf, one))
    none = fb.where(p.probs == 1, 0.0, fb.where(q.probs == 1, math.inf, none))
    return one + none


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Any:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    each = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return fb.where(p.total_count > q.total_count, math.inf, p.total_count * each)


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Any:
    terms = p.probs * (p.logits - q.logits)
    terms = fb.where(q.probs == 0, math.inf, terms)
    return fb.where(p.probs == 0, 0.0, terms).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Any:
    return _categorical(p._categorical, q._categorical)


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Any:
    return -p.entropy() - fb.log1p(-q.probs) / p.probs - q.logits


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Any:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


# Densities


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Any:
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    expected_log = a.digamma() - a.sum(-1, True).digamma()
    moved = ((a - b) * expected_log).sum(-1)
    return moved + q._log_normalizer(b) - p._log_normalizer(a)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: Any, q: Any) -> Any:
    of_p = p._cont_bern_log_norm() + fb.log1p(-p.probs)
    of_q = q._cont_bern_log_norm() + fb.log1p(-q.probs)
    return p.mean * (p.logits - q.logits) + of_p - of_q


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    shape = b.lgamma() - a.lgamma() + (a - b) * a.digamma()
    return shape + b * (p.rate / q.rate).log() + (q.rate - p.rate) * (a / p.rate)


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Any, q: Any) -> Any:
    ratio, away = p.scale / q.scale, (p.loc - q.loc) / q.scale
    falling = fb.exp((1 + ratio).lgamma() - away)
    return away - ratio.log() + ratio * euler_constant + falling - (1 + euler_constant)


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: Any, q: Any) -> Any:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Any:
    ratio, away = p.scale / q.scale, (p.loc - q.loc).abs()
    return away / q.scale + ratio * fb.exp(-away / p.scale) - ratio.log() - 1


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Any:
    together = (p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)
    return together.log() - (4 * p.scale * q.scale).log()


@register_kl(Pareto, Pareto)
def _pareto(p: Any, q: Any) -> Any:
    ratio = q.alpha / p.alpha
    found = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return fb.where(p.scale < q.scale, math.inf, found)


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Any:
    found = ((q.high - q.low) / (p.high - p.low)).log()
    return fb.where((q.low > p.low) | (q.high < p.high), math.inf, found)


# Vectors


def _same_events(p: Any, q: Any) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between Multivariate Normals with different event shapes cannot be "
            f"computed: {tuple(p.event_shape)} and {tuple(q.event_shape)}"
        )


def _of_vectors(p: Any, logdets: Any, trace: Any, distance: Any) -> Any:
    """Half of: log det Q - log det P + trace(Q⁻¹ P) + distance of the means - dimensions."""
    return 0.5 * (logdets + trace + distance - p.event_shape[0])


def _squares_under(lower: Any, matrix: Any) -> Any:
    """The trace of (L Lᵀ)⁻¹ M Mᵀ."""
    batch = fb.broadcast_shapes(lower.shape[:-2], matrix.shape[:-2])
    lower = lower.expand(*batch, *lower.shape[-2:])
    matrix = matrix.expand(*batch, *matrix.shape[-2:])
    return fb.linalg.solve_triangular(lower, matrix, upper=False).pow(2).sum((-2, -1))


def _squares_under_lowrank(q: Any, matrix: Any) -> Any:
    """The trace of (W Wᵀ + D)⁻¹ M Mᵀ, by Woodbury's formula."""
    w, d = q._parts()
    direct = (matrix.pow(2) / d.unsqueeze(-1)).sum((-2, -1))
    return direct - _squares_under(q._capacitance_tril, (w.mT / d.unsqueeze(-2)) @ matrix)


@register_kl(MultivariateNormal, MultivariateNormal)
def _vectors(p: Any, q: Any) -> Any:
    _same_events(p, q)
    of_p, of_q = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    logdets = 2 * (log_diagonal(of_q) - log_diagonal(of_p))
    distance = mahalanobis(of_q, q.loc - p.loc)
    return _of_vectors(p, logdets, _squares_under(of_q, of_p), distance)


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _vectors_lowrank(p: Any, q: Any) -> Any:
    _same_events(p, q)
    lower = p._unbroadcasted_scale_tril
    logdets = q._logdet() - 2 * log_diagonal(lower)
    trace = _squares_under_lowrank(q, lower)
    return _of_vectors(p, logdets, trace, q._distance(q.loc - p.loc))


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _lowrank_vectors(p: Any, q: Any) -> Any:
    _same_events(p, q)
    lower, (w, d) = q._unbroadcasted_scale_tril, p._parts()
    trace = _squares_under(lower, w) + _squares_under(lower, fb.diag_embed(d.sqrt()))
    logdets = 2 * log_diagonal(lower) - p._logdet()
    return _of_vectors(p, logdets, trace, mahalanobis(lower, q.loc - p.loc))


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _lowrank(p: Any, q: Any) -> Any:
    _same_events(p, q)
    w, d = p._parts()
    trace = _squares_under_lowrank(q, w) + _squares_under_lowrank(q, fb.diag_embed(d.sqrt()))
    return _of_vectors(p, q._logdet() - p._logdet(), trace, q._distance(q.loc - p.loc))


# Distributions made of others, and exponential families in general


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Any:
    dims = p.reinterpreted_batch_ndims
    if dims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("the two have other reinterpreted_batch_ndims")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), dims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Any:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("the two have other transforms or event shapes")
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p: Any, q: Any) -> Any:
    """A(ηq) - A(ηp) - ⟨ηq - ηp, ∇A(ηp)⟩."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed "
            "using Bregman divergences"
        )
    etas, normalizer, slopes = p._normalizer_and_slopes()
    result = q._log_normalizer(*q._natural_params) - normalizer
    for of_p, of_q, slope in zip(etas, q._natural_params, slopes, strict=True):
        result = result - sum_rightmost((of_q - of_p) * slope, of_p.dim() - len(p.batch_shape))
    return result
