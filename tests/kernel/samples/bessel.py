"""Bessel's functions, orthogonal polynomials, incomplete gamma functions."""

import numpy as np
from op_table import Sample, positive, rand, randint, randn

FLOATS = ("float32",)
EDGES = np.array([-np.inf, -2.0, -1.0, 0.0, 1.0, np.inf, np.nan])
WIDE = np.array([-20.25, -9.5, -3.25, -0.7, 0.01, 0.9, 2.5, 8.5, 30.5, 70.25])
# PyTorch computes these, and has no gradients of them: ours are held against differences.
NAMES = (
    "bessel_j0", "bessel_j1", "spherical_bessel_j0", "airy_ai",
    "modified_bessel_i0", "modified_bessel_i1",
)  # fmt: skip
ONLY_POSITIVE = (
    "bessel_y0", "bessel_y1", "modified_bessel_k0", "modified_bessel_k1",
    "scaled_modified_bessel_k0", "scaled_modified_bessel_k1",
)  # fmt: skip
POLYNOMIALS = (
    "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v",
    "chebyshev_polynomial_w", "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w", "hermite_polynomial_h",
    "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p",
)  # fmt: skip

SAMPLES = [
    *(Sample(f"special.{name}", randn(5)).but(torch=None) for name in NAMES),
    *(Sample(f"special.{name}", positive(5)).but(torch=None) for name in ONLY_POSITIVE),
    *(
        Sample(f"special.{name}", x).but(grad=False, dtypes=FLOATS, tolerance=1e-7)
        for name in NAMES
        for x in (WIDE, EDGES)
        if x is WIDE or "bessel_i" not in name
    ),
    *(
        Sample(f"special.{name}", x).but(grad=False, dtypes=FLOATS)
        for name in ONLY_POSITIVE
        for x in (positive(5), EDGES)
    ),
    *(
        Sample(f"special.{name}", rand(5), randint(-1, 8, 5)).but(torch=None)
        for name in POLYNOMIALS
    ),
    *(
        Sample(f"special.{name}", rand(6), randint(-1, 9, 6)).but(grad=False, tolerance=1e-9)
        for name in POLYNOMIALS
    ),
    Sample("special.legendre_polynomial_p", randn(4), 5).but(torch=None),
    *(
        Sample(name, np.array([0.5, 1.0, 3.0, 7.5]), positive(4)).but(grad=False, dtypes=FLOATS)
        for name in ("igamma", "igammac", "special.gammainc", "special.gammaincc")
    ),
    Sample("frexp", randn(5)).but(dtypes=("float32", "float16")),
    Sample("frexp", EDGES).but(grad=False, dtypes=()),
]
