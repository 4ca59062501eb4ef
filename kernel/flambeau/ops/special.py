"""Special functions, by their series, in double precision inside.

Sources: Abramowitz and Stegun, "Handbook of Mathematical Functions"; Cephes for erfc.
"""

from __future__ import annotations

from math import factorial, log, pi, sqrt
from typing import Any

from .erf import _FAR_P, _FAR_Q, _polynomial, erf
from .promote import real_float, same_float, some_tensor
from .registry import SPACES, function, op, show


def _wide(xp, x):
    return x.astype("float64", copy=False)


# Gamma and its derivatives

_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def _far(xp, x, term):
    """x moved up to 10 or more by steps of 1, and the sum of ``term`` over the steps."""
    total = xp.zeros_like(x)
    for _ in range(10):
        near = x < 10
        total = total + xp.where(near, term(xp.where(near, x, 1.0)), 0.0)
        x = xp.where(near, x + 1, x)
    return x, total


@op(promote=real_float, inplace=True)
def lgamma(xp, x):
    """log |Γ(x)|; Γ(n) = (n - 1)! for whole n.

    >>> fb.lgamma(fb.tensor([5.0])), fb.log(fb.tensor([24.0]))
    (tensor([3.1781]), tensor([3.1781]))
    """
    z = _wide(xp, x)
    mirrored = z < 0.5
    y, steps = _far(xp, xp.where(mirrored, 1 - z, z), xp.log)
    series = sum(b / (2 * k * (2 * k - 1) * y ** (2 * k - 1)) for k, b in enumerate(_BERNOULLI, 1))
    y = xp.where(xp.isinf(y), xp.inf, (y - 0.5) * xp.log(y) - y + 0.5 * log(2 * pi) + series)
    y = y - steps
    sine = xp.where(mirrored, xp.abs(xp.sin(pi * (z - xp.floor(z)))), 1.0)
    out = xp.where(mirrored, xp.log(pi / sine) - y, y)
    return xp.where(xp.isinf(z), xp.inf, out).astype(x.dtype)


lgamma.gradients(x=lambda ns, g, x: g * ns.digamma(x))


@op(promote=real_float, inplace=True)
def digamma(xp, x):
    """The slope of log Γ(x).

    >>> fb.special.digamma(fb.tensor([1.0, 2.0]))
    tensor([-0.5772,  0.4228])
    """
    z = _wide(xp, x)
    mirrored = z < 0
    y, steps = _far(xp, xp.where(mirrored, 1 - z, z), lambda t: 1 / t)
    series = sum(b / (2 * k * y ** (2 * k)) for k, b in enumerate(_BERNOULLI, 1))
    out = xp.log(y) - 0.5 / y - series - steps
    turn = z - xp.floor(z)
    cot = pi / xp.tan(pi * xp.where(turn == 0, 0.5, turn))
    out = xp.where(mirrored, xp.where(turn == 0, xp.nan, out - cot), out)
    out = xp.where(z == 0, -xp.copysign(xp.inf, z), out)
    return out.astype(x.dtype)


digamma.gradients(x=lambda ns, g, x: g * ns.polygamma(x, 1))


@op(on="", name="polygamma", promote=real_float)
def polygamma_op(xp, x, /, n):
    """The n-th derivative of digamma."""
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    if n == 0:
        return digamma.forward(xp, x)
    sign = -1.0 if n % 2 == 0 else 1.0
    return (sign * factorial(n) * _hurwitz(xp, float(n + 1), _wide(xp, x))).astype(x.dtype)


polygamma_op.gradients(x=lambda ns, g, x, n: g * ns.polygamma(x, n + 1))


def _hurwitz(xp, s, q):
    """Σ (k + q)⁻ˢ over k ≥ 0, by the Euler-Maclaurin formula."""
    low = float(xp.min(q, initial=0.0))  # the formula asks for a last term far to the right of 0
    steps = 12 + (min(int(-low), 1000) if low > -xp.inf else 0)
    total = sum((q + k) ** -s for k in range(steps))
    a = q + steps
    total = total + a ** (1 - s) / (s - 1) + 0.5 * a**-s
    rising = s
    for k, b in enumerate(_BERNOULLI, 1):
        total = total + b / factorial(2 * k) * rising * a ** (1 - s - 2 * k)
        rising = rising * (s + 2 * k - 1) * (s + 2 * k)
    return total


@op(on="special", name="zeta", promote=some_tensor(same_float))
def zeta(xp, x, y):
    """Hurwitz's ζ: Σ (k + y)⁻ˣ over k ≥ 0."""
    s, q = xp.asarray(x, "float64"), xp.asarray(y, "float64")
    whole = q == xp.floor(q)
    out = _hurwitz(xp, xp.where(s == 1, 2.0, s), q)
    out = xp.where((q <= 0) & whole, xp.inf, out)
    out = xp.where((q <= 0) & ~whole & (s != xp.floor(s)), xp.nan, out)
    out = xp.where(s == 1, xp.inf, xp.where(s < 1, xp.nan, out))
    return out.astype(xp.result_type(x, y))


