"""The steps of optimizers over one parameter, compiled once: what generated kernels call.

Memory is given by its address. ``numbers`` is where the options of a parameter group stand, in
float64.
"""

from __future__ import annotations

import numpy as np

from ..kernels.compiled import kernel
from ..kernels.gate import installed
from .memory import accessors

f32, f64 = np.float32, np.float64
_access = accessors() if installed() else {}
get, put, number = (_access.get(name) for name in ("get_f4", "set_f4", "get_f8"))


@kernel
def sgd(p, g, n, numbers):  # type: ignore[no-untyped-def]
    """p -= lr · g."""
    rate = f32(number(0, numbers, 0))
    for i in range(n):
        put(0, p, i, get(0, p, i) - rate * get(0, g, i))


@kernel
def momentum(p, g, kept, n, numbers, moves, nesterov):  # type: ignore[no-untyped-def]
    """SGD with weight decay and, where it ``moves``, momentum kept in ``kept``."""
    lr, decay = f32(number(0, numbers, 0)), f32(number(0, numbers, 2))
    mass, fresh = f32(number(0, numbers, 1)), f32(1 - number(0, numbers, 3))
    for i in range(n):
        w = get(0, p, i)
        step = get(0, g, i) + decay * w
        if moves:
            v = get(0, kept, i) * mass + step * fresh
            put(0, kept, i, v)
            step = step + mass * v if nesterov else v
        put(0, p, i, w - lr * step)


@kernel
def adam(p, g, m, v, count, n, numbers, decoupled):  # type: ignore[no-untyped-def]
    """Adam, or AdamW where the weight decay is ``decoupled``."""
    lr, beta1, beta2 = number(0, numbers, 0), number(0, numbers, 1), number(0, numbers, 2)
    decay = number(0, numbers, 4)
    t = f64(get(0, count, 0)) + 1
    put(0, count, 0, f32(t))
    keep1, new1, keep2, new2 = f32(beta1), f32(1 - beta1), f32(beta2), f32(1 - beta2)
    root, rate, eps = (
        f32(np.sqrt(1 - beta2**t)),
        f32(lr / (1 - beta1**t)),
        f32(number(0, numbers, 3)),
    )
    shrink, add = (f32(1 - lr * decay), f32(0)) if decoupled else (f32(1), f32(decay))
    for i in range(n):
        w = get(0, p, i) * shrink
        grad = get(0, g, i) + add * w
        mean = get(0, m, i) * keep1 + grad * new1
        square = get(0, v, i) * keep2 + grad * grad * new2
        put(0, m, i, mean)
        put(0, v, i, square)
        put(0, p, i, w - rate * (mean / (np.sqrt(square) / root + eps)))
