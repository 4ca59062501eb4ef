"""Datasets, samplers and loaders."""

from __future__ import annotations

import pickle
import threading
import time
import traceback
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import flambeau as fb
from flambeau.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    get_worker_info,
    random_split,
)

try:
    import torch
except ImportError:
    torch = None
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


class Squares(Dataset):
    """Sample i is (i, i²)."""

    def __init__(self, count=10):
        self.count = count

    def __getitem__(self, i):
        if not 0 <= i < self.count:
            raise IndexError(i)
        return fb.tensor([float(i)]), i * i

    def __len__(self):
        return self.count


class Counting(IterableDataset):
    """0, 1, 2, ...; shared out over the workers."""

    def __init__(self, count=10):
        self.count = count

    def __iter__(self):
        info = get_worker_info()
        first, every = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(first, self.count, every))

    def __len__(self):
        return self.count


def flat(loader):
    return [y.tolist() for _, y in loader]


def test_batches_in_order():
    loader = DataLoader(Squares(), batch_size=4)
    assert len(loader) == 3
    assert flat(loader) == [[0, 1, 4, 9], [16, 25, 36, 49], [64, 81]]
    x, y = next(iter(loader))
    assert x.shape == (4, 1)
    assert x.dtype == fb.float32
    assert y.dtype == fb.int64
    loader = DataLoader(Squares(), batch_size=4, drop_last=True)
    assert len(loader) == 2
    assert len(flat(loader)) == 2


def test_shuffle_is_reproducible():
    loader = DataLoader(Squares(50), batch_size=8, shuffle=True)
    epochs = []
    for _ in range(2):
        fb.manual_seed(3)
        epochs.append([flat(loader), flat(loader)])
    assert epochs[0] == epochs[1]
    assert epochs[0][0] != epochs[0][1]
    assert sorted(n for batch in epochs[0][0] for n in batch) == [i * i for i in range(50)]
    runs = []
    for _ in range(2):
        generator = fb.Generator().manual_seed(9)
        runs.append(flat(DataLoader(Squares(20), 5, shuffle=True, generator=generator)))
    assert runs[0] == runs[1]


def test_tensor_dataset_in_memory():
    xs, ys = fb.randn(10, 3), fb.arange(10)
    data = TensorDataset(xs, ys)
    assert len(data) == 10
    assert fb.equal(data[3][0], xs[3])
    assert data[3][1].item() == 3
    batches = list(DataLoader(data, batch_size=4))
    assert isinstance(batches[0], list)
    assert batches[2][0].shape == (2, 3)
    assert fb.equal(fb.cat([b[0] for b in batches]), xs)
    slow = list(DataLoader(data, batch_size=4, collate_fn=lambda s: default_collate(s)))
    for a, b in zip(batches, slow, strict=True):
        assert all(fb.equal(x, y) and x.dtype == y.dtype for x, y in zip(a, b, strict=True))
    batches[0][0].fill_(0)
    assert float(xs[0].abs().sum()) > 0  # a batch is a copy
    part = Subset(Subset(data, [9, 8, 7, 6, 5]), [0, 2])
    assert [y.tolist() for _, y in DataLoader(part, batch_size=2)] == [[9, 7]]
    with pytest.raises(AssertionError, match="Size mismatch"):
        TensorDataset(xs, ys[:5])
    w = fb.ones(4, 2, requires_grad=True)
    (row,) = next(iter(DataLoader(TensorDataset(w), batch_size=2)))
    assert row.requires_grad


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"replacement": True}, {"num_samples": 7}, {"num_samples": 25}]
)
def test_samples_in_memory_come_in_the_order_of_the_sampler(drop_last, options):
    data = TensorDataset(fb.arange(11), fb.randn(3, 11).t())
    for way in ({"shuffle": True}, {"sampler": RandomSampler(data, **options)}, {}):
        quick = DataLoader(data, 4, drop_last=drop_last, **way)
        slow = DataLoader(data, 4, drop_last=drop_last, collate_fn=list, **way)
        for _ in range(2):
            fb.manual_seed(5)
            batches = [[x.tolist(), y.tolist()] for x, y in quick]
            after = fb.rand(1).item()
            fb.manual_seed(5)
            assert batches == [
                [[int(x) for x, _ in samples], [y.tolist() for _, y in samples]] for samples in slow
            ]
            assert after == fb.rand(1).item()


