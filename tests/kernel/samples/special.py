"""Special functions, and functions of two numbers."""

import numpy as np
from op_table import Sample, bools, distinct, positive, rand, randint, randn

EDGES = np.array([-np.inf, -2.0, -1.0, 0.0, 1.0, np.inf, np.nan])
WIDE = np.array([-20.25, -9.5, -3.25, -0.7, 0.01, 0.9, 2.5, 8.5, 30.5, 70.25])
FLOATS = ("float32",)

SAMPLES = [
    Sample("lgamma", positive(4)),
    Sample("lgamma", WIDE).but(smooth=False, tolerance=1e-10),
    Sample("lgamma", EDGES).but(grad=False),
    Sample("digamma", positive(4)),
    Sample("digamma", WIDE).but(smooth=False, tolerance=1e-10),
    Sample("digamma", EDGES).but(grad=False),
    Sample("polygamma", 2, positive(3)).but(second=False),
    Sample("polygamma", 0, positive(3)),
    Sample("Tensor.polygamma", positive(3), 2),
    Sample("special.zeta", np.array([2, 3, 4]), positive(3)).but(dtypes=FLOATS),
    Sample("mvlgamma", positive(3, 2), 1),
    *(Sample(name, WIDE).but(smooth=False, tolerance=1e-9) for name in ("erfc", "special.erfcx")),
    *(Sample(name, randn(5)) for name in ("erfc", "special.erfcx")),
    Sample("erfinv", rand(4, low=-0.6, high=0.6)),
    Sample("erfinv", np.array([-0.999, -0.8, 0.75, 0.99999])).but(smooth=False),
    Sample("erfinv", EDGES).but(grad=False),
    Sample("special.ndtr", randn(4)),
    Sample("special.ndtri", rand(4)),
    Sample("special.ndtri", np.array([0, 1e-12, 1, 2.0, np.nan])).but(grad=False),
    Sample("special.log_ndtr", randn(6)),
    Sample("special.log_ndtr", WIDE).but(smooth=False, second=False),
    *(
        Sample(name, x).but(smooth=smooth)
        for name in ("i0", "special.i0e", "special.i1", "special.i1e")
        for x, smooth in ((randn(5), True), (WIDE, False))
    ),
    *(
        Sample(f"special.{name}", randn(4))
        for name in ("erf", "exp2", "expm1", "expit", "round", "sinc")
    ),
    *(Sample(f"special.{name}", positive(4)) for name in ("log1p", "gammaln", "psi", "entr")),
    Sample("special.entr", EDGES).but(grad=False),
    Sample("special.multigammaln", positive(4), 1),
    *(
        Sample(f"special.{name}", randn(2, 3), 1)
        for name in ("logsumexp", "softmax", "log_softmax")
    ),
    *(Sample(name, randn(3, 4), randn(4)) for name in ("logaddexp", "logaddexp2", "hypot")),
    *(Sample(name, distinct(3, 4), distinct(4)) for name in ("fmax", "fmin", "copysign")),
    *(Sample(name, EDGES, EDGES[::-1].copy()).but(grad=False) for name in ("fmax", "fmin")),
    *(Sample(name, randn(4), positive(4)) for name in ("xlogy", "special.xlog1py")),
    Sample("xlogy", EDGES, EDGES[::-1].copy()).but(grad=False),
    Sample("heaviside", randn(4), randn(4)).but(grad=False),
    Sample("heaviside", EDGES, randn(7)).but(grad=False),
    Sample("gcd", randint(-20, 20, 5), randint(1, 20, 5)),
    Sample("lcm", randint(-20, 20, 5), randint(1, 20, 5)),
    Sample("nextafter", randn(4), randn(4)).but(grad=False),
    Sample("ldexp", randn(4), randint(0, 4, 4)),
    Sample("float_power", positive(4), 2.5),
    Sample("float_power", positive(4), randn(4)),
    Sample("rsub", randn(4), randn(4)),
    Sample("rsub", randn(4), 2, alpha=3),
    Sample("clamp_min", randn(6), 0.2),
    Sample("clamp_max", randn(6), 0.2),
    Sample("deg2rad", randn(4)),
    Sample("rad2deg", randn(4)),
    Sample("sinc", randn(4)),
    Sample("sinc", EDGES).but(grad=False),
    Sample("logit", rand(4)),
    Sample("logit", rand(4, low=-0.5, high=1.5), 0.1).but(second=False),
    Sample("isposinf", EDGES).but(grad=False),
    Sample("isneginf", EDGES).but(grad=False),
    Sample("isposinf", bools(3)),
    Sample("positive", randn(3)).but(shares=True),
    Sample("is_signed", randn(2)).but(grad=False),
    Sample("is_same_size", randn(2), randn(3)).but(grad=False),
]
