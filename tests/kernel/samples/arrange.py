"""More views, copies written into, and tensors built of others."""

import numpy as np
from op_table import FLOATS, Sample, randint, randn

MASK = np.array([[True, False, True], [False, True, True]])

SAMPLES = [
    Sample("as_strided", randn(3, 4), (2, 3), (4, 1)).but(shares=True, layout=False),
    Sample("as_strided", randn(12), (3, 4), (2, 1), 1).but(shares=True, layout=False),
    Sample("Tensor.unfold", randn(3, 7), 1, 3, 2).but(shares=True),
    Sample("Tensor.unfold", randn(5, 2, 3), 0, 2, 1).but(shares=True),
    *(Sample("rot90", randn(3, 4), k) for k in (0, 1, 2, 3)),
    Sample("rot90", randn(2, 3, 4), -1, (1, 2)),
    Sample("tensor_split", randn(7, 3), 3).but(shares=True),
    Sample("tensor_split", randn(7, 3), (2, 5)).but(shares=True),
    Sample("tensor_split", randn(3, 7), [1, -2], 1).but(shares=True),
    Sample("hsplit", randn(2, 6), 3).but(shares=True),
    Sample("hsplit", randn(6), [2, 4]).but(shares=True),
    Sample("vsplit", randn(4, 2), 2).but(shares=True),
    Sample("dsplit", randn(2, 2, 4), 2).but(shares=True),
    *(
        Sample(f"atleast_{n}d", randn(*shape)).but(shares=True)
        for n in (1, 2, 3)
        for shape in ((), (3,), (2, 3))
    ),
    Sample("atleast_2d", [randn(3), randn(2, 2)]).but(shares=True),
    Sample("dstack", [randn(2, 3), randn(2, 3)]),
    Sample("column_stack", [randn(3), randn(3, 2)]),
    Sample("broadcast_tensors", randn(3, 1), randn(4)).but(shares=True),
    Sample("block_diag", randn(2, 2), randn(1, 3), randn(2)).but(dtypes=FLOATS),
    Sample("combinations", randn(4)),
    Sample("combinations", randn(3), 2, True),
    Sample("cartesian_prod", randn(2), randn(3)),
    Sample("kron", randn(2, 3), randn(3, 2)),
    Sample("kron", randn(3), randn(2, 2)),
    Sample("diagflat", randn(2, 2)),
    Sample("diagflat", randn(3), 1),
    Sample("tril_indices", 3, 4),
    Sample("tril_indices", 4, 3, -1),
    Sample("triu_indices", 3, 4, 1),
    Sample("diagonal_scatter", randn(3, 3), randn(3)),
    Sample("select_scatter", randn(3, 4), randn(3), 1, 2),
    Sample("slice_scatter", randn(6, 2), randn(2, 2), 0, 1, 5, 2),
    Sample("masked_scatter", randn(2, 3), MASK, randn(6)),
    Sample("renorm", randn(3, 4), 2, 0, 1.0),
    Sample("dist", randn(3, 4), randn(4)),
    Sample("dist", randn(3), randn(3), 1),
    Sample("diff", randint(0, 9, 4)),
]
