"""Copies, and how they lie in memory."""

from __future__ import annotations

from ..kernels.layout import in_rows
from ..layouts import contiguous_format, laid_out, lies_in, order_of, preserve_format
from ..subclasses import PLAIN
from .registry import function, in_front, op
from .shape import reshape


@function(on="Tensor")
def contiguous(self, memory_format=contiguous_format):
    """This tensor itself if it lies in memory row by row (or as the format has it), else a copy."""
    if memory_format is contiguous_format:
        return self if self.array.flags.c_contiguous else row_major(self)
    if memory_format is preserve_format:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    order = order_of(memory_format, self.ndim)
    return self if lies_in(self.array, order) else clone(self, memory_format)


@in_front(contiguous)
def _(self, memory_format=contiguous_format):
    whole = memory_format is contiguous_format and self.array.flags.c_contiguous
    return self if whole and self.__class__ in PLAIN else contiguous(self, memory_format)


@op(on="", name="contiguous", backward="CloneBackward0")
def row_major(xp, x):
    """A copy in row-major order."""
    return in_rows(x)


row_major.gradients(x=lambda g: g)


@op(name="clone")
def clone(xp, x, /, memory_format=None):
    """A copy, laid out in memory like x or as the format has it."""
    if memory_format is None or memory_format is preserve_format:
        return x.copy("K")
    return laid_out(x, order_of(memory_format, x.ndim))


clone.gradients(x=lambda g: g)


@function
def ravel(input):
    """All elements in one dimension; a copy where they do not lie one after the other."""
    return reshape(contiguous(input), (-1,))
