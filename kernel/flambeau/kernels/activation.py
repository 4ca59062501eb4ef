"""Activations: each a loop for the value and one for the gradient of x, ``g`` times the slope."""

from __future__ import annotations

from .compiled import kernel
from .curves import erf, expm1, softplus
from .curves import sigmoid as logistic
from .curves import tanh as tangent
from .numbers import exp, f32

# Straight pieces. A comparison with NaN is false, so that `x <= 0` lets NaN through.


@kernel(regroup=False)
def relu(x, out):
    """max(x, 0)."""
    for i in range(len(x)):
        out[i] = f32(0) if x[i] <= f32(0) else x[i]


@kernel(regroup=False)
def relu_in_place(x):
    """The same, written over x: a loop of one array, which nothing else can overlap."""
    for i in range(len(x)):
        x[i] = f32(0) if x[i] <= f32(0) else x[i]


@kernel(regroup=False)
def relu_slope(g, out, gx):
    """g where the output is not 0."""
    for i in range(len(g)):
        v = g[i]
        gx[i] = v if out[i] != f32(0) else f32(0)


@kernel(regroup=False)
def leaky_relu(x, out, positive, negative_slope):
    """x where positive, negative_slope · x elsewhere; and where it is positive."""
    for i in range(len(x)):
        v = x[i]
        positive[i] = v > f32(0)
        out[i] = v if v > f32(0) else v * negative_slope


@kernel(regroup=False)
def two_slopes(g, positive, gx, negative_slope):
    """g where positive, negative_slope · g elsewhere."""
    for i in range(len(g)):
        v = g[i]
        gx[i] = v if positive[i] else v * negative_slope


@kernel(regroup=False)
def within(x, out, inside, low, high):
    """min(max(x, low), high), and where that is x."""
    for i in range(len(x)):
        v = x[i]
        inside[i] = (v > low) & (v < high)
        v = low if v < low else v
        out[i] = high if v > high else v


@kernel(regroup=False)
def masked(g, inside, gx):
    """g where ``inside``, 0 elsewhere."""
    for i in range(len(g)):
        v = g[i]
        gx[i] = v if inside[i] else f32(0)


@kernel(regroup=False)
def hardswish(x, out):
    """x · min(max(x + 3, 0), 6) / 6."""
    for i in range(len(x)):
        v = x[i] + f32(3)
        v = f32(0) if v < f32(0) else v
        v = f32(6) if v > f32(6) else v
        out[i] = x[i] * v / f32(6)


@kernel(regroup=False)
def hardswish_slope(g, x, gx):
    """0 up to -3, 1 from 3 on, x / 3 + 1/2 between them."""
    for i in range(len(x)):
        slope = x[i] / f32(3) + f32(0.5)
        slope = f32(0) if x[i] <= f32(-3) else slope
        gx[i] = g[i] * (f32(1) if x[i] >= f32(3) else slope)


# Curved ones


@kernel(regroup=False)
def exponential_unit(x, out, above, below, stretch):
    """above · x where positive, below · (e^(stretch x) - 1) elsewhere: elu, selu, celu."""
    for i in range(len(x)):
        v = x[i]
        low = expm1(v * stretch) * below
        out[i] = v * above if v > f32(0) else low


@kernel(regroup=False)
def exponential_unit_slope(g, out, gx, above, below, stretch):
    """The slope told by the output: above, or stretch · (out + below)."""
    for i in range(len(g)):
        v = out[i]
        gx[i] = g[i] * (above if v > f32(0) else (v + below) * stretch)


@kernel(regroup=False)
def sigmoid(x, out):
    """1 / (1 + e^-x)."""
    for i in range(len(x)):
        out[i] = logistic(x[i])


@kernel(regroup=False)
def sigmoid_slope(g, out, gx):
    """out (1 - out)."""
    for i in range(len(g)):
        gx[i] = g[i] * (out[i] * (f32(1) - out[i]))


