"""Rules by which operations run on all slices of a vmap at once, by family.

A rule is called as ``rule(op, size, values, flags, params, level)``: ``values`` are the inputs, and
where ``flags`` says so they have the ``size`` slices along a first dimension more. It returns a
tensor (or several) with slices along the first dimension, or None where it does not apply: then
the operation is run slice by slice, which is always right.
"""

from __future__ import annotations

from . import conv, elementwise, indexing, matrix, reduce, shape
from .table import RULES

__all__ = ["RULES", "conv", "elementwise", "indexing", "matrix", "reduce", "shape"]
