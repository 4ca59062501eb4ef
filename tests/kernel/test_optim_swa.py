"""Averages of weights: those that PyTorch computes."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as fb

try:
    import torch
except ImportError:
    torch = None
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")

AVERAGES = [
    lambda u: {},
    lambda u: {"use_buffers": True},
    lambda u: {"avg_fn": u.get_ema_avg_fn(0.9)},
    lambda u: {"avg_fn": u.get_swa_avg_fn()},
    lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.7), "use_buffers": True},
    lambda u: {"multi_avg_fn": u.get_swa_multi_avg_fn()},
    lambda u: {"avg_fn": lambda average, now, count: average * 0.5 + now * count},
]


def network(lib):
    return lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.BatchNorm1d(4), lib.nn.Linear(4, 2))


def change(lib, model, seed):
    rng = np.random.default_rng(seed)
    with lib.no_grad():
        for t in [*model.parameters(), *model.buffers()]:
            values = rng.uniform(0.1, 2.0, tuple(t.shape)).tolist()
            t.copy_(lib.tensor(values, dtype=t.dtype) if t.ndim else lib.tensor(seed))


def same(ours, theirs):
    assert list(ours) == list(theirs)
    for a, b in zip(ours.values(), theirs.values(), strict=True):
        assert np.allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)


@needs_torch
@pytest.mark.parametrize("options", AVERAGES)
def test_averages(options):
    states = []
    for lib in (fb, torch):
        model = network(lib)
        change(lib, model, 1)
        averaged = lib.optim.swa_utils.AveragedModel(model, **options(lib.optim.swa_utils))
        for seed in range(2, 7):
            change(lib, model, seed)
            averaged.update_parameters(model)
        rows = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32).tolist()
        state = averaged.state_dict()
        state["out"] = averaged.eval()(lib.tensor(rows)).detach()
        states.append(state)
    same(*states)


@needs_torch
@pytest.mark.parametrize("pairs", [False, True])
def test_update_bn(pairs):
    states = []
    for lib in (fb, torch):
        model = network(lib)
        change(lib, model, 1)
        rng = np.random.default_rng(0)
        batches = [lib.tensor(rng.standard_normal((6, 3)).tolist()) for _ in range(4)]
        loader = [(batch, 0) for batch in batches] if pairs else batches
        lib.optim.swa_utils.update_bn(loader, model.eval())
        assert not model.training
        assert model[1].momentum == 0.1
        states.append(model.state_dict())
    same(*states)


def test_update_bn_without_batch_norm():
    fb.optim.swa_utils.update_bn([None], fb.nn.Linear(2, 2))  # looks at no batch


def test_the_average_is_apart_from_the_model():
    model = fb.nn.Linear(2, 2)
    averaged = fb.optim.swa_utils.AveragedModel(model)
    averaged.update_parameters(model)
    before = averaged.module.weight.detach().clone()
    with fb.no_grad():
        model.weight.add_(1)
    assert fb.equal(averaged.module.weight, before)
    assert averaged.n_averaged.item() == 1


def test_mistakes():
    utils = fb.optim.swa_utils
    with pytest.raises(AssertionError, match="Only one"):
        utils.AveragedModel(fb.nn.Linear(1, 1), avg_fn=max, multi_avg_fn=max)
    for function in (utils.get_ema_avg_fn, utils.get_ema_multi_avg_fn):
        with pytest.raises(ValueError, match="Invalid decay value 2"):
            function(2)
    optimizer = fb.optim.SGD([fb.nn.Parameter(fb.ones(1))])
    with pytest.raises(ValueError, match="anneal_strategy"):
        utils.SWALR(optimizer, 0.1, anneal_strategy="round")
    with pytest.raises(ValueError, match="anneal_epochs"):
        utils.SWALR(optimizer, 0.1, anneal_epochs=-1)
