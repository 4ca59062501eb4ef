"""Compiled convolution and pooling: as exact as PyTorch's, and the same as the plain formulas."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import flambeau as fb
from flambeau.backends import exact
from flambeau.ops import conv as conv_module

try:
    import torch
except ImportError:
    torch = None
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
pytest.importorskip("numba", reason="compiled loops need numba")


def conv(x: tuple[int, ...], w: tuple[int, ...], name: str = "", **settings: Any) -> Any:
    n = len(x) - 2
    name = name or f"conv{n}d"
    shown = [name, "x".join(map(str, x)), "x".join(map(str, w))]
    shown += [f"{k}={v}" for k, v in settings.items()]
    return pytest.param(name, x, w, settings, id=" ".join(shown))


CONVOLUTIONS = [
    conv((4, 64, 16, 16), (64, 64, 3, 3), padding=1),
    conv((2, 128, 9, 14), (96, 128, 3, 3), padding=1),
    conv((3, 16, 13, 17), (24, 16, 3, 3)),
    conv((3, 16, 13, 17), (24, 16, 3, 3), padding=2),
    conv((2, 16, 16, 15), (20, 16, 5, 5), padding=2),
    conv((2, 16, 16, 15), (20, 16, 3, 3), padding=2, dilation=2),
    conv((2, 16, 19, 15), (20, 16, 3, 3), padding=(3, 1), dilation=(3, 1)),
    conv((2, 32, 16, 15), (32, 16, 3, 3), padding=1, groups=2),
    conv((2, 12, 9, 10, 11), (16, 12, 3, 3, 3), padding=1),
    conv((2, 16, 16, 15), (24, 16, 3, 3), stride=2, padding=1),
    conv((2, 16, 16, 15), (24, 16, 3, 3), stride=(2, 1), padding=1, dilation=(1, 2)),
    conv((2, 32, 16, 15), (64, 8, 3, 3), padding=1, groups=4, stride=2),
    conv((2, 16, 300), (24, 16, 7), stride=3),
    conv((2, 8, 9, 10, 11), (16, 8, 2, 3, 2), padding=1, stride=(2, 1, 2)),
    conv((2, 16, 19, 20), (24, 16, 1, 1), stride=2),
    conv((2, 16, 9, 20), (24, 16, 1, 1)),
    conv((2, 16, 300), (24, 16, 3), padding=1),
    conv((4, 1, 28, 28), (6, 1, 5, 5), padding=2),
    conv((2, 3, 32, 30), (15, 3, 7, 7), padding=3, stride=2),
    conv((2, 3, 32, 30), (15, 3, 3, 3), padding=5),
    conv((3, 1, 800), (15, 1, 80), stride=4),
    conv((2, 32, 16, 17), (32, 1, 3, 3), padding=1, groups=32),
    conv((2, 32, 16, 17), (64, 1, 3, 5), padding=1, groups=32, stride=(1, 3), dilation=(2, 1)),
    conv((2, 16, 8, 9), (16, 24, 4, 4), "conv_transpose2d", stride=2, padding=1),
    conv((2, 16, 8, 9), (16, 3, 3, 3), "conv_transpose2d", stride=2, padding=1, output_padding=1),
    conv((2, 32, 8, 9), (32, 16, 3, 3), "conv_transpose2d", padding=1),
    conv((2, 32, 8, 9), (32, 8, 3, 3), "conv_transpose2d", padding=1, groups=2),
]


def numbers(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def results(lib: Any, name: str, arrays: list[np.ndarray], **settings: Any) -> list[np.ndarray]:
    """The output and the gradients of all inputs."""
    given = [lib.from_numpy(a.copy()).requires_grad_() for a in arrays]
    out = getattr(lib.nn.functional, name)(*given, **settings)
    g = numbers(tuple(out.shape), 9).astype(arrays[0].dtype)
    out.backward(lib.from_numpy(g))
    return [out.detach().numpy(), *(t.grad.numpy() for t in given)]


def error(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.linalg.norm(found - true) / np.linalg.norm(true))


def check_errors(name: str, arrays: list[np.ndarray], **settings: Any) -> None:
    true = results(torch, name, [a.astype(np.float64) for a in arrays], **settings)
    theirs = results(torch, name, arrays, **settings)
    ours = results(fb, name, arrays, **settings)
    for a, b, t in zip(ours, theirs, true, strict=True):
        assert a.dtype == np.float32
        assert a.shape == b.shape
        assert error(a, t) <= max(4 * error(b, t), 1e-7)


def inputs(name: str, x: tuple[int, ...], w: tuple[int, ...], groups: int = 1) -> Any:
    filters = w[1] * groups if "transpose" in name else w[0]
    return [numbers(x, 0), numbers(w, 1), numbers((filters,), 2)]


@needs_torch
@pytest.mark.parametrize(("name", "x", "w", "settings"), CONVOLUTIONS)
def test_errors_are_at_most_four_times_those_of_torch(
    name: str, x: Any, w: Any, settings: dict[str, Any]
) -> None:
    check_errors(name, inputs(name, x, w, settings.get("groups", 1)), **settings)


@needs_torch
@pytest.mark.parametrize("make", ["positive", "shifted", "tiny", "large", "halved"])
def test_errors_of_tiles_stay_small_for_hard_inputs(make: str) -> None:
    x, w, b = inputs("conv2d", (2, 64, 14, 14), (64, 64, 3, 3))
    x = {
        "positive": np.abs(x),
        "shifted": x + np.float32(30),
        "tiny": x * np.float32(1e-30),
        "large": x * np.float32(1e15),
        "halved": np.maximum(x, 0),
    }[make]
    check_errors("conv2d", [x, w, b], padding=1)


@pytest.mark.parametrize(("name", "x", "w", "settings"), CONVOLUTIONS)
def test_plain_formulas_give_the_same(name: str, x: Any, w: Any, settings: Any) -> None:
    arrays = inputs(name, x, w, settings.get("groups", 1))
    ours = results(fb, name, arrays, **settings)
    with exact.flags():
        plain = results(fb, name, arrays, **settings)
    for a, b in zip(ours, plain, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert error(a, b) < 3e-6


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("channels", [16, 3])
def test_one_bad_number_spoils_only_the_windows_that_have_it(bad: float, channels: int) -> None:
    x, w, b = inputs("conv2d", (2, channels, 14, 14), (16, channels, 3, 3))
    x[1, 1, 6, 5] = bad
    w *= np.float32(0.1)
    ours = fb.nn.functional.conv2d(*map(fb.from_numpy, (x, w, b)), padding=1).numpy()
    with exact.flags(), np.errstate(all="ignore"):
        plain = fb.nn.functional.conv2d(*map(fb.from_numpy, (x, w, b)), padding=1).numpy()
    assert (np.isnan(ours) == np.isnan(plain)).all()
    assert (np.isinf(ours) == np.isinf(plain)).all()
    fine = np.isfinite(plain)
    assert fine.sum() >= fine.size - 16 * 9
    np.testing.assert_allclose(ours[fine], plain[fine], rtol=1e-4, atol=1e-4)


def test_layout_of_inputs_makes_no_difference() -> None:
    x, w, _ = inputs("conv2d", (2, 16, 12, 12), (16, 16, 3, 3))
    expected = fb.nn.functional.conv2d(fb.from_numpy(x), fb.from_numpy(w), padding=1).numpy()
    turned = fb.from_numpy(np.ascontiguousarray(x.transpose(0, 2, 3, 1))).permute(0, 3, 1, 2)
    filters = fb.from_numpy(np.ascontiguousarray(w.transpose(3, 2, 1, 0))).permute(3, 2, 1, 0)
    found = fb.nn.functional.conv2d(turned, filters, padding=1).numpy()
    assert (found == expected).all()


def test_gradient_that_is_one_number_spread_out() -> None:
    x, w, _ = inputs("conv2d", (2, 16, 12, 12), (16, 16, 3, 3))
    a, b = (fb.from_numpy(v.copy()).requires_grad_() for v in (x, w))
    fb.nn.functional.conv2d(a, b, padding=1).sum().backward()
    with exact.flags():
        c, d = (fb.from_numpy(v.copy()).requires_grad_() for v in (x, w))
        fb.nn.functional.conv2d(c, d, padding=1).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), c.grad.numpy(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(b.grad.numpy(), d.grad.numpy(), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("w", [(16, 16, 3, 3), (16, 4, 3, 3), (16, 1, 3, 3)])
def test_second_gradients(w: tuple[int, ...]) -> None:
    def second() -> list[np.ndarray]:
        x, kernel = (fb.from_numpy(v).requires_grad_() for v in (numbers((2, 16, 10, 10), 0),
                                                                 numbers(w, 1)))  # fmt: skip
        out = fb.nn.functional.conv2d(x, kernel, padding=1, groups=16 // w[1])
        (gx,) = fb.autograd.grad((out * out).sum(), x, create_graph=True)
        (gx * gx).sum().backward()
        return [x.grad.numpy(), kernel.grad.numpy()]

    ours = second()
    with exact.flags():
        plain = second()
    for a, b in zip(ours, plain, strict=True):
        assert error(a, b) < 1e-5


def test_empty_batch() -> None:
    x = fb.zeros(0, 16, 12, 12, requires_grad=True)
    w = fb.zeros(16, 16, 3, 3, requires_grad=True)
    out = fb.nn.functional.conv2d(x, w, padding=1)
    assert out.shape == (0, 16, 12, 12)
    out.sum().backward()
    assert x.grad.shape == x.shape
    assert not w.grad.numpy().any()


def test_results_do_not_share_the_room_that_is_kept() -> None:
    x, w, _ = inputs("conv2d", (2, 16, 12, 12), (16, 16, 3, 3))
    first = fb.nn.functional.conv2d(fb.from_numpy(x), fb.from_numpy(w), padding=1)
    before = first.numpy().copy()
    fb.nn.functional.conv2d(fb.from_numpy(x + 1), fb.from_numpy(w), padding=1)
    assert (first.numpy() == before).all()


def test_small_convolutions_do_not_need_numba() -> None:
    program = (
        "import sys, flambeau as fb; x = fb.ones(2, 1, 8, 8, requires_grad=True);"
        "y = fb.nn.functional.max_pool2d(fb.nn.functional.conv2d(x, fb.ones(2, 1, 3, 3)), 2);"
        "fb.nn.functional.adaptive_avg_pool2d(y, 1).sum().backward();"
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_each_method_is_tried_above() -> None:
    ways = set()
    for case in CONVOLUTIONS:
        name, x, w, settings = case.values
        if "transpose" not in name:
            s = [settings.get(k, v) for k, v in (("stride", 1), ("padding", 0), ("dilation", 1))]
            ways.add(conv_module._planned(x, w, *s, settings.get("groups", 1)).settings.way)
    assert {"tiles", "rows", "runs", "planes", "points"} <= ways


POOLS = [
    ("max_pool2d", (3, 8, 14, 15), {"kernel_size": 2}),
    ("max_pool2d", (3, 8, 16, 16), {"kernel_size": 2}),
    ("max_pool2d", (3, 8, 14, 15), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ("max_pool1d", (3, 8, 128), {"kernel_size": 2}),
    ("max_pool1d", (3, 8, 129), {"kernel_size": 2}),
    ("max_pool3d", (2, 4, 8, 8, 8), {"kernel_size": 2}),
    ("adaptive_avg_pool2d", (3, 8, 14, 15), {"output_size": 1}),
    ("adaptive_avg_pool2d", (3, 8, 14, 15), {"output_size": (7, 4)}),
    ("adaptive_avg_pool1d", (3, 8, 130), {"output_size": 7}),
    ("adaptive_avg_pool3d", (2, 4, 8, 9, 10), {"output_size": (2, 9, 3)}),
    ("adaptive_avg_pool2d", (2, 64, 6, 6), {"output_size": (9, 11)}),
]


@needs_torch
@pytest.mark.parametrize(("name", "shape", "settings"), POOLS)
def test_pools_are_those_of_torch(name: str, shape: Any, settings: Any) -> None:
    check_errors(name, [numbers(shape, 3)], **settings)
    ties = np.random.default_rng(4).integers(0, 3, shape).astype(np.float32)
    for a, b in zip(
        results(fb, name, [ties], **settings), results(torch, name, [ties], **settings), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["max_pool1d", "max_pool2d"])
def test_the_largest_is_nan_where_one_is(name: str) -> None:
    x = numbers((2, 8, 16, 16) if name == "max_pool2d" else (2, 8, 256), 5)
    x.reshape(-1)[[3, 100, 1001, 2000]] = np.nan, np.inf, -np.inf, np.nan
    ours = results(fb, name, [x], kernel_size=2)
    with exact.flags():
        plain = results(fb, name, [x], kernel_size=2)
    for a, b in zip(ours, plain, strict=True):
        np.testing.assert_array_equal(a, b)
