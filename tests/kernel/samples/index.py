"""Indexing, gathering and scattering; `test_indexing.py` has ``x[...]`` itself."""

import numpy as np
from op_table import Sample, bools, randint, randn

I24 = np.array([[0, 2, 1, 1], [2, 2, 0, 1]])  # into dimension 0 of (3, 4), with repetitions
I32 = np.array([[0, 3], [1, 1], [2, 0]])  # into dimension 1 of (3, 4)
PERMUTED = np.array([[2, 0, 1, 3], [0, 1, 2, 3], [3, 2, 1, 0]])
ONCE = (np.array([0, 2]), np.array([1, 3]))
TWICE = (np.array([0, 2, 0]), np.array([1, 3, 1]))

SAMPLES = [
    Sample("index_select", randn(3, 4), 1, np.array([0, 2, 2])),
    Sample("index_select", randn(3, 4, 2), 0, np.array([1])),
    Sample("gather", randn(3, 4), 0, I24),
    Sample("gather", randn(3, 4), 1, I32),
    Sample("gather", randn(3, 4), -1, np.array([[1], [0], [3]])),
    Sample("scatter", randn(3, 4), 1, PERMUTED, randn(3, 4)),
    Sample("scatter", randn(3, 4), 1, PERMUTED[:2, :2], randn(3, 4)),
    Sample("scatter", randn(3, 4), 1, I32, 2.0),
    Sample("scatter", randn(3, 4), 1, I32, value=3),
    Sample("scatter_add", randn(3, 4), 0, I24, randn(2, 4)),
    Sample("scatter_add", randn(3, 4), 1, I32, randn(3, 4)),
    Sample("index_put", randn(3, 4), ONCE, randn(2)),
    Sample("index_put", randn(3, 4), ONCE, randn()),
    Sample("index_put", randn(3, 4), TWICE, randn(3), accumulate=True),
    Sample("index_add", randn(3, 4), 1, np.array([0, 2, 0]), randn(3, 3)),
    Sample("index_add", randn(3, 4), 0, np.array([1, 1]), randn(2, 4), alpha=2),
    Sample("index_copy", randn(3, 4), 1, np.array([0, 2]), randn(3, 2)),
    Sample("index_fill", randn(3, 4), 1, np.array([0, 2]), 2.0),
    Sample("scatter_", randn(3, 4), 1, I32, 2.0).but(grad=False),
    Sample("scatter_add_", randn(3, 4), 0, I24, randn(2, 4)).but(grad=False),
    Sample("index_add_", randn(3, 4), 1, np.array([0, 2, 0]), randn(3, 3)).but(grad=False),
    Sample("index_copy_", randn(3, 4), 1, np.array([0, 2]), randn(3, 2)).but(grad=False),
    Sample("index_fill_", randn(3, 4), 1, np.array([0, 2]), 2.0).but(grad=False),
    Sample("take", randn(3, 4), np.array([[0, 5], [11, 5]])),
    Sample("take_along_dim", randn(3, 4), PERMUTED, 1),
    Sample("take_along_dim", randn(3, 4), np.array([[1, 0]]), 1),
    Sample("take_along_dim", randn(3, 4), np.array([3, 3, 1])),
    Sample("masked_fill", randn(3, 4), bools(3, 4), 2.0),
    Sample("masked_fill", randn(3, 4), bools(4), randn()),
    Sample("masked_select", randn(3, 4), bools(3, 4)),
    Sample("masked_select", randn(3, 4), bools(4)),
    Sample("nonzero", randint(0, 2, 3, 4)).but(grad=False),
    Sample("nonzero", randint(0, 2, 3, 4), as_tuple=True).but(grad=False),
    Sample("fb.where", bools(3, 4)).but(grad=False),
    Sample("argwhere", randint(0, 2, 3, 4)).but(grad=False),
    Sample("F.one_hot", randint(0, 4, 3, 2)).but(grad=False),
    Sample("F.one_hot", randint(0, 4, 3), 6).but(grad=False),
    Sample("fill", randn(3, 4), 2.0),
    Sample("fill", randn(3, 4), randn()),
]
