"""Learning rate schedules, epoch by epoch as PyTorch's."""

from __future__ import annotations

import warnings

import pytest

import flambeau as fb

try:
    import torch
except ImportError:
    torch = None
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")

SCHEDULES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.7}),
    ("MultiStepLR", {"milestones": [2, 5, 5], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 4}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.95**epoch}),
    ("LambdaLR", {"lr_lambda": [lambda epoch: 1 / (epoch + 1), lambda epoch: epoch]}),
]


def make(lib):
    params = [lib.nn.Parameter(lib.ones(1)) for _ in range(2)]
    groups = [{"params": [params[0]]}, {"params": [params[1]], "lr": 0.5}]
    return lib.optim.SGD(groups, lr=0.1)


def follow(lib, name, options, epochs, chained=False):
    optimizer = make(lib)
    schedulers = [getattr(lib.optim.lr_scheduler, name)(optimizer, **options)]
    if chained:
        schedulers.append(lib.optim.lr_scheduler.ExponentialLR(optimizer, 0.9))
    rates = []
    for _ in range(epochs):
        rates.append([g["lr"] for g in optimizer.param_groups] + schedulers[0].get_last_lr())
        optimizer.step()
        for s in schedulers:
            s.step()
    return rates, schedulers[0]


@needs_torch
@pytest.mark.parametrize("chained", [False, True])
@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_rates(name, options, chained):
    (ours, mine), (theirs, wanted) = (
        follow(lib, name, options, 20, chained) for lib in (fb, torch)
    )
    for a, b in zip(ours, theirs, strict=True):
        assert a == pytest.approx(b, rel=1e-9, abs=1e-12)
    assert mine.last_epoch == wanted.last_epoch
    for key in ("base_lrs", "last_epoch", "_step_count", "_last_lr"):
        assert mine.state_dict()[key] == pytest.approx(wanted.state_dict()[key])


@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_going_on_from_a_saved_state(name, options):
    straight, _ = follow(fb, name, options, 12)
    optimizer = make(fb)
    first = getattr(fb.optim.lr_scheduler, name)(optimizer, **options)
    for _ in range(5):
        optimizer.step()
        first.step()
    saved = first.state_dict(), optimizer.state_dict()
    other = make(fb)
    second = getattr(fb.optim.lr_scheduler, name)(other, **options)
    second.load_state_dict(saved[0])
    other.load_state_dict(saved[1])
    rates = []
    for _ in range(7):
        rates.append([g["lr"] for g in other.param_groups])
        other.step()
        second.step()
    for a, b in zip(rates, straight[5:], strict=True):
        assert a == pytest.approx(b[:2])


@needs_torch
def test_resuming_by_last_epoch():
    results = []
    for lib in (fb, torch):
        optimizer = make(lib)
        with pytest.raises(KeyError, match="initial_lr"):
            lib.optim.lr_scheduler.StepLR(optimizer, 2, last_epoch=4)
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        scheduler = lib.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6, last_epoch=4)
        results.append(scheduler.get_last_lr())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scheduler.step(3)
        results[-1] = results[-1] + scheduler.get_last_lr()
    assert results[0] == pytest.approx(results[1])


def test_lambda_objects_keep_their_state():
    class Rate:
        factor = 2.0

        def __call__(self, epoch):
            return self.factor

    rate = Rate()
    rate.factor = 5.0
    scheduler = fb.optim.lr_scheduler.LambdaLR(make(fb), [rate, lambda e: 1.0])
    state = scheduler.state_dict()
    assert state["lr_lambdas"] == [{"factor": 5.0}, None]
    other = fb.optim.lr_scheduler.LambdaLR(make(fb), [Rate(), lambda e: 1.0])
    other.load_state_dict(state)
    assert other.lr_lambdas[0].factor == 5.0
    with pytest.raises(ValueError, match="Expected 2 lr_lambdas"):
        fb.optim.lr_scheduler.LambdaLR(make(fb), [rate])


def test_warnings_and_mistakes():
    scheduler = fb.optim.lr_scheduler.StepLR(make(fb), 2)
    with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`"):
        scheduler.step()
    with pytest.raises(TypeError, match="not an Optimizer"):
        fb.optim.lr_scheduler.StepLR(3, 2)
