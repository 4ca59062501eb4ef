"""``torch.utils.checkpoint`` against PyTorch."""

from __future__ import annotations

import importlib
import warnings

import pytest
from beside_torch import agree, randn, same_error

import flambeau as fb


def tools(t):
    return importlib.import_module(f"{t.__name__}.utils.checkpoint")


@pytest.mark.parametrize("reentrant", [True, False])
def test_gradients_are_the_same_and_the_function_runs_twice(reentrant):
    def program(t):
        x, w = randn(t, 3).requires_grad_(), randn(t, 3, seed=1).requires_grad_()
        runs = []

        def part(a):
            runs.append(1)
            return (a * w).exp().tanh()

        y = tools(t).checkpoint(part, x * 2, use_reentrant=reentrant)
        assert len(runs) == 1
        y.sum().backward()
        assert len(runs) == 2
        return x.grad, w.grad

    agree(program)


@pytest.mark.parametrize("reentrant", [True, False])
def test_a_sequence_in_parts(reentrant):
    def program(t):
        net = t.nn.Sequential(*[t.nn.Linear(3, 3) for _ in range(5)])
        for i, p in enumerate(net.parameters()):
            p.data = randn(t, *p.shape, seed=i)
        x = randn(t, 2, 3).requires_grad_()
        tools(t).checkpoint_sequential(net, 2, x, use_reentrant=reentrant).sum().backward()
        return x.grad, [p.grad for p in net.parameters()]

    agree(program)


@pytest.mark.parametrize("reentrant", [True, False])
def test_the_second_run_draws_the_same_numbers(reentrant):
    x = fb.ones(100, requires_grad=True)
    y = tools(fb).checkpoint(fb.nn.functional.dropout, x, use_reentrant=reentrant)
    before = fb.get_rng_state()
    y.sum().backward()
    assert fb.equal(x.grad, y.detach())
    assert fb.equal(before, fb.get_rng_state())


def test_second_derivatives_and_keyword_arguments():
    def program(t):
        x = randn(t, 3).requires_grad_()
        y = tools(t).checkpoint(
            lambda a, scale: (a * scale) ** 3, x, scale=2.0, use_reentrant=False
        )
        (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
        return g, t.autograd.grad(g.sum(), x)

    agree(program)


def test_nothing_inside_is_kept():
    x = fb.ones(3, requires_grad=True)
    y = tools(fb).checkpoint(lambda a: a.exp().exp(), x, use_reentrant=False)
    kept = fb.autograd.node.Node.__dict__["kept"]
    from flambeau.autograd import graph

    held = graph._kept.__get__(y.grad_fn)
    assert kept is graph._kept
    assert not any(hasattr(v.value, "shape") for v in held)


def test_a_context_for_each_run():
    entered = []

    class Noted:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            entered.append(self.name)

        def __exit__(self, *_):
            pass

    x = fb.ones(3, requires_grad=True)
    contexts = lambda: (Noted("first"), Noted("second"))  # noqa: E731
    y = tools(fb).checkpoint(lambda a: a.exp(), x, use_reentrant=False, context_fn=contexts)
    y.sum().backward()
    assert entered == ["first", "second"]


def unsteady(t, **options):
    runs = []

    def part(a):
        runs.append(1)
        return (a.exp() if len(runs) == 1 else a[:1].exp()).sum()

    x = randn(t, 3).requires_grad_()
    tools(t).checkpoint(part, x, use_reentrant=False, **options).backward()


def through_grad(t):
    x = randn(t, 3).requires_grad_()
    t.autograd.grad(tools(t).checkpoint(lambda a: a.exp(), x, use_reentrant=True).sum(), x)


def test_misuse():
    same_error(unsteady, "different metadata")
    same_error(through_grad, "incompatible with .grad")
    check = lambda **o: lambda t: tools(t).checkpoint(lambda a: a, t.ones(3), **o)  # noqa: E731
    same_error(check(use_reentrant=True, foo=1), "foo")
    same_error(check(use_reentrant=False, determinism_check="q"), "determinism_check")
    same_error(check(use_reentrant=True, context_fn=lambda: 1), "context_fn")


def test_use_reentrant_should_be_said():
    with pytest.warns(UserWarning, match="use_reentrant"), warnings.catch_warnings():
        tools(fb).checkpoint(lambda a: a, fb.ones(3, requires_grad=True))
