"""``compile``: what is replayed gives what the eager call gives, or is not replayed."""

from __future__ import annotations

import copy
import itertools
import pickle
import warnings

import numpy as np
import pytest

import flambeau as fb
from flambeau import nn
from flambeau.compiler import program as programs
from flambeau.compiler.frontend import Compiled

F = nn.functional


@pytest.fixture(autouse=True)
def fresh():
    """Warnings of callables that run eagerly are looked at where they matter."""
    fb.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(params=["loops", "straight"])
def way(request, monkeypatch):
    """With compiled loops, and as a straight line of NumPy calls."""
    if request.param == "straight":
        monkeypatch.setattr(programs, "installed", lambda: False)
    elif not programs.installed():
        pytest.skip("numba is not installed")
    return request.param


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def mlp(activation=nn.Tanh, sizes=(2, 16, 1)):
    layers = []
    for a, b in itertools.pairwise(sizes):
        layers += [nn.Linear(a, b), activation()]
    return nn.Sequential(*layers[:-1])


class Block(nn.Module):
    """A transformer block on a table of tokens."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 16)
        self.block = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        return self.head(self.block(self.table(x)).mean(1))


def lenet():
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3)),
        *(nn.ReLU(), nn.Flatten(), nn.Linear(96, 10)),
    )


def trainer(model, optimizer="SGD", loss=F.mse_loss, **options):
    """A whole training step of a model."""
    chosen = getattr(fb.optim, optimizer)(model.parameters(), **{"lr": 0.05, **options})

    def step(x, y):
        chosen.zero_grad()
        value = loss(model(x), y)
        value.backward()
        chosen.step()
        return value

    return step, chosen


def both_parameters(*models):
    return [list(m.parameters()) for m in models]


def check_training(build, batches, *args, rounds=20, tolerance=2e-5, programs=1, **options):
    """Trains twins, one eagerly and one compiled, and compares all that can be seen."""
    ours = build()
    twin = copy.deepcopy(ours)
    versions = [p._version - q._version for p, q in zip(*both_parameters(ours, twin), strict=True)]
    eager, _ = trainer(twin, *args, **options)
    step, _ = trainer(ours, *args, **options)
    compiled = fb.compile(step)
    for i in range(rounds):
        x, y = (fb.tensor(a) for a in batches[i % len(batches)])
        fb.manual_seed(i)
        expected = eager(x, y)
        fb.manual_seed(i)
        found = compiled(x, y)
        assert found.item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-5), i
    assert compiled.reasons == []
    assert len(compiled.programs) == programs
    for p, q in zip(*both_parameters(ours, twin), strict=True):
        assert np.allclose(q.detach(), p.detach(), atol=tolerance)
        assert np.allclose(q.grad, p.grad, atol=tolerance)
    now = [p._version - q._version for p, q in zip(*both_parameters(ours, twin), strict=True)]
    assert now == versions
    for p, q in zip(twin.buffers(), ours.buffers(), strict=True):
        assert np.allclose(q, p, atol=tolerance)
    return compiled


def regression(n=8, inputs=2):
    return [(numbers(n, inputs, seed=i), numbers(n, 1, seed=50 + i)) for i in range(3)]


def classes(*shape, n=8, kinds=10):
    rng = np.random.default_rng(1)
    return [(numbers(n, *shape, seed=i), rng.integers(0, kinds, n)) for i in range(3)]


# Whole training steps


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU, nn.Sigmoid, nn.GELU, nn.SiLU, nn.ELU])
def test_a_tiny_step_trains_as_the_eager_one(way, activation) -> None:
    check_training(lambda: mlp(activation), regression())


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        ("SGD", {"momentum": 0.9}),
        ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        ("SGD", {"momentum": 0.5, "dampening": 0.3}),
        ("SGD", {"maximize": True, "lr": 1e-3}),
        ("Adam", {"lr": 0.01}),
        ("Adam", {"lr": 0.01, "weight_decay": 0.1, "betas": (0.8, 0.9)}),
        ("Adam", {"lr": 0.01, "amsgrad": True}),
        ("AdamW", {"lr": 0.01, "weight_decay": 0.1}),
        ("RMSprop", {"lr": 0.01}),
        ("Adagrad", {"lr": 0.01}),
    ],
)
def test_optimizers_step_as_they_do_eagerly(way, optimizer, options) -> None:
    check_training(mlp, regression(), optimizer, tolerance=1e-4, **options)


def test_a_classifier_with_adam(way) -> None:
    model = lambda: mlp(nn.ReLU, (784, 64, 32, 10))  # noqa: E731
    check_training(model, classes(784), "Adam", F.cross_entropy, lr=1e-3, tolerance=2e-4)


def test_dropout_draws_what_the_eager_call_draws(way) -> None:
    model = lambda: nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Dropout(0.4), nn.Linear(32, 10))  # noqa: E731
    check_training(model, classes(20), "SGD", F.cross_entropy)


def test_running_statistics_of_batch_norm_move(way) -> None:
    def model():
        return nn.Sequential(nn.Linear(20, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 10))

    check_training(model, classes(20), "SGD", F.cross_entropy, tolerance=1e-4)


def test_convolutions_are_called_as_they_are(way) -> None:
    compiled = check_training(lenet, classes(1, 12, 12), "SGD", F.cross_entropy, rounds=6)
    assert "conv" in compiled.source()


def test_a_transformer_block(way) -> None:
    rng = np.random.default_rng(0)
    batches = [(rng.integers(0, 11, (4, 6)), rng.integers(0, 10, 4)) for _ in range(2)]
    check_training(Block, batches, "SGD", F.cross_entropy, tolerance=1e-4, rounds=10)


def test_layer_norm_and_log_softmax(way) -> None:
    def model():
        return nn.Sequential(
            nn.Linear(20, 16), nn.LayerNorm(16), nn.Linear(16, 10), nn.LogSoftmax(1)
        )

    check_training(model, classes(20), "SGD", F.nll_loss)


def test_a_smaller_last_batch_gets_a_program_of_its_own(way) -> None:
    batches = [*regression(8), *regression(3)[:1]]
    check_training(mlp, batches, programs=2)


def test_float64_and_large_layers(way) -> None:
    fb.manual_seed(1)
    step, _ = trainer(mlp().double())
    _twin, _ = trainer(mlp().double())
    compiled = fb.compile(step)
    x, y = fb.rand(8, 2, dtype=fb.float64), fb.rand(8, 1, dtype=fb.float64)
    losses = [compiled(x, y).item() for _ in range(4)]
    assert compiled.reasons == []
    assert losses[3] < losses[0]


def test_gradients_are_kept_that_are_not_forgotten(way) -> None:
    model = mlp()
    twin = copy.deepcopy(model)

    def accumulate(m):
        def step(x, y):
            loss = F.mse_loss(m(x), y)
            loss.backward()
            return loss.detach()

        return step

    compiled, eager = fb.compile(accumulate(model)), accumulate(twin)
    for x, y in regression() * 2:
        compiled(fb.tensor(x), fb.tensor(y))
        eager(fb.tensor(x), fb.tensor(y))
    assert compiled.reasons == []
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        assert np.allclose(p.grad, q.grad, atol=1e-5)


def test_gradients_set_to_zero_in_place(way) -> None:
    model = mlp()
    twin = copy.deepcopy(model)

    def stepper(m):
        optimizer = fb.optim.SGD(m.parameters(), lr=0.1)

        def step(x, y):
            optimizer.zero_grad(set_to_none=False)
            loss = F.mse_loss(m(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return step

    compiled, eager = fb.compile(stepper(model)), stepper(twin)
    for x, y in regression() * 3:
        a, b = compiled(fb.tensor(x), fb.tensor(y)), eager(fb.tensor(x), fb.tensor(y))
        assert a.item() == pytest.approx(b.item(), rel=1e-4)
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        assert np.allclose(p.grad, q.grad, atol=1e-5)


def test_clipped_gradients(way) -> None:
    model = mlp()
    twin = copy.deepcopy(model)

    def stepper(m):
        optimizer = fb.optim.SGD(m.parameters(), lr=0.1)

        def step(x, y):
            optimizer.zero_grad()
            loss = F.mse_loss(m(x), y)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(m.parameters(), 0.1)
            optimizer.step()
            return loss, norm

        return step

    compiled, eager = fb.compile(stepper(model)), stepper(twin)
    for x, y in regression() * 3:
        for a, b in zip(
            compiled(fb.tensor(x), fb.tensor(y)), eager(fb.tensor(x), fb.tensor(y)), strict=True
        ):
            assert a.item() == pytest.approx(b.item(), rel=1e-4)
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        assert np.allclose(p.detach(), q.detach(), atol=1e-6)


def test_small_batches_whose_gradients_are_added_up(way) -> None:
    results = []
    for use in (lambda f: f, fb.compile):
        fb.manual_seed(3)
        model = mlp()
        optimizer = fb.optim.SGD(model.parameters(), lr=0.1)

        def add(x, y, model=model):
            loss = F.mse_loss(model(x), y)
            loss.backward()
            return loss.detach()

        add = use(add)
        for i, (x, y) in enumerate(regression() * 4):
            add(fb.tensor(x), fb.tensor(y))
            if i % 2:
                optimizer.step()
                optimizer.zero_grad()
        results.append([p.detach().clone() for p in model.parameters()])
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(*results, strict=True))
    assert add.reasons == []
    assert len(add.programs) == 2  # the first of each pair finds no gradients


def test_two_optimizers_and_a_detached_part(way) -> None:
    results = []
    for use in (lambda f: f, fb.compile):
        fb.manual_seed(3)
        maker, judge = mlp(sizes=(3, 8, 2)), mlp(nn.LeakyReLU, (2, 8, 1))
        first = fb.optim.Adam(maker.parameters(), lr=0.01)
        second = fb.optim.Adam(judge.parameters(), lr=0.01)

        def step(z, real, maker=maker, judge=judge, first=first, second=second):
            fake = maker(z)
            second.zero_grad()
            bad = judge(fake.detach()).mean() - judge(real).mean()
            bad.backward()
            second.step()
            first.zero_grad()
            good = -judge(fake).mean()
            good.backward()
            first.step()
            return bad, good

        step = use(step)
        for i in range(6):
            step(fb.tensor(numbers(4, 3, seed=i)), fb.tensor(numbers(4, 2, seed=i)))
        results.append([p.detach().clone() for m in (maker, judge) for p in m.parameters()])
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(*results, strict=True))
    assert step.reasons == []


def test_an_average_of_weights_and_a_flag_that_is_set(way) -> None:
    results = []
    for use in (lambda f: f, fb.compile):
        fb.manual_seed(3)
        model = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.1), nn.Linear(8, 1))
        average = [p.detach().clone() for p in model.parameters()]
        train, _ = trainer(model)

        def step(x, y, model=model, average=average, train=train):
            model.train()
            loss = train(x, y)
            with fb.no_grad():
                for a, p in zip(average, model.parameters(), strict=True):
                    a.mul_(0.9).add_(p, alpha=0.1)
            return loss

        step = use(step)
        for i, (x, y) in enumerate(regression() * 2):
            fb.manual_seed(i)
            step(fb.tensor(x), fb.tensor(y))
            model.eval()
            model.train()
        results.append(average)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(*results, strict=True))
    assert step.reasons == []


def test_weights_that_two_layers_share(way) -> None:
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)
            self.two.weight = self.one.weight

        def forward(self, x):
            return self.two(self.one(x).tanh())

    check_training(Tied, [(numbers(5, 4), numbers(5, 4, seed=1))], rounds=6)


def test_a_graph_that_is_kept_for_a_second_backward(way) -> None:
    w = fb.tensor(numbers(4), requires_grad=True)

    def f(x):
        w.grad = None
        y = (w * x).sum()
        y.backward(retain_graph=True)
        (y * 2).backward()
        (g,) = fb.autograd.grad((w * w * x).sum(), w)
        return g

    compiled = fb.compile(f)
    for i in range(4):
        x = fb.tensor(numbers(4, seed=i))
        assert np.allclose(compiled(x), (2 * w * x).detach(), atol=1e-6)
        assert np.allclose(w.grad, 3 * x, atol=1e-6)
    assert compiled.reasons == []


# What is handed out


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


# What programs are guarded by


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


# What cannot be replayed


def falls_back(function, *args, match):
    """Runs a function compiled; says whether it ran eagerly for a reason."""
    compiled = fb.compile(function)
    results = [compiled(*args) for _ in range(5)]
    assert compiled.programs == []
    assert any(match in reason for reason in compiled.reasons), compiled.reasons
    return results


def test_control_flow_on_values_falls_back() -> None:
    def f(x):
        return x * 2 if x.sum() > 0 else -x

    falls_back(f, fb.ones(3), match="numbers of a tensor")
    compiled = fb.compile(f)
    assert compiled(fb.ones(1)).item() == 2
    assert compiled(-fb.ones(1)).item() == 1


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x.sum().item(),
        lambda x: float(x.sum()),
        lambda x: x.tolist(),
        lambda x: x.numpy().sum(),
        lambda x: repr(x),
        lambda x: len(x.nonzero()),
        lambda x: x.unique(),
        lambda x: x[x > 0],
        lambda x: x.array.sum(),
        lambda x: bool(fb.equal(x, x)),
        lambda x: fb.tensor(x.max()),
    ],
)
def test_numbers_that_are_read_fall_back(read) -> None:
    compiled = fb.compile(lambda x: (read(x), x + 1)[1])
    for i in range(3):
        assert np.array_equal(compiled(fb.ones(3) * i), np.ones(3) * i + 1)
    assert compiled.programs == []
    assert compiled.reasons


def test_effects_fall_back(capsys) -> None:
    seen = []

    def appends(x):
        seen.append(1)
        return x + 1

    falls_back(appends, fb.ones(2), match="append")
    assert len(seen) == 5

    def prints(x):
        print("hello")
        return x + 1

    falls_back(prints, fb.ones(2), match="print")
    assert capsys.readouterr().out.count("hello") == 5


def test_names_and_attributes_that_are_set_fall_back() -> None:
    count = 0

    def counts(x):
        nonlocal count
        count += 1
        return x + count

    results = falls_back(counts, fb.zeros(1), match="count")
    assert [r.item() for r in results] == [1, 2, 3, 4, 5]

    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return x + self.calls

    model = Counter()
    compiled = fb.compile(model)
    assert [compiled(fb.zeros(1)).item() for _ in range(5)] == [1, 2, 3, 4, 5]

    class Holder:
        last = None

    holder = Holder()

    def holds(x):
        holder.last = x + 1
        return x

    compiled = fb.compile(holds)
    for i in range(4):
        compiled(fb.ones(1) * i)
        assert holder.last.item() == i + 1


def test_time_and_chance_fall_back() -> None:
    import random
    import time

    assert len(set(falls_back(lambda x: random.random(), fb.ones(1), match="random"))) == 5
    falls_back(lambda x: time.time(), fb.ones(1), match="time")
    falls_back(lambda x: x + np.random.rand(), fb.ones(1), match="random")
    found = falls_back(lambda x: fb.rand(3), fb.ones(1), match="random numbers")
    assert not fb.equal(found[3], found[4])


def test_hooks_and_functions_of_ones_own_fall_back() -> None:
    class Double(fb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    falls_back(lambda x: Double.apply(x), fb.ones(1), match="apply")
    model = mlp()
    seen = []
    model[0].weight.register_hook(lambda g: seen.append(g))
    step, _ = trainer(model)
    compiled = fb.compile(step)
    for x, y in regression():
        compiled(fb.tensor(x), fb.tensor(y))
    assert len(seen) == 3


def test_reasons_are_said_once_and_kept() -> None:
    compiled = fb.compile(lambda x: x * x.sum().item())
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(4):
            compiled(fb.ones(2))
    assert ["runs eagerly: the numbers of a tensor" in str(w.message) for w in said] == [True]
    assert "item" in compiled.explain()


def test_errors_are_those_of_the_eager_call(way) -> None:
    model = mlp()
    compiled = fb.compile(model)
    compiled(fb.ones(3, 2))
    with pytest.raises(RuntimeError, match="input has 5"):
        compiled(fb.ones(3, 5))
    assert compiled(fb.ones(3, 2)).shape == (3, 1)
    step, _ = trainer(mlp(nn.ReLU, (4, 8, 3)), loss=F.cross_entropy)
    step = fb.compile(step)
    x, y = fb.ones(5, 4), fb.tensor([0, 1, 2, 0, 1])
    step(x, y), step(x, y)
    with pytest.raises(IndexError, match="out of bounds"):
        step(x, fb.tensor([0, 1, 2, 3, 1]))
    assert step(x, fb.tensor([0, 1, -100, 2, 1])).item() > 0  # one is ignored: eagerly


def test_an_error_in_the_traced_call_passes_through() -> None:
    def f(x):
        raise KeyError("mine")

    compiled = fb.compile(f)
    for _ in range(2):
        with pytest.raises(KeyError):
            compiled(fb.ones(1))
    assert not fb.compiler.is_compiling()
    assert fb.ones(2).sum().item() == 2
    assert type(fb.Tensor.__dict__["array"]).__name__ == "member_descriptor"


def test_hooks_of_modules_fall_back() -> None:
    model = mlp()
    seen = []
    model[0].register_forward_hook(lambda m, args, out: seen.append(out.shape))
    compiled = fb.compile(model)
    for _ in range(4):
        compiled(fb.ones(3, 2))
    assert len(seen) == 4
    assert any("hooks" in r or "append" in r for r in compiled.reasons)


def test_a_hook_that_comes_later_is_called() -> None:
    model = mlp()
    compiled = fb.compile(model)
    compiled(fb.ones(3, 2)), compiled(fb.ones(3, 2))
    seen = []
    handle = model[0].register_forward_hook(lambda m, args, out: seen.append(out.shape))
    compiled(fb.ones(3, 2))
    assert len(seen) == 1
    handle.remove()
    compiled(fb.ones(3, 2))
    assert len(seen) == 1


def test_inference_mode(way) -> None:
    compiled = fb.compile(mlp())
    for _ in range(3):
        with fb.inference_mode():
            assert compiled(fb.ones(3, 2)).is_inference()
    assert compiled(fb.ones(3, 2)).requires_grad


def test_other_threads_have_programs_of_their_own() -> None:
    from concurrent.futures import ThreadPoolExecutor

    f = fb.compile(lambda x: (x * 2 + 1).sum())
    xs = [fb.tensor(numbers(1000, seed=i)) for i in range(8)]
    expected = [(x * 2 + 1).sum().item() for x in xs]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            found = [t.item() for t in pool.map(f, xs)]
            assert found == pytest.approx(expected, rel=1e-4)


def test_views_of_tensors_that_changed(way) -> None:
    f = fb.compile(lambda x: x * 2)
    data = fb.tensor(numbers(10, 3))
    for i in range(0, 9, 3):
        assert np.allclose(f(data[i : i + 3]), data[i : i + 3] * 2)
    assert len(f.programs) == 1


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
