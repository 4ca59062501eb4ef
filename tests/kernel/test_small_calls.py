"""The short ways that calls on small tensors take give what the long ones do."""

import numpy as np
import pytest

import flambeau as fb

NUMBERS = [2, 2.5, -1, 0, 0.0, -0.0, 1e-40, 1e38, 1e39, -1e300, 2**70, float("inf"), float("nan")]
PLAIN = {
    "x + n": lambda x, n: x + n,
    "n + x": lambda x, n: n + x,
    "x - n": lambda x, n: x - n,
    "n - x": lambda x, n: n - x,
    "x * n": lambda x, n: x * n,
    "x / n": lambda x, n: x / n,
    "n / x": lambda x, n: n / x,
    "x > n": lambda x, n: x > n,
    "x == n": lambda x, n: x == n,
    "x % n": lambda x, n: x % n,
}


def values(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("f")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n", NUMBERS)
@pytest.mark.parametrize("name", PLAIN)
def test_a_number_is_what_a_tensor_of_it_would_be(name, n):
    x = fb.tensor(values(3, 4))
    x[0, 0] = 0
    made = PLAIN[name](x, n)
    beside = PLAIN[name](x, fb.tensor(np.array(float(n), "f")))
    assert made.dtype is beside.dtype
    np.testing.assert_array_equal(made.numpy(), beside.numpy())
    np.testing.assert_array_equal(np.signbit(made.numpy()), np.signbit(beside.numpy()))


@pytest.mark.parametrize("dtype", [fb.float32, fb.float64])
def test_gradients_reach_a_tensor_beside_numbers(dtype):
    x = fb.tensor([1.0, -2.0, 4.0], dtype=dtype, requires_grad=True)
    ((2 * x - 1) / 4 + 3 / x + (1 - x) ** 2 + 2**x).sum().backward()
    v = x.detach().numpy().astype("d")
    expected = 0.5 - 3 / v**2 - 2 * (1 - v) + 2**v * np.log(2)
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-5)
    assert x.grad.dtype is dtype


def test_second_gradients_pass_numbers():
    x = fb.tensor([1.0, 2.0], requires_grad=True)
    (slope,) = fb.autograd.grad((0.5 * x * x * 3.0 - 2 / x).sum(), x, create_graph=True)
    (curve,) = fb.autograd.grad(slope.sum(), x)
    np.testing.assert_allclose(curve.numpy(), [3 - 4, 3 - 0.5], rtol=1e-6)


def test_a_number_kept_does_not_stand_for_a_write():
    x = fb.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    z = 2 * y
    y.add_(1)  # neither product keeps y
    z.sum().backward()
    assert x.grad.tolist() == [6, 6]


def test_integers_and_booleans_beside_numbers_have_their_types():
    whole = fb.tensor([1, 2])
    assert (whole + 1).dtype is fb.int64
    assert (whole + 1.5).dtype is fb.float32
    assert (fb.tensor([True]) * 2).dtype is fb.int64
    with pytest.raises(TypeError):
        fb.maximum(fb.tensor([1.0]), 2.0)


def test_keywords_may_stand_in_any_order():
    x = fb.tensor(values(3, 4))
    expected = x.sum(1, True).tolist()
    assert x.sum(keepdim=True, dim=1).tolist() == expected
    assert x.sum(1, keepdims=True).tolist() == expected
    assert x.sum(axis=1, keepdim=True).tolist() == expected
    assert fb.sum(dim=1, input=x, keepdim=True).tolist() == expected
    with pytest.raises(TypeError, match="no argument 'dims'"):
        x.sum(dims=1)
    with pytest.raises(TypeError, match="missing its argument 'dim"):
        x.transpose(dim0=1)
    with pytest.raises(TypeError, match="takes"):
        x.transpose(0, 1, 2, 3)


def test_writes_without_a_gradient_are_counted_and_seen_by_views():
    x = fb.tensor(values(3, 4))
    before, row = x.clone(), x[1]
    x.mul_(2)
    x -= 0.5
    x.sub_(before)
    row.add_(before[0], alpha=-2.0)
    assert x._version == row._version == 4
    expected = before * 2 - 0.5 - before
    expected[1] -= 2 * before[0]
    np.testing.assert_allclose(x.numpy(), expected.numpy(), rtol=1e-6, atol=1e-6)
    assert x.zero_() is x
    assert not row.any()
    assert x._version == 5


