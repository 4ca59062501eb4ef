"""Steps of optimizers: one pass over a parameter, its gradient and its state, all flat.

``sign`` is -1 where a loss is to grow; ``decay`` times the parameter is added to the gradient, and
what has ``shrink`` multiplies the parameter by that first.
"""

from __future__ import annotations

import numpy as np

from .compiled import kernel

f32 = np.float32


@kernel
def decayed(g, p, sign, decay):
    """The gradient to step by; without a decay p has no part in it, be it infinite."""
    return g * sign + decay * p if decay != f32(0) else g * sign


@kernel
def sgd(p, g, lr, sign, decay):
    """p -= lr g."""
    for i in range(len(p)):
        p[i] -= lr * decayed(g[i], p[i], sign, decay)


@kernel
def sgd_momentum(p, g, v, lr, sign, decay, momentum, new, nesterov):
    """v = momentum v + new g; p -= lr v, or with Nesterov's look ahead lr (g + momentum v)."""
    for i in range(len(p)):
        d = decayed(g[i], p[i], sign, decay)
        b = momentum * v[i] + new * d
        v[i] = b
        p[i] -= lr * (d + momentum * b if nesterov else b)


@kernel
def adam(p, g, m, v, rate, sign, decay, shrink, new1, beta2, new2, scale, eps):
    """m += new1 (g - m), v = beta2 v + new2 g^2; p -= rate m / (scale sqrt(v) + eps)."""
    for i in range(len(p)):
        x = p[i] * shrink
        d = decayed(g[i], x, sign, decay)
        a = m[i] + new1 * (d - m[i])
        b = beta2 * v[i] + new2 * (d * d)
        m[i], v[i] = a, b
        p[i] = x - rate * (a / (scale * np.sqrt(b) + eps))


@kernel
def amsgrad(p, g, m, v, top, rate, sign, decay, shrink, new1, beta2, new2, scale, eps):
    """As `adam`, with the largest v so far in the place of v."""
    for i in range(len(p)):
        x = p[i] * shrink
        d = decayed(g[i], x, sign, decay)
        a = m[i] + new1 * (d - m[i])
        b = beta2 * v[i] + new2 * (d * d)
        largest = top[i] if top[i] > b or top[i] != top[i] else b  # NaN stays
        m[i], v[i], top[i] = a, b, largest
        p[i] = x - rate * (a / (scale * np.sqrt(largest) + eps))


@kernel
def nadam(p, g, m, v, rate, ahead, sign, decay, shrink, new1, beta2, new2, scale, eps):
    """As `adam`, with ``rate m + ahead g`` above the line."""
    for i in range(len(p)):
        x = p[i] * shrink
        d = decayed(g[i], x, sign, decay)
        a = m[i] + new1 * (d - m[i])
        b = beta2 * v[i] + new2 * (d * d)
        m[i], v[i] = a, b
        p[i] = x - (rate * a + ahead * d) / (scale * np.sqrt(b) + eps)


@kernel
def radam(p, g, m, v, rate, sign, decay, shrink, new1, beta2, new2, scale, eps):
    """As `adam` with sqrt(v) + eps below the line, or 1 where ``scale`` is 0."""
    for i in range(len(p)):
        x = p[i] * shrink
        d = decayed(g[i], x, sign, decay)
        a = m[i] + new1 * (d - m[i])
        b = beta2 * v[i] + new2 * (d * d)
        m[i], v[i] = a, b
        p[i] = x - rate * (a * (scale / (np.sqrt(b) + eps)) if scale != f32(0) else a)


@kernel
def adamax(p, g, m, u, rate, sign, decay, new1, beta2, eps):
    """m += new1 (g - m), u = max(beta2 u, |g| + eps); p -= rate m / u."""
    for i in range(len(p)):
        d = decayed(g[i], p[i], sign, decay)
        a = m[i] + new1 * (d - m[i])
        now, before = abs(d) + eps, beta2 * u[i]
        top = now if now > before or now != now else before  # NaN stays
        m[i], u[i] = a, top
        p[i] -= rate * (a / top)


@kernel
def rmsprop(p, g, v, rate, sign, decay, alpha, new, eps):
    """v = alpha v + new g^2; p -= rate g / (sqrt(v) + eps)."""
    for i in range(len(p)):
        d = decayed(g[i], p[i], sign, decay)
        a = alpha * v[i] + new * (d * d)
        v[i] = a
        p[i] -= rate * (d / (np.sqrt(a) + eps))


@kernel
def rmsprop_momentum(p, g, v, b, rate, sign, decay, alpha, new, eps, momentum):
    """As `rmsprop`, but what is divided goes into b = momentum b + ..., and p -= rate b."""
    for i in range(len(p)):
        d = decayed(g[i], p[i], sign, decay)
        a = alpha * v[i] + new * (d * d)
        step = momentum * b[i] + d / (np.sqrt(a) + eps)
        v[i], b[i] = a, step
        p[i] -= rate * step


@kernel
def rmsprop_centered(p, g, v, e, rate, sign, decay, alpha, new, eps):
    """As `rmsprop`, with v - e^2 in the place of v, where e averages g."""
    for i in range(len(p)):
        d = decayed(g[i], p[i], sign, decay)
        a = alpha * v[i] + new * (d * d)
        mean = e[i] + new * (d - e[i])
        v[i], e[i] = a, mean
        p[i] -= rate * (d / (np.sqrt(a - mean * mean) + eps))


@kernel
def rmsprop_centered_momentum(p, g, v, e, b, rate, sign, decay, alpha, new, eps, momentum):
    """Both at once."""
    for i in range(len(p)):
        d = decayed(g[i], p[i], sign, decay)
        a = alpha * v[i] + new * (d * d)
        mean = e[i] + new * (d - e[i])
        step = momentum * b[i] + d / (np.sqrt(a - mean * mean) + eps)
        v[i], e[i], b[i] = a, mean, step
        p[i] -= rate * step


@kernel
def adagrad(p, g, s, rate, sign, decay, eps):
    """s += g^2; p -= rate g / (sqrt(s) + eps)."""
    for i in range(len(p)):
        d = decayed(g[i], p[i], sign, decay)
        a = s[i] + d * d
        s[i] = a
        p[i] -= rate * (d / (np.sqrt(a) + eps))


@kernel
def adadelta(p, g, v, u, rate, sign, decay, rho, new, eps):
    """v and u are averages of g^2 and of the squared steps d = g sqrt(u + eps) / sqrt(v + eps)."""
    for i in range(len(p)):
        d = decayed(g[i], p[i], sign, decay)
        a = rho * v[i] + new * (d * d)
        step = np.sqrt(u[i] + eps) / np.sqrt(a + eps) * d
        v[i], u[i] = a, rho * u[i] + new * (step * step)
        p[i] -= rate * step