zeta.gradients(y=lambda ns, g, x, y: g * -x * ns.zeta(x + 1, y))


@function(on="fb special", name="polygamma")
def _(n, input):
    """The n-th derivative of digamma."""
    return polygamma_op(input, n)


@function(on="Tensor", name="polygamma")
def polygamma_of(self, n):
    """The n-th derivative of digamma."""
    return polygamma_op(self, n)


@function(name="mvlgamma")
def multigamma(input, p):
    """The logarithm of the multivariate gamma function of ``p`` dimensions."""
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    total = p * (p - 1) / 4 * log(pi)
    return sum((lgamma(input - i / 2) for i in range(p)), start=total)


# The error function's relatives


def _erfcx_right(xp, x):
    """exp(x²) erfc(x) for x ≥ 1."""
    near = xp.minimum(x, 8)
    middle = _polynomial(near, _FAR_P) / _polynomial(near, _FAR_Q)
    z = 1 / xp.maximum(x, 8) ** 2  # the asymptotic series
    far = 1 + z * (
        -0.5 + z * (0.75 + z * (-1.875 + z * (6.5625 + z * (-29.53125 + z * 162.421875))))
    )
    far = far - z**7 * 1055.7421875 + z**8 * 7918.06640625
    return xp.where(x < 8, middle, far / (xp.maximum(x, 8) * sqrt(pi)))


def _erfc(xp, x):
    size = xp.maximum(xp.abs(x), 1)
    tail = xp.exp(-size * size) * _erfcx_right(xp, size)
    return xp.where(xp.abs(x) < 1, 1 - erf.forward(xp, x), xp.where(x < 0, 2 - tail, tail))


@op(promote=real_float, inplace=True, on="fb Tensor special")
def erfc(xp, x):
    """1 - erf(x), exact where erf is almost 1."""
    return _erfc(xp, _wide(xp, x)).astype(x.dtype)


erfc.gradients(x=lambda ns, g, x: g * ns.exp(-(x * x)) * (-2 / sqrt(pi)))


@op(promote=real_float, on="special")
def erfcx(xp, x):
    """exp(x²) · erfc(x)."""
    z = _wide(xp, x)
    low = xp.minimum(z, 1)
    left = xp.exp(low * low) * _erfc(xp, low)
    return xp.where(z < 1, left, _erfcx_right(xp, xp.maximum(z, 1))).astype(x.dtype)


erfcx.gradients(x=lambda g, x, out: g * (out * x * 2 - 2 / sqrt(pi)))


def _quantile(xp, p):
    """The t ≥ 0 with erfc(t) = 2p, for p up to 1/2: a rational start and Newton's method."""
    p = xp.where(p > 0, p, xp.nan)
    z = xp.sqrt(-xp.log(p))
    top = ((1.641345311 * z + 3.429567803) * z - 1.624906493) * z - 1.970840454
    t = xp.maximum(top / ((1.637067800 * z + 3.543889200) * z + 1), 0)
    for _ in range(3):
        t = t + (_erfc(xp, t) - 2 * p) / (2 / sqrt(pi) * xp.exp(-t * t))
    return t


@op(promote=real_float, inplace=True, on="fb Tensor special")
def erfinv(xp, x):
    """The number whose erf is x.

    >>> fb.special.erfinv(fb.erf(fb.tensor([0.5])))
    tensor([0.5000])
    """
    y = _wide(xp, x)
    z = xp.minimum(y * y, 0.49)
    top = ((-0.140543331 * z + 0.914624893) * z - 1.645349621) * z + 0.886226899
    below = (((0.012229801 * z - 0.329097515) * z + 1.442710462) * z - 2.118377725) * z + 1
    middle = y * top / below
    for _ in range(3):
        middle = middle - (erf.forward(xp, middle) - y) / (2 / sqrt(pi) * xp.exp(-middle * middle))
    size = xp.abs(y)
    tail = xp.copysign(_quantile(xp, xp.where(size < 1, (1 - size) / 2, 0.25)), y)
    out = xp.where(size <= 0.7, middle, xp.where(size < 1, tail, y * xp.inf))
    return xp.where(size > 1, xp.nan, out).astype(x.dtype)


erfinv.gradients(x=lambda ns, g, out: g * ns.exp(out * out) * (sqrt(pi) / 2))


