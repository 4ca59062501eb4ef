"""Optimizers: twenty steps as PyTorch takes them, state that goes both ways, mistakes."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import flambeau as fb
from flambeau import nn
from flambeau.record.slot import slot

try:
    import torch
except ImportError:
    torch = None
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")

OPTIONS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("SGD", {"lr": 0.1, "foreach": False, "weight_decay": 0.01}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.05, "amsgrad": True, "maximize": True}),
    ("Adam", {"lr": 0.05, "decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.05}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.3, "amsgrad": True, "foreach": False}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.3, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "foreach": True}),
    ("Adagrad", {"initial_accumulator_value": 0.5, "eps": 1e-3, "maximize": True, "fused": True}),
    ("Adamax", {"lr": 0.1}),
    ("Adamax", {"betas": (0.7, 0.9), "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    ("ASGD", {"lr": 0.1}),
    ("ASGD", {"lambd": 0.1, "alpha": 0.5, "t0": 5, "weight_decay": 0.1, "maximize": True}),
    ("NAdam", {"lr": 0.1}),
    ("NAdam", {"betas": (0.7, 0.9), "weight_decay": 0.1, "momentum_decay": 0.1, "maximize": True}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "eps": 1e-3}),
    ("RAdam", {"lr": 0.1}),
    ("RAdam", {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1, "maximize": True}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "eps": 1e-3}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.8, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    ("RMSprop", {"lr": 0.05, "momentum": 0.9, "alpha": 0.9}),
    ("RMSprop", {"lr": 0.05, "momentum": 0.5, "centered": True, "alpha": 0.9}),
    ("Rprop", {"lr": 0.1}),
    ("Rprop", {"etas": (0.3, 2.0), "step_sizes": (1e-3, 0.05), "maximize": True}),
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.1, "beta2_decay": -0.5, "eps": (1e-4, 1e-2), "d": 2.0}),
    ("Adafactor", {"lr": 0.1, "weight_decay": 0.1, "maximize": True, "d": 1.5}),
    ("Muon", {"lr": 0.1}),
    ("Muon", {"lr": 0.1, "nesterov": False, "momentum": 0.8, "ns_steps": 3}),
    ("Muon", {"lr": 0.1, "weight_decay": 0.3, "adjust_lr_fn": "match_rms_adamw"}),
]
SHAPES = ((4, 3), (), (2, 3, 2), (2,))  # the last never gets a gradient
MATRICES = ((4, 3), (3, 6), (2, 2))
REAL_ONLY = ("Adafactor", "Muon")


def values_of(rng, shape, dtype):
    array = rng.standard_normal(shape)
    return array + 1j * rng.standard_normal(shape) if "complex" in str(dtype) else array


def make(lib, name, options, dtype="float32"):
    """An optimizer over some parameters, the last of which never gets a gradient."""
    rng = np.random.default_rng(0)
    kind = getattr(lib, dtype)
    values = [values_of(rng, shape, dtype) for shape in (MATRICES if name == "Muon" else SHAPES)]
    params = [lib.nn.Parameter(lib.tensor(v.tolist(), dtype=kind)) for v in values]
    return params, getattr(lib.optim, name)(params, **options)


def steps(lib, params, optimizer, count, start=0):
    for i in range(start, start + count):
        optimizer.zero_grad()
        rng = np.random.default_rng(i)
        for p in params[:-1]:
            g = values_of(rng, tuple(p.shape), p.dtype)
            p.grad = lib.tensor(g.tolist(), dtype=p.dtype)
        optimizer.step()


def same(a, b, tolerance=1e-5):
    for x, y in zip(a, b, strict=True):
        assert np.allclose(x.detach().numpy(), y.detach().numpy(), rtol=tolerance, atol=tolerance)


def plain(value):
    """A state_dict as plain Python values."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "detach"):
        array = np.asarray(value.detach())
        return [str(array.dtype), array.shape, (np.round(array, 3) + 0).tolist()]
    return value


@needs_torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_twenty_steps(name, options, dtype):
    ours, theirs = make(fb, name, options, dtype), make(torch, name, options, dtype)
    for lib, (params, optimizer) in ((fb, ours), (torch, theirs)):
        steps(lib, params, optimizer, 20)
    tolerance = 1e-10 if dtype == "float64" and name != "Muon" else 1e-5
    same(ours[0], theirs[0], tolerance)
    assert plain(ours[1].state_dict()) == plain(theirs[1].state_dict())
    assert repr(ours[1]) == repr(theirs[1])


@needs_torch
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_complex_parameters(name, options):
    ours, theirs = make(fb, name, options, "complex64"), make(torch, name, options, "complex64")
    if name in REAL_ONLY:
        with pytest.raises(RuntimeError, match="does not support complex"):
            steps(fb, *ours, 1)
        return
    if options.get("fused"):
        pytest.skip("PyTorch has no fused step for complex parameters")
    for lib, pair in ((fb, ours), (torch, theirs)):
        steps(lib, *pair, 8)
    same(ours[0], theirs[0])
    assert plain(ours[1].state_dict()) == plain(theirs[1].state_dict())


