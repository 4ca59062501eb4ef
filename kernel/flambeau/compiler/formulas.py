"""Functions of one float32 number for generated loops, in vector registers."""

from __future__ import annotations

import numpy as np

from ..kernels.compiled import kernel
from ..kernels.numbers import exp

f32, i32 = np.float32, np.int32


@kernel(regroup=False)
def tanh(x):  # type: ignore[no-untyped-def]
    """Hyperbolic tangent, within 2 units in the last place.

    A polynomial near 0, else 1 - 2 / (e^(2|x|) + 1).
    """
    size = abs(x)
    z = x * x
    p = f32(-5.70498872745e-3)
    p = p * z + f32(2.06390887954e-2)
    p = p * z + f32(-5.37397155531e-2)
    p = p * z + f32(1.33314422036e-1)
    p = p * z + f32(-3.33332819422e-1)
    near = p * z * x + x
    twice = f32(20) if size > f32(10) else size + size  # from 10 on it rounds to 1; NaN stays
    n = np.floor(twice * f32(1.44269504) + f32(0.5))
    r = twice - n * f32(0.693359375) + n * f32(2.12194440e-4)
    q = f32(1.9875691500e-4)
    q = q * r + f32(1.3981999507e-3)
    q = q * r + f32(8.3334519073e-3)
    q = q * r + f32(4.1665795894e-2)
    q = q * r + f32(1.6666665459e-1)
    q = q * r + f32(5.0000001201e-1)
    power = (i32(n) + i32(127)) << i32(23)
    e = (q * r * r + r + f32(1)) * i32(power).view(f32)  # e^(2|x|)
    far = f32(1) - f32(2) / (e + f32(1))
    signed = -far if x < f32(0) else far
    return near if size < f32(0.625) else signed


__all__ = ["exp", "tanh"]
