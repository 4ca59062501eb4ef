"""What a program of ``compile`` is guarded by."""

from __future__ import annotations

import copy
import gc
import math

import numpy as np
import pytest

# What programs are guarded by
from tests.kernel.compiled import F, mlp, numbers, regression, trainer

import flambeau as fb
from flambeau import nn

pytestmark = pytest.mark.usefixtures("fresh")


def test_schedulers_change_the_rate_outside(way) -> None:
    results = []
    for use in (lambda f: f, fb.compile):
        fb.manual_seed(3)
        model = mlp()
        step, optimizer = trainer(model, "Adam", lr=0.1)
        schedule = fb.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        step = use(step)
        for x, y in regression() * 3:
            step(fb.tensor(x), fb.tensor(y))
            schedule.step()
        results.append([p.detach().clone() for p in model.parameters()])
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(*results, strict=True))
    assert step.reasons == []
    assert len(step.programs) == 1


def test_a_scheduler_inside_runs_eagerly() -> None:
    model = mlp()
    optimizer = fb.optim.SGD(model.parameters(), lr=1.0)
    schedule = fb.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)

    @fb.compile
    def step(x):
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()
        schedule.step()

    for _ in range(5):
        step(fb.ones(3, 2))
    assert optimizer.param_groups[0]["lr"] == 0.5**5
    assert step.programs == []


def test_training_and_evaluation_have_programs_of_their_own(way) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))
    compiled = fb.compile(model)
    x = fb.tensor(numbers(3, 4))
    for _ in range(2):
        model.train()
        fb.manual_seed(1)
        a = compiled(x)
        fb.manual_seed(1)
        assert np.allclose(a.detach(), model(x).detach(), atol=1e-6)
        compiled.eval()
        assert np.allclose(compiled(x).detach(), model(x).detach(), atol=1e-6)
    assert len(compiled.programs) == 2


def test_grad_mode_and_wanted_gradients_are_looked_at(way) -> None:
    model = mlp()
    compiled = fb.compile(model)
    x = fb.tensor(numbers(8, 2))
    for _ in range(2):
        assert compiled(x).requires_grad
        with fb.no_grad():
            assert not compiled(x).requires_grad
    model[0].weight.requires_grad_(False)
    for _ in range(2):
        compiled(x).sum().backward()
    assert model[0].weight.grad is None
    assert model[0].bias.grad is not None
    model.requires_grad_(False)
    assert not compiled(x).requires_grad
    assert np.allclose(compiled(x), model(x), atol=1e-6)


def test_numbers_given_and_read_are_looked_at(way) -> None:
    factor, settings = 2.0, {"shift": 1.0}

    @fb.compile
    def f(x, power, name="a"):
        return (x * factor + settings["shift"]) ** power

    x = fb.tensor([1.0, 2.0])
    assert f(x, 1).tolist() == [3, 5]
    assert f(x, 2).tolist() == [9, 25]
    assert f(x, 1).tolist() == [3, 5]
    factor = 3.0
    assert f(x, 1).tolist() == [4, 7]
    settings["shift"] = 0.0
    assert f(x, 1).tolist() == [3, 6]
    assert f(x, True).tolist() == [3, 6]
    assert f.reasons == []


def test_attributes_of_modules_are_looked_at(way) -> None:
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = 2.0
            self.layer = nn.Identity()

        def forward(self, x):
            return self.layer(x) * self.factor

    model = Scaled()
    compiled = fb.compile(model)
    x = fb.tensor([1.0])
    assert compiled(x).item() == compiled(x).item() == 2
    model.factor = 5.0
    assert compiled(x).item() == 5
    model.layer = nn.ReLU()
    assert compiled(-x).item() == 0
    compiled.factor = 7.0
    assert compiled(x).item() == 7


