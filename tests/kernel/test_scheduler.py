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
# PyTorch warns as well where one composition of schedules begins within another.
pytestmark = pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")

SCHEDULES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.7}),
    ("MultiStepLR", {"milestones": [2, 5, 5], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 4}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.95**epoch}),
    ("LambdaLR", {"lr_lambda": [lambda epoch: 1 / (epoch + 1), lambda epoch: epoch]}),
    ("MultiplicativeLR", {"lr_lambda": lambda epoch: 0.9}),
    ("MultiplicativeLR", {"lr_lambda": [lambda epoch: 0.9, lambda epoch: 1 - epoch / 40]}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 9}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.9, "end_factor": 0.1, "total_iters": 12}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 20, "power": 2.5}),
    ("CosineAnnealingWarmRestarts", {"T_0": 4}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4}),
    ("CyclicLR", {"base_lr": [0.01, 0.1], "max_lr": 1, "step_size_up": 3, "step_size_down": 5}),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 1, "step_size_up": 4, "mode": "triangular2"}),
    (
        "CyclicLR",
        {"base_lr": 0.1, "max_lr": 1, "step_size_up": 4, "mode": "exp_range", "gamma": 0.9},
    ),
    (
        "CyclicLR",
        {"base_lr": 0.1, "max_lr": 1, "step_size_up": 4, "scale_fn": lambda n: 1 / (n + 1)},
    ),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 1, "step_size_up": 4, "cycle_momentum": False}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 40}),
    ("OneCycleLR", {"max_lr": [1.0, 2.0], "epochs": 5, "steps_per_epoch": 7, "pct_start": 0.4}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 33, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 31, "three_phase": True, "div_factor": 5.0}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 31, "cycle_momentum": False}),
    ("SWALR", {"swa_lr": 0.05}),
    ("SWALR", {"swa_lr": [0.3, 0.2], "anneal_epochs": 6, "anneal_strategy": "linear"}),
    ("SWALR", {"swa_lr": 0.05, "anneal_epochs": 0}),
    ("sequential", {"milestones": [5]}),
    ("sequential", {"milestones": [3, 11]}),
    ("all at once", {}),
    ("nested", {}),
]


def make(lib, kind="SGD"):
    params = [lib.nn.Parameter(lib.ones(1)) for _ in range(2)]
    groups = [{"params": [params[0]]}, {"params": [params[1]], "lr": 0.5}]
    options = {"momentum": 0.5} if kind == "SGD" else {}
    return getattr(lib.optim, kind)(groups, lr=0.1, **options)


def schedule(lib, name, optimizer, options):
    """One of PyTorch's by its name, or a composition of several."""
    kinds = lib.optim.lr_scheduler
    if name == "SWALR":
        return lib.optim.swa_utils.SWALR(optimizer, **options)
    if name == "sequential":
        parts = [kinds.LinearLR(optimizer), kinds.CosineAnnealingLR(optimizer, 10)]
        parts.append(kinds.ExponentialLR(optimizer, 0.9))
        count = len(options["milestones"]) + 1
        return kinds.SequentialLR(optimizer, parts[:count], **options)
    if name == "all at once":
        return kinds.ChainedScheduler([kinds.ConstantLR(optimizer), kinds.StepLR(optimizer, 4)])
    if name == "nested":
        first = schedule(lib, "all at once", optimizer, {})
        return kinds.SequentialLR(optimizer, [first, kinds.StepLR(optimizer, 2)], [7])
    return getattr(kinds, name)(optimizer, **options)


def options_of(group):
    return [group["lr"], group.get("momentum", 0), *group.get("betas", ())]


def follow(lib, name, options, epochs, chained=False, kind="SGD"):
    optimizer = make(lib, kind)
    schedulers = [schedule(lib, name, optimizer, options)]
    if chained:
        schedulers.append(lib.optim.lr_scheduler.ExponentialLR(optimizer, 0.9))
    rates = []
    for _ in range(epochs):
        found = [value for group in optimizer.param_groups for value in options_of(group)]
        rates.append(found + schedulers[0].get_last_lr())
        optimizer.step()
        for s in schedulers:
            s.step()
    return rates, schedulers[0]


# Neither part of a state that others read, nor needed to go on.
PRIVATE = {"_schedulers", "anneal_func", "_scale_fn_ref", "_scale_fn_custom", "lr_lambdas"}


@needs_torch
@pytest.mark.parametrize("chained", [False, True])
@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_rates(name, options, chained):
    (ours, mine), (theirs, wanted) = (
        follow(lib, name, options, 30, chained) for lib in (fb, torch)
    )
    for a, b in zip(ours, theirs, strict=True):
        assert a == pytest.approx(b, rel=1e-9, abs=1e-12)
    mine, wanted = mine.state_dict(), wanted.state_dict()
    assert mine.keys() - PRIVATE == wanted.keys() - PRIVATE
    for key in mine.keys() - PRIVATE:
        if key in ("milestones", "_schedule_phases") or isinstance(mine[key], (str, type(None))):
            assert mine[key] == wanted[key]
        else:
            assert mine[key] == pytest.approx(wanted[key])


@needs_torch
@pytest.mark.parametrize(("name", "options"), [s for s in SCHEDULES if "cle" in s[0]])
def test_momentum_of_adam(name, options):
    ours, theirs = (follow(lib, name, options, 30, kind="AdamW")[0] for lib in (fb, torch))
    assert [*map(tuple, ours)] == [pytest.approx(row) for row in theirs]