@needs_torch
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_state_goes_on_in_pytorch(name, options):
    ours, theirs = make(fb, name, options), make(torch, name, options)
    steps(fb, *ours, 5)
    for p, q in zip(theirs[0], ours[0], strict=True):
        p.data.copy_(torch.tensor(q.detach().numpy()))
    state = ours[1].state_dict()
    state["state"] = {i: torch_state(values) for i, values in state["state"].items()}
    theirs[1].load_state_dict(copy.deepcopy(state))
    for lib, pair in ((fb, ours), (torch, theirs)):
        steps(lib, *pair, 5, start=5)
    same(ours[0], theirs[0])


def torch_state(values):
    return {k: torch.tensor(np.asarray(v)) for k, v in values.items()}


@needs_torch
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_state_of_pytorch_goes_on_here(name, options):
    theirs, ours = make(torch, name, options), make(fb, name, options)
    steps(torch, *theirs, 5)
    with fb.no_grad():
        for p, q in zip(ours[0], theirs[0], strict=True):
            p.copy_(fb.tensor(q.detach().numpy()))
    ours[1].load_state_dict(theirs[1].state_dict())
    for lib, pair in ((fb, ours), (torch, theirs)):
        steps(lib, *pair, 5, start=5)
    same(ours[0], theirs[0])


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_saved_state_goes_on_exactly(name, options):
    straight = make(fb, name, options)
    steps(fb, *straight, 10)
    first = make(fb, name, options)
    steps(fb, *first, 5)
    second = make(fb, name, {**options, "lr": 99.0})
    with fb.no_grad():
        for p, q in zip(second[0], first[0], strict=True):
            p.copy_(q)
    state = copy.deepcopy(first[1].state_dict())
    second[1].load_state_dict(state)
    steps(fb, *first, 5, start=5)  # must not touch what was loaded
    steps(fb, *second, 5, start=5)
    for pair in (first, second):
        for p, q in zip(pair[0], straight[0], strict=True):
            assert fb.equal(p, q)


def test_groups():
    a, b = nn.Parameter(fb.ones(2)), nn.Parameter(fb.ones(2))
    optimizer = fb.optim.SGD([{"params": [a], "lr": 1.0}], lr=0.1, momentum=0.5)
    optimizer.add_param_group({"params": b})
    assert [g["lr"] for g in optimizer.param_groups] == [1.0, 0.1]
    a.grad = b.grad = fb.ones(2)
    optimizer.step()
    assert a.tolist() == [0, 0]
    assert np.allclose(b.tolist(), 0.9)
    named = fb.optim.SGD([("a", a), ("b", b)])
    assert named.param_groups[0]["param_names"] == ["a", "b"]


def test_closure_hooks_and_zero_grad():
    p = nn.Parameter(fb.tensor([3.0]))
    optimizer = fb.optim.SGD([p], lr=0.1)
    seen = []
    optimizer.register_step_pre_hook(lambda *a: seen.append(p.item()))
    handle = optimizer.register_step_post_hook(lambda *a: seen.append(p.item()))

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with fb.no_grad():
        assert optimizer.step(closure).item() == 9
    handle.remove()
    optimizer.step()
    assert np.allclose(seen, [3.0, 2.4, 2.4])
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0]
    optimizer.zero_grad()
    assert p.grad is None


def test_a_step_counts_as_a_write():
    p = nn.Parameter(fb.tensor([3.0]))
    optimizer = fb.optim.SGD([p], lr=0.1)
    loss = (p * p).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_recorder_is_told_of_steps(monkeypatch):
    seen = []

    class Watcher:
        def before_step(self, optimizer):
            seen.append(p.item())

        def step(self, optimizer):
            seen.append(p.item())

    p = nn.Parameter(fb.tensor([3.0]))
    p.grad = fb.ones(1)
    optimizer = fb.optim.SGD([p], lr=1)
    monkeypatch.setattr(slot, "recorder", Watcher())
    optimizer.step()
    assert seen[0] == 3.0
    assert p.array.item() == 2.0
    assert len(seen) == 2