@kernel(regroup=False)
def tanh(x, out):
    """The hyperbolic tangent."""
    for i in range(len(x)):
        out[i] = tangent(x[i])


@kernel(regroup=False)
def tanh_slope(g, out, gx):
    """1 - out²."""
    for i in range(len(g)):
        gx[i] = g[i] * (f32(1) - out[i] * out[i])


@kernel(regroup=False)
def silu(x, out):
    """x · sigmoid(x)."""
    for i in range(len(x)):
        out[i] = x[i] / (f32(1) + exp(-x[i]))


@kernel(regroup=False)
def silu_slope(g, x, gx):
    """s (1 + x (1 - s)), s = sigmoid(x)."""
    for i in range(len(x)):
        s = logistic(x[i])
        gx[i] = g[i] * (s * (f32(1) + x[i] * (f32(1) - s)))


@kernel(regroup=False)
def gelu(x, out):
    """x · Φ(x) with the normal distribution's Φ(x) = (1 + erf(x / √2)) / 2."""
    for i in range(len(x)):
        out[i] = x[i] * f32(0.5) * (f32(1) + erf(x[i] * f32(0.7071067811865476)))


@kernel(regroup=False)
def gelu_slope(g, x, gx):
    """Φ(x) + x · e^(-x²/2) / √(2π)."""
    for i in range(len(x)):
        v = x[i]
        below = f32(0.5) * (f32(1) + erf(v * f32(0.7071067811865476)))
        density = exp(v * v * f32(-0.5)) * f32(0.3989422804014327)
        gx[i] = g[i] * (below + v * density)


@kernel(regroup=False)
def gelu_tanh(x, out):
    """x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2."""
    for i in range(len(x)):
        v = x[i]
        inner = f32(0.7978845608028654) * (v + f32(0.044715) * (v * v * v))
        out[i] = f32(0.5) * v * (f32(1) + tangent(inner))


@kernel(regroup=False)
def gelu_tanh_slope(g, x, gx):
    """(1 + t + x (1 - t²) inner'(x)) / 2, t = tanh(inner(x))."""
    for i in range(len(x)):
        v = x[i]
        square = v * v
        t = tangent(f32(0.7978845608028654) * (v + f32(0.044715) * (square * v)))
        rise = f32(0.7978845608028654) * (f32(1) + f32(0.134145) * square)
        gx[i] = g[i] * f32(0.5) * (f32(1) + t + v * (f32(1) - t * t) * rise)


@kernel(regroup=False)
def soft_plus(x, out, beta, threshold):
    """log(1 + e^(beta x)) / beta; x itself where beta · x is above the threshold."""
    for i in range(len(x)):
        z = x[i] * beta
        v = softplus(z) / beta
        out[i] = x[i] if z > threshold else v


@kernel(regroup=False)
def soft_plus_slope(g, x, gx, beta, threshold):
    """sigmoid(beta x), or 1."""
    for i in range(len(x)):
        z = x[i] * beta
        s = logistic(z)
        gx[i] = g[i] * (f32(1) if z > threshold else s)


@kernel(regroup=False)
def log_sigmoid(x, out):
    """log(1 / (1 + e^-x))."""
    for i in range(len(x)):
        out[i] = -softplus(-x[i])


@kernel(regroup=False)
def log_sigmoid_slope(g, x, gx):
    """1 - sigmoid(x) = sigmoid(-x)."""
    for i in range(len(x)):
        gx[i] = g[i] * logistic(-x[i])


@kernel(regroup=False)
def mish(x, out):
    """x · tanh(softplus(x))."""
    for i in range(len(x)):
        out[i] = x[i] * tangent(softplus(x[i]))


@kernel(regroup=False)
def mish_slope(g, x, gx):
    """t + x · sigmoid(x) (1 - t²), t = tanh(softplus(x))."""
    for i in range(len(x)):
        t = tangent(softplus(x[i]))
        gx[i] = g[i] * (t + x[i] * logistic(x[i]) * (f32(1) - t * t))
