"""Order statistics, counting, differences."""

import numpy as np
from op_table import FLOATS, Sample, bools, distinct, positive, randint, randn

BROKEN = np.array([[2.0, np.nan, -1.0, 4.0], [1.0, 5.0, 2.5, 0.5], [np.nan, np.nan, 1.0, np.nan]])

SAMPLES = [
    *(
        Sample(name, *args, **kwargs)
        for name in ("median", "nanmedian")
        for args, kwargs in (
            ((distinct(3, 4),), {}),
            ((distinct(3, 5), 1), {}),
            ((distinct(3, 4), 0, True), {}),
        )
    ),
    *(Sample(name, BROKEN, 1).but(grad=False) for name in ("median", "nanmedian")),
    Sample("mode", randint(0, 3, 3, 7)),
    Sample("mode", randint(0, 3, 3, 7), 0, True),
    Sample("mode", distinct(3, 4)).but(dtypes=()),
    Sample("kthvalue", distinct(3, 4), 2).but(dtypes=FLOATS),
    Sample("kthvalue", distinct(3, 4), 3, 0, True).but(dtypes=FLOATS),
    Sample("nanmean", randn(3, 4)),
    Sample("nanmean", BROKEN, 1).but(smooth=False),
    Sample("cummax", distinct(3, 4), 1),
    Sample("cummin", distinct(3, 4), 0),
    Sample("logcumsumexp", randn(3, 4), 1),
    Sample("bincount", randint(0, 5, 9)),
    Sample("bincount", randint(0, 5, 4), randn(4), 8).but(grad=False),
    Sample("histc", randn(20), 5).but(grad=False),
    Sample("histc", randn(20), bins=4, min=-1, max=1).but(grad=False),
    Sample("searchsorted", np.arange(0, 10, 2), randint(-1, 11, 2, 3)),
    Sample(
        "searchsorted", np.sort(np.arange(10) % 5).reshape(2, 5), randint(0, 5, 2, 3), right=True
    ),
    Sample("bucketize", randn(2, 3), np.array([-1.0, 0.0, 0.5])).but(dtypes=(), grad=False),
    Sample("unique_consecutive", randint(0, 2, 9)),
    Sample("unique_consecutive", randint(0, 2, 9), True, True),
    Sample("unique_consecutive", randint(0, 2, 5, 2), return_counts=True, dim=0),
    Sample("diff", randn(3, 5)),
    Sample("diff", randn(3, 5), 2, 0),
    Sample("diff", randn(5), prepend=randn(1), append=randn(2)),
    Sample("diff", bools(5)),
    Sample("trapezoid", randn(3, 4)).but(dtypes=FLOATS),
    Sample("trapezoid", randn(3, 4), randn(4)).but(dtypes=FLOATS),
    Sample("trapezoid", randn(3, 4), dx=0.5, dim=0).but(dtypes=FLOATS),
    Sample("cumulative_trapezoid", randn(3, 4)).but(dtypes=FLOATS),
    Sample("cov", randn(3, 5)).but(dtypes=FLOATS, tolerance=4e-3),
    Sample("cov", randn(5), correction=0).but(dtypes=("float32",)),
    Sample("cov", randn(3, 4), fweights=np.array([1, 2, 1, 3])).but(dtypes=("float32",)),
    Sample("cov", randn(3, 4), aweights=positive(4)).but(dtypes=("float32",), grad=False),
    Sample("corrcoef", randn(3, 5)).but(dtypes=("float32",)),
]
