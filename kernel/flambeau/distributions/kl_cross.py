"""Kullback-Leibler divergences of two families.

KL(p ‖ q) = -H(p) - E[log q(x)] with x from p, and log q of each family needs only a few expected
values: of x, x², log x, log(1 - x) and exp(-x/s). So each p says what it expects, and each q what
it makes of that. Where p gives chances to what is impossible under q, it is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import flambeau as fb

from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .continuous_bernoulli import ContinuousBernoulli
from .exponential import Exponential
from .gamma import Gamma
from .gumbel import Gumbel
from .kl import register_kl
from .laplace import Laplace
from .normal import Normal
from .pareto import Pareto
from .poisson import Poisson
from .uniform import Uniform
from .utils import euler_constant, infinite_like


def _x_log_x(x: Any) -> Any:
    return fb.special.xlogy(x, x)


def _mean_square(p: Any) -> Any:
    return p.variance + p.mean.pow(2)


# What p expects


def _beta_log(p: Any) -> Any:
    return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()


def _uniform_log(p: Any) -> Any:
    width = p.high - p.low
    return (_x_log_x(p.high) - _x_log_x(p.low)) / width - 1


def _uniform_log_rest(p: Any) -> Any:
    width = p.high - p.low
    return (_x_log_x(1 - p.low) - _x_log_x(1 - p.high)) / width - 1


_EXPECTED_LOG: dict[type, Callable[[Any], Any]] = {
    Beta: _beta_log,
    Exponential: lambda p: -euler_constant - p.rate.log(),
    Gamma: lambda p: p.concentration.digamma() - p.rate.log(),
    Pareto: lambda p: p.scale.log() + p.alpha.reciprocal(),
    Uniform: _uniform_log,
}

_EXPECTED_FALL: dict[type, Callable[[Any, Any], Any]] = {  # exp(-x/s)
    Exponential: lambda p, s: p.rate * s / (p.rate * s + 1),
    Gamma: lambda p, s: (1 + 1 / (p.rate * s)).pow(-p.concentration),
    Normal: lambda p, s: fb.exp(0.5 * (p.scale / s).pow(2) - p.loc / s),
    Uniform: lambda p, s: (fb.exp(-p.low / s) - fb.exp(-p.high / s)) * s / (p.high - p.low),
}


# The expected log q


def _log_normal(p: Any, q: Any) -> Any:
    square = _mean_square(p) - 2 * q.loc * p.mean + q.loc.pow(2)
    return -square / (2 * q.scale.pow(2)) - q.scale.log() - 0.5 * math.log(2 * math.pi)


def _log_exponential(p: Any, q: Any) -> Any:
    return q.rate.log() - q.rate * p.mean


def _log_gamma(p: Any, q: Any) -> Any:
    a = q.concentration
    return a * q.rate.log() - a.lgamma() + (a - 1) * _EXPECTED_LOG[type(p)](p) - q.rate * p.mean


def _log_continuous_bernoulli(p: Any, q: Any) -> Any:
    return p.mean * q.logits + fb.log1p(-q.probs) + q._cont_bern_log_norm()


def _log_gumbel(p: Any, q: Any) -> Any:
    falling = fb.exp(q.loc / q.scale) * _EXPECTED_FALL[type(p)](p, q.scale)
    return -q.scale.log() - (p.mean - q.loc) / q.scale - falling


def _log_pareto(p: Any, q: Any) -> Any:
    return q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * _EXPECTED_LOG[type(p)](p)


def _log_beta(p: Any, q: Any) -> Any:
    a, b = q.concentration1, q.concentration0
    powers = (a - 1) * _uniform_log(p) + (b - 1) * _uniform_log_rest(p)
    return powers + (a + b).lgamma() - a.lgamma() - b.lgamma()


def _log_uniform(p: Any, q: Any) -> Any:
    return -(q.high - q.low).log()


def _log_poisson(p: Any, q: Any) -> Any:
    return p.mean * q.rate.log() - q.rate


def _log_laplace(p: Any, q: Any) -> Any:
    """The mean distance of a normal number from q's centre."""
    away = p.loc - q.loc
    z = away / p.scale
    near = math.sqrt(2 / math.pi) * p.scale * fb.exp(-0.5 * z.pow(2))
    return -fb.log(2 * q.scale) - (near + away * fb.erf(z * math.sqrt(0.5))) / q.scale


# Where p is outside of q


def _never(p: Any, q: Any) -> Any:
    return False


def _below_zero(p: Any, q: Any) -> Any:
    return p.low < 0


def _register(p: type, q: type, expected: Any, outside: Any = _never) -> None:
    @register_kl(p, q)
    def divergence(p: Any, q: Any) -> Any:
        found = -p.entropy() - expected(p, q)
        where = outside(p, q)
        return found if where is False else fb.where(where, math.inf, found)


_register(Bernoulli, Poisson, _log_poisson)
_register(Beta, ContinuousBernoulli, _log_continuous_bernoulli)
_register(Beta, Exponential, _log_exponential)
_register(Beta, Gamma, _log_gamma)
_register(Beta, Normal, _log_normal)
_register(Beta, Uniform, _log_uniform, lambda p, q: (q.low > 0) | (q.high < 1))
_register(ContinuousBernoulli, Exponential, _log_exponential)
_register(ContinuousBernoulli, Normal, _log_normal)
# As PyTorch has it: infinite unless q reaches beyond 0 and beyond 1.
_register(ContinuousBernoulli, Uniform, _log_uniform, lambda p, q: (q.low >= 0) | (q.high <= 1))
_register(Exponential, Gamma, _log_gamma)
_register(Exponential, Gumbel, _log_gumbel)
_register(Exponential, Normal, _log_normal)
_register(Gamma, Exponential, _log_exponential)
_register(Gamma, Gumbel, _log_gumbel)
_register(Gamma, Normal, _log_normal)
_register(Gumbel, Normal, _log_normal)
_register(Laplace, Normal, _log_normal)
_register(Normal, Gumbel, _log_gumbel)
_register(Normal, Laplace, _log_laplace)
_register(Pareto, Exponential, _log_exponential, lambda p, q: p.alpha <= 1)
_register(Pareto, Gamma, _log_gamma, lambda p, q: p.alpha <= 1)
_register(Pareto, Normal, _log_normal, lambda p, q: p.alpha <= 2)
_register(Uniform, Beta, _log_beta, lambda p, q: (p.high > 1) | (p.low < 0))
_register(
    Uniform,
    ContinuousBernoulli,
    _log_continuous_bernoulli,
    lambda p, q: (p.high >= 1) | (p.low <= 0),
)
_register(Uniform, Exponential, _log_exponential, _below_zero)
_register(Uniform, Gamma, _log_gamma, _below_zero)
_register(Uniform, Gumbel, _log_gumbel)
_register(Uniform, Normal, _log_normal)
_register(Uniform, Pareto, _log_pareto, lambda p, q: p.low < q.scale)

# p reaches where q never does, whatever the parameters.
_IMPOSSIBLE: dict[type, tuple[type, ...]] = {
    Beta: (Pareto,),
    ContinuousBernoulli: (Pareto,),
    Exponential: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gamma: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gumbel: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Laplace: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Normal: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Pareto: (Beta, ContinuousBernoulli, Uniform),
    Poisson: (Bernoulli, Binomial),
}
for _p, _others in _IMPOSSIBLE.items():
    for _q in _others:
        register_kl(_p, _q)(lambda p, q: infinite_like(p.mean))
