"""Every operation, by family; importing this package registers them all.

A family is one file: forward and gradient rules of each operation stand next to each other.
"""

from ..tensor import Tensor
from . import elementwise, reduce, views
from .registry import FUNCTIONS, SPACES, Op

__all__ = ["FUNCTIONS", "SPACES", "Op", "elementwise", "reduce", "views"]

for _name, _thing in SPACES["Tensor"].items():
    setattr(Tensor, _name, _thing)
