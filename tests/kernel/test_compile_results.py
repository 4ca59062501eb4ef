"""What a replay hands out, gradients through it, and compiled things as things."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

# What is handed out
from tests.kernel.compiled import F, mlp, numbers, regression, trainer

import flambeau as fb
from flambeau import nn
from flambeau.compiler import program as programs
from flambeau.compiler.frontend import Compiled

pytestmark = pytest.mark.usefixtures("fresh")


def test_what_was_returned_is_not_written_to_again(way) -> None:
    model = mlp()
    step, _ = trainer(model)
    compiled = fb.compile(step)
    (x, y), (x2, y2), _ = regression()
    compiled(fb.tensor(x), fb.tensor(y))
    loss = compiled(fb.tensor(x), fb.tensor(y))
    value = loss.item()
    held = [p.grad for p in model.parameters()]
    arrays = [p.grad.numpy() for p in model.parameters()]
    view = model[0].weight.grad[0]
    before = [g.clone() for g in held]
    first = view.clone()
    compiled(fb.tensor(x2), fb.tensor(y2))
    compiled(fb.tensor(x2), fb.tensor(y2))
    assert loss.item() == value
    assert all(fb.equal(a, b) for a, b in zip(held, before, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))
    assert fb.equal(view, first)


def test_gradients_that_are_held_after_they_were_forgotten(way) -> None:
    model = mlp()
    step, optimizer = trainer(model)
    compiled = fb.compile(step)
    batches = [tuple(map(fb.tensor, b)) for b in regression()]
    compiled(*batches[0]), compiled(*batches[0])
    held = [p.grad for p in model.parameters()]
    before = [g.clone() for g in held]
    optimizer.zero_grad()
    compiled(*batches[1])
    assert all(fb.equal(a, b) for a, b in zip(held, before, strict=True))


def test_nested_results_and_named_arguments(way) -> None:
    @fb.compile
    def f(a, b, *, scale=1.0, flag=True, extra=None):
        total = (a * b * scale).sum()
        return {"total": total, "pair": (a + b, [a.exp(), None, 3])} if flag else a

    a, b = fb.tensor(numbers(4)), fb.tensor(numbers(4, seed=1))
    for scale in (2.0, 3.0, 2.0):
        found = f(a, b, scale=scale)
        assert found["total"].item() == pytest.approx((a * b * scale).sum().item(), rel=1e-5)
        assert np.allclose(found["pair"][0], a + b)
        assert np.allclose(found["pair"][1][0], a.exp(), rtol=1e-6)
        assert found["pair"][1][1:] == [None, 3]
    assert f(a, b, flag=False) is a
    assert f(a, b, flag=False) is a
    assert len(f.programs) == 3
    assert f.reasons == []


# Gradients through a compiled forward


def test_a_compiled_module_trains_with_an_optimizer_outside(way) -> None:
    model = mlp(nn.GELU)
    twin = copy.deepcopy(model)
    compiled = fb.compile(model)
    optimizers = [fb.optim.Adam(m.parameters(), lr=0.01) for m in (model, twin)]
    for x, y in regression() * 4:
        losses = []
        for m, optimizer in zip((compiled, twin), optimizers, strict=True):
            optimizer.zero_grad()
            loss = F.mse_loss(m(fb.tensor(x)), fb.tensor(y))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert compiled.reasons == []
    assert len(compiled.programs) == 1


def test_gradients_reach_what_came_before(way) -> None:
    model = mlp()
    compiled = fb.compile(model)
    for i in range(3):
        x = fb.tensor(numbers(8, 2, seed=i), requires_grad=True)
        (compiled(x * 2) ** 2).sum().backward()
        y = x.detach().requires_grad_()
        (model(y * 2) ** 2).sum().backward()
        assert np.allclose(x.grad, y.grad, atol=1e-5)


def test_two_forwards_before_their_backwards(way) -> None:
    model = mlp()
    compiled = fb.compile(model)
    x, z = fb.tensor(numbers(8, 2)), fb.tensor(numbers(8, 2, seed=1))
    compiled(x)
    (compiled(x).sum() * 2 + compiled(z).pow(2).sum()).backward()
    found = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    (model(x).sum() * 2 + model(z).pow(2).sum()).backward()
    assert all(
        np.allclose(a, p.grad, atol=1e-5) for a, p in zip(found, model.parameters(), strict=True)
    )


def test_second_derivatives(way) -> None:
    f = fb.compile(lambda a: (a.exp() * a).sum())
    a = fb.tensor(numbers(5), requires_grad=True)
    for _ in range(3):
        (g,) = fb.autograd.grad(f(a), a, create_graph=True)
        (h,) = fb.autograd.grad(g.sum(), a)
        assert np.allclose(g.detach(), (a.exp() * (a + 1)).detach(), rtol=1e-5)
        assert np.allclose(h, (a.exp() * (a + 2)).detach(), rtol=1e-5)


def test_a_graph_is_used_once_and_weights_stay_as_they_were(way) -> None:
    model = mlp()
    compiled = fb.compile(model)
    x = fb.tensor(numbers(8, 2))
    compiled(x)
    out = compiled(x).sum()
    out.backward()
    with pytest.raises(RuntimeError, match="already been used"):
        out.backward()
    out = compiled(x).sum()
    with fb.no_grad():
        model[2].weight.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        out.backward()


# In place, views


def test_writes_in_place(way) -> None:
    state = fb.zeros(3)

    @fb.compile
    def f(x):
        y = x * 2
        y += 1
        y.mul_(3)
        with fb.no_grad():
            state.add_(x)
        return y

    total = np.zeros(3)
    for i in range(4):
        x = numbers(3, seed=i)
        total += x
        assert np.allclose(f(fb.tensor(x)), (x * 2 + 1) * 3, atol=1e-5)
        assert np.allclose(state, total, atol=1e-5)
    assert state._version == 4
    assert f.reasons == []


def test_steps_by_hand(way) -> None:
    w = fb.tensor(numbers(3), requires_grad=True)
    twin = w.detach().clone().requires_grad_()

    def step(p, x):
        loss = ((p * x) ** 2).sum()
        loss.backward()
        with fb.no_grad():
            p -= 0.1 * p.grad
        p.grad = None
        return loss.detach()

    compiled = fb.compile(lambda x: step(w, x))
    for i in range(5):
        x = fb.tensor(numbers(3, seed=i))
        assert compiled(x).item() == pytest.approx(step(twin, x).item(), rel=1e-5)
    assert np.allclose(w.detach(), twin.detach(), atol=1e-6)
    assert w.grad is None


def test_writes_through_views_fall_back_or_are_right() -> None:
    @fb.compile
    def f(x):
        y = x * 1
        y[0] = 5.0
        y.view(-1)[1] = 7.0
        return y

    for i in range(4):
        assert f(fb.ones(3) * i).tolist() == [5.0, 7.0, i]

    @fb.compile
    def g(x):
        x.add_(1)
        return x

    x = fb.zeros(2)
    for i in range(4):
        assert g(x) is x
        assert x.tolist() == [i + 1] * 2


# As a thing


def test_a_compiled_module_is_a_module() -> None:
    model = mlp()
    compiled = fb.compile(model)
    assert isinstance(compiled, nn.Module)
    assert compiled._orig_mod is model
    assert list(compiled.state_dict()) == [f"_orig_mod.{k}" for k in model.state_dict()]
    assert len(list(compiled.parameters())) == 4
    x = fb.tensor(numbers(3, 2))
    expected = compiled(x)
    again = pickle.loads(pickle.dumps(compiled))
    assert fb.equal(again(x), expected)
    assert fb.equal(copy.deepcopy(compiled)(x), expected)
    assert fb.compile(compiled) is compiled


def test_a_compiled_function_inside_another(way) -> None:
    inner = fb.compile(lambda x: x * 2)
    outer = fb.compile(lambda x: inner(x) + 1)
    for i in range(3):
        assert outer(fb.tensor([1.0 * i])).item() == 2 * i + 1
    assert outer.reasons == []
    assert isinstance(inner, Compiled)


def test_methods_can_be_compiled() -> None:
    class Trainer:
        def __init__(self):
            self.model = mlp()
            self.optimizer = fb.optim.SGD(self.model.parameters(), lr=0.1)
            self.weight = 1.0

        @fb.compile
        def step(self, x):
            self.optimizer.zero_grad()
            loss = self.model(x).pow(2).mean() * self.weight
            loss.backward()
            self.optimizer.step()
            return loss

    one, two = Trainer(), Trainer()
    x = fb.tensor(numbers(4, 2))
    losses = [one.step(x).item() for _ in range(4)]
    assert losses[3] < losses[0]
    expected = two.model(x).pow(2).mean().item()
    assert two.step(x).item() == pytest.approx(expected, rel=1e-5)
    one.weight = 0.0
    assert one.step(x).item() == 0


def test_module_compile_replays_in_place() -> None:
    model = mlp()
    x = fb.tensor(numbers(3, 2))
    expected = model(x)
    model.compile()
    assert np.allclose(model(x).detach(), expected.detach(), atol=1e-6)
    assert np.allclose(model(x).detach(), expected.detach(), atol=1e-6)
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert np.allclose(copy.deepcopy(model)(x).detach(), expected.detach(), atol=1e-6)


def test_a_recording_shows_the_operations_and_their_groups() -> None:
    model = mlp()
    step, _ = trainer(model)
    compiled = fb.compile(step)
    x, y = (fb.tensor(a) for a in regression()[0])
    compiled(x, y), compiled(x, y)
    with fb.record() as trace:
        compiled(x, y)
    told = trace["ops"]["arguments"]
    rows = [(row.name, trace.strings[told[row.row]]) for row in trace.ops if row.phase == "forward"]
    assert [name for name, _ in rows[:4]] == ["linear", "tanh", "linear", "mse_loss"]
    if programs.installed():
        assert rows[1][1] == "in fused(linear, tanh)"
    compiled(x, y)
    assert len(compiled.programs) == 1


def test_reset_forgets_programs() -> None:
    f = fb.compile(lambda x: x + 1)
    f(fb.ones(1))
    assert len(f.programs) == 1
    fb.compiler.reset()
    assert f.programs == []
    assert f(fb.ones(1)).item() == 2
