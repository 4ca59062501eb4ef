"""What careless or unlucky users do: an error of PyTorch's type that says what is wrong."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import flambeau as fb
from flambeau import nn
from flambeau.autograd import grad_mode
from flambeau.nn import functional as F

# What is done, the type of PyTorch's error, and a part of ours.
MISUSES = [
    (lambda: F.relu(5), TypeError, "expected a Tensor, got int"),
    (lambda: nn.Linear(3, 2)(None), TypeError, "linear: expected a Tensor, got NoneType"),
    (lambda: nn.Linear(3, 2)(fb.tensor(1.0)), RuntimeError, "no dimensions"),
    (lambda: F.cross_entropy(fb.ones(2, 3), [0, 1]), TypeError, "got list"),
    (lambda: fb.cat([fb.ones(2), 1]), TypeError, "cat: expected a Tensor, got int"),
    (lambda: fb.equal(fb.ones(2), [1, 1]), TypeError, "equal: expected a Tensor"),
    (lambda: fb.ones(2).add_("1"), TypeError, "add: expected a Tensor, got str"),
    (lambda: fb.ones(2).mul_([2.0, 2.0]), TypeError, "mul: expected a Tensor, got list"),
    (
        lambda: F.conv2d(fb.ones(1, 1, 4, 4), fb.ones(1, 1, 0, 0)),
        RuntimeError,
        "greater than zero, but got 0x0",
    ),
    (lambda: fb.ones(2, 3).view(-2, 3), RuntimeError, "invalid shape dimension -2 at index 0"),
    (lambda: fb.ones(6).reshape(2, -3), RuntimeError, "invalid shape dimension -3 at index 1"),
    (lambda: fb.ones(2, 3).gather(1, fb.zeros(3, 3).long()), RuntimeError, "no larger than self"),
    (lambda: fb.ones(3).tril(), RuntimeError, "at least 2 dimensions"),
    (lambda: fb.ones(2) & fb.ones(2), NotImplementedError, "works on integers"),
    (lambda: fb.ones(0, 3).argmax(), IndexError, "reduction dim"),
    (lambda: fb.ones(3).__setitem__(0, None), TypeError, "can't assign a NoneType"),
    (lambda: fb.ones(3).__setitem__(0, "1"), TypeError, "can't assign a str"),
    (lambda: fb.ones(3).fill_("1"), TypeError, "can't assign a str"),
    (lambda: fb.ones(1, 2).expand(3, 2).add_(1), RuntimeError, "x.clone() has memory of its own"),
    (lambda: fb.tensor(2**63), ValueError, "9223372036854775808"),
    (lambda: fb.tensor([1, 2**70]), ValueError, "up to 64 bits"),
    (lambda: fb.tensor([1, None]), RuntimeError, "NoneType"),
    (lambda: fb.tensor([1, 300], dtype=fb.uint8), RuntimeError, "300 cannot be converted"),
    (lambda: fb.randperm(-1), RuntimeError, "negative dimension"),
    (lambda: fb.normal(0.0, -1.0, (2,)), RuntimeError, "std >= 0"),
    (lambda: fb.linspace(0, 1, 2.5), TypeError, "integer"),
    (lambda: fb.manual_seed(2**70), ValueError, "64 bits"),
    (lambda: float(fb.ones(2)), ValueError, "2 elements"),
    (lambda: "a" in fb.ones(2), RuntimeError, "asked for a str"),
]


@pytest.mark.parametrize("misuse", MISUSES, ids=[text for _, _, text in MISUSES])
def test_misuse_has_torchs_type_and_says_what_is_wrong(misuse):
    act, kind, text = misuse
    with pytest.raises(kind) as caught:
        act()
    assert text in str(caught.value)


def test_an_attribute_error_of_the_users_own_is_left_alone():
    with pytest.raises(AttributeError, match="'Tensor' object has no attribute 'nonsense'"):
        fb.ones(2).nonsense()


def test_a_mean_loss_over_nothing_is_nan():
    nothing = fb.zeros(0, dtype=fb.int64)
    assert np.isnan(F.cross_entropy(fb.ones(0, 4), nothing).item())
    assert np.isnan(F.nll_loss(fb.ones(0, 4), nothing).item())
    assert F.cross_entropy(fb.ones(0, 4), nothing, reduction="sum").item() == 0


# Gradients that cannot be


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (5, TypeError, "not int"),
        (fb.ones(2), RuntimeError, "shape (2,)"),
        (fb.ones(3, dtype=fb.float64), RuntimeError, "float64"),
    ],
)
def test_grad_takes_only_what_is_like_its_tensor(value, kind, text):
    x = fb.ones(3, requires_grad=True)
    with pytest.raises(kind) as caught:
        x.grad = value
    assert text in str(caught.value)
    assert x.grad is None


@pytest.mark.parametrize("leaf", [True, False])
@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        (5, TypeError, "returned int"),
        (np.ones(3), TypeError, "returned ndarray"),
        (fb.ones(4), RuntimeError, "to shape (4,)"),
        (fb.ones(3).double(), RuntimeError, "float64"),
    ],
)
def test_a_hook_that_returns_nonsense_is_named(leaf, given, kind, text):
    def my_hook(g):
        return given

    x = fb.ones(3, requires_grad=True)
    y = x * 2
    (x if leaf else y).register_hook(my_hook)
    with pytest.raises(kind) as caught:
        y.sum().backward()
    assert "my_hook" in str(caught.value)
    assert text in str(caught.value)
    assert x.grad is None


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ((5,), TypeError),
        ((fb.ones(5, 5),), RuntimeError),
        ((fb.ones(1, 2), fb.ones(1)), RuntimeError),
    ],
)
def test_a_module_hook_that_returns_nonsense_raises(given, kind):
    model = nn.Linear(2, 2)
    model.register_full_backward_hook(lambda module, grad_input, grad_output: given)
    with pytest.raises(kind, match=r"hook"):
        model(fb.ones(1, 2, requires_grad=True)).sum().backward()


def function_with(forward, backward):
    return type("Mine", (fb.autograd.Function,), {
        "forward": staticmethod(forward), "backward": staticmethod(backward)})  # fmt: skip


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (5, "returned int as gradient 0"),
        (np.ones(3), "returned ndarray"),
        (fb.ones(7), "its shape is (7,), and argument 0 of forward has shape (3,)"),
        ((fb.ones(3), fb.ones(3)), "returned 2 gradients"),
    ],
)
def test_a_function_with_a_wrong_backward_says_so(given, text):
    x = fb.ones(3, requires_grad=True)
    mine = function_with(lambda ctx, x: x * 2, lambda ctx, g: given)
    with pytest.raises(RuntimeError) as caught:
        mine.apply(x).sum().backward()
    assert text in str(caught.value)


def test_a_function_may_give_what_is_no_tensor_and_none_too_many():
    seen = []

    def backward(ctx, g, other):
        seen.append(other)
        return g * 2, None

    x = fb.ones(3, requires_grad=True)
    mine = function_with(lambda ctx, x: (x * 2, "text"), backward)
    y, text = mine.apply(x)
    y.sum().backward()
    assert (text, seen, x.grad.tolist()) == ("text", [None], [2, 2, 2])
    assert function_with(lambda ctx, x: None, backward).apply(x) is None


def test_a_function_keeps_tensors_only_until_its_backward():
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    x = fb.ones(3, requires_grad=True)
    y = function_with(forward, lambda ctx, g: g * 2 * ctx.saved_tensors[0]).apply(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="already run through Mine"):
        y.backward()
    with pytest.raises(TypeError, match="argument 0 is of type int"):
        function_with(lambda ctx, x: ctx.save_for_backward(5), None).apply(x)


# Switches


def test_a_thread_that_ends_without_gradients_leaves_nothing_behind():
    found = []
    for _ in range(20):  # the next thread often gets the number of the last
        for work in (
            lambda: fb.set_grad_enabled(False),
            lambda: found.append(fb.is_grad_enabled()),
        ):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    assert all(found)
    assert not grad_mode.off


def test_no_grad_around_a_generator_holds_only_while_it_runs():
    @fb.no_grad()
    def numbers(count):
        total = 0
        for i in range(count):
            total += (yield i, fb.is_grad_enabled()) or 0
        return total

    running = numbers(2)
    assert next(running) == (0, False)
    assert fb.is_grad_enabled()
    assert running.send(5) == (1, False)
    with pytest.raises(StopIteration) as end:
        running.send(6)
    assert end.value.value == 11
    running = numbers(2)
    next(running)
    running.close()
    with pytest.raises(KeyError):
        running.throw(KeyError)
    assert fb.is_grad_enabled()


def test_tensors_of_inference_mode_stay_out_of_the_graph():
    with fb.inference_mode():
        x = fb.ones(2)
        x.add_(1)
    assert x.is_inference()
    with pytest.raises(RuntimeError, match="cannot be written to"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="cannot require gradients"):
        x.requires_grad_()
    with pytest.raises(RuntimeError, match="inference_mode"):
        fb.ones(2, requires_grad=True) * x
    assert (x.clone() + 1).tolist() == [3, 3]