MISTAKES = [
    lambda lib: lib.optim.SGD([]),
    lambda lib: lib.optim.SGD(lib.ones(2)),
    lambda lib: lib.optim.SGD([3]),
    lambda lib: lib.optim.SGD([lib.ones(2, requires_grad=True) * 2]),
    lambda lib: lib.optim.SGD([{"params": {lib.nn.Parameter(lib.ones(1))}}]),
    lambda lib: lib.optim.SGD([lib.nn.Parameter(lib.ones(1))], lr=-1),
    lambda lib: lib.optim.SGD([lib.nn.Parameter(lib.ones(1))], momentum=-1),
    lambda lib: lib.optim.SGD([lib.nn.Parameter(lib.ones(1))], nesterov=True),
    lambda lib: lib.optim.Adam([lib.nn.Parameter(lib.ones(1))], betas=(1.0, 0.9)),
    lambda lib: lib.optim.Adam([lib.nn.Parameter(lib.ones(1))], eps=-1),
    lambda lib: lib.optim.AdamW([lib.nn.Parameter(lib.ones(1))], weight_decay=-1),
    lambda lib: lib.optim.SGD([lib.nn.Parameter(lib.ones(1))]).add_param_group([1]),
    lambda lib: (lambda p: lib.optim.SGD([{"params": [p]}, {"params": [p]}]))(
        lib.nn.Parameter(lib.ones(1))
    ),
    lambda lib: lib.optim.SGD([lib.nn.Parameter(lib.ones(1))]).load_state_dict(
        {"state": {}, "param_groups": []}
    ),
]


WRONG = [
    ("Adadelta", {"rho": 2}),
    ("Adadelta", {"lr": -1}),
    ("Adagrad", {"lr_decay": -1}),
    ("Adagrad", {"initial_accumulator_value": -1}),
    ("Adam", {"fused": True, "foreach": True}),
    ("SGD", {"fused": True, "differentiable": True}),
    ("Adamax", {"betas": (0.9, 1.0)}),
    ("ASGD", {"weight_decay": -1}),
    ("NAdam", {"momentum_decay": -1}),
    ("RAdam", {"eps": -1}),
    ("RMSprop", {"alpha": -1}),
    ("Rprop", {"etas": (1.5, 1.2)}),
    ("Adafactor", {"lr": -1}),
    ("Adafactor", {"beta2_decay": 0.5}),
    ("Adafactor", {"eps": (-1, 1)}),
    ("Adafactor", {"eps": (None, -1)}),
    ("Adafactor", {"d": 0.5}),
    ("Adafactor", {"weight_decay": -1}),
    ("Muon", {"lr": -1}),
    ("Muon", {"momentum": -1}),
    ("Muon", {"weight_decay": -1}),
    ("Muon", {"adjust_lr_fn": "other"}),
    ("Muon", {}),
    ("LBFGS", {"lr": -1}),
]
MISTAKES += [
    lambda lib, n=name, o=options: getattr(lib.optim, n)([lib.nn.Parameter(lib.ones(3))], **o)
    for name, options in WRONG
]
MISTAKES += [
    lambda lib: lib.optim.Adam([lib.nn.Parameter(lib.ones(3))], lr=lib.ones(2)),
    lambda lib: lib.optim.LBFGS([{"params": [lib.nn.Parameter(lib.ones(1))]} for _ in range(2)]),
]


@needs_torch
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_raise_what_pytorch_raises(mistake):
    found = []
    for lib in (fb, torch):
        with pytest.raises(Exception) as caught:  # noqa: PT011
            mistake(lib)
        found.append((caught.type, str(caught.value)))
    assert found[0][0] is found[1][0]
    if found[0][0] is ValueError:
        assert found[0][1] == found[1][1]


def test_pickles_and_copies():
    params, optimizer = make(fb, "Adam", {})
    steps(fb, params, optimizer, 2)
    for other in (pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        assert plain(other.state_dict()) == plain(optimizer.state_dict())


@needs_torch
def test_clipping_and_vectors():
    rng = np.random.default_rng(0)
    values = [rng.standard_normal(s).astype(np.float32) * 5 for s in ((3, 2), (4,))]
    for norm in (2.0, 1.0, float("inf")):
        results = []
        for lib in (fb, torch):
            params = [lib.nn.Parameter(lib.zeros(*v.shape)) for v in values]
            params.append(lib.nn.Parameter(lib.zeros(1)))
            for p, v in zip(params, values, strict=False):
                p.grad = lib.tensor(v.tolist())
            total = lib.nn.utils.clip_grad_norm_(params, 2.0, norm_type=norm)
            lib.nn.utils.clip_grad_value_(params, 0.4)
            again = lib.nn.utils.clip_grad_norm_(params[0], 100.0)
            results.append([total, again] + [p.grad for p in params[:2]])
        same(*results)
    params = [nn.Parameter(fb.ones(2, 2)), nn.Parameter(fb.zeros(3))]
    vector = nn.utils.parameters_to_vector(params)
    assert vector.tolist() == [1, 1, 1, 1, 0, 0, 0]
    nn.utils.vector_to_parameters(fb.arange(7.0), params)
    assert params[1].tolist() == [4, 5, 6]
    assert params[0].requires_grad
    params[0].grad = fb.full((2, 2), float("nan"))
    with pytest.raises(RuntimeError, match="non-finite"):
        nn.utils.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    assert nn.utils.clip_grad_norm_([params[1]], 1.0).item() == 0