def test_weights_that_are_replaced_are_seen(way) -> None:
    model = mlp()
    compiled = fb.compile(model)
    x = fb.tensor(numbers(8, 2))
    compiled(x)
    model.load_state_dict({k: v * 2 for k, v in model.state_dict().items()})
    assert np.allclose(compiled(x).detach(), model(x).detach(), atol=1e-6)
    model[0].weight.data = fb.ones(16, 2)
    assert np.allclose(compiled(x).detach(), model(x).detach(), atol=1e-6)
    model[0] = nn.Linear(2, 16)
    assert np.allclose(compiled(x).detach(), model(x).detach(), atol=1e-6)
    model.double()
    assert compiled(x.double()).dtype is fb.float64


def test_the_state_of_an_optimizer_that_is_loaded_is_used(way) -> None:
    results = []
    for use in (lambda f: f, fb.compile):
        fb.manual_seed(3)
        model = mlp()
        step, optimizer = trainer(model, "Adam", lr=0.1)
        step = use(step)
        (x, y), *_ = regression()
        for i in range(9):
            step(fb.tensor(x), fb.tensor(y))
            if i == 3:
                saved = copy.deepcopy(optimizer.state_dict())
            if i == 6:
                optimizer.load_state_dict(saved)
        results.append([p.detach().clone() for p in model.parameters()])
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(*results, strict=True))


def test_options_that_change_the_formula_are_followed(way) -> None:
    results = []
    for use in (lambda f: f, fb.compile):
        fb.manual_seed(3)
        model = mlp()
        step, optimizer = trainer(model, "SGD", lr=0.1)
        step = use(step)
        (x, y), *_ = regression()
        for i in range(9):
            if i == 4:
                optimizer.param_groups[0]["momentum"] = 0.9
            if i == 6:
                optimizer.param_groups[0]["weight_decay"] = 0.1
            step(fb.tensor(x), fb.tensor(y))
        results.append([p.detach().clone() for p in model.parameters()])
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(*results, strict=True))


def test_tensors_of_other_layouts_and_types(way) -> None:
    f = fb.compile(lambda x: (x * 2 + 1).sum(0))
    for x in (numbers(4, 6), numbers(6, 4).T, numbers(8, 6)[::2], numbers(4, 6)):
        assert np.allclose(f(fb.from_numpy(x)), (x * 2 + 1).sum(0), atol=1e-5)
    whole = fb.arange(24).reshape(4, 6)
    assert f(whole).tolist() == (whole * 2 + 1).sum(0).tolist()


def test_the_same_tensor_twice(way) -> None:
    f = fb.compile(lambda a, b: a * 2 + b)
    a, b = fb.tensor([1.0, 2.0]), fb.tensor([10.0, 20.0])
    assert f(a, a).tolist() == [3, 6]
    assert f(a, b).tolist() == [12, 24]
    assert f(b, b).tolist() == [30, 60]


def test_no_more_than_eight_programs() -> None:
    f = fb.compile(lambda x: x + 1)
    for n in range(1, 12):
        assert f(fb.ones(n)).tolist() == [2.0] * n
    assert len(f.programs) == 8
    assert any("8 programs" in reason for reason in f.reasons)


def test_groups_that_are_replaced_or_added_are_used(way) -> None:
    results = []
    for use in (lambda f: f, fb.compile):
        fb.manual_seed(3)
        model = mlp()
        optimizer = fb.optim.SGD(model[0].parameters(), lr=0.1)

        def step(x, y, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            model.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        step = use(step)
        (x, y), *_ = regression()
        for i in range(9):
            step(fb.tensor(x), fb.tensor(y))
            if i == 2:
                saved = copy.deepcopy(optimizer.state_dict())
                saved["param_groups"][0]["lr"] = 0.5
                optimizer.load_state_dict(saved)
            if i == 4:
                optimizer.param_groups[0]["lr"] = 0.01
            if i == 6:
                optimizer.add_param_group({"params": list(model[2].parameters()), "lr": 0.3})
        results.append([p.detach().clone() for p in model.parameters()])
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(*results, strict=True))


def test_a_gradient_from_outside_is_stepped_with(way) -> None:
    results = []
    for use in (lambda f: f, fb.compile):
        a = fb.tensor([1.0], requires_grad=True)
        b = fb.tensor([1.0], requires_grad=True)
        optimizer = fb.optim.SGD([a, b], lr=0.1)

        def step(x, a=a, optimizer=optimizer):
            a.grad = None
            (a * x).sum().backward()
            optimizer.step()

        step = use(step)
        for i in range(6):
            b.grad = fb.ones(1) if i in (3, 4) else None
            step(fb.tensor([2.0]))
        results.append((a.item(), b.item()))
    assert results[0] == pytest.approx(results[1])


