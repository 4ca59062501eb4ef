"""`nn.init`: distributions, shapes and mistakes."""

from __future__ import annotations

import math

import numpy as np
import pytest

import flambeau as fb
from flambeau.nn import init

try:
    import torch
except ImportError:
    torch = None
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")

SPREAD = [
    ("uniform_", (), {"a": -2, "b": 3}),
    ("normal_", (), {"mean": 1, "std": 0.5}),
    ("trunc_normal_", (), {}),
    ("trunc_normal_", (), {"mean": 1.0, "std": 0.5, "a": 0.5, "b": 2.5}),
    ("xavier_uniform_", (), {"gain": 2.0}),
    ("xavier_normal_", (), {}),
    ("kaiming_uniform_", (), {"a": math.sqrt(5)}),
    ("kaiming_uniform_", (), {"mode": "fan_out", "nonlinearity": "relu"}),
    ("kaiming_normal_", (), {"nonlinearity": "tanh"}),
]


@needs_torch
@pytest.mark.parametrize(("name", "args", "options"), SPREAD)
def test_values_are_distributed_as_pytorchs(name, args, options):
    fb.manual_seed(0)
    torch.manual_seed(0)
    for shape in ((300, 200), (40, 30, 5, 5)):
        mine = fb.empty(*shape, requires_grad=True)
        assert getattr(init, name)(mine, *args, **options) is mine
        theirs = getattr(torch.nn.init, name)(torch.empty(*shape), *args, **options).numpy()
        values = mine.detach().numpy()
        assert mine.requires_grad
        assert mine.grad_fn is None
        assert abs(values.mean() - theirs.mean()) < 0.03 * max(1, theirs.std())
        for q in (0.05, 0.25, 0.75, 0.95):
            a, b = np.quantile(values, q), np.quantile(theirs, q)
            assert abs(a - b) < 0.05 * theirs.std() + 1e-3


def test_constants():
    assert init.constant_(fb.empty(2, 2), 3).tolist() == [[3, 3], [3, 3]]
    assert init.ones_(fb.empty(2)).tolist() == [1, 1]
    assert init.zeros_(fb.empty(2)).tolist() == [0, 0]
    assert init.eye_(fb.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]


@needs_torch
def test_dirac_and_orthogonal_and_sparse():
    for shape, groups in (((4, 3, 3), 1), ((4, 2, 3, 3), 2), ((2, 2, 3, 3, 3), 1)):
        mine = init.dirac_(fb.empty(*shape), groups).numpy()
        assert np.array_equal(mine, torch.nn.init.dirac_(torch.empty(*shape), groups).numpy())
    for shape in ((5, 3), (3, 5), (4, 3, 2)):
        q = init.orthogonal_(fb.empty(*shape), gain=2).numpy().reshape(shape[0], -1)
        gram = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
        assert np.allclose(gram, 4 * np.eye(len(gram)), atol=1e-5)
    zeros = (init.sparse_(fb.empty(10, 7), 0.25).numpy() == 0).sum(0)
    assert zeros.tolist() == [3] * 7


@needs_torch
def test_gain():
    names = ("linear", "conv2d", "conv_transpose3d", "sigmoid", "tanh", "relu", "selu")
    for name in (*names, "leaky_relu"):
        assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    ours = init.calculate_gain("leaky_relu", 0.2)
    assert ours == torch.nn.init.calculate_gain("leaky_relu", 0.2)
    with pytest.raises(ValueError, match="Unsupported nonlinearity step"):
        init.calculate_gain("step")
    with pytest.raises(ValueError, match="not a valid number"):
        init.calculate_gain("leaky_relu", "x")


@pytest.mark.parametrize(
    "call",
    [
        lambda: init.xavier_uniform_(fb.empty(3)),
        lambda: init.kaiming_normal_(fb.empty(3, 3), mode="fan"),
        lambda: init.eye_(fb.empty(3)),
        lambda: init.dirac_(fb.empty(3, 3)),
        lambda: init.orthogonal_(fb.empty(3)),
        lambda: init.sparse_(fb.empty(3), 0.1),
    ],
)
def test_mistakes(call):
    with pytest.raises(ValueError):  # noqa: PT011
        call()


def test_same_seed_same_values():
    values = []
    for _ in range(2):
        g = fb.Generator().manual_seed(5)
        values.append(init.normal_(fb.empty(4), generator=g).tolist())
    assert values[0] == values[1]


def test_empty_and_far_off_warn():
    with pytest.warns(UserWarning, match="zero-element"):
        init.kaiming_uniform_(fb.empty(0, 3))
    with pytest.warns(UserWarning, match="2 std"):
        init.trunc_normal_(fb.empty(4), mean=9.0)
