"""Writing in place, and through views: values, versions and gradients, against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import flambeau as fb

torch = pytest.importorskip("torch")

# Each line works on a leaf x of shape (3, 4) and leaves its result in y.
PROGRAMS = [
    "y = x * 1; y.mul_(2)",
    "y = x * 1; y += x",
    "y = x * 1; y -= 1; y *= x; y /= 2",
    "y = x * 1; y.exp_()",
    "y = x * 1; y.pow_(2)",
    "y = x * 1; y **= 3",
    "y = x * 1; y.clamp_(-0.5, 0.5)",
    "y = x * 1; y.relu_()",
    "y = x * 1; y[0] = 0",
    "y = x * 1; y[:, 1] = x[:, 0] * 3",
    "y = x * 1; y[1:, 2:] *= 2",
    "y = x * 1; y[0].mul_(3)",
    "y = x * 1; y[0][1:].mul_(3)",
    "y = x * 1; v = y[1]; v.exp_(); y = y * v.sum()",
    "y = x * 1; v = y.view(12); v[3:6] = 7; y = y * 2",
    "y = x * 1; v = y.t(); v[0] *= 5",
    "y = x * 1; v = y.t().reshape(-1)[2:5]; v.mul_(0) ; y = y + v.sum()",
    "y = x * 1; v = y.permute(1, 0); v.add_(x.t())",
    "y = x * 1; v = y.unsqueeze(0).squeeze(0); v.mul_(2); y = y * v",
    "y = x * 1; v = y[:2]; y.mul_(2); y = y.sum() + (v * v).sum()",
    "y = x * 1; v = y.diagonal(); v.mul_(4)",
    "y = x * 1; y.diagonal().fill_(0)",
    "y = x * 1; v = y.narrow(1, 1, 2); v.copy_(x[:, :2])",
    "y = x * 1; y.masked_fill_(x > 0, 2.0)",
    "y = x * 1; y[x > 0] = 3",
    "y = x * 1; y[[0, 2]] = x[1]",
    "y = x * 1; y[[0, 2], 1:3] *= 2",
    "y = x * 1; y.copy_(x * x)",
    "y = x * 1; y.fill_(2); y = y * x",
    "y = x * 1; y.zero_(); y += x",
    "y = T.zeros(3, 4, dtype=T.float64); y[0] = x[1]; y[:, 2] = x[:, 0]",
    "y = T.zeros(3, 4, dtype=T.float64); y.add_(x); y.mul_(x)",
    "y = T.zeros(3, 4, dtype=T.float64); y.view(-1)[2:6] = x[0]",
    "y = T.zeros(4, 3, dtype=T.float64); y.t().copy_(x)",
    "y = x * 1; y.scatter_(1, T.tensor([[0], [1], [3]]), 5.0)",
    "y = x * 1; y.index_add_(0, T.tensor([0, 0]), x[:2])",
    "y = x * 1; y.lerp_(x * x, 0.3)",
    "y = x * 1; y.addcmul_(x, x, value=2)",
    "y = x * 1; y.tril_()",
    "y = x.clone(); y.neg_().abs_()",
    "y = x * 1; y.detach().mul_(1); y = y + 1",
    "y = x * 1; v = y.expand(3, 4); v.mul_(2)",
    "y = T.cat([x, x]); y[3] = 0",
    "a, b = (x * 1).split(2); y = a.sum() * b",
]


def run(package: Any, text: str, array: np.ndarray) -> list[Any]:
    x = package.from_numpy(array.copy()).requires_grad_()
    names: dict[str, Any] = {"x": x, "T": package}
    exec(text, names)
    y = names["y"]
    w = package.from_numpy(np.random.default_rng(1).standard_normal(tuple(y.shape)))
    (g,) = package.autograd.grad((y * w).sum(), [x], create_graph=True)
    result = [y.detach().numpy(), g.detach().numpy()]
    v = package.from_numpy(np.random.default_rng(2).standard_normal(array.shape))
    if g.requires_grad:
        (second,) = package.autograd.grad((g * v).sum(), [x], allow_unused=True)
        result.append(np.zeros(array.shape) if second is None else second.numpy())
    else:
        result.append(np.zeros(array.shape))
    return result


@pytest.mark.parametrize("text", PROGRAMS)
def test_program(text: str) -> None:
    array = np.random.default_rng(0).standard_normal((3, 4))
    for a, b in zip(run(fb, text, array), run(torch, text, array), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


REFUSED = [
    "y = x * 1; v = y[0]; w = y[1]; v.mul_(w); w.mul_(v); y.sum().backward()",
    "y = x * 1; y.sigmoid_().tanh_(); y.sum().backward()",
    "y = x.exp(); y.add_(1); y.sum().backward()",
    "x.add_(1)",
    "x[0] = 1",
    "x.view(12).mul_(2)",
    "x *= 2",
    "x.zero_()",
    "y = x.exp(); y.mul_(2); y.sum().backward()",
    "y = x * 1; z = y * y; y.add_(1); z.sum().backward()",
    "y = x * 1; z = y * y; y[0] = 1; z.sum().backward()",
    "y = x * 1; z = y[0] * y[0]; y.add_(1); z.sum().backward()",
    "y = x * 1; v = y[0]; z = v * v; y.add_(1); z.sum().backward()",
    "y = x * 1; a, b, c = y.unbind(0); a.mul_(2)",
    "y = x * 1; a, b = y.split(2); a.mul_(2)",
    "T.ones(2).add_(T.ones(3))",
    "T.ones(1).add_(T.ones(3))",
    "T.ones(2, dtype=T.int64).add_(1.5)",
    "T.ones(2, dtype=T.int64).div_(2)",
    "T.ones(2, dtype=T.int64).sqrt_()",
    "T.ones(1).expand(3).add_(1)",
    "T.ones(3, 4).t().view(12)",
]


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    array = np.random.default_rng(0).standard_normal((3, 4))
    for package in (torch, fb):
        x = package.from_numpy(array.copy()).requires_grad_()
        with pytest.raises(RuntimeError):
            exec(text, {"x": x, "T": package})


def test_versions_count_writes_and_views_share_them() -> None:
    x = fb.zeros(3)
    v = x[1:]
    x.add_(1)
    v.add_(1)
    x[0] = 5
    assert x._version == v._version == 3
    assert x.tolist() == [5, 2, 2]
    assert x.detach()._version == 3
    assert x.data._version == 0


def test_in_place_returns_the_same_tensor() -> None:
    x = fb.zeros(3)
    y = x
    assert x.add_(1) is x
    x += 1
    assert y is x
    assert y.tolist() == [2, 2, 2]


def test_views_of_views_share_memory() -> None:
    x = fb.arange(24.0)
    chain = x.view(2, 3, 4).transpose(0, 2)[1].squeeze().unsqueeze(0)[:, 1:]
    assert chain._base is x
    chain.zero_()
    assert int((x == 0).sum()) == 5
    assert x.reshape(4, 6).data_ptr() == x.data_ptr()
    assert x.view(4, 6).t().reshape(24).data_ptr() != x.data_ptr()


def test_chunks_share_memory() -> None:
    x = fb.arange(6)
    for part in (*x.chunk(2), *x.split(4), *x.view(2, 3).unbind(1)):
        part.add_(1)
    assert x.tolist() == [3, 4, 5, 6, 7, 8]


def test_writing_under_no_grad_leaves_the_graph() -> None:
    x = fb.ones(3, requires_grad=True)
    with fb.no_grad():
        x.mul_(2)
        x[0] = 7
    assert x.is_leaf
    (x * x).sum().backward()
    assert x.grad.tolist() == [14, 4, 4]


def test_an_in_place_rule_that_needs_the_old_value_gets_it() -> None:
    x = fb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    y.mul_(x)
    y.square_()
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 4 * np.array([1.0, 8.0, 27.0]))
