"""Every operation, by family; importing this package registers them all.

A family is one file: forward and gradient rules of each operation stand next to each other.
"""

from . import arithmetic, compare, convert, creation, elementwise, gather, index
from . import join, operators, random, reduce, shape, sort, views
from . import (
    activation, adaptive, attention, classes, conv, distance, dropout, einsum, embedding, loss,
    matrix, norm, pool,
)  # fmt: skip
from .registry import FUNCTIONS, SPACES, Op

__all__ = ["FUNCTIONS", "SPACES", "Op"]

operators.attach()
