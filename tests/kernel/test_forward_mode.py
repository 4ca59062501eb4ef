"""``torch.autograd.forward_ad`` against PyTorch."""

from __future__ import annotations

import pytest
from beside_torch import agree, randn, same_error

import flambeau as fb


def dual(t):
    return t.autograd.forward_ad


PROGRAMS = {
    "a chain": lambda t, x: (x.sin() * x).exp().sum(),
    "softmax": lambda t, x: t.nn.functional.softmax(x, 0),
    "in place": lambda t, x: x.clone().mul_(x).add_(1),
    "a view": lambda t, x: x[1:] * 2,
    "several outputs": lambda t, x: x.split([1, 2])[1].cos(),
    "sorting": lambda t, x: t.sort(x)[0] * x,
    "a product": lambda t, x: x @ x,
    "no derivative": lambda t, x: x.round() + x,
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_tangents_are_torchs(program):
    def run(t):
        with dual(t).dual_level():
            x = dual(t).make_dual(randn(t, 3), randn(t, 3, seed=1))
            return tuple(dual(t).unpack_dual(program(t, x)))

    agree(run)


def test_forward_over_reverse():
    def run(t):
        with dual(t).dual_level():
            leaf = randn(t, 3).requires_grad_()
            x = dual(t).make_dual(leaf, randn(t, 3, seed=1))
            (g,) = t.autograd.grad((x**3).sum(), leaf, create_graph=True)
            return dual(t).unpack_dual(g).tangent

    agree(run)


def test_reverse_over_forward():
    def run(t):
        x = randn(t, 3).requires_grad_()
        with dual(t).dual_level():
            y = dual(t).make_dual(x, randn(t, 3, seed=1)).exp()
            tangent = dual(t).unpack_dual(y).tangent
        return t.autograd.grad(tangent.sum(), x)

    agree(run)


def test_no_grad_does_not_stop_tangents():
    def run(t):
        with dual(t).dual_level(), t.no_grad():
            x = dual(t).make_dual(randn(t, 3), randn(t, 3, seed=1))
            return dual(t).unpack_dual(x * x).tangent

    agree(run)


def test_dropout_and_its_tangent_draw_once():
    with dual(fb).dual_level():
        x = dual(fb).make_dual(fb.ones(100), fb.ones(100))
        primal, tangent = dual(fb).unpack_dual(fb.nn.functional.dropout(x))
    assert fb.equal(primal, tangent)


def test_a_functions_own_jvp_is_used():
    def run(t):
        class Exp(t.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_forward(x)
                return x.exp()

            @staticmethod
            def jvp(ctx, tangent):
                return tangent * ctx.saved_tensors[0].exp()

        with dual(t).dual_level():
            x = dual(t).make_dual(randn(t, 3), randn(t, 3, seed=1))
            return dual(t).unpack_dual(Exp.apply(x)).tangent

    agree(run)


def test_tangents_end_with_their_level():
    with dual(fb).dual_level():
        x = dual(fb).make_dual(fb.ones(3), fb.ones(3))
        assert dual(fb).unpack_dual(fb.ones(3)).tangent is None
    assert dual(fb).unpack_dual(x).tangent is None


def nested(t):
    with dual(t).dual_level(), dual(t).dual_level():
        pass


def at_level(t, primal, tangent):
    with dual(t).dual_level():
        return dual(t).make_dual(primal, tangent)


def test_misuse():
    same_error(lambda t: dual(t).make_dual(t.ones(2), t.ones(2)), "no level exists")
    same_error(nested, "Nested forward mode")
    same_error(lambda t: at_level(t, t.ones(3), t.ones(2)), "different size")
    same_error(lambda t: at_level(t, t.ones(3, dtype=t.int64), t.ones(3)), "floating point")
