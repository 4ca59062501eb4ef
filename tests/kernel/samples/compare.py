"""Comparison, logic and bits."""

import numpy as np
from op_table import FLOATS, Sample, bools, distinct, randint, randn

ODD = np.array([1.5, -2.0, np.inf, -np.inf, np.nan, 0.0, -0.0])
SAMPLES = [
    *(
        Sample(name, *args)
        for name in ("eq", "ne", "lt", "le", "gt", "ge")
        for args in ((randint(0, 3, 3, 4), randint(0, 3, 4)), (randn(3, 4), 0.2), (randn(3), 0))
    ),
    Sample("isclose", ODD, ODD + 1e-9),
    Sample("isclose", ODD, ODD, equal_nan=True),
    Sample("allclose", randn(3), randn(3)),
    Sample("equal", randint(0, 3, 3), randint(0, 3, 3)),
    Sample("isnan", ODD),
    Sample("isinf", ODD),
    Sample("isfinite", ODD),
    Sample("signbit", ODD),
    *(
        Sample(f"logical_{name}", *args)
        for name in ("and", "or", "xor")
        for args in ((bools(3, 4), bools(4)), (randint(0, 2, 3, 4), distinct(4)))
    ),
    Sample("logical_not", randint(0, 2, 3, 4)),
    *(
        Sample(f"bitwise_{name}", *args)
        for name in ("and", "or", "xor")
        for args in ((randint(0, 64, 3, 4), randint(0, 64, 4)), (bools(3, 4), bools(4)))
    ),
    Sample("bitwise_not", randint(0, 64, 3, 4)),
    Sample("bitwise_not", bools(3, 4)),
    Sample("bitwise_left_shift", randint(0, 64, 3, 4), 2),
    Sample("bitwise_right_shift", randint(0, 64, 3, 4), randint(0, 4, 4)),
    *(
        Sample(name, *args, **kwargs)
        for name in ("all", "any")
        for args, kwargs in (
            ((randint(0, 2, 3, 4),), {}),
            ((randint(0, 2, 3, 4), 1), {}),
            ((bools(2, 3, 4), (0, 2)), {"keepdim": True}),
        )
    ),
    Sample("count_nonzero", randint(0, 2, 3, 4)),
    Sample("count_nonzero", randint(0, 2, 3, 4), dim=1),
    Sample("isin", randint(0, 9, 3, 4), randint(0, 9, 5)),
    Sample("hash_tensor", randint(-9, 9, 3, 5)),
    Sample("hash_tensor", randint(-9, 9, 3, 5), 1, keepdim=True),
    Sample("is_nonzero", np.array([2.0])).but(dtypes=FLOATS),
]
for _s in SAMPLES:
    _s.but(grad=False)