def test_a_loader_in_memory_goes_on_where_it_was():
    data = Subset(TensorDataset(fb.arange(20)), list(range(19, 3, -1)))
    for shuffle in (True, False):
        fb.manual_seed(1)
        loader = DataLoader(data, 3, shuffle=shuffle)
        seen = iter(loader)
        first = [next(seen)[0].tolist() for _ in range(2)]
        state = loader.state_dict()
        rest = [x.tolist() for (x,) in seen]
        again = DataLoader(data, 3, shuffle=shuffle)
        again.load_state_dict(state)
        assert [x.tolist() for (x,) in again] == rest
        assert sorted(n for numbers in first + rest for n in numbers) == list(range(4, 20))


def test_other_datasets():
    both = Squares(3) + Squares(2)
    assert isinstance(both, ConcatDataset)
    assert len(both) == 5
    assert [both[i][1] for i in range(5)] == [0, 1, 4, 0, 1]
    assert both[-1][1] == 1
    with pytest.raises(IndexError, match="out of range"):
        both[5]
    with pytest.raises(AssertionError):
        ConcatDataset([])
    with pytest.raises(AssertionError):
        ConcatDataset([Counting()])
    part = Subset(Squares(), [5, 2])
    assert len(part) == 2
    assert part[0][1] == 25
    assert flat(DataLoader(part, batch_size=2)) == [[25, 4]]
    with pytest.raises(NotImplementedError):
        Dataset()[0]


def test_random_split():
    parts = random_split(Squares(10), [7, 3], fb.Generator().manual_seed(1))
    assert [len(p) for p in parts] == [7, 3]
    assert sorted(i for p in parts for i in p.indices) == list(range(10))
    again = random_split(Squares(10), [7, 3], fb.Generator().manual_seed(1))
    assert again[0].indices == parts[0].indices
    assert [len(p) for p in random_split(Squares(11), [0.5, 0.3, 0.2])] == [6, 3, 2]
    with pytest.raises(ValueError, match="Sum of input lengths"):
        random_split(Squares(10), [5, 3])
    with pytest.warns(UserWarning, match="Length of split at index 2 is 0"):
        random_split(Squares(3), [0.4, 0.4, 0.2])


