"""Operations that reduce, and running totals."""

import numpy as np
from op_table import FLOATS, Sample, distinct, positive, randn

ZEROS = np.array([[1.5, 0.0, -2.0], [0.0, 0.0, 3.0], [1.0, 2.0, 0.5]])
GAPS = np.array([[1.5, np.nan, -2.0], [np.nan, 1.0, 3.0]])
SAMPLES = [
    *(
        Sample(name, randn(2, 3, 4), *args, **kwargs)
        for name in ("sum", "mean", "nansum")
        for args, kwargs in (
            ((), {}),
            ((1,), {}),
            ((-1,), {"keepdim": True}),
            (((0, 2),), {}),
            (((0, 2),), {"keepdim": True}),
        )
    ),
    Sample("sum", randn()),
    Sample("sum", randn(3), dim=0),
    Sample("mean", randn()),
    Sample("nansum", GAPS, 1).but(smooth=False),
    Sample("prod", positive(2, 3)),
    Sample("prod", positive(2, 3, 2), 1),
    Sample("prod", positive(2, 3, 2), -1, keepdim=True),
    Sample("prod", ZEROS),
    Sample("prod", ZEROS, 1),
    Sample("prod", ZEROS, 0, keepdim=True),
    Sample("cumsum", randn(3, 4), 1),
    Sample("cumsum", randn(3, 4), dim=0),
    Sample("cumprod", positive(3, 4), 1),
    Sample("cumprod", ZEROS, 0),
    Sample("cumprod", ZEROS, 1),
    *(
        Sample(name, randn(2, 3, 4), *args, **kwargs).but(dtypes=FLOATS)
        for name in ("var", "std", "var_mean", "std_mean")
        for args, kwargs in (
            ((), {}),
            ((1,), {}),
            (((0, 2),), {"keepdim": True}),
            ((1,), {"unbiased": False}),
            ((), {"dim": -1, "correction": 0, "keepdim": True}),
            ((False,), {}),
        )
    ),
    Sample("norm", randn(3, 4)),
    Sample("norm", randn(3, 4), dim=1),
    Sample("norm", randn(3, 4), 1, 0, keepdim=True),
    Sample("norm", distinct(3, 4), p=float("inf"), dim=1),
    Sample("norm", distinct(3, 4), p=-float("inf"), dim=1),
    Sample("norm", distinct(3, 4), p=3, dim=1),
    Sample("norm", distinct(3, 4), p=1.5, dim=(0, 1)),
    Sample("norm", np.zeros((2, 3)), dim=1).but(smooth=False, second=False),
    Sample("logsumexp", randn(3, 4), 1),
    Sample("logsumexp", randn(3, 4), (0, 1)),
    Sample("logsumexp", randn(3, 4), -1, keepdim=True),
    Sample("logsumexp", np.array([[1000.0, 1000.0], [-np.inf, 2.0]]), 1).but(
        smooth=False, second=False, dtypes=("float32",)
    ),
]
