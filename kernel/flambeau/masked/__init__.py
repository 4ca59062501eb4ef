"""Reductions and normalisations that skip what a mask hides; mirrors ``torch.masked``.

A mask is a boolean tensor, True where an entry counts; it may have fewer dimensions than the input
and is expanded to its shape. Each operation is the ordinary one on an input whose hidden entries
hold what changes nothing: 0 in a sum, 1 in a product, -inf in a maximum.

>>> import flambeau as torch
>>> x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
>>> torch.masked.sum(x, 1, mask=torch.tensor([True, False, True]))
tensor([ 4., 10.])
"""

from ..left_out import explain_all
from .normalizations import cumprod, cumsum, log_softmax, normalize, softmax, softmin
from .reductions import (
    amax,
    amin,
    argmax,
    argmin,
    logaddexp,
    logsumexp,
    mean,
    median,
    norm,
    prod,
    std,
    sum,
    var,
)

__all__ = [
    "amax",
    "amin",
    "argmax",
    "argmin",
    "cumprod",
    "cumsum",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "mean",
    "median",
    "norm",
    "normalize",
    "prod",
    "softmax",
    "softmin",
    "std",
    "sum",
    "var",
]

explain_all(__name__)
