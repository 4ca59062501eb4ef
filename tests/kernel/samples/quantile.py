"""Quantiles, histograms, slopes."""

import numpy as np
from op_table import Sample, distinct, positive, randn

FLOATS = ("float32",)
BROKEN = np.array([[2.0, np.nan, -1.0, 4.0], [1.0, 5.0, 2.5, 0.5], [np.nan, np.nan, 1.0, np.nan]])
SHARES = np.array([0.0, 0.3, 0.5, 1.0])
EDGES = np.array([-1.0, -0.5, 0.5, 2.0])

SAMPLES = [
    *(
        Sample(name, distinct(3, 5), 0.3, 1, interpolation=between).but(dtypes=())
        for name in ("quantile", "nanquantile")
        for between in ("linear", "lower", "higher", "nearest", "midpoint")
    ),
    *(
        Sample(name, x, SHARES, dim=1, keepdim=True).but(grad=False, dtypes=FLOATS)
        for name in ("quantile", "nanquantile")
        for x in (distinct(3, 4), BROKEN)
    ),
    Sample("quantile", distinct(3, 4), 0.25).but(dtypes=()),
    Sample("histogram", randn(20), 5).but(grad=False, dtypes=FLOATS),
    Sample("histogram", randn(20), 5, range=(-1.0, 2.0), density=True).but(grad=False, dtypes=()),
    Sample("histogram", randn(20), EDGES, weight=positive(20)).but(grad=False, dtypes=FLOATS),
    Sample("histogramdd", randn(20, 2), [3, 4]).but(grad=False, dtypes=FLOATS),
    Sample("histogramdd", randn(20, 2), 2, range=[-1.0, 1.0, -2.0, 2.0], density=True).but(
        grad=False, dtypes=FLOATS
    ),
    Sample("gradient", randn(5)).but(dtypes=FLOATS),
    Sample("gradient", randn(4, 5), spacing=0.5, edge_order=2).but(dtypes=FLOATS),
    Sample("gradient", randn(4, 5), dim=1).but(dtypes=FLOATS),
    Sample("gradient", randn(5), spacing=[np.array([0.0, 0.5, 2.0, 3.0, 3.5])], edge_order=2).but(
        dtypes=(), grad=False
    ),
]
