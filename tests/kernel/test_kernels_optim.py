"""Compiled steps of optimizers: PyTorch's steps, the plain formulas' steps, and when they run."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from test_optim import OPTIONS

import flambeau as fb
from flambeau.kernels import gate, optim
from flambeau.optim.compiled import serve

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
numba = pytest.mark.skipif(not gate.installed(), reason="numba is not installed")

MORE = [
    ("RMSprop", {"lr": 0.05, "centered": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
]
STEPPED = [(n, o) for n, o in OPTIONS + MORE if n not in ("Adafactor", "Muon", "ASGD", "Rprop")]
SHAPES = ((60, 50), (), (7, 3, 5), (3,))  # one that compiled loops want, and others beside it


def made(lib, name, options, shapes=SHAPES):
    rng = np.random.default_rng(0)
    params = [
        lib.nn.Parameter(lib.from_numpy(rng.standard_normal(s).astype(np.float32))) for s in shapes
    ]
    return params, getattr(lib.optim, name)(params, **options)


def step(lib, params, optimizer, seed):
    rng = np.random.default_rng(seed)
    for p in params[:-1]:  # the last never gets a gradient
        p.grad = lib.from_numpy(np.asarray(rng.standard_normal(tuple(p.shape)), np.float32))
    optimizer.step()


def after(lib, name, options, count=8):
    params, optimizer = made(lib, name, options)
    for i in range(count):
        step(lib, params, optimizer, i)
    return [p.detach().numpy() for p in params], optimizer


@pytest.mark.parametrize(("name", "options"), STEPPED)
def test_the_steps_are_pytorchs(name, options):
    ours, optimizer = after(fb, name, options)
    theirs, other = after(torch, name, options)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)
    found, wanted = optimizer.state_dict()["state"], other.state_dict()["state"]
    assert found.keys() == wanted.keys()
    for number, state in wanted.items():
        assert list(found[number]) == list(state)
        for key, value in state.items():
            if value is None:
                assert found[number][key] is None
                continue
            mine = found[number][key].numpy()
            assert mine.dtype == value.numpy().dtype
            np.testing.assert_allclose(mine, value.numpy(), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "options"), STEPPED)
def test_the_steps_are_those_of_the_plain_formulas(name, options):
    compiled, _ = after(fb, name, options)
    with fb.backends.exact.flags():
        plain, _ = after(fb, name, options)
    for a, b in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "RAdam"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e38, 1e-40, 0.0])
def test_hard_gradients(name, value):
    results = []
    for lib in (fb, torch):
        params, optimizer = made(lib, name, {}, ((3000,), (2,)))
        step(lib, params, optimizer, 0)
        g = np.ones(3000, np.float32)
        g[::7] = value
        params[0].grad = lib.from_numpy(g)
        optimizer.step()
        results.append(params[0].detach().numpy())
    np.testing.assert_allclose(*results, rtol=1e-5, atol=1e-6)


def test_an_infinite_parameter_without_decay_stays():
    w = fb.nn.Parameter(fb.full((3000,), float("inf")))
    w.grad = fb.ones(3000)
    fb.optim.SGD([w], lr=0.1).step()
    assert bool(w.isposinf().all())


@numba
def test_groups_of_small_parameters_are_left_to_numpy():
    small, large = fb.nn.Parameter(fb.ones(10)), fb.nn.Parameter(fb.ones(5000))
    assert not serve([small, small])
    assert serve([small, large])
    with fb.backends.exact.flags():
        assert not serve([large])


def test_small_programs_do_not_import_numba():
    program = (
        "import sys, flambeau as fb\n"
        "w = fb.nn.Parameter(fb.ones(10, 10))\n"
        "o = fb.optim.Adam([w])\n"
        "for _ in range(3): (w * w).sum().backward(); o.step()\n"
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("change", ["data", "load", "state", "copy", "pickle"])
def test_replaced_arrays_are_noticed(change):
    """Loops go over arrays that they have seen before, unless there are others now."""
    results = []
    for exact in (False, True):
        with fb.backends.exact.flags(exact):
            params, optimizer = made(fb, "Adam", {"lr": 0.1})
            step(fb, params, optimizer, 0)
            step(fb, params, optimizer, 1)
            if change == "data":
                params[0].data = params[0].data * 2
            elif change == "load":
                optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
            elif change == "state":
                optimizer.state[params[0]]["exp_avg"] = fb.ones(60, 50)
            elif change == "copy":
                optimizer = copy.deepcopy(optimizer)
                params = optimizer.param_groups[0]["params"]
            else:
                optimizer = pickle.loads(pickle.dumps(optimizer))
                params = optimizer.param_groups[0]["params"]
            step(fb, params, optimizer, 2)
            results.append([p.detach().numpy() for p in params])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


def test_what_loops_cannot_take_is_stepped_beside_what_they_can():
    """Layouts, types, a changed option, a group that comes later, views of one memory."""
    results = []
    for lib in (fb, torch):
        rng = np.random.default_rng(0)
        whole = lib.from_numpy(rng.standard_normal((60, 50)).astype(np.float32))
        turned = lib.nn.Parameter(lib.from_numpy(rng.standard_normal((40, 60))).float().T)
        double = lib.nn.Parameter(lib.from_numpy(rng.standard_normal((50, 50))))
        plain = lib.nn.Parameter(whole)
        params = [plain, turned, double]
        optimizer = lib.optim.SGD(params, lr=0.1)
        for i in range(4):
            if i == 2:
                optimizer.param_groups[0]["momentum"] = 0.9
            for p in params:
                p.grad = (p.detach() * 0.5).sin()
            optimizer.step()
        plain.grad = plain.grad.T.contiguous().T  # a gradient in another layout
        optimizer.step()
        results.append([p.detach().numpy() for p in params])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


def test_a_step_counts_as_a_write():
    w = fb.nn.Parameter(fb.ones(3000))
    out = w * w
    w.grad = fb.ones(3000)
    fb.optim.SGD([w], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        out.sum().backward()


@numba
def test_large_parameters_are_spread_over_threads():
    before = fb.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            fb.set_num_threads(threads)
            params, optimizer = made(fb, "Adam", {}, ((600, 500), (2,)))
            for i in range(3):
                step(fb, params, optimizer, i)
            results.append(params[0].detach().numpy())
    finally:
        fb.set_num_threads(before)
    np.testing.assert_array_equal(*results)


@numba
def test_a_loop_has_its_plain_twin():
    p, g = np.ones(5, np.float32), np.arange(5, dtype=np.float32)
    twin = p.copy()
    optim.sgd(p, g, *map(np.float32, (0.5, 1, 0)))
    optim.sgd.plain(twin, g, *map(np.float32, (0.5, 1, 0)))
    np.testing.assert_array_equal(p, twin)
