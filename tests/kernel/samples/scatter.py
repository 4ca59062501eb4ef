"""Writing by indices, reductions of what goes to one place, and copies of views."""

import numpy as np
from op_table import FLOATS, Sample, distinct, positive, randint, randn

I24 = np.array([[0, 2, 1, 1], [2, 2, 0, 1]])  # into dimension 0 of (3, 4), with repetitions
ROWS = np.array([0, 2, 0])
MASK = np.array([[True, False], [True, True]])
WAYS = ("sum", "prod", "mean", "amax", "amin")
LENGTHS = np.array([2, 0, 3])


def written(name, *args, **kwargs):
    return Sample(name, *args, **kwargs).but(grad=False)


SAMPLES = [
    Sample("scatter", randn(3, 4), 0, I24, randn(2, 4), reduce="add").but(second=False),
    Sample("scatter", positive(3, 4), 0, I24, positive(2, 4), reduce="multiply").but(
        torch=lambda x, dim, index, src, reduce: x.scatter_reduce(dim, index, src, "prod")
    ),
    Sample("scatter", randn(), 0, np.array([0]), randn(1)),
    *(Sample("scatter_reduce", distinct(3, 4), 0, I24, distinct(2, 4), way) for way in WAYS),
    *(
        Sample("scatter_reduce", positive(3, 4), 0, I24, positive(2, 4), way, include_self=False)
        for way in WAYS
    ),
    *(Sample("index_reduce", distinct(3, 4), 0, ROWS, positive(3, 4), way) for way in WAYS[1:]),
    Sample("index_reduce", randn(3, 4), 1, np.array([3, 1]), randn(3, 2), "mean",
           include_self=False),
    written("scatter_reduce_", randn(3, 4), 0, I24, randn(2, 4), "amax"),
    written("index_reduce_", randn(3, 4), 0, ROWS, randn(3, 4), "mean"),
    Sample("index_add", randn(), 0, np.array([0]), randn()),
    Sample("index_copy", randn(), 0, np.array([0]), randn()),
    Sample("index_fill", randn(), 0, np.array([0]), 2.0),
    Sample("index_fill", randn(3, 4), 1, np.array([0, 2, 2, -4]), randn()),
    Sample("put", randn(3, 4), np.array([1, -1]), randn(2)),
    Sample("put", randn(3, 4), np.array([1, 1]), randn(2), accumulate=True),
    written("put_", randn(3, 4), np.array([[1, -1]]), randn(1, 2)),
    written("masked_scatter_", randn(2, 2), MASK, randn(4)),
    written("fill_diagonal_", randn(7, 3), 2.0, wrap=True),
    written("fill_diagonal_", randn(3, 3, 3), 2.0),
    written("zero_", randn(3)),
    written("fill_", randn(3), 2.0),
    Sample("take_along_dim", randn(3, 4), np.array([[-1, 0]]), 1),
    Sample("unravel_index", randint(0, 24, 5), (2, 3, 4)).but(method=False),
    Sample("nonzero_static", randint(0, 2, 3, 4), size=5),
    Sample("nonzero_static", randint(0, 2, 3, 4), size=20, fill_value=9),
    *(
        Sample("segment_reduce", distinct(5, 2), way, lengths=LENGTHS).but(
            dtypes=("float32",), second=False, smooth=False
        )
        for way in ("sum", "max", "min", "prod")
    ),
    Sample("segment_reduce", randn(2, 5), "mean", axis=1, initial=0.5,
           offsets=np.array([[0, 2, 5], [0, 1, 5]])).but(dtypes=("float32",), second=False),
    Sample("_unsafe_masked_index", randn(3, 2), MASK, (np.array([[0, 9], [2, 1]]), None), 0.5).but(
        method=False, torch=None, dtypes=FLOATS
    ),
    Sample("_unsafe_masked_index_put_accumulate", randn(3), np.array([True, False, True]),
           (np.array([0, 7, 0]),), randn(3)).but(method=False),
    # Copies of views
    Sample("alias_copy", randn(3)),
    Sample("as_strided_copy", randn(3, 4), (2, 2), (4, 1), 1).but(layout=False),
    Sample("diagonal_copy", randn(3, 4), 1),
    Sample("expand_copy", randn(3, 1), (2, 3, 4)),
    Sample("narrow_copy", randn(3, 4), 1, 1, 2),
    Sample("permute_copy", randn(2, 3, 4), (2, 0, 1)),
    Sample("select_copy", randn(3, 4), 1, 2),
    Sample("slice_copy", randn(6, 2), 0, 1, None, 2),
    Sample("split_copy", randn(5, 2), 2),
    Sample("split_with_sizes_copy", randn(5, 2), [1, 4]),
    Sample("squeeze_copy", randn(1, 3, 1), 0),
    Sample("t_copy", randn(3, 4)),
    Sample("transpose_copy", randn(2, 3, 4), 0, 2),
    Sample("unbind_copy", randn(2, 3), 1),
    Sample("unfold_copy", randn(7), 0, 3, 2),
    Sample("unsqueeze_copy", randn(3), 0),
    Sample("view_copy", randn(3, 4), (2, 6)).but(layout=False),
    Sample("detach_copy", randn(3)).but(grad=False),
]  # fmt: skip