@op(promote=real_float, on="special")
def ndtr(xp, x):
    """The chance that a standard normal number is below x.

    >>> fb.special.ndtr(fb.tensor([-1.96, 0.0]))
    tensor([0.0250, 0.5000])
    """
    return (_erfc(xp, _wide(xp, x) * -sqrt(0.5)) / 2).astype(x.dtype)


ndtr.gradients(x=lambda ns, g, x: g * ns.exp(x * x * -0.5) / sqrt(2 * pi))


@op(promote=real_float, on="special")
def ndtri(xp, x):
    """The number below which a standard normal one is with chance x."""
    p = _wide(xp, x)
    inside = (p > 0) & (p < 1)
    small = xp.where(inside, xp.minimum(p, 1 - p), 0.25)
    t = _quantile(xp, small) * sqrt(2)
    out = xp.where(p < 0.5, -t, t)
    ends = xp.where(p == 0, -xp.inf, xp.where(p == 1, xp.inf, xp.nan))
    return xp.where(inside, out, ends).astype(x.dtype)


ndtri.gradients(x=lambda ns, g, out: g * ns.exp(out * out * 0.5) * sqrt(2 * pi))


@op(promote=real_float, on="special")
def log_ndtr(xp, x):
    """log `ndtr`, also far to the left."""
    z = _wide(xp, x)
    low = -xp.minimum(z, -1) * sqrt(0.5)
    left = xp.log(_erfcx_right(xp, xp.maximum(low, 1)) / 2) - low * low
    left = xp.where(low < 1, xp.log(_erfc(xp, low) / 2), left)
    right = xp.log1p(-_erfc(xp, xp.maximum(z, -1) * sqrt(0.5)) / 2)
    return xp.where(z < -1, left, right).astype(x.dtype)


log_ndtr.gradients(x=lambda ns, g, x: g * sqrt(2 / pi) / ns.erfcx(x * -sqrt(0.5)))

# Bessel functions of imaginary argument


def _bessel(xp, x, order):
    """exp(-|x|) I(x): the power series up to 30, the asymptotic one further out."""
    size = xp.abs(_wide(xp, x))
    near = xp.minimum(size, 30) / 2
    term = near**order
    total = term
    for k in range(1, 70):
        term = term * (near * near / (k * (k + order)))
        total = total + term
    far = xp.maximum(size, 30)
    term = series = xp.ones_like(far)
    for k in range(1, 20):
        term = term * (((2 * k - 1) ** 2 - 4 * order) / (8 * k * far))
        series = series + term
    out = xp.where(size <= 30, total * xp.exp(-2 * near), series / xp.sqrt(2 * pi * far))
    return xp.sign(_wide(xp, x)) * out if order else out


def _unscaled(xp, x, order):
    return (_bessel(xp, x, order) * xp.exp(xp.abs(_wide(xp, x)))).astype(x.dtype)


@op(promote=real_float, inplace=True, on="fb Tensor special")
def i0(xp, x):
    """The modified Bessel function of order 0: Σ (x/2)²ᵏ / (k!)²."""
    return _unscaled(xp, x, 0)


@op(promote=real_float, on="special")
def i0e(xp, x):
    """exp(-|x|) · i0(x)."""
    return _bessel(xp, x, 0).astype(x.dtype)


@op(promote=real_float, on="special", aliases=["modified_bessel_i1"])
def i1(xp, x):
    """The modified Bessel function of order 1, the slope of i0."""
    return _unscaled(xp, x, 1)


@op(promote=real_float, on="special")
def i1e(xp, x):
    """exp(-|x|) · i1(x)."""
    return _bessel(xp, x, 1).astype(x.dtype)


def _over(ns, out, x):
    """i1(x) / x, which is 1/2 at 0."""
    return ns.where(x == 0, 0.5, out / ns.where(x == 0, 1.0, x))


i0.gradients(x=lambda ns, g, x: g * ns.i1(x))
i1.gradients(x=lambda ns, g, x, out: g * (ns.i0(x) - _over(ns, out, x)))
i0e.gradients(x=lambda ns, g, x, out: g * (ns.i1e(x) - ns.sign(x) * out))
i1e.gradients(x=lambda ns, g, x, out: g * (ns.i0e(x) - ns.sign(x) * out - _over(ns, out, x)))

# Names that `torch.special` has for functions that are elsewhere too


def _also(**names: str) -> None:
    for name, there in names.items():
        found: Any = SPACES["fb"].get(there) or SPACES["F"][there]
        show(name, found, "special")


_also(
    erf="erf", exp2="exp2", expm1="expm1", log1p="log1p", expit="sigmoid", gammaln="lgamma",
    psi="digamma", multigammaln="mvlgamma", digamma="digamma", round="round",
    modified_bessel_i0="i0", logsumexp="logsumexp", softmax="softmax", log_softmax="log_softmax",
)  # fmt: skip
