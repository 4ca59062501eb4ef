"""What operations refuse, with PyTorch's types of errors; and twins and draws of whole families."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import flambeau as fb

WHOLE, REAL = fb.tensor([1, 2]), fb.tensor([1.0, 2.0])
COMPLEX, TRUTH = fb.tensor([1j, 2.0]), fb.tensor([True, False])


@pytest.mark.parametrize("name", ["maximum", "atan2", "hypot", "logical_and", "gcd", "fmax"])
def test_a_number_beside_a_tensor_is_refused_where_pytorch_takes_none(name: str) -> None:
    with pytest.raises(TypeError, match="Tensor"):
        getattr(fb, name)(WHOLE, 2)


@pytest.mark.parametrize("name", ["eq", "lt", "fmod", "copysign", "clamp_min", "rsub"])
def test_the_first_of_two_must_be_a_tensor(name: str) -> None:
    with pytest.raises(TypeError, match="Tensor"):
        getattr(fb, name)(2, WHOLE)


@pytest.mark.parametrize("name", ["pow", "remainder", "bitwise_and", "xlogy", "float_power"])
def test_one_of_two_must_be_a_tensor(name: str) -> None:
    with pytest.raises(TypeError):
        getattr(fb, name)(2, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: fb.sign(COMPLEX),
        lambda: fb.floor(TRUTH),
        lambda: fb.lt(COMPLEX, 1),
        lambda: fb.hypot(WHOLE, WHOLE),
        lambda: fb.logaddexp(WHOLE, WHOLE),
        lambda: fb.igamma(WHOLE, WHOLE),
        lambda: fb.logcumsumexp(WHOLE, 0),
        lambda: fb.amax(COMPLEX, 0),
        lambda: fb.median(TRUTH),
        lambda: fb.bincount(REAL),
        lambda: fb.histc(WHOLE),
        lambda: fb.arange(0, 2, dtype=fb.bool),
        lambda: fb.bernoulli(WHOLE),
    ],
)
def test_kinds_of_numbers_that_an_operation_is_not_defined_for(call: Callable[[], Any]) -> None:
    with pytest.raises(NotImplementedError):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: REAL - TRUTH,
        lambda: fb.add(WHOLE, WHOLE, alpha=1.5),
        lambda: fb.isclose(REAL, REAL, rtol=-1),
        lambda: fb.quantile(REAL, 1.5),
        lambda: fb.quantile(WHOLE, 0.5),
        lambda: fb.histogram(REAL, 0),
        lambda: fb.gradient(fb.ones(1)),
        lambda: fb.renorm(REAL, 2, 0, 1.0),
        lambda: fb.cov(fb.ones(2, 2, 2)),
        lambda: fb.topk(TRUTH, 1),
        lambda: fb.diff(REAL, -1),
        lambda: fb.arange(0, float("inf")),
        lambda: fb.linspace(REAL, 1, 3),
        lambda: fb.randint(0, 300, (2,), dtype=fb.uint8),
        lambda: fb.ones(2).geometric_(1.0),
        lambda: fb.ones(2).cauchy_(sigma=0),
        lambda: fb.ones(2).log_normal_(std=0),
        lambda: fb.ones(2).exponential_(0),
        lambda: fb.ones(2).bernoulli_(1.5),
        lambda: fb.poisson(-fb.ones(2)),
        lambda: fb.multinomial(fb.ones(2), 0),
        lambda: fb.Generator().get_offset(),
    ],
)
def test_values_that_make_no_sense(call: Callable[[], Any]) -> None:
    with pytest.raises(RuntimeError):
        call()


@pytest.mark.parametrize(
    ("twin", "arguments"),
    [
        ("polygamma", (1,)),
        ("mvlgamma", (1,)),
        ("ldexp", (fb.tensor([1, 2]),)),
        ("float_power", (2.5,)),
        ("igamma", (fb.tensor([0.5, 2.0], dtype=fb.float64),)),
    ],
)
def test_a_twin_in_place_gives_what_the_function_gives(twin: str, arguments: Any) -> None:
    x = fb.tensor([2.0, 3.0], dtype=fb.float64)
    y = x.clone()
    assert getattr(y, f"{twin}_")(*arguments) is y
    np.testing.assert_allclose(y.numpy(), getattr(fb.Tensor, twin)(x, *arguments).numpy())


def test_a_twin_in_place_has_the_gradient_of_the_function() -> None:
    x = fb.tensor([2.0, 3.0], dtype=fb.float64, requires_grad=True)
    (x * 1).polygamma_(1).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), fb.polygamma(2, x.detach()).numpy())


@pytest.mark.parametrize(
    ("draw", "middle"),
    [
        (lambda x: x.cauchy_(3.0, 0.5), 3.0),
        (lambda x: x.log_normal_(1.0, 0.5), np.e),
        (lambda x: x.geometric_(0.3), 2.0),
        (lambda x: x.exponential_(2.0), np.log(2) / 2),
        (lambda x: fb.poisson(x * 50), 50.0),
        (lambda x: fb.binomial(x * 100, x * 0.3), 30.0),
    ],
)
def test_draws_have_the_median_of_their_distribution(draw: Any, middle: float) -> None:
    fb.manual_seed(5)
    drawn = np.median(draw(fb.ones(20000, dtype=fb.float64)).numpy())
    assert abs(drawn - middle) < 0.05 * max(1.0, middle)


def test_complex_normal_numbers_have_variance_one_in_all() -> None:
    fb.manual_seed(5)
    z = fb.randn(20000, dtype=fb.complex64)
    assert abs(float(z.var()) - 1) < 0.05
    assert abs(float(z.real.var()) - 0.5) < 0.05


def test_whole_numbers_to_negative_powers_are_rounded_towards_zero() -> None:
    powers = fb.tensor([2, -1, 1, -1]) ** fb.tensor([-1, -3, -2, -2])
    assert powers.tolist() == [0, -1, 1, 1]
