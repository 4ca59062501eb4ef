"""Jacobians, gradients and their checks against PyTorch."""

from __future__ import annotations

import pytest
from beside_torch import agree, randn, same_error

import flambeau as fb

# functional


def rows(x):
    return x.exp().sum(dim=1)


def two(x, y):
    return (x * y).sum(0), x + 3 * y


def cube(x):
    return (x**3).sum()


def product(x, y):
    return (x**2 * y).sum()


WAYS = [
    {},
    {"create_graph": True},
    {"vectorize": True},
    {"vectorize": True, "strategy": "forward-mode"},
    {"create_graph": True, "vectorize": True},
]


def pair(t):
    return randn(t, 2, 3), randn(t, 2, 3, seed=1)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_jacobians_are_torchs(way):
    agree(lambda t: t.autograd.functional.jacobian(rows, randn(t, 2, 3), **way))
    agree(lambda t: t.autograd.functional.jacobian(two, pair(t), **way))


@pytest.mark.parametrize("way", [{k.replace("strategy", "outer_jacobian_strategy"): v
                                  for k, v in way.items()} for way in WAYS], ids=str)  # fmt: skip
def test_hessians_are_torchs(way):
    agree(lambda t: t.autograd.functional.hessian(cube, randn(t, 2, 3), **way))
    agree(lambda t: t.autograd.functional.hessian(product, pair(t), **way))


@pytest.mark.parametrize("create_graph", [False, True])
def test_products_with_vectors_are_torchs(create_graph):
    def program(t):
        tools, x = t.autograd.functional, pair(t)
        v = (randn(t, 2, 3, seed=5), randn(t, 2, 3, seed=6))
        return (
            tools.vjp(two, x, (randn(t, 3), randn(t, 2, 3)), create_graph=create_graph),
            tools.jvp(two, x, v, create_graph=create_graph),
            tools.hvp(product, x, v, create_graph=create_graph),
            tools.vhp(product, x, v, create_graph=create_graph),
            tools.vhp(cube, x[0], v[0], create_graph=create_graph),
        )

    agree(program)


def called(name, func, *args, **kwargs):
    return lambda t: getattr(t.autograd.functional, name)(
        func, *(a(t) if callable(a) else a for a in args), **kwargs
    )


def square(t):
    return t.ones(2, 2)


MISUSE = [
    called("jacobian", lambda x: 3, square),
    called("jacobian", rows, 3),
    called("jacobian", rows, square, strategy="x"),
    called("jacobian", rows, square, strategy="forward-mode"),
    called("jacobian", rows, square, vectorize=True, strict=True),
    called("jacobian", lambda x, y: x, lambda t: (t.ones(2), t.ones(2)), strict=True),
    called("jacobian", lambda x: x.detach(), square, strict=True),
    called("hessian", rows, square),
    called("hessian", lambda x: x.sum(), square, strict=True),
    called("vjp", rows, square),
    called("vjp", rows, square, lambda t: t.ones(3)),
    called("jvp", lambda x: x.sum(), square, square, strict=True, create_graph=True),
    called("hvp", lambda x: x.sum(), square, square, strict=True),
]


@pytest.mark.parametrize("program", MISUSE)
def test_misuse_of_functional_raises_torchs_type(program):
    same_error(program)


# grad and backward


def test_rules_of_unused_inputs():
    x = lambda t: t.ones(2, requires_grad=True)  # noqa: E731
    grad = lambda **o: lambda t: t.autograd.grad(x(t).sum(), x(t), **o)  # noqa: E731
    same_error(grad(allow_unused=False, materialize_grads=True), "allow_unused")
    same_error(grad(), "allow_unused")
    agree(grad(materialize_grads=True))


def test_batched_seeds_with_a_graph():
    def program(t):
        x = randn(t, 3).requires_grad_()
        unused = randn(t, 3).requires_grad_()
        first, none = t.autograd.grad(
            x**3, (x, unused), t.eye(3), is_grads_batched=True, create_graph=True, allow_unused=True
        )
        assert none is None
        return first, t.autograd.grad(first.sum(), x)

    agree(program)


def test_backward_to_inputs_that_are_no_leaves():
    def program(t):
        x = randn(t, 3).requires_grad_()
        y = x * 2
        (y * y).sum().backward(inputs=[y, x])
        return y.grad, x.grad

    agree(program)
    same_error(lambda t: t.autograd.backward(t.ones(1, requires_grad=True), inputs=[]), "empty")


def test_retained_gradients_follow_writes():
    def program(t):
        x = randn(t, 3).requires_grad_()
        y = x * 2
        y.retain_grad()
        y.mul_(2)
        y.sum().backward()
        return y.grad, x.grad

    agree(program)


def test_a_gradient_that_a_hook_kept_does_not_change_later():
    x = fb.ones(3, requires_grad=True)
    kept = []
    x.register_hook(kept.append)
    for _ in range(3):
        (x * 2).sum().backward()
    assert kept[0].tolist() == [2, 2, 2]


def test_variable_and_switches_that_do_nothing():
    made = fb.autograd.Variable(fb.ones(2), requires_grad=True)
    assert made.requires_grad
    assert isinstance(made, fb.autograd.Variable)
    with fb.autograd.set_multithreading_enabled(False):
        (made * 2).sum().backward()


# gradcheck


def double(t, *shape, seed=0):
    return randn(t, *shape, seed=seed, dtype="float64").requires_grad_()


def complex_leaf(t, n):
    return t.complex(double(t, n).detach(), double(t, n, seed=1).detach()).requires_grad_()


@pytest.mark.parametrize(
    "options",
    [{}, {"fast_mode": True}, {"check_forward_ad": True}, {"check_batched_grad": True}],
    ids=str,
)
def test_gradcheck_passes_what_is_right(options):
    def program(t):
        check = t.autograd.gradcheck
        x, y = double(t, 2, 3), double(t, 2, 3, seed=1)
        assert check(lambda x, y: (x.sin() * y, x @ y.T), (x, y), **options)
        assert check(lambda z: t.view_as_real(z * z), (complex_leaf(t, 3),), **options)
        assert check(lambda z: (z * z).abs() + z.conj() * z, (complex_leaf(t, 3),), **options)
        assert check(lambda x: t.complex(x, x * x), (double(t, 3),), **options)
        return []

    agree(program)


@pytest.mark.parametrize(
    "options", [{}, {"check_fwd_over_rev": True}, {"fast_mode": True}], ids=str
)
def test_gradgradcheck(options):
    x, y = double(fb, 2, 3), double(fb, 2, 3, seed=1)
    assert fb.autograd.gradgradcheck(lambda x, y: (x.sin() * y, x @ y.T), (x, y), **options)


def wrong(t):
    class Wrong(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0] * 3

    return Wrong.apply


def test_gradcheck_shows_both_jacobians():
    text = r"output 0 with respect to input 0,\s*numerical:tensor[\s\S]*analytical:tensor"
    for fast in (False, True):
        same_error(
            lambda t, fast=fast: t.autograd.gradcheck(wrong(t), (double(t, 3),), fast_mode=fast),
            text,
        )
    assert not fb.autograd.gradcheck(wrong(fb), (double(fb, 3),), raise_exception=False)


def test_misuse_of_gradcheck():
    check = lambda f, x: lambda t: t.autograd.gradcheck(f, (x(t),))  # noqa: E731
    same_error(check(lambda x: x, lambda t: double(t, 3).detach()), "requires_grad=True")
    same_error(check(lambda x: x.detach(), lambda t: double(t, 3)), "expected to be zero")
    same_error(check(lambda x: x * 2, lambda t: double(t, 1).expand(3)), "stride 0")
