"""Memory read with any sizes and steps: `as_strided`, and tensors laid out as one likes."""

from __future__ import annotations

from typing import Any

from ..device import module_of
from ..storage import extent, in_rows, memory_of, steps_of, strided
from ..tensor import Tensor
from .creation import finish, numpy_type, place
from .gather import sum_at
from .registry import function, op
from .shape import sizes


@op(on="", name="as_strided", view=True, backward="AsStridedBackward0")
def strided_op(xp, x, /, size, stride, shift, steps):
    """The memory of x from ``shift`` elements after its first on, with other sizes and steps.

    ``steps`` are those of x itself, which the gradient asks for.
    """
    memory, start = memory_of(x)
    return strided(xp, memory, size, stride, start + shift)


@op(on="")
def through_memory(xp, x, /, source, target):
    """What stands at the places ``target`` of memory to which x was added at ``source``.

    Both are (sizes, steps, offset), in elements.
    """
    from_, to = _places(xp, *source), _places(xp, *target)
    if not x.size or not to.size:
        return xp.zeros(target[0], x.dtype)
    low = min(int(from_.min()), int(to.min()))
    n = max(int(from_.max()), int(to.max())) - low + 1
    memory = sum_at(xp, (n,), ((from_ - low).reshape(-1),), x.reshape(-1))
    return memory[to - low]


def _places(xp, size, stride, offset):
    """The place in memory of each element."""
    places: Any = xp.full((1,) * len(size), offset, xp.int64)
    for i, (n, step) in enumerate(zip(size, stride, strict=True)):
        places = places + (xp.arange(n) * step).reshape([-1] + [1] * (len(size) - 1 - i))
    return places


@strided_op.gradient("x")
def _(ns, g, x_shape, size, stride, shift, steps):
    own = (tuple(x_shape), steps, 0)
    total = ns.through_memory(g, (size, stride, shift), own)
    if not _overlaps(*own[:2]):
        return total
    ones = ns.zeros_of(total) + 1  # of several elements in one place each gets a part
    return total / ns.through_memory(ones, own, own)


through_memory.gradients(
    x=lambda ns, g, source, target: ns.through_memory(g, target, source),
)


def _overlaps(size, stride):
    """Whether several elements may lie in one place."""
    reach = 0
    for step, n in sorted((s, n) for s, n in zip(stride, size, strict=True) if n > 1):
        if step <= reach:
            return True
        reach += (n - 1) * step
    return False


@function
def as_strided(input, size, stride, storage_offset=None):
    """The memory of the input read with other sizes and steps, both counted in elements.

    ``storage_offset`` is counted from where that memory begins, which a view may show only part of.

    >>> fb.as_strided(fb.arange(4), (3, 2), (1, 1))
    tensor([[0, 1],
            [1, 2],
            [2, 3]])
    """
    start = memory_of(input.array)[1]
    shift = 0 if storage_offset is None else int(storage_offset) - start
    return strided_op(input, sizes(size), sizes(stride), shift, steps_of(input.array))


@function
def as_strided_scatter(input, src, size, stride, storage_offset=None):
    """A copy with what ``as_strided`` would show replaced by ``src``."""
    size, stride, steps = sizes(size), sizes(stride), steps_of(input.array)
    start = memory_of(input.array)[1]
    at = start if storage_offset is None else int(storage_offset)
    if tuple(src.shape) != size:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = "
            f"{list(src.shape)}, slice size = {list(size)}"
        )
    low = min(start, at)
    high = max(start + extent(input.shape, steps), at + extent(size, stride))
    whole = as_strided(input, (high - low,), (1,), low).clone()
    as_strided(whole, size, stride, at - low).copy_(src)
    return as_strided(whole, tuple(input.shape), steps, start - low)


# Tensors of memory yet unwritten


@function(on="fb")
def empty_strided(
    size, stride, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False
):
    """A shape of memory with the steps given, in elements, and whatever stands in it."""
    size, stride = sizes(size), sizes(stride)
    xp, where = place(device)
    if len(size) != len(stride):
        raise RuntimeError(
            f"dimensionality of sizes ({len(size)}) must match dimensionality of strides "
            f"({len(stride)})"
        )
    memory = xp.empty(max(extent(size, stride), 0), numpy_type(dtype))
    return finish(strided(xp, memory, size, stride, 0), where, requires_grad)


@function(on="Tensor")
def new_empty_strided(
    self, size, stride, *, dtype=None, layout=None, device=None, requires_grad=False,
    pin_memory=False,
):  # fmt: skip
    """As ``empty_strided``, in this tensor's type and place."""
    return empty_strided(
        size, stride, dtype=dtype or self.dtype, device=device or self.device,
        requires_grad=requires_grad,
    )  # fmt: skip


@function(on="fb")
def empty_permuted(
    size, physical_layout, *, dtype=None, layout=None, device=None, requires_grad=False,
    pin_memory=False,
):  # fmt: skip
    """A shape of memory whose dimensions lie in it in the order given, from outer to inner."""
    size, order = sizes(size), sizes(physical_layout)
    if len(size) != len(order):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. "
            f"len(size) = {len(size)} is not equal to len(physical_layout) = {len(order)}"
        )
    for i, d in enumerate(order):
        if not 0 <= d < len(size):
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got "
                f"{d} at index {i}).  NB: negative dims not currently supported"
            )
    if len(set(order)) < len(order):
        raise RuntimeError(f"Duplicate dim not allowed, got {list(order)}")
    packed = in_rows([size[d] for d in order])
    stride = [packed[order.index(d)] for d in range(len(size))]
    return empty_strided(size, stride, dtype=dtype, device=device, requires_grad=requires_grad)


# A tensor of another shape in the same memory


def _resized(t: Tensor, size: tuple[int, ...]) -> None:
    array = t.array
    memory, start = memory_of(array)
    need = extent(size, in_rows(size))
    if start + need > memory.size:
        grown = module_of(array).zeros(start + need, array.dtype)
        grown[: memory.size] = memory
        memory = grown
    t.array = strided(module_of(array), memory, size, in_rows(size), start)


@function(on="Tensor")
def resize_(self, size, *more, memory_format=None):
    """Gives this tensor another shape, row by row in its memory, with more of it if needed."""
    size = sizes((size, *more) if more else size)
    if any(n < 0 for n in size):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {list(size)}")
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad; x.detach() can be resized")
    if size != self.array.shape:
        _resized(self, size)
        self._view = None
    return self


@function
def resize_as_(input, the_template, *, memory_format=None):
    """Gives this tensor the shape of another."""
    return resize_(input, tuple(the_template.shape))


@function(on="Tensor")
def set_(self, source=None, storage_offset=0, size=None, stride=None):
    """Makes this tensor show the memory of another, or of a storage."""
    if source is None:
        self.array = self.array[:0].reshape(-1)[:0].copy()
        return self
    if isinstance(source, Tensor):
        if source.dtype is not self.dtype:
            raise RuntimeError(
                f"Could not set tensor of type {source.dtype.name} to a tensor of type "
                f"{self.dtype.name}"
            )
        if size is None:
            self.array = source.array
            return self
        memory = memory_of(source.array)[0]
    else:
        memory = source.memory.view(self.array.dtype)
    size = sizes((memory.size - storage_offset,) if size is None else size)
    steps = in_rows(size) if stride is None else sizes(stride)
    self.array = strided(module_of(memory), memory, size, steps, storage_offset)
    return self