def test_samplers():
    assert list(SequentialSampler(Squares(3))) == [0, 1, 2]
    assert sorted(RandomSampler(Squares(5))) == [0, 1, 2, 3, 4]
    assert len(list(RandomSampler(Squares(5), num_samples=12))) == 12
    drawn = list(RandomSampler(Squares(3), replacement=True, num_samples=200))
    assert len(drawn) == 200
    assert set(drawn) == {0, 1, 2}
    assert sorted(SubsetRandomSampler([4, 7])) == [4, 7]
    drawn = list(WeightedRandomSampler([0.0, 1.0, 3.0], 2000))
    assert 0 not in drawn
    assert 2.3 < drawn.count(2) / drawn.count(1) < 4
    assert sorted(WeightedRandomSampler([1, 1, 1], 3, replacement=False)) == [0, 1, 2]
    assert list(BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert len(BatchSampler(range(5), 2, False)) == 3

    class Backwards(Sampler):
        def __iter__(self):
            return iter([2, 1, 0])

        def __len__(self):
            return 3

    assert flat(DataLoader(Squares(), 2, sampler=Backwards())) == [[4, 1], [0]]
    assert flat(DataLoader(Squares(), batch_sampler=[[1, 2], [3]])) == [[1, 4], [9]]


def test_without_batches():
    loader = DataLoader(Squares(3), batch_size=None)
    assert [y for _, y in loader] == [0, 1, 4]
    assert len(loader) == 3
    assert next(iter(DataLoader([np.ones(2)], batch_size=None))).tolist() == [1, 1]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_iterable(workers):
    loader = DataLoader(Counting(10), batch_size=2, num_workers=workers)
    batches = [b.tolist() for b in loader]
    assert sorted(n for batch in batches for n in batch) == list(range(10))
    assert len(loader) == 5
    if workers == 2:
        assert batches[:3] == [[0, 2], [1, 3], [4, 6]]
    last = [len(b) for b in DataLoader(Counting(5), 2, drop_last=True, num_workers=workers)]
    assert set(last) <= {2}
    singles = DataLoader(Counting(3), batch_size=None, num_workers=workers)
    assert list(singles) == [0, 1, 2]


POINT = namedtuple("POINT", "x y")


@needs_torch
@pytest.mark.parametrize(
    "batch",
    [
        [1, 2],
        [1.5, 2.5],
        [True, False],
        ["a", "b"],
        [b"a", b"b"],
        [(1, 2.0), (3, 4.0)],
        [[1, 2], [3, 4]],
        [{"a": 1, "b": [1, 2]}, {"a": 3, "b": [4, 5]}],
        [OrderedDict(a=1), OrderedDict(a=2)],
        [POINT(1, 2.0), POINT(3, 4.0)],
        [np.float32(1), np.float32(2)],
        [np.ones(3), np.zeros(3)],
        [np.int16(1), np.int16(2)],
    ],
)
def test_collate(batch):
    def shown(value):
        if hasattr(value, "tolist"):
            return str(value.dtype), value.tolist()
        if isinstance(value, dict):
            return type(value).__name__, {k: shown(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value).__name__, [shown(v) for v in value]
        return value

    assert shown(default_collate(batch)) == shown(torch.utils.data.default_collate(batch))


def test_collated_numbers_lose_nothing():
    assert default_collate([1, 2.5]).tolist() == [1, 2.5]
    assert default_collate([True, 2]).tolist() == [1, 2]
    assert default_collate([1, 2]).dtype is fb.int64
    assert default_collate([1.0, 2]).dtype is fb.float64
    with pytest.raises(RuntimeError, match="NoneType"):
        default_collate([1, None])
    with pytest.raises(RuntimeError, match="equal size"):
        default_collate([np.ones(2), np.ones(3)])


def test_collate_mistakes():
    with pytest.raises(TypeError, match="found <class 'object'>"):
        default_collate([object()])
    with pytest.raises(RuntimeError, match="equal size"):
        default_collate([[1], [1, 2]])
    with pytest.raises(TypeError):
        default_collate([np.array(["a"])])
    with pytest.raises(RuntimeError, match="equal size"):
        default_collate([fb.ones(2), fb.ones(3)])
    assert default_collate([fb.ones(1), fb.ones(1).double()]).dtype == fb.float64
    assert default_collate([fb.ones(1, requires_grad=True)] * 2).requires_grad
    assert default_convert({"a": np.ones(1), "b": "x"})["b"] == "x"
    assert default_convert((np.ones(1), 3))[1] == 3


# Workers


def test_workers_keep_the_order():
    class Uneven(Squares):
        def __getitem__(self, i):
            time.sleep(0.003 * (i % 3))
            return super().__getitem__(i)

    wanted = flat(DataLoader(Squares(23), 2))
    assert flat(DataLoader(Uneven(23), 2, num_workers=2)) == wanted
    assert flat(DataLoader(Uneven(23), 2, num_workers=2, prefetch_factor=1)) == wanted
    fb.manual_seed(0)
    a = flat(DataLoader(Squares(23), 2, shuffle=True))
    fb.manual_seed(0)
    assert flat(DataLoader(Squares(23), 2, shuffle=True, num_workers=2)) == a


def test_workers_know_themselves():
    begun = []

    class Who(Dataset):
        def __getitem__(self, i):
            info = get_worker_info()
            return info.id, info.num_workers

        def __len__(self):
            return 6

    loader = DataLoader(Who(), num_workers=2, worker_init_fn=begun.append, worker_type="thread")
    assert [i.item() for i, _ in loader] == [0, 1, 0, 1, 0, 1]
    assert sorted(begun) == [0, 1]
    assert get_worker_info() is None


def test_an_error_in_a_worker_is_shown_whole():
    class Broken(Squares):
        def __getitem__(self, i):
            if i == 5:
                raise KeyError("sample five is missing")
            return super().__getitem__(i)

    seen = []
    with pytest.raises(KeyError, match="sample five") as caught:
        for _, y in DataLoader(Broken(), 2, num_workers=2, worker_type="thread"):
            seen.append(y.tolist())
    assert seen == [[0, 1], [4, 9]]
    text = "".join(traceback.format_exception(caught.value))
    assert "in __getitem__" in text
    assert "in DataLoader worker 0, for samples [4, 5]" in text


def test_workers_stop_when_left_early():
    before = threading.active_count()
    for _ in DataLoader(Squares(1000), 2, num_workers=2, worker_type="thread"):
        break
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_a_slow_worker_times_out():
    class Slow(Squares):
        def __getitem__(self, i):
            time.sleep(0.5)
            return super().__getitem__(i)

    with pytest.raises(RuntimeError, match=r"timed out after 0.05 seconds"):
        list(DataLoader(Slow(2), num_workers=1, timeout=0.05, worker_type="thread"))


def test_stacked_and_chained_datasets():
    stacked = StackDataset(Squares(4), range(4))
    assert len(stacked) == 4
    assert stacked[2][1] == 2
    (_, squares), numbers = next(iter(DataLoader(stacked, 3)))
    assert squares.tolist() == [0, 1, 4]
    assert numbers.tolist() == [0, 1, 2]
    named = StackDataset(a=range(4), b=Subset(range(10, 20), [3, 2, 1, 0]))
    assert named[0] == {"a": 0, "b": 13}
    assert named.__getitems__([0, 3]) == [{"a": 0, "b": 13}, {"a": 3, "b": 10}]
    for bad in (lambda: StackDataset(), lambda: StackDataset([1], a=[1])):
        with pytest.raises(ValueError):  # noqa: PT011
            bad()
    with pytest.raises(ValueError, match="Size mismatch"):
        StackDataset([1], [1, 2])
    chained = Counting(2) + Counting(3)
    assert isinstance(chained, ChainDataset)
    assert list(chained) == [0, 1, 0, 1, 2]
    assert len(chained) == 5
    with pytest.raises(AssertionError, match="only supports IterableDataset"):
        list(ChainDataset([[1]]))


def test_subset_wants_both_ways_overridden():
    class Half(Subset):
        def __getitem__(self, i):
            return 0

    with pytest.raises(NotImplementedError, match="__getitems__"):
        Half([1, 2], [0])


@needs_torch
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(("count", "replicas"), [(10, 3), (2, 5), (9, 3), (1, 4), (7, 1)])
def test_shares_of_distributed_samplers(count, replicas, drop_last):
    from torch.utils.data import DistributedSampler as Theirs

    for rank in range(replicas):
        options = {"num_replicas": replicas, "rank": rank, "drop_last": drop_last}
        ours = DistributedSampler(range(count), shuffle=False, **options)
        theirs = Theirs(range(count), shuffle=False, **options)
        assert list(ours) == list(theirs)
        assert (len(ours), ours.total_size) == (len(theirs), theirs.total_size)
        shuffled = DistributedSampler(range(count), **options)
        first = list(shuffled)
        assert list(shuffled) == first
        shuffled.set_epoch(1)
        assert len(list(shuffled)) == len(first)


def test_distributed_sampler_mistakes():
    with pytest.raises(RuntimeError, match="num_replicas"):
        DistributedSampler([1])
    with pytest.raises(ValueError, match="Invalid rank 2"):
        DistributedSampler([1], num_replicas=2, rank=2)


def test_own_types_are_collated_by_a_map():
    from flambeau.utils.data._utils.collate import collate, default_collate_fn_map

    class Money(int):
        pass

    known = {Money: lambda batch, *, collate_fn_map=None: sum(batch), **default_collate_fn_map}
    assert collate([(Money(1), 2), (Money(3), 4)], collate_fn_map=known)[0] == 4
    assert collate([True, False], collate_fn_map=known).tolist() == [True, False]


def test_a_dataset_longer_than_it_said_is_warned_of():
    class Wrong(Counting):
        def __len__(self):
            return 3

    loader = DataLoader(Wrong(5), batch_size=None)
    assert len(loader) == 3
    with pytest.warns(UserWarning, match="reported to be 3"):
        assert len(list(loader)) == 5


def test_what_a_loader_is_made_of_stays():
    loader = DataLoader(Squares(), 2)
    for name in ("batch_size", "sampler", "batch_sampler", "drop_last", "dataset"):
        with pytest.raises(ValueError, match="should not be set after DataLoader"):
            setattr(loader, name, 3)
    loader.collate_fn = len
    assert next(iter(loader)) == 2
    with pytest.raises(AssertionError, match="timeout"):
        iter(DataLoader(Squares(), timeout=1))
    with pytest.raises(NotImplementedError, match="pickled"):
        pickle.dumps(iter(loader))


MISTAKES = [
    {"num_workers": -1},
    {"timeout": -1},
    {"prefetch_factor": 2},
    {"num_workers": 1, "prefetch_factor": -1},
    {"persistent_workers": True},
    {"multiprocessing_context": "fork"},
    {"multiprocessing_context": "no", "num_workers": 1},
    {"batch_size": 0},
    {"batch_size": 2.5},
    {"batch_size": None, "drop_last": True},
    {"sampler": [0], "shuffle": True},
    {"batch_sampler": [[0]], "batch_size": 2},
]


@needs_torch
@pytest.mark.parametrize("options", MISTAKES)
def test_mistakes_raise_what_pytorch_raises(options):
    data = [1, 2, 3]
    for loader in (torch.utils.data.DataLoader, DataLoader):
        with pytest.raises(ValueError):  # noqa: PT011
            loader(data, **options)


def test_more_mistakes():
    for options in ({"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}):
        with pytest.raises(ValueError, match="IterableDataset"):
            DataLoader(Counting(), **options)
    with pytest.raises(ValueError, match="num_samples"):
        RandomSampler([1], num_samples=-1)
    with pytest.raises(TypeError, match="replacement"):
        RandomSampler([1], replacement=3)
    with pytest.raises(ValueError, match="num_samples"):
        WeightedRandomSampler([1.0], 0)
    with pytest.raises(ValueError, match="1d sequence"):
        WeightedRandomSampler([[1.0]], 1)
    with pytest.raises(ValueError, match="drop_last"):
        BatchSampler([1], 1, 3)
