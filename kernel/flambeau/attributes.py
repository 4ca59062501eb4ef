"""What a tensor tells of itself: its type, its place, how it lies in memory."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

from . import device as devices
from . import dtypes, layouts
from .meta import MetaArray
from .storage import TypedStorage, UntypedStorage, address_of, in_rows, memory_of, steps_of


class Attributes:
    """The part of `Tensor` that answers questions about the array underneath."""

    __slots__ = ()

    array: Any
    _needs_grad: bool
    _node: Any

    # Kinds of tensors that there are none of here.
    is_sparse = is_sparse_csr = is_quantized = is_mkldnn = is_nested = volatile = False
    is_xpu = is_mps = is_ipu = is_maia = is_vulkan = is_mtia = is_xla = False
    name: str | None = None

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of its elements."""
        return dtypes.OF_NUMPY[self.array.dtype]

    @property
    def device(self) -> devices.device:
        """Where its memory is."""
        return devices.of(self.array)

    @property
    def layout(self) -> layouts.layout:
        """``torch.strided``: dense, with a step for each dimension."""
        return layouts.strided

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.array.nbytes

    @property
    def is_meta(self) -> bool:
        """Whether it lies on the device "meta": it has a shape and a type, and no numbers."""
        return self.array.__class__ is MetaArray

    @property
    def is_cuda(self) -> bool:
        """Whether it lies on a CUDA device."""
        return self.device.type == "cuda"

    @property
    def is_cpu(self) -> bool:
        """Whether it lies in the memory of the CPU."""
        return self.device.type == "cpu"

    def get_device(self) -> int:
        """The number of its CUDA device; -1 on the CPU."""
        index = self.device.index
        return -1 if index is None else index

    def dim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self.array.size

    nelement = numel

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.array.itemsize

    def is_floating_point(self) -> bool:
        """Whether its elements are floats."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Whether its elements are complex."""
        return self.dtype.is_complex

    def is_distributed(self) -> bool:
        """False: tensors are whole, in one process."""
        return False

    def is_nonzero(self) -> bool:
        """Whether the one element is not 0; RuntimeError if there is not just one."""
        return bool(self)

    @property
    def output_nr(self) -> int:
        """Which of the outputs of the operation that made it this is."""
        return getattr(self._node, "index", 0)

    # In memory

    def stride(self, dim: int | None = None) -> Any:
        """Elements (not bytes) from one entry of each dimension to the next."""
        steps = steps_of(self.array) if self.array.size else in_rows(self.array.shape)
        if dim is None:
            return steps
        if not -len(steps) <= dim < len(steps):
            raise IndexError(f"Dimension out of range: {dim} of {len(steps)} dimensions")
        return steps[dim]

    def is_contiguous(self, memory_format: Any = layouts.contiguous_format) -> bool:
        """Whether its elements lie in memory without gaps, row by row or as a format has it."""
        order = getattr(memory_format, "order", ())
        if order and self.array.ndim != len(order):
            return False
        return layouts.lies_in(self.array, order)

    def dim_order(self, *, ambiguity_check: Any = False) -> tuple[int, ...]:
        """The dimensions from the outermost in memory to the innermost."""
        steps = self.stride()
        if ambiguity_check:
            sized = [step for step, n in zip(steps, self.array.shape, strict=True) if n > 1]
            if len(set(sized)) < len(sized) or len(sized) < len(steps) > 1:
                raise RuntimeError("The tensor does not have unique dim order")
        return tuple(sorted(range(len(steps)), key=lambda d: -steps[d]))

    def data_ptr(self) -> int:
        """The address of its first element."""
        return address_of(self.array) if self.array.size and not self.is_meta else 0

    const_data_ptr = data_ptr

    def storage_offset(self) -> int:
        """Where in the memory that it shares with its views it begins, in elements."""
        return 0 if self.is_meta else memory_of(self.array)[1]

    def untyped_storage(self) -> UntypedStorage:
        """The bytes that it shares with its views."""
        return UntypedStorage(self.array)

    def storage(self) -> TypedStorage:
        """The memory that it shares with its views, as numbers."""
        return TypedStorage(self.array)

    def is_set_to(self, tensor: Any) -> bool:
        """Whether both show the same memory in the same way."""
        same = self.data_ptr() == tensor.data_ptr() and self.array.shape == tensor.array.shape
        return same and self.stride() == tensor.stride()

    @property
    def grad_dtype(self) -> dtypes.dtype:
        """The type of its gradient: its own."""
        return self.dtype

    @grad_dtype.setter
    def grad_dtype(self, value: dtypes.dtype | None) -> None:
        if value is not None and value is not self.dtype:
            raise RuntimeError(f"a gradient has the type of its tensor, {self.dtype}, not {value}")

    def record_stream(self, stream: Any) -> None:
        """Nothing to do: CuPy keeps the memory until what uses it has run; CUDA tensors only."""
        if not self.is_cuda:
            raise NotImplementedError(f"record_stream is for CUDA tensors, not on {self.device}")

    def is_shared(self) -> bool:
        """Whether processes that are started from this one see the same memory."""
        return self.is_cuda or isinstance(_lowest(self.array), mmap.mmap)

    def share_memory_(self) -> Any:
        """Moves it to memory that processes forked from this one share; returns it."""
        if not self.is_shared() and self.array.size:
            shared = mmap.mmap(-1, self.array.nbytes)
            moved = np.frombuffer(shared, self.array.dtype).reshape(self.array.shape)
            moved[...] = self.array
            self.array = moved
        return self

    def is_pinned(self, device: Any = None) -> bool:
        """Whether it lies in memory of the CPU that a CUDA device reads from directly."""
        return type(_lowest(self.array)).__name__ == "PinnedMemoryPointer"

    def pin_memory(self, device: Any = None) -> Any:
        """A copy in memory of the CPU that a CUDA device reads from directly."""
        if not devices.cuda_count():
            raise RuntimeError("Cannot access accelerator device when none is available.")
        import cupyx

        from .tensor import wrap

        pinned = cupyx.empty_pinned(self.array.shape, self.array.dtype)
        pinned[...] = self.array
        return wrap(pinned)


def _lowest(array: Any) -> Any:
    """What an array's memory belongs to in the end."""
    while (below := getattr(array, "base", None)) is not None:
        array = below
    return array.obj if isinstance(array, memoryview) else array
