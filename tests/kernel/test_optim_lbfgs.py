"""L-BFGS: the path PyTorch takes, on functions that need its line search."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import flambeau as fb

try:
    import torch
except ImportError:
    torch = None
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")

OPTIONS = [
    {"lr": 0.01},
    {"lr": 0.01, "max_iter": 7, "history_size": 3},
    {"lr": 0.005, "max_eval": 5, "tolerance_grad": 1e-2},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "max_iter": 4, "history_size": 2},
    {"line_search_fn": "strong_wolfe", "max_eval": 9, "tolerance_change": 1e-4},
]


def make(lib, options, dtype):
    kind = getattr(lib, dtype)
    x = lib.nn.Parameter(lib.tensor([[-1.2, 1.0], [0.5, -0.7]], dtype=kind))
    y = lib.nn.Parameter(lib.tensor(2.0, dtype=kind))
    unused = lib.nn.Parameter(lib.ones(2, dtype=kind))
    return [x, y, unused], lib.optim.LBFGS([x, y, unused], **options)


def closure_of(params, optimizer):
    def closure():
        optimizer.zero_grad()
        a, b = params[0][:, 0], params[0][:, 1]
        loss = (100 * (b - a * a) ** 2 + (1 - a) ** 2).sum() + (params[1] - 3) ** 4
        loss.backward()
        return loss

    return closure


def run(pair, count):
    return [pair[1].step(closure_of(*pair)).item() for _ in range(count)]


def same(a, b, tolerance):
    for x, y in zip(a, b, strict=True):
        assert np.allclose(x.detach().numpy(), y.detach().numpy(), rtol=tolerance, atol=tolerance)


@needs_torch
@pytest.mark.parametrize("options", OPTIONS)
def test_path(options):
    ours, theirs = make(fb, options, "float64"), make(torch, options, "float64")
    assert run(ours, 5) == pytest.approx(run(theirs, 5), rel=1e-5, abs=1e-10)
    same(ours[0], theirs[0], 1e-5)
    mine, wanted = (pair[1].state_dict() for pair in (ours, theirs))
    assert mine["param_groups"] == wanted["param_groups"]
    mine, wanted = mine["state"][0], wanted["state"][0]
    assert mine.keys() == wanted.keys()
    for name in ("func_evals", "n_iter"):
        assert mine[name] == wanted[name]
    for name in ("old_dirs", "old_stps", "ro", "al"):
        assert len(mine[name]) == len(wanted[name])


@needs_torch
@pytest.mark.parametrize("options", OPTIONS)
def test_state_of_pytorch_goes_on_here(options):
    theirs, ours = make(torch, options, "float64"), make(fb, options, "float64")
    run(theirs, 2)
    with fb.no_grad():
        for p, q in zip(ours[0], theirs[0], strict=True):
            p.copy_(fb.tensor(q.detach().numpy()))
    ours[1].load_state_dict(copy.deepcopy(theirs[1].state_dict()))
    assert run(ours, 2) == pytest.approx(run(theirs, 2), rel=1e-5, abs=1e-10)


@pytest.mark.parametrize("options", OPTIONS)
def test_saved_state_goes_on_exactly(options):
    first, second = make(fb, options, "float32"), make(fb, options, "float32")
    run(first, 2)
    with fb.no_grad():
        for p, q in zip(second[0], first[0], strict=True):
            p.copy_(q)
    second[1].load_state_dict(copy.deepcopy(first[1].state_dict()))
    assert run(first, 2) == run(second, 2)


def test_rosenbrock_is_solved():
    pair = make(fb, {"line_search_fn": "strong_wolfe"}, "float64")
    assert run(pair, 10)[-1] < 1e-9
    assert np.allclose(pair[0][0].detach().numpy(), 1, atol=1e-4)


@needs_torch
def test_complex_parameters():
    results = []
    for lib in (fb, torch):
        z = lib.nn.Parameter(lib.tensor([1 + 2j, -0.5j], dtype=lib.complex128))
        optimizer = lib.optim.LBFGS([z], lr=0.3)

        def closure(z=z, lib=lib):
            z.grad = (z.detach() - 1j) * lib.tensor([1.0, 2.0])
            return float(abs(z.detach() - 1j).sum())

        for _ in range(3):
            optimizer.step(closure)
        results.append(z.detach().numpy())
    assert np.allclose(*results)


def test_mistakes():
    pair = make(fb, {"line_search_fn": "other"}, "float32")
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        run(pair, 1)
    with pytest.raises(TypeError):
        pair[1].step()
