"""Switches of PyTorch's backends; accepted, so that programs which set them run unchanged.

None changes a result here: NumPy and CuPy choose their own algorithms. ``exact`` is Flambeau's own:
it turns fast kernels off.
"""

from . import cpu, cuda, cudnn, exact, mkl, mkldnn, mps, openmp, opt_einsum

__all__ = ["cpu", "cuda", "cudnn", "exact", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]
