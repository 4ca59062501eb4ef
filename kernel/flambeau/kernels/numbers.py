"""Functions of one number that kernels share: short polynomials, which run in vector registers."""

from __future__ import annotations

import numpy as np

from .compiled import kernel

f32, i32 = np.float32, np.int32


@kernel(regroup=False)
def exp(x):
    """e^x in float32, within 1.5 units in the last place.

    x = n log 2 + r with |r| <= log(2)/2, so e^x = 2^n e^r, with e^r by a polynomial (Cody and
    Waite's reduction, coefficients of Cephes). 2^n is multiplied on in halves, so that the ends
    come out right: numbers too small for a full mantissa, zero, and infinity.
    """
    bounded = f32(-104) if x < f32(-104) else f32(89) if x > f32(89) else x  # NaN stays
    n = np.floor(bounded * f32(1.44269504) + f32(0.5))
    r = bounded - n * f32(0.693359375) + n * f32(2.12194440e-4)
    p = f32(1.9875691500e-4)
    p = p * r + f32(1.3981999507e-3)
    p = p * r + f32(8.3334519073e-3)
    p = p * r + f32(4.1665795894e-2)
    p = p * r + f32(1.6666665459e-1)
    p = p * r + f32(5.0000001201e-1)
    e = p * r * r + r + f32(1)
    half = i32(n) >> i32(1)
    one, other = (half + i32(127)) << i32(23), (i32(n) - half + i32(127)) << i32(23)
    return e * i32(one).view(f32) * i32(other).view(f32)
