"""Switches of PyTorch's backends; accepted, so that programs which set them run unchanged.

None changes a result here: NumPy and CuPy choose their own algorithms.
"""

from . import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp, opt_einsum

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]
