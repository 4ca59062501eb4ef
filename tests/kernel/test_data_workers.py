"""Workers of a `DataLoader` that are processes: what they give, and that they always end."""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import flambeau as fb
from flambeau.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    TensorDataset,
    get_worker_info,
)
from flambeau.utils.data._utils import transport
from flambeau.utils.data._utils.worker import seed_all

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")


class Numbers(Dataset):
    """Sample i is i, with what ``extra`` gives."""

    def __init__(self, count=12, extra=None):
        self.count, self.extra = count, extra

    def __getitem__(self, i):
        return (i, self.extra(i)) if self.extra else i

    def __len__(self):
        return self.count


class Stream(IterableDataset):
    """Numbers, shared out over the workers, each with one drawn at random."""

    def __init__(self, count=20):
        self.count = count

    def __iter__(self):
        info = get_worker_info()
        for i in range(info.id if info else 0, self.count, info.num_workers if info else 1):
            yield i, random.random()


def draws(_):
    """One number of each stream."""
    return random.random(), np.random.rand(), float(fb.rand(()))


def lists(batches):
    return [[part.tolist() for part in batch] for batch in batches]


def processes():
    """The workers that this process has started and that still run."""
    return {p.pid for p in multiprocessing.active_children()}


def _is_worker(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return b"python" in f.read()
    except OSError:
        return False


def run(program, seconds=60):
    """Runs a program in a process of its own; its output."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _leaves_nothing():
    before = processes()
    files = set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set()
    yield
    gc.collect()
    deadline = time.monotonic() + 10
    while processes() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes() - before == set()
    if files:
        assert set(os.listdir("/dev/shm")) <= files


@pytest.mark.parametrize("kind", ["process", "thread"])
def test_the_same_batches_with_any_number_of_workers(kind):
    data = TensorDataset(fb.arange(30), fb.randn(30, 3))
    seen = []
    for workers in (0, 1, 2):
        fb.manual_seed(4)
        loader = DataLoader(data, 4, shuffle=True, num_workers=workers, worker_type=kind)
        seen.append([lists(loader), lists(loader)])
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][0] != seen[0][1]


def test_random_numbers_in_workers_are_reproducible_and_differ():
    seen = []
    for _ in range(2):
        fb.manual_seed(7)
        loader = DataLoader(Numbers(8, draws), 2, num_workers=2)
        seen.append([[p.tolist() for p in parts] for _, parts in loader])
    assert seen[0] == seen[1]
    assert len({row[0] for batch in seen[0] for row in batch}) == len(seen[0]) * 3


def test_numpy_is_seeded_as_pytorch_does():
    pytest.importorskip("torch")
    from torch.utils.data._utils.worker import _generate_state

    state = random.getstate(), np.random.get_state(), fb.get_rng_state()
    try:
        for base in (5, 2**40 + 17, 2**63 - 2):
            for worker in (0, 3):
                np.random.seed(_generate_state(base, worker))
                theirs = np.random.rand(3)
                seed_all(base, worker)
                assert (np.random.rand(3) == theirs).all()
                assert fb.initial_seed() == base + worker
                expected = random.Random(base + worker).random()
                assert random.random() == expected
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])
        fb.set_rng_state(state[2])


def test_workers_know_themselves_and_are_processes():
    def who(_):
        info = get_worker_info()
        return info.id, info.num_workers, info.seed, os.getpid()

    (_, first), (_, second) = DataLoader(Numbers(2, who), num_workers=2)
    assert [int(first[0]), int(second[0])] == [0, 1]
    assert int(second[2]) == int(first[2]) + 1
    assert len({int(first[3]), int(second[3]), os.getpid()}) == 3
    assert get_worker_info() is None


def test_large_arrays_arrive_in_memory_of_their_own_and_can_be_written():
    x = fb.randn(6, 200, 100)
    loader = DataLoader(TensorDataset(x, fb.arange(6)), 2, num_workers=2)
    batches = list(loader)
    assert fb.equal(fb.cat([b[0] for b in batches]), x)
    batches[0][0].zero_()
    assert float(x[0].abs().sum()) > 0
    assert fb.equal(batches[1][0], x[2:4])
    # Any object may hold arrays, and an array may be laid out in columns.
    made = next(iter(DataLoader([0], 1, num_workers=1, collate_fn=lambda _: {
        "columns": np.asfortranarray(np.arange(40000.0).reshape(200, 200)),
        "every other": np.arange(100000)[::2],
        "empty": np.ones((0, 3)),
    })))  # fmt: skip
    assert (made["columns"] == np.arange(40000.0).reshape(200, 200)).all()
    assert (made["every other"] == np.arange(0, 100000, 2)).all()
    assert made["empty"].shape == (0, 3)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_no_descriptor_stays_open(monkeypatch):
    def count():
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    loader = DataLoader(Numbers(8, lambda i: np.ones(20000)), 2, num_workers=2)
    list(loader)
    before = count()
    next(iter(loader))
    list(loader)
    assert count() == before
    monkeypatch.setattr(transport, "SPARE", 0)  # as if many were open
    kept = list(loader)
    assert count() == before
    kept[0][1].zero_()
    assert float(kept[1][1].sum()) == 40000


def test_a_batch_that_is_kept_stays_as_it_is():
    data = TensorDataset(fb.arange(40.0).reshape(40, 1) * fb.ones(20000), fb.arange(40))
    loader = DataLoader(Rows(data), 2, num_workers=2, persistent_workers=True)
    whole, parts = [], []
    for epoch in range(3):
        for i, (x, y) in enumerate(loader):
            if i % 3 == epoch:
                whole.append((x, y))
            parts.append((x[1, -5:], y[1]))
            del x
            if i % 2:
                parts.pop()
    for x, y in whole:
        assert fb.equal(x, y.reshape(2, 1) * fb.ones(20000))
    for x, y in parts:
        assert fb.equal(x, y * fb.ones(5))


class Rows(Dataset):
    """Samples of a dataset that is not recognised as one in memory."""

    def __init__(self, data):
        self.data = data

    def __getitem__(self, i):
        return self.data[i]

    def __len__(self):
        return len(self.data)


def test_batches_of_many_sizes_travel():
    sizes = [30000, 20000, 90000, 10, 40000, 200000, 5, 90000, 30000, 1000] * 3
    loader = DataLoader(
        Numbers(30, lambda i: fb.full((sizes[i],), i)), None, num_workers=2, persistent_workers=True
    )
    for _ in range(2):
        for i, x in loader:
            assert x.shape == (sizes[i],)
            assert bool((x == i).all())


class KeepsTheLast:
    """Collates, and gives the batch before as well."""

    last = None

    def __call__(self, samples):
        before, self.last = self.last, fb.utils.data.default_collate(samples)
        return self.last, before


def test_what_a_worker_keeps_of_a_batch_stays_as_it_is():
    data = Numbers(16, lambda i: np.full(30000, i, "float32"))
    loader = DataLoader(data, 2, num_workers=1, collate_fn=KeepsTheLast())
    for n, (batch, before) in enumerate(loader):
        for (i, x), least in ((batch, 2 * n), *([(before, 2 * n - 2)] if before else [])):
            assert i.tolist() == [least, least + 1]
            assert bool((x == i.reshape(2, 1)).all())


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_memory_is_used_again():
    def mapped():
        with open("/proc/self/maps") as f:
            return sum("flambeau-batch" in line for line in f)

    data = Numbers(64, lambda i: np.ones(30000))
    for i, batch in enumerate(DataLoader(data, 2, num_workers=1)):
        assert mapped() <= 5, i
        del batch


class OwnError(Exception):
    """An error made of one text."""


class PartsError(ValueError):
    """An error that one text does not make."""

    def __init__(self, a, b):
        super().__init__(a, b)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KeyError("sample five"), KeyError),
        (OwnError("sample five"), OwnError),
        (PartsError("sample five", 2), ValueError),
        (UnicodeDecodeError("utf8", b"", 0, 1, "sample five"), ValueError),
    ],
)
def test_an_error_in_a_worker_keeps_its_type_and_traceback(error, kind):
    def failing(i):
        if i == 5:
            raise error
        return i

    seen = []
    with pytest.raises(kind) as caught:
        for _, y in DataLoader(Numbers(12, failing), 2, num_workers=2):
            seen.append(y.tolist())
    assert seen == [[0, 1], [2, 3]]
    text = str(caught.value)
    assert f"Caught {type(error).__name__} in DataLoader worker process 0" in text
    assert "in failing" in text
    assert "sample five" in text
    assert "\n" in text


def test_an_operations_error_keeps_its_type():
    def failing(_):
        return fb.ones(2) @ fb.ones(3)

    with pytest.raises(RuntimeError, match="worker process 0"):
        next(iter(DataLoader(Numbers(2, failing), num_workers=1)))


def test_the_iterator_goes_on_after_an_error():
    def failing(i):
        return 1 // (i - 1)

    batches = iter(DataLoader(Numbers(3, failing), num_workers=1))
    next(batches)
    with pytest.raises(ZeroDivisionError):
        next(batches)
    assert int(next(batches)[0]) == 2
    with pytest.raises(StopIteration):
        next(batches)


def test_what_cannot_be_sent_is_an_error():
    with pytest.raises(Exception, match=r"pickle.*|Caught"):
        next(iter(DataLoader(Numbers(2), num_workers=1, collate_fn=lambda b: lambda: 0)))


def test_an_error_while_a_worker_starts():
    def broken(number):
        raise OSError(f"no file for {number}")

    with pytest.raises(OSError, match="no file for 0"):
        next(iter(DataLoader(Numbers(2), num_workers=1, worker_init_fn=broken)))


def test_a_killed_worker_is_an_error_and_not_a_wait():
    def dying(i):
        if i == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return np.ones(20000)

    with pytest.raises(RuntimeError, match=r"exited unexpectedly.*Killed"):
        list(DataLoader(Numbers(12, dying), num_workers=2))


def test_a_slow_worker_times_out():
    def slow(_):
        time.sleep(60)

    started = time.monotonic()
    with pytest.raises(RuntimeError, match=r"timed out after 0\.2 seconds"):
        list(DataLoader(Numbers(2, slow), num_workers=2, timeout=0.2))
    assert time.monotonic() - started < 30


def test_an_iterator_left_early_ends_its_workers():
    for _ in DataLoader(Numbers(1000), 2, num_workers=2):
        break
    batches = iter(DataLoader(Numbers(1000, lambda i: np.ones(50000)), 2, num_workers=2))
    next(batches)
    del batches
    persistent = DataLoader(Numbers(1000), 2, num_workers=2, persistent_workers=True)
    next(iter(persistent))
    del persistent


def test_persistent_workers_stay_for_the_next_epoch():
    loader = DataLoader(Numbers(8, lambda i: os.getpid()), 2, num_workers=2,
                        persistent_workers=True)  # fmt: skip
    first = lists(loader)
    iterator = iter(loader)
    next(iterator)  # an epoch that is left
    assert lists(loader) == first
    streams = DataLoader(Stream(), 3, num_workers=2, persistent_workers=True)
    numbers = [[b[0].tolist() for b in streams] for _ in range(2)]
    assert numbers[0] == numbers[1]
    os.kill(int(first[0][1][0]), signal.SIGKILL)
    time.sleep(0.2)
    renewed = lists(loader)
    assert [b[0] for b in renewed] == [b[0] for b in first]
    del loader, iterator, streams


def test_batches_as_they_come_without_in_order():
    def uneven(i):
        time.sleep(0.5 if i == 0 else 0)
        return i

    seen = [int(i) for i, _ in DataLoader(Numbers(6, uneven), num_workers=2, in_order=False)]
    assert sorted(seen) == list(range(6))
    assert seen[0] != 0


def test_workers_do_not_record_and_are_seen_by_no_recorder():
    def working(i):
        from flambeau.record.slot import slot

        (fb.ones(3) * i).sum()
        return slot.recorder is None

    with fb.record() as trace:
        for _, quiet in DataLoader(Numbers(4, working), num_workers=2):
            assert bool(quiet.all())
    assert "mul" not in {op.name for op in trace.ops}


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_that_are_not_forked(method):
    fb.manual_seed(1)
    data = TensorDataset(fb.arange(7), fb.randn(7, 30000))
    loader = DataLoader(data, 2, num_workers=1, multiprocessing_context=method)
    assert fb.equal(fb.cat([x for _, x in loader]), data.tensors[1])
    with pytest.raises((AttributeError, RuntimeError, TypeError), match=r"top of a module"):
        iter(DataLoader(Numbers(2, lambda i: i), num_workers=1, multiprocessing_context=method))


def test_in_a_prompt_without_fork_the_error_says_what_to_do():
    done = run("""
        from flambeau.utils.data import DataLoader, Dataset
        class Mine(Dataset):
            def __getitem__(self, i): return i
            def __len__(self): return 2
        try:
            iter(DataLoader(Mine(), num_workers=1, multiprocessing_context="spawn"))
        except RuntimeError as error:
            print(error)
    """)
    assert "worker_type='thread'" in done.stdout
    assert "notebook" in done.stdout


LEAVING = """
    import os, sys
    import numpy as np
    from flambeau.utils.data import DataLoader
    batches = iter(DataLoader([np.ones(50000)] * 100, 2, num_workers=2, {options}))
    next(batches)
    print([p.pid for p in batches.pool.processes], flush=True)
    {end}
"""


def assert_gone(pids):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not any(_is_worker(pid) for pid in pids):
            return
        time.sleep(0.1)
    pytest.fail("a worker outlived its parent")


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise ValueError", "os._exit(1)",
                                 "os.kill(os.getpid(), 9)"])  # fmt: skip
def test_no_way_of_ending_the_program_leaves_workers(end):
    done = run(LEAVING.format(end=end, options="persistent_workers=True"))
    assert_gone(eval(done.stdout))
    complaints = done.stderr.replace("ValueError", "")
    assert "Error" not in complaints
    assert "leaked" not in complaints


def test_an_interrupt_ends_everything():
    program = LEAVING.format(end="import time; time.sleep(60)", options="persistent_workers=True")
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    pids = eval(child.stdout.readline())
    os.killpg(child.pid, signal.SIGINT)
    _, told = child.communicate(timeout=30)
    assert told.count("Traceback") == 1  # the parent's own KeyboardInterrupt
    assert_gone(pids)


def test_an_interrupt_while_waiting_ends_the_workers():
    def slow(i):
        if i == 1:
            time.sleep(0.5)
            os.kill(os.getppid(), signal.SIGINT)
            time.sleep(60)
        return i

    batches = iter(DataLoader(Numbers(4, slow), num_workers=1))
    next(batches)
    with pytest.raises(KeyboardInterrupt):
        next(batches)
    with pytest.raises(RuntimeError, match="workers of this iterator have ended"):
        next(batches)


# Going on in the middle of an epoch


class Remembering(IterableDataset):
    """Counts on from where it was."""

    def __init__(self):
        self.at = 0

    def __iter__(self):
        while self.at < 12:
            self.at += 1
            yield self.at

    def state_dict(self):
        return {"at": self.at}

    def load_state_dict(self, state):
        self.at = state["at"]


def loaders(kind, workers):
    """A function that makes the same loader every time."""
    options = {"num_workers": workers, "batch_size": 3}
    if kind == "stream":
        return lambda: DataLoader(Stream(31), **options)
    if kind == "remembering":
        return lambda: DataLoader(Remembering(), **options)
    if kind == "own generator":
        return lambda: DataLoader(
            Numbers(31, draws), shuffle=True, generator=fb.Generator().manual_seed(3), **options
        )
    if kind == "persistent":
        workers = {"persistent_workers": True} if workers else {}
        return lambda: DataLoader(Numbers(31, draws), shuffle=True, **options, **workers)
    return lambda: DataLoader(Numbers(31, draws), shuffle=True, **options)


def told(batches):
    """What was given, in numbers."""
    return [str(b) for b in batches]


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize(
    "kind", ["common generator", "own generator", "persistent", "stream", "remembering"]
)
@pytest.mark.parametrize("given", [0, 3])
def test_an_epoch_goes_on_where_it_was(kind, workers, given, tmp_path):
    make = loaders(kind, workers)
    fb.manual_seed(11)
    random.seed(1)
    np.random.seed(1)
    loader = make()
    batches = iter(loader)
    for _ in range(given):
        next(batches)
    state = loader.state_dict()
    drawn = random.getstate(), np.random.get_state(), fb.get_rng_state()
    rest = told(batches)
    after = told(loader)
    fb.save(state, tmp_path / "state")

    again = make()
    again.load_state_dict(fb.load(tmp_path / "state"))
    random.setstate(drawn[0])
    np.random.set_state(drawn[1])
    fb.set_rng_state(drawn[2])
    resumed = told(again)
    if kind == "stream" and workers == 0:  # passing over samples draws from the common stream
        resumed, rest = ([b.split("]),")[0] for b in told] for told in (resumed, rest))
    assert resumed == rest
    if kind != "stream" and kind != "remembering":
        assert told(again) == after


def test_a_state_from_before_and_after_an_epoch_begins_a_new_one():
    make = loaders("own generator", 0)
    loader = make()
    begun = loader.state_dict()
    epoch = [b[0].tolist() for b in loader]
    second = make()
    second.load_state_dict(begun)
    assert [b[0].tolist() for b in second] == epoch
    finished = loader.state_dict()
    third = make()
    third.load_state_dict(finished)
    assert third.state_dict() == finished
    assert [b[0].tolist() for b in third] == [b[0].tolist() for b in loader]


def test_a_state_that_does_not_fit_is_refused():
    state = DataLoader(Stream(), num_workers=2).state_dict()
    with pytest.raises(ValueError, match="num_workers=2"):
        DataLoader(Stream()).load_state_dict(state)
    state = loaders("own generator", 0)().state_dict()
    loader = DataLoader(Numbers(4))
    loader.load_state_dict(state)
    with pytest.raises(ValueError, match="2 generators"):
        iter(loader)
