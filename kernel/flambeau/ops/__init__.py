"""Every operation, by family; importing this package registers them all.

A family is one file: forward and gradient rules of each operation stand next to each other.
"""

import warnings

from . import (  # noqa: F401  (importing a family is what registers it)
    activation,
    adaptive,
    added,
    arithmetic,
    arrange,
    attention,
    bag,
    bessel,
    classes,
    compare,
    complex,
    conv,
    convert,
    copies,
    creation,
    ctc,
    distance,
    dropout,
    eigen,
    einsum,
    elementwise,
    embedding,
    factors,
    fft,
    fold,
    fractional,
    gather,
    householder,
    grid,
    index,
    inplace,
    join,
    layer_loss,
    leastsq,
    linalg,
    linalg_more,
    linalg_norm,
    loss,
    lowrank,
    lu,
    margin,
    matrix,
    meta,
    multihead,
    narrow_floats,
    norm,
    operators,
    pad,
    pairs,
    pairwise,
    polynomials,
    pool,
    products,
    random,
    recurrent,
    reduce,
    resize,
    rrelu,
    scatter,
    shape,
    slices,
    sort,
    special,
    split,
    statistics,
    unpool,
    views,
)  # fmt: skip
from .registry import FUNCTIONS, SPACES, Op

__all__ = ["FUNCTIONS", "SPACES", "Op"]

operators.attach()

# NumPy warns where a sum overflows or 0 is divided by 0; PyTorch says nothing, and the views show
# where an infinity or a NaN came from. Only warnings that this package itself raises are meant.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"flambeau\.")
