"""What ``compile`` does not replay, and says why."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

# What cannot be replayed
from tests.kernel.compiled import F, mlp, numbers, regression, trainer

import flambeau as fb
from flambeau import nn

pytestmark = pytest.mark.usefixtures("fresh")


def falls_back(function, *args, match):
    """Runs a function compiled; says whether it ran eagerly for a reason."""
    compiled = fb.compile(function)
    results = [compiled(*args) for _ in range(5)]
    assert compiled.programs == []
    assert any(match in reason for reason in compiled.reasons), compiled.reasons
    return results


def test_control_flow_on_values_falls_back() -> None:
    def f(x):
        return x * 2 if x.sum() > 0 else -x

    falls_back(f, fb.ones(3), match="numbers of a tensor")
    compiled = fb.compile(f)
    assert compiled(fb.ones(1)).item() == 2
    assert compiled(-fb.ones(1)).item() == 1


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x.sum().item(),
        lambda x: float(x.sum()),
        lambda x: x.tolist(),
        lambda x: x.numpy().sum(),
        lambda x: repr(x),
        lambda x: len(x.nonzero()),
        lambda x: x.unique(),
        lambda x: x[x > 0],
        lambda x: x.array.sum(),
        lambda x: bool(fb.equal(x, x)),
        lambda x: fb.tensor(x.max()),
    ],
)
def test_numbers_that_are_read_fall_back(read) -> None:
    compiled = fb.compile(lambda x: (read(x), x + 1)[1])
    for i in range(3):
        assert np.array_equal(compiled(fb.ones(3) * i), np.ones(3) * i + 1)
    assert compiled.programs == []
    assert compiled.reasons


def test_effects_fall_back(capsys) -> None:
    seen = []

    def appends(x):
        seen.append(1)
        return x + 1

    falls_back(appends, fb.ones(2), match="append")
    assert len(seen) == 5

    def prints(x):
        print("hello")
        return x + 1

    falls_back(prints, fb.ones(2), match="print")
    assert capsys.readouterr().out.count("hello") == 5


def test_names_and_attributes_that_are_set_fall_back() -> None:
    count = 0

    def counts(x):
        nonlocal count
        count += 1
        return x + count

    results = falls_back(counts, fb.zeros(1), match="count")
    assert [r.item() for r in results] == [1, 2, 3, 4, 5]

    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return x + self.calls

    model = Counter()
    compiled = fb.compile(model)
    assert [compiled(fb.zeros(1)).item() for _ in range(5)] == [1, 2, 3, 4, 5]

    class Holder:
        last = None

    holder = Holder()

    def holds(x):
        holder.last = x + 1
        return x

    compiled = fb.compile(holds)
    for i in range(4):
        compiled(fb.ones(1) * i)
        assert holder.last.item() == i + 1


def test_time_and_chance_fall_back() -> None:
    import random
    import time

    assert len(set(falls_back(lambda x: random.random(), fb.ones(1), match="random"))) == 5
    falls_back(lambda x: time.time(), fb.ones(1), match="time")
    falls_back(lambda x: x + np.random.rand(), fb.ones(1), match="random")
    found = falls_back(lambda x: fb.rand(3), fb.ones(1), match="random numbers")
    assert not fb.equal(found[3], found[4])


def test_hooks_and_functions_of_ones_own_fall_back() -> None:
    class Double(fb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    falls_back(lambda x: Double.apply(x), fb.ones(1), match="apply")
    model = mlp()
    seen = []
    model[0].weight.register_hook(lambda g: seen.append(g))
    step, _ = trainer(model)
    compiled = fb.compile(step)
    for x, y in regression():
        compiled(fb.tensor(x), fb.tensor(y))
    assert len(seen) == 3


def test_reasons_are_said_once_and_kept() -> None:
    compiled = fb.compile(lambda x: x * x.sum().item())
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(4):
            compiled(fb.ones(2))
    assert ["runs eagerly: the numbers of a tensor" in str(w.message) for w in said] == [True]
    assert "item" in compiled.explain()


def test_errors_are_those_of_the_eager_call(way) -> None:
    model = mlp()
    compiled = fb.compile(model)
    compiled(fb.ones(3, 2))
    with pytest.raises(RuntimeError, match="input has 5"):
        compiled(fb.ones(3, 5))
    assert compiled(fb.ones(3, 2)).shape == (3, 1)
    step, _ = trainer(mlp(nn.ReLU, (4, 8, 3)), loss=F.cross_entropy)
    step = fb.compile(step)
    x, y = fb.ones(5, 4), fb.tensor([0, 1, 2, 0, 1])
    step(x, y), step(x, y)
    with pytest.raises(IndexError, match="out of bounds"):
        step(x, fb.tensor([0, 1, 2, 3, 1]))
    assert step(x, fb.tensor([0, 1, -100, 2, 1])).item() > 0  # one is ignored: eagerly


def test_an_error_in_the_traced_call_passes_through() -> None:
    def f(x):
        raise KeyError("mine")

    compiled = fb.compile(f)
    for _ in range(2):
        with pytest.raises(KeyError):
            compiled(fb.ones(1))
    assert not fb.compiler.is_compiling()
    assert fb.ones(2).sum().item() == 2
    assert type(fb.Tensor.__dict__["array"]).__name__ == "member_descriptor"


def test_hooks_of_modules_fall_back() -> None:
    model = mlp()
    seen = []
    model[0].register_forward_hook(lambda m, args, out: seen.append(out.shape))
    compiled = fb.compile(model)
    for _ in range(4):
        compiled(fb.ones(3, 2))
    assert len(seen) == 4
    assert any("hooks" in r or "append" in r for r in compiled.reasons)


def test_a_hook_that_comes_later_is_called() -> None:
    model = mlp()
    compiled = fb.compile(model)
    compiled(fb.ones(3, 2)), compiled(fb.ones(3, 2))
    seen = []
    handle = model[0].register_forward_hook(lambda m, args, out: seen.append(out.shape))
    compiled(fb.ones(3, 2))
    assert len(seen) == 1
    handle.remove()
    compiled(fb.ones(3, 2))
    assert len(seen) == 1


def test_inference_mode(way) -> None:
    compiled = fb.compile(mlp())
    for _ in range(3):
        with fb.inference_mode():
            assert compiled(fb.ones(3, 2)).is_inference()
    assert compiled(fb.ones(3, 2)).requires_grad


def test_other_threads_have_programs_of_their_own() -> None:
    from concurrent.futures import ThreadPoolExecutor

    f = fb.compile(lambda x: (x * 2 + 1).sum())
    xs = [fb.tensor(numbers(1000, seed=i)) for i in range(8)]
    expected = [(x * 2 + 1).sum().item() for x in xs]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            found = [t.item() for t in pool.map(f, xs)]
            assert found == pytest.approx(expected, rel=1e-4)


def test_views_of_tensors_that_changed(way) -> None:
    f = fb.compile(lambda x: x * 2)
    data = fb.tensor(numbers(10, 3))
    for i in range(0, 9, 3):
        assert np.allclose(f(data[i : i + 3]), data[i : i + 3] * 2)
    assert len(f.programs) == 1
