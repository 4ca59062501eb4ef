"""Largest and smallest, order and ranks."""

import numpy as np
from op_table import Sample, distinct, randint

TIES = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
BROKEN = np.array([2.0, np.nan, -1.0, np.inf, np.nan, 0.5])

SAMPLES = [
    *(
        Sample(name, *args, **kwargs)
        for name in ("amax", "amin")
        for args, kwargs in (
            ((distinct(3, 4),), {}),
            ((distinct(3, 4), 1), {}),
            ((distinct(2, 3, 4), (0, 2)), {"keepdim": True}),
        )
    ),
    Sample("amax", TIES, 1).but(smooth=False, second=False),
    *(
        Sample(name, *args, **kwargs)
        for name in ("max", "min")
        for args, kwargs in (
            ((distinct(3, 4),), {}),
            ((distinct(3, 4), 1), {}),
            ((distinct(3, 4), -2), {"keepdim": True}),
            ((distinct(3, 4), distinct(4)), {}),
            ((BROKEN,), {"dim": 0}),
        )
    ),
    Sample("max", TIES).but(smooth=False, second=False),
    Sample("aminmax", distinct(3, 4), dim=1),
    *(
        Sample(name, *args, **kwargs).but(grad=False)
        for name in ("argmax", "argmin")
        for args, kwargs in (
            ((distinct(3, 4),), {}),
            ((distinct(3, 4), 1), {}),
            ((distinct(3, 4), 0), {"keepdim": True}),
        )
    ),
    Sample("sort", distinct(3, 4)),
    Sample("sort", distinct(3, 4), 0, True),
    Sample("sort", distinct(3, 4), dim=1, descending=True),
    Sample("sort", randint(0, 3, 20), stable=True).but(grad=False),
    Sample("sort", randint(0, 3, 20), stable=True, descending=True).but(grad=False),
    Sample("sort", BROKEN).but(grad=False, dtypes=("float32",)),
    Sample("argsort", distinct(3, 4)).but(grad=False),
    Sample("argsort", distinct(3, 4), dim=0, descending=True).but(grad=False),
    Sample("msort", distinct(3, 4)),
    Sample("topk", distinct(3, 5), 2),
    Sample("topk", distinct(3, 5), 2, dim=0, largest=False),
    Sample("unique", randint(0, 4, 3, 4)).but(grad=False),
    Sample("unique", randint(0, 4, 3, 4), return_inverse=True, return_counts=True).but(grad=False),
    Sample("unique", randint(0, 2, 6, 2), dim=0).but(grad=False),
]
for _s in SAMPLES:
    if _s.name.startswith(("max", "min", "am", "arg", "sort", "topk", "msort")):
        _s.but(dtypes=tuple(d for d in _s.dtypes if d in ("float32", "float16")))  # no ties there
    if any(isinstance(a, np.ndarray) and np.isnan(a).any() for a in _s.args):
        _s.but(grad=False)
