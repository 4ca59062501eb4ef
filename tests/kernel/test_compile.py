"""``compile``: whole training steps that are replayed train as the eager ones do."""

from __future__ import annotations

import copy

import numpy as np
import pytest

# Whole training steps
from tests.kernel.compiled import (
    Block,
    F,
    check_training,
    classes,
    lenet,
    mlp,
    numbers,
    regression,
    trainer,
)

import flambeau as fb
from flambeau import nn

pytestmark = pytest.mark.usefixtures("fresh")


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
