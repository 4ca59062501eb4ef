"""Collections of samples."""

from __future__ import annotations

import math
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

import numpy as np

from ...device import module_of
from ...ops.random import randperm
from ...random import default_generator
from ...tensor import Tensor, wrap

T = TypeVar("T", covariant=True)


class Dataset(Generic[T]):
    """Samples by number: subclass it and write ``__getitem__`` and ``__len__``.

    ``__getitems__(indices)``, if there, gives the samples of a whole batch at once.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, i):
    ...         return i * i
    >>> [batch.tolist() for batch in fb.utils.data.DataLoader(Squares(), batch_size=2)]
    [[0, 1], [4]]
    """

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T]):
    """Samples one after the other: subclass it and write ``__iter__``.

    >>> class Countdown(IterableDataset):
    ...     def __iter__(self):
    ...         return iter([3, 2, 1])
    >>> list(fb.utils.data.DataLoader(Countdown(), batch_size=3))
    [tensor([3, 2, 1])]
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError("Subclasses of IterableDataset should implement __iter__.")

    def __add__(self, other: Dataset[Any]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample i is row i of each tensor.

    >>> TensorDataset(fb.tensor([[1, 2], [3, 4]]), fb.tensor([0, 1]))[1]
    (tensor([3, 4]), tensor(1))
    """

    def __init__(self, *tensors: Tensor) -> None:
        if any(len(t) != len(tensors[0]) for t in tensors):
            sizes = ", ".join(str(len(t)) for t in tensors)
            raise AssertionError(f"Size mismatch between tensors: their lengths are {sizes}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(t[index] for t in self.tensors)  # type: ignore[index]

    def __len__(self) -> int:
        return len(self.tensors[0])

    def batch(self, indices: Any) -> list[Any] | None:
        """The samples of a batch, already collated, by one indexing of each tensor.

        ``indices`` are a list, an array or, for neighbours, a range.
        """
        for t in self.tensors:
            if t._needs_grad:  # indexing must then be recorded
                return None
        if indices.__class__ is range:
            start, stop = indices.start, indices.stop
            return [wrap(t.array[start:stop].copy()) for t in self.tensors]
        places = np.asarray(indices, np.int64)
        return [wrap(_rows(t.array, places)) for t in self.tensors]


def _rows(array: Any, places: Any) -> Any:
    """Some rows of an array, copied."""
    if array.__class__ is not np.ndarray:
        return array.take(module_of(array).asarray(places), axis=0)
    # Of an array that lies otherwise, `take` would copy all of it first.
    return array.take(places, 0) if array.flags.c_contiguous else array[places]


class Subset(Dataset[T]):
    """The samples of a dataset that ``indices`` name.

    >>> list(Subset(["a", "b", "c", "d"], [3, 0]))
    ['d', 'a']
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices
        mine = type(self)
        if mine.__getitem__ is not Subset.__getitem__ and mine.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{mine.__name__} overrides __getitem__ but not __getitems__, which a DataLoader "
                "calls. `def __getitems__(self, indices): return [self[i] for i in indices]` fits"
            )

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """The samples of a batch."""
        inner = [self.indices[i] for i in indices]
        whole = getattr(self.dataset, "__getitems__", None)
        return whole(inner) if whole is not None else [self.dataset[i] for i in inner]

    def __len__(self) -> int:
        return len(self.indices)

    def batch(self, indices: Any) -> list[Any] | None:
        """The samples of a batch, already collated, where the dataset below can do that."""
        if type(self.dataset) not in (TensorDataset, Subset):
            return None
        if indices.__class__ is range and type(self.indices) is list:
            return self.dataset.batch(self.indices[indices.start : indices.stop])
        numbers = indices.tolist() if isinstance(indices, np.ndarray) else indices
        return self.dataset.batch([self.indices[i] for i in numbers])


class ConcatDataset(Dataset[T]):
    """Datasets one after the other.

    >>> data = ConcatDataset([["a", "b"], ["c"]])
    >>> len(data), data[2]
    (3, 'c')
    """

    @staticmethod
    def cumsum(sequence: Iterable[Any]) -> list[int]:
        """Where each dataset ends."""
        return list(accumulate(len(d) for d in sequence))

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = self.cumsum(self.datasets)

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        if index < -len(self):
            raise ValueError(
                f"absolute value of index should not exceed dataset length: {index}, {len(self)}"
            )
        if index >= len(self):
            raise IndexError(f"index {index} is out of range: there are {len(self)} samples")
        index %= len(self)
        which = bisect_right(self.cumulative_sizes, index)
        before = self.cumulative_sizes[which - 1] if which else 0
        return self.datasets[which][index - before]


class ChainDataset(IterableDataset[T]):
    """Iterable datasets one after the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def _checked(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError(
                    f"ChainDataset only supports IterableDataset, not {type(dataset).__name__}; "
                    "ConcatDataset is for datasets whose samples have numbers"
                )
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._checked():
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._checked())


class StackDataset(Dataset[T]):
    """Sample i is sample i of each dataset: a tuple of them, or a dict for keyword arguments.

    >>> StackDataset(image=["i0", "i1"], label=[5, 7])[1]
    {'image': 'i1', 'label': 7}
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError("StackDataset takes datasets by position or by name, not both")
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        self.datasets: Any = args or kwargs
        lengths = [len(d) for d in args or kwargs.values()]
        if len(set(lengths)) > 1:
            raise ValueError(f"Size mismatch between datasets: their lengths are {lengths}")
        self._length = lengths[0]

    def _each(self, get: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: get(dataset) for name, dataset in self.datasets.items()}
        return tuple(get(dataset) for dataset in self.datasets)

    def __getitem__(self, index: Any) -> Any:
        return self._each(lambda dataset: dataset[index])

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """The samples of a batch."""
        columns = self._each(lambda dataset: _samples(dataset, indices))
        if isinstance(columns, dict):
            rows = zip(*columns.values(), strict=True)
            return [dict(zip(columns, row, strict=True)) for row in rows]
        return list(zip(*columns, strict=True))

    def __len__(self) -> int:
        return self._length


def _samples(dataset: Any, indices: Sequence[int]) -> list[Any]:
    """The samples with these numbers, at once where the dataset can do that."""
    whole = getattr(dataset, "__getitems__", None)
    if not callable(whole):
        return [dataset[i] for i in indices]
    items = whole(indices)
    if len(items) != len(indices):
        raise ValueError(
            f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(items)}"
        )
    return items


def random_split(
    dataset: Any, lengths: Sequence[float], generator: Any = default_generator
) -> list[Subset[Any]]:
    """Splits a dataset at random into parts of the given lengths, or shares that sum to 1.

    >>> train, test = random_split(range(10), [0.8, 0.2])
    >>> len(train), len(test), sorted([*train, *test]) == list(range(10))
    (8, 2, True)
    """
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _shared_out(len(dataset), lengths)
    if sum(lengths) != len(dataset):
        raise ValueError(
            "Sum of input lengths does not equal the length of the input dataset! "
            f"{list(lengths)} sum to {sum(lengths)}, the dataset has {len(dataset)} samples"
        )
    order = randperm(len(dataset), generator=generator).tolist()
    sizes = [int(n) for n in lengths]
    return [
        Subset(dataset, order[end - n : end])
        for end, n in zip(accumulate(sizes), sizes, strict=True)
    ]


def _shared_out(count: int, shares: Sequence[float]) -> list[int]:
    """So many samples in these shares, rounded down; what is left over goes to the first ones."""
    for i, share in enumerate(shares):
        if not 0 <= share <= 1:
            raise ValueError(f"Fraction at index {i} is not between 0 and 1: {share}")
    sizes = [math.floor(count * share) for share in shares]
    for i in range(count - sum(sizes)):
        sizes[i % len(sizes)] += 1
    for i, size in enumerate(sizes):
        if size == 0:
            warnings.warn(
                f"Length of split at index {i} is 0. This might result in an empty dataset.",
                stacklevel=3,
            )
    return sizes