@needs_torch
@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_a_state_of_pytorch_goes_on_here(name, options):
    optimizer, other = make(torch), make(fb)
    theirs = schedule(torch, name, optimizer, options)
    ours = schedule(fb, name, other, options)
    for _ in range(6):
        optimizer.step()
        theirs.step()
    ours.load_state_dict(theirs.state_dict())
    other.load_state_dict(optimizer.state_dict())
    for _ in range(20):
        for o, s in ((optimizer, theirs), (other, ours)):
            o.step()
            s.step()
        for a, b in zip(other.param_groups, optimizer.param_groups, strict=True):
            assert a["lr"] == pytest.approx(b["lr"])


@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_going_on_from_a_saved_state(name, options):
    straight, _ = follow(fb, name, options, 30)
    optimizer = make(fb)
    first = schedule(fb, name, optimizer, options)
    for _ in range(5):
        optimizer.step()
        first.step()
    saved = first.state_dict(), optimizer.state_dict()
    other = make(fb)
    second = schedule(fb, name, other, options)
    second.load_state_dict(saved[0])
    other.load_state_dict(saved[1])
    rates = []
    for _ in range(25):
        rates.append([value for group in other.param_groups for value in options_of(group)])
        other.step()
        second.step()
    for a, b in zip(rates, straight[5:], strict=True):
        assert a == pytest.approx(b[: len(a)])


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


PLATEAUS = [
    {"patience": 1},
    {"mode": "max", "patience": 2, "factor": 0.5, "threshold": 0.1},
    {"threshold_mode": "abs", "threshold": 0.2, "patience": 0, "cooldown": 3},
    {"mode": "max", "threshold_mode": "abs", "patience": 1, "min_lr": [0.02, 0.3]},
    {"patience": 0, "factor": 0.9, "eps": 0.05, "min_lr": 0.01},
]


@needs_torch
@pytest.mark.parametrize("options", PLATEAUS)
def test_plateau(options):
    measures = [1.0, 0.9, 0.95, 0.94, 0.5, 0.5, 0.55, 0.45, 0.46, 0.47, 0.48, 0.2, 0.3] * 2
    rates, states = [], []
    for lib in (fb, torch):
        optimizer = make(lib)
        scheduler = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        for i, measure in enumerate(measures):
            if i == 9:  # resumed in between
                state = scheduler.state_dict()
                scheduler = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
                scheduler.load_state_dict(state)
            scheduler.step(lib.tensor(measure))
            rates.append(scheduler.get_last_lr())
        states.append(scheduler.state_dict())
    count = len(measures)
    assert rates[:count] == [pytest.approx(row) for row in rates[count:]]
    assert states[0] == states[1]


@needs_torch
def test_any_epoch_by_number():
    rates = {"fb": [], "torch": []}
    for name, options in SCHEDULES:
        if name in ("sequential", "all at once", "nested"):
            continue
        for lib in (fb, torch):
            scheduler = schedule(lib, name, make(lib), options)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for epoch in (3, 17, 2):
                    scheduler.step(epoch)
                    rates[lib.__name__.replace("flambeau", "fb")].extend(scheduler.get_last_lr())
    assert rates["fb"] == pytest.approx(rates["torch"])


MISTAKES = [
    lambda k, o: k.ConstantLR(o, factor=2),
    lambda k, o: k.LinearLR(o, start_factor=0),
    lambda k, o: k.LinearLR(o, end_factor=2),
    lambda k, o: k.MultiplicativeLR(o, 0.5),
    lambda k, o: k.MultiplicativeLR(o, [len]),
    lambda k, o: k.CosineAnnealingWarmRestarts(o, 0),
    lambda k, o: k.CosineAnnealingWarmRestarts(o, 2, 0),
    lambda k, o: k.CosineAnnealingWarmRestarts(o, 2, eta_min="0"),
    lambda k, o: k.CosineAnnealingWarmRestarts(o, 2).step(-1),
    lambda k, o: k.CyclicLR(o, 0.1, [1.0]),
    lambda k, o: k.CyclicLR(o, 0.1, 1.0, mode="round"),
    lambda k, o: k.CyclicLR(3, 0.1, 1.0),
    lambda k, o: k.OneCycleLR(o, 1.0),
    lambda k, o: k.OneCycleLR(o, 1.0, total_steps=0),
    lambda k, o: k.OneCycleLR(o, 1.0, epochs=2, steps_per_epoch=-1),
    lambda k, o: k.OneCycleLR(o, 1.0, total_steps=5, pct_start=2),
    lambda k, o: k.OneCycleLR(o, 1.0, total_steps=5, anneal_strategy="round"),
    lambda k, o: [s.step() for s in [k.OneCycleLR(o, 1.0, total_steps=5)] * 7],
    lambda k, o: k.ReduceLROnPlateau(o, "least"),
    lambda k, o: k.ReduceLROnPlateau(o, threshold_mode="least"),
    lambda k, o: k.ReduceLROnPlateau(o, factor=1.0),
    lambda k, o: k.ReduceLROnPlateau(o, min_lr=[0.1]),
    lambda k, o: k.ReduceLROnPlateau(3),
    lambda k, o: k.SequentialLR(o, [], []),
    lambda k, o: k.SequentialLR(o, [3], []),
    lambda k, o: k.SequentialLR(o, [k.StepLR(o, 1)], [3]),
    lambda k, o: k.SequentialLR(o, [k.ReduceLROnPlateau(o)], []),
    lambda k, o: k.ChainedScheduler([]),
    lambda k, o: k.ChainedScheduler([k.ReduceLROnPlateau(o)]),
]


@needs_torch
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_raise_what_pytorch_raises(mistake):
    found = []
    for lib in (fb, torch):
        with warnings.catch_warnings(), pytest.raises(Exception) as caught:  # noqa: PT011
            warnings.simplefilter("ignore")
            mistake(lib.optim.lr_scheduler, make(lib))
        found.append((caught.type, str(caught.value)))
    assert found[0] == found[1]
