"""Functions of one float32 number for generated loops, in vector registers."""

from __future__ import annotations

import numpy as np

from ..kernels.compiled import kernel
from ..kernels.numbers import exp

f32 = np.float32


@kernel(regroup=False)
def tanh(x):  # type: ignore[no-untyped-def]
    """Hyperbolic tangent, within 2 units in the last place: a polynomial near 0, else by exp."""
    size = abs(x)
    z = x * x
    p = f32(-5.70498872745e-3)
    p = p * z + f32(2.06390887954e-2)
    p = p * z + f32(-5.37397155531e-2)
    p = p * z + f32(1.33314422036e-1)
    p = p * z + f32(-3.33332819422e-1)
    near = p * z * x + x
    far = f32(1) - f32(2) / (exp(size + size) + f32(1))
    signed = -far if x < f32(0) else far
    return near if size < f32(0.625) else signed


__all__ = ["exp", "tanh"]
