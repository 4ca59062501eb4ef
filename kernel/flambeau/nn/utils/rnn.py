"""Sequences of different lengths: padded, or packed as recurrent layers take them.

Packed, the first entries of all sequences come first (longest sequence first), then all second
ones, and so on; ``batch_sizes`` says how many sequences have one.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple, Self

from ...ops.creation import full, tensor
from ...ops.join import cat
from ...ops.join import stack as stacked
from ...tensor import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Fields(NamedTuple):
    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(_Fields):
    """Sequences of different lengths, packed; made by `pack_sequence`, `pack_padded_sequence`."""

    def __new__(
        cls,
        data: Any,
        batch_sizes: Any = None,
        sorted_indices: Any = None,
        unsorted_indices: Any = None,
    ) -> Self:
        """From the packed values, and how many sequences have a value at each step."""
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With its values on another device or in another type."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        moved = (None if t is None else t.to(data.device) for t in self[2:])
        return type(self)(data, self.batch_sizes, *moved)

    def cpu(self) -> PackedSequence:
        """On the CPU."""
        return self.to("cpu")

    def cuda(self, device: Any = "cuda") -> PackedSequence:
        """On the GPU."""
        return self.to(device)

    def double(self) -> PackedSequence:
        """In float64."""
        return self.to(self.data.double().dtype)

    def float(self) -> PackedSequence:
        """In float32."""
        return self.to(self.data.float().dtype)

    @property
    def is_cuda(self) -> bool:
        """Whether it is on the GPU."""
        return bool(self.data.is_cuda)


def invert_permutation(permutation: Any) -> Any:
    """The permutation that undoes another."""
    return None if permutation is None else permutation.argsort()


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Packs padded sequences (T, B, *), each of which is as long as ``lengths`` says.

    Without ``enforce_sorted`` the lengths may come in any order.

    >>> packed = pack_padded_sequence(fb.tensor([[1, 2], [3, 4], [5, 0]]), [3, 2])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 2, 3, 4, 5]), tensor([2, 2, 1]))
    """
    order = None
    sizes = [int(n) for n in lengths]
    if not enforce_sorted:
        order = tensor(sorted(range(len(sizes)), key=lambda i: -sizes[i]), device=input.device)
        input = input.index_select(0 if batch_first else 1, order)
        sizes = sorted(sizes, reverse=True)
    if batch_first:
        input = input.transpose(0, 1)
    _check(sizes, input)
    counts = [sum(n > t for n in sizes) for t in range(sizes[0])]
    data = cat([input[t, :n] for t, n in enumerate(counts)], 0)
    return PackedSequence(data, tensor(counts), order, None)


def _check(sizes: list[int], input: Any) -> None:
    if len(sizes) != input.shape[1]:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} "
            f"(batch_size={input.shape[1]})"
        )
    if any(a < b for a, b in pairwise(sizes)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. "
            "You can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            "sidestep this requirement"
        )
    if sizes[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    if sizes[0] > input.shape[0]:
        raise RuntimeError(
            f"the longest of the lengths is {sizes[0]}, the padded input has {input.shape[0]} steps"
        )


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """What was packed as one padded tensor (T, B, *), and the lengths.

    >>> packed = pack_sequence([fb.tensor([1, 2, 3]), fb.tensor([4])])
    >>> pad_packed_sequence(packed, batch_first=True)
    (tensor([[1, 2, 3],
            [4, 0, 0]]), tensor([3, 1]))
    """
    data, batch_sizes, _, unsorted = sequence
    counts = [int(n) for n in batch_sizes]
    longest = len(counts)
    if total_length is not None and total_length < longest:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, "
            f"but got total_length={total_length} and max sequence length being {longest}"
        )
    steps, lengths = [], tensor([sum(n > b for n in counts) for b in range(counts[0])])
    for step, n in zip(data.split(counts), counts, strict=True):
        steps.append(_filled(step, 0, counts[0] - n, padding_value))
    out: Any = _filled(stacked(steps), 0, (total_length or longest) - longest, padding_value)
    if unsorted is not None:
        out, lengths = out.index_select(1, unsorted), lengths[unsorted.cpu()]
    return out.transpose(0, 1) if batch_first else out, lengths


def _filled(x: Any, dim: int, more: int, value: float) -> Any:
    """x with ``more`` entries of a value after its last along a dimension."""
    if not more:
        return x
    shape = (*x.shape[:dim], more, *x.shape[dim + 1 :])
    return cat([x, full(shape, value, dtype=x.dtype, device=x.device)], dim)


def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Tensors of different lengths in one, the missing ends (or beginnings) filled.

    >>> pad_sequence([fb.tensor([1, 2, 3]), fb.tensor([4])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 0, 0]])
    """
    if not isinstance(sequences, Tensor) and not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got {type(sequences)}"
        )
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, got {padding_side}.")
    listed = list(sequences)
    if not listed:
        raise RuntimeError("received an empty list of sequences")
    longest = max(len(s) for s in listed)
    wide = []
    for s in listed:
        if padding_side == "left":
            s = _filled(s.flip(0), 0, longest - len(s), padding_value).flip(0)
        wide.append(_filled(s, 0, longest - len(s), padding_value))
    return stacked(wide, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded tensor, each with its own length."""
    padded = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [s[: int(n)] for s, n in zip(padded, lengths, strict=True)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Packs a list of sequences (L, *) of different lengths.

    >>> pack_sequence([fb.tensor([1, 2, 3]), fb.tensor([4, 5])]).data
    tensor([1, 4, 2, 5, 3])
    """
    lengths = [len(s) for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that were packed."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