def test_a_step_with_a_closure_is_not_replayed() -> None:
    w = fb.tensor([3.0], requires_grad=True)
    optimizer = fb.optim.LBFGS([w], lr=0.5)

    @fb.compile
    def step():
        def closure():
            optimizer.zero_grad()
            loss = (w * w).sum()
            loss.backward()
            return loss

        return optimizer.step(closure)

    for _ in range(4):
        step()
    assert step.programs == []
    assert abs(w.item()) < 0.5


def test_weights_hidden_by_gc_freeze_are_not_taken_for_constants() -> None:
    model = mlp().requires_grad_(False)
    x = fb.tensor(numbers(5, 2))
    compiled = fb.compile(lambda x: model(x).sum())
    gc.freeze()
    try:
        with pytest.warns(UserWarning, match="gc.freeze"):
            compiled(x)
        for p in model.parameters():
            p.zero_()
        assert compiled(x).item() == 0.0
    finally:
        gc.unfreeze()
    assert compiled(x).item() == compiled(x).item() == 0.0
    assert len(compiled.programs) == 1


def test_an_argument_that_is_also_read_by_name_serves_only_such_calls(way) -> None:
    weight = fb.tensor([1.0, 2.0, 3.0])
    other = fb.tensor([10.0, 10.0, 10.0])
    compiled = fb.compile(lambda x: x * weight)
    for given in (weight, weight, weight.detach()):
        assert compiled(given).tolist() == [1.0, 4.0, 9.0]
    assert compiled(other).tolist() == [10.0, 20.0, 30.0]
    inside = fb.compile(lambda d: d["x"] * weight)
    for _ in range(2):
        assert inside({"x": weight}).tolist() == [1.0, 4.0, 9.0]
    assert inside({"x": other}).tolist() == [10.0, 20.0, 30.0]
    assert compiled.reasons == inside.reasons == []


def test_an_argument_that_is_a_parameter_of_a_module_that_is_called(way) -> None:
    norm = nn.BatchNorm1d(3).eval()
    norm.running_mean.copy_(fb.tensor([1.0, 2.0, 3.0]))
    compiled = fb.compile(lambda m, x: x - m.running_mean)
    for _ in range(2):
        assert compiled(norm, norm.running_mean).tolist() == [0.0, 0.0, 0.0]
    assert compiled(norm, fb.zeros(3)).tolist() == [-1.0, -2.0, -3.0]


def test_arguments_in_memory_that_the_program_writes(way) -> None:
    total = fb.zeros(3)

    @fb.compile
    def count(x):
        total.add_(1)
        return x * 2

    for _ in range(2):
        count(fb.ones(3))
    assert count(total).tolist() == [6.0, 6.0, 6.0]
    assert count(total[1:]).tolist() == [8.0, 8.0]
    assert count(fb.ones(3)).tolist() == [2.0, 2.0, 2.0]
    assert total.tolist() == [5.0, 5.0, 5.0]


def test_numbers_are_told_apart_to_the_sign_of_zero(way) -> None:
    one = fb.ones(1)
    scale = 0.0
    for compiled, call in (
        ((f := fb.compile(lambda x, by: x / by)), lambda by: f(one, by)),
        ((g := fb.compile(lambda x, by: x / by[0])), lambda by: g(one, [by])),
    ):
        found = [call(by).item() for by in (0.0, 0.0, -0.0, -0.0)]
        assert found == [math.inf, math.inf, -math.inf, -math.inf]
        assert all(math.isnan(call(math.nan).item()) for _ in range(12))
        assert (len(compiled.programs), compiled.reasons) == (3, [])
    by_name = fb.compile(lambda x: x / scale)
    assert [by_name(one).item() for _ in range(2)] == [math.inf] * 2
    scale = -0.0
    assert by_name(one).item() == -math.inf
