"""Every operation, by family; importing this package registers them all.

A family is one file: forward and gradient rules of each operation stand next to each other.
"""

import warnings

from . import (  # noqa: F401  (importing a family is what registers it)
    activation,
    adaptive,
    arithmetic,
    arrange,
    attention,
    bag,
    classes,
    compare,
    complex,
    conv,
    convert,
    creation,
    ctc,
    distance,
    dropout,
    einsum,
    elementwise,
    embedding,
    fft,
    fold,
    gather,
    index,
    inplace,
    join,
    linalg,
    linalg_more,
    linalg_norm,
    loss,
    margin,
    matrix,
    norm,
    operators,
    pairs,
    pool,
    random,
    recurrent,
    reduce,
    rrelu,
    shape,
    sort,
    special,
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
