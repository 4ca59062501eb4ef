"""Generators, seeds, and what the random tensors look like."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import flambeau as fb


def test_a_seed_gives_the_same_numbers() -> None:
    fb.manual_seed(3)
    first = [fb.randn(3), fb.rand(2), fb.randint(0, 9, (4,)), fb.randperm(5), fb.randn(2).normal_()]
    fb.manual_seed(3)
    again = [fb.randn(3), fb.rand(2), fb.randint(0, 9, (4,)), fb.randperm(5), fb.randn(2).normal_()]
    for a, b in zip(first, again, strict=True):
        assert fb.equal(a, b)
    assert fb.initial_seed() == 3
    assert not fb.equal(fb.randn(3), first[0])


def test_generators_are_independent() -> None:
    a, b = fb.Generator().manual_seed(1), fb.Generator().manual_seed(1)
    fb.manual_seed(0)
    x = fb.randn(3, generator=a)
    fb.manual_seed(5)
    assert fb.equal(x, fb.randn(3, generator=b))
    assert a.initial_seed() == 1
    assert a.device == fb.device("cpu")


def test_a_state_is_restored() -> None:
    fb.manual_seed(1)
    fb.randint(0, 9, (3,), dtype=fb.int32)
    state = fb.get_rng_state()
    assert state.dtype is fb.uint8
    x = fb.rand(3)
    fb.set_rng_state(state)
    assert fb.equal(x, fb.rand(3))
    with pytest.raises(RuntimeError, match="bytes"):
        fb.set_rng_state(state[:5])


def test_a_generator_can_be_copied_and_pickled() -> None:
    a = fb.Generator().manual_seed(7)
    fb.rand(2, generator=a)
    twins = [copy.deepcopy(a), pickle.loads(pickle.dumps(a)), a.clone_state()]
    x = fb.rand(2, generator=a)
    for twin in twins:
        assert fb.equal(x, fb.rand(2, generator=twin))


def test_fork_leaves_the_stream_alone() -> None:
    fb.manual_seed(2)
    x = fb.rand(2)
    fb.manual_seed(2)
    with fb.random.fork_rng():
        fb.rand(100)
    assert fb.equal(x, fb.rand(2))


def test_seed_is_unforeseen() -> None:
    assert fb.seed() != fb.seed()
    assert fb.Generator().seed() != fb.Generator().seed()


@pytest.mark.parametrize("dtype", [fb.float16, fb.float32, fb.float64])
def test_distributions(dtype: fb.dtype) -> None:
    fb.manual_seed(0)
    n = 20000
    normal, flat = fb.randn(n, dtype=dtype).double(), fb.rand(n, dtype=dtype).double()
    assert abs(float(normal.mean())) < 0.03
    assert abs(float(normal.std()) - 1) < 0.03
    assert 0 <= float(flat.min()) <= float(flat.max()) <= 1
    assert abs(float(flat.mean()) - 0.5) < 0.02
    x = fb.empty(n, dtype=dtype)
    assert abs(float(x.normal_(2, 3).double().mean()) - 2) < 0.1
    assert abs(float(x.uniform_(-3, 1).double().mean()) + 1) < 0.1
    assert abs(float(x.bernoulli_(0.3).double().mean()) - 0.3) < 0.02
    assert abs(float(x.exponential_(2.0).double().mean()) - 0.5) < 0.05


def test_integers() -> None:
    x = fb.randint(3, 6, (1000,))
    assert sorted(set(x.tolist())) == [3, 4, 5]
    assert sorted(fb.randperm(50).tolist()) == list(range(50))
    y = fb.empty(1000, dtype=fb.uint8).random_(2, 4)
    assert set(y.tolist()) == {2, 3}
    assert set(fb.empty(200, dtype=fb.int64).random_(3).tolist()) == {0, 1, 2}


def test_multinomial_follows_its_weights() -> None:
    fb.manual_seed(0)
    weights = fb.tensor([[1.0, 0.0, 3.0], [0.0, 2.0, 0.0]])
    drawn = fb.multinomial(weights, 4000, replacement=True)
    assert drawn.shape == (2, 4000)
    share = np.bincount(drawn[0].numpy(), minlength=3) / 4000
    np.testing.assert_allclose(share, [0.25, 0, 0.75], atol=0.03)
    assert set(drawn[1].tolist()) == {1}
    for _ in range(20):
        assert set(fb.multinomial(fb.tensor([1.0, 0.0, 3.0]), 2).tolist()) == {0, 2}
    with pytest.raises(RuntimeError):
        fb.multinomial(fb.tensor([1.0, -1.0]), 1)
    with pytest.raises(RuntimeError, match="without replacement"):
        fb.multinomial(fb.ones(2), 3)


def test_bad_arguments() -> None:
    with pytest.raises(RuntimeError):
        fb.randint(5, 5, (2,))
    with pytest.raises(RuntimeError):
        fb.bernoulli(fb.tensor([1.5]))
    with pytest.raises(RuntimeError):
        fb.empty(2).normal_(0, -1)
    with pytest.raises(RuntimeError):
        fb.randn(-1)


def test_drawing_into_a_tensor_of_a_graph_cuts_its_gradient() -> None:
    x = fb.ones(3, requires_grad=True)
    y = x * 2
    y.uniform_()
    (y * y).sum().backward()
    assert x.grad.tolist() == [0, 0, 0]
