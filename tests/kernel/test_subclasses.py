"""Subclasses of Tensor, and classes with a ``__torch_function__`` of their own."""

import copy
from typing import ClassVar

import numpy as np
import pytest
from tests.kernel.beside_torch import torch

import flambeau as fb
from flambeau.overrides import TorchFunctionMode, handle_torch_function, has_torch_function


class Mine(fb.Tensor):
    """A subclass with nothing of its own."""


class Named(fb.Tensor):
    """One whose constructor takes a name."""

    @staticmethod
    def __new__(cls, values, name, **options):
        return super().__new__(cls, values, **options)

    def __init__(self, values, name):
        self.name = name


class Scalar:
    """No tensor: a matrix with one number along its diagonal."""

    handled: ClassVar = {}

    def __init__(self, n, value):
        self.n, self.value = n, value

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func not in cls.handled:
            return NotImplemented
        return cls.handled[func](*args, **(kwargs or {}))


Scalar.handled = {
    fb.mean: lambda x: x.value / x.n,
    fb.add: lambda x, y: "sum",
    fb.nn.functional.softmax: lambda x, dim: dim,
}


@pytest.mark.parametrize(
    "f",
    [
        lambda t, x: x + 1,
        lambda t, x: 1 - x,
        lambda t, x: t.ones(2) * x,
        lambda t, x: -x,
        lambda t, x: x[0],
        lambda t, x: x.sum(),
        lambda t, x: x.detach(),
        lambda t, x: x.data,
        lambda t, x: x.T,
        lambda t, x: t.cat([x, t.ones(2)]),
        lambda t, x: t.max(x, 0).values,
        lambda t, x: x.split(1)[0],
        lambda t, x: t.nn.functional.softmax(x, 0),
        lambda t, x: t.nn.Linear(2, 3)(x),
        lambda t, x: t.zeros_like(x),
        lambda t, x: x.mul_(2),
        lambda t, x: copy.deepcopy(x),
        lambda t, x: x == x,
    ],
)
def test_results_are_of_the_subclass(f) -> None:
    assert type(f(fb, fb.ones(2).as_subclass(Mine))) is Mine


def test_gradients_of_a_subclass_are_plain_tensors() -> None:
    x = fb.Tensor._make_subclass(Mine, fb.ones(2), True)
    assert x.is_leaf
    assert type(x) is Mine
    (x * 3).sum().backward()
    assert type(x.grad) is fb.Tensor
    np.testing.assert_array_equal(x.grad.numpy(), [3, 3])


def test_a_subclass_may_have_a_constructor_of_its_own() -> None:
    x = Named([1.0, 2.0], "weights")
    assert (x.name, x.tolist()) == ("weights", [1.0, 2.0])
    assert type(x * 2) is Named
    assert repr(x).startswith("Named([1., 2.]")


def seen_by(t):
    """The functions that a subclass of the library ``t`` is asked about."""
    seen = []

    class Logged(t.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            seen.append((func.__name__, [kind.__name__ for kind in types]))
            return super().__torch_function__(func, types, args, kwargs or {})

    x = Logged([1.0, 2.0])
    t.stack([x, x]), x + 1, x @ x, x.sum(dim=0), x.shape, x.size(), len(x), x[0], x.detach()
    t.nn.functional.linear(x, t.ones(3, 2)), x.softmax(0), x.requires_grad_(), bool(x[0])
    x.detach().add_(1), t.relu(x), x.to(t.float64)
    return seen


@pytest.mark.skipif(torch is None, reason="PyTorch is what it is compared with")
def test_a_subclass_is_asked_about_what_pytorch_asks_it() -> None:
    assert seen_by(fb) == seen_by(torch)


def test_any_class_may_run_a_function_itself() -> None:
    x = Scalar(4, 2.0)
    assert fb.mean(x) == 0.5
    assert fb.add(x, fb.ones(2)) == fb.add(fb.ones(2), x) == "sum"
    assert fb.ones(2) + x == "sum"
    assert fb.nn.functional.softmax(x, dim=1) == 1
    with pytest.raises(TypeError, match=r"no implementation found for 'mul'.*Scalar"):
        fb.mul(x, 2)


def test_a_class_may_switch_it_off() -> None:
    class Plain(fb.Tensor):
        __torch_function__ = fb._C._disabled_torch_function_impl

    assert type(Plain([1.0]) + 1) is fb.Tensor
    with fb._C.DisableTorchFunctionSubclass():
        assert type(fb.ones(2).as_subclass(Mine) + 1) is fb.Tensor


def test_parameters_give_plain_tensors() -> None:
    class Weight(fb.nn.Parameter):
        pass

    assert type(Weight(fb.ones(2)) * 2) is fb.Tensor


def test_functions_of_a_program_can_ask_too() -> None:
    def double(x):
        if has_torch_function((x,)):
            return handle_torch_function(double, (x,), x)
        return x * 2

    Scalar.handled = {**Scalar.handled, double: lambda x: "doubled"}
    assert double(Scalar(1, 1.0)) == "doubled"
    assert double(fb.ones(1)).item() == 2


def test_a_mode_sees_every_function() -> None:
    class Logged(TorchFunctionMode):
        def __init__(self):
            self.names = []

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.names.append(func.__name__)
            return func(*args, **(kwargs or {}))

    with Logged() as mode:
        (fb.ones(2) * 2).sum()
    assert mode.names == ["ones", "mul", "sum"]
    fb.ones(2) * 2
    assert len(mode.names) == 3


def test_second_derivatives_pass_through_a_subclass() -> None:
    x = fb.Tensor._make_subclass(Mine, fb.ones(2), True)
    (g,) = fb.autograd.grad((x**3).sum(), x, create_graph=True)
    assert type(g) is fb.Tensor
    (h,) = fb.autograd.grad(g.sum(), x)
    np.testing.assert_array_equal(h.numpy(), [6, 6])