def test_writes_that_do_not_fit_say_so():
    x = fb.zeros(3)
    with pytest.raises(RuntimeError, match="broadcast shape"):
        x.add_(fb.zeros(2, 3))
    with pytest.raises(RuntimeError):
        x.add_(fb.zeros(2))
    with pytest.raises(RuntimeError, match="result type"):
        x.add_(1j)
    leaf = fb.zeros(3, requires_grad=True)
    for write in (leaf.zero_, lambda: leaf.add_(1), lambda: leaf.copy_(x)):
        with pytest.raises(RuntimeError, match="leaf"):
            write()
    with fb.no_grad():
        leaf.add_(1)
    assert leaf.tolist() == [1, 1, 1]
    assert x.tolist() == [0, 0, 0]


def test_a_write_over_what_a_gradient_needs_is_noticed():
    w = fb.tensor([2.0], requires_grad=True)
    x = fb.tensor([3.0])
    y = w * x
    x.add_(1)
    with pytest.raises(RuntimeError, match="inplace"):
        y.sum().backward()


def test_conversions_that_change_nothing_give_the_tensor_itself():
    x = fb.zeros(2, requires_grad=True)
    same = (x.float(), x.to("cpu"), x.to(fb.device("cpu")), x.to(fb.float32), x.contiguous())
    assert all(t is x for t in same)
    assert x.double().requires_grad
    assert not x.long().requires_grad
    assert x.to(fb.float64).dtype is fb.float64


def test_modes_and_subclasses_see_what_is_answered_in_front():
    seen = []

    class Watch(fb.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append(func)
            return func(*args, **(kwargs or {}))

    class Mine(fb.Tensor):
        pass

    x = fb.zeros(2)
    with Watch():
        x.float(), x.contiguous(), x.zero_()
    assert seen == [fb.Tensor.float, fb.Tensor.contiguous, fb.Tensor.zero_]
    mine = x.as_subclass(Mine)
    assert all(type(t) is Mine for t in (mine.double(), mine.contiguous(), mine + 1, 1 - mine))


def test_new_tensors_go_where_they_are_asked_to():
    with fb.device("meta"):
        made = fb.zeros(2), fb.ones(2), fb.tensor([1.0]), fb.arange(3), fb.randn(2)
    assert all(t.is_meta for t in made)
    with fb.inference_mode():
        assert all(t.is_inference() for t in (fb.zeros(2), fb.tensor(1.0), fb.rand(2)))
    assert fb.zeros(2, requires_grad=True).requires_grad
    assert fb.ones((2, 3), dtype=fb.int64).tolist() == [[1] * 3] * 2
    assert fb.tensor([[1, 2.5], [3, 4]]).dtype is fb.float32
    assert fb.tensor([True, False]).dtype is fb.bool
    with pytest.raises(RuntimeError):
        fb.zeros(-1)
    with pytest.raises(ValueError, match="lengths"):
        fb.tensor([[1, 2], [3]])


@pytest.mark.parametrize("shape", [(4, 8), (1, 1), (7,), (2, 3, 5), (1, 900), (900, 1), (0, 3)])
@pytest.mark.parametrize("dim", [None, 0, -1, (0,)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_small_sums_are_accurate(shape, dim, keepdim):
    a = values(*shape)
    for array in (a, np.asfortranarray(a)):
        made = fb.from_numpy(array).sum(dim, keepdim)
        expected = a.astype("d").sum(axis=dim, keepdims=keepdim)
        assert made.shape == expected.shape
        np.testing.assert_allclose(made.numpy(), expected, rtol=1e-5, atol=1e-5)


def test_small_sums_keep_infinities_and_nan():
    a = np.array([[1, np.inf], [np.nan, 1], [np.inf, -np.inf], [3e38, 3e38]], "f")
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(fb.from_numpy(a).sum(1).numpy(), a.sum(1))
        np.testing.assert_array_equal(fb.from_numpy(a).sum(0).numpy(), a.sum(0))


def test_expanded_tensors_are_views_that_cannot_be_written_to():
    x = fb.tensor(values(3, 1))
    for size in ((3, 4), (2, 3, 4), (2, -1, 4), (2, 3, 1)):
        made = x.expand(size)
        assert made.tolist() == np.broadcast_to(x.numpy(), made.shape).tolist()
        assert made._base is x
        with pytest.raises((RuntimeError, ValueError)):
            made.add_(1)
    with pytest.raises(RuntimeError, match="cannot be expanded"):
        x.expand(2, 4)
