"""Switches of PyTorch's backends; accepted, so that programs which set them run unchanged.

None changes a result here: NumPy and CuPy choose their own algorithms. ``exact`` is Flambeau's own:
it turns fast kernels off.
"""

from typing import TYPE_CHECKING

from ..left_out import explains
from . import exact

if TYPE_CHECKING:
    from . import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp, opt_einsum

__all__ = ["cpu", "cuda", "cudnn", "exact", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]

__getattr__ = explains(__name__)  # imports the others when they are first touched
