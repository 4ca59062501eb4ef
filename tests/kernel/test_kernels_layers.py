"""The compiled loops of activations, softmax, losses, normalisation and reductions.

Each is held against float64 (its error may be four times PyTorch's), against its plain twin, and
against hard inputs; and programs of small tensors must not wait for numba.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import flambeau as fb
from flambeau import backends
from flambeau.kernels import gate

torch = pytest.importorskip("torch")
pytest.importorskip("numba")
F = fb.nn.functional

HARD = np.array(
    [0, -0.0, 1, -1, 0.5, 3, -3, 6, -6, 20, -20, 88, -88, 104, -104, 1e-40, -1e-40, 1e-20, 1e20,
     -1e20, np.inf, -np.inf, np.nan], np.float32,
)  # fmt: skip


def spread_out(seed: int = 0, size: int = 4000) -> np.ndarray:
    """Normal numbers of several sizes."""
    rng = np.random.default_rng(seed)
    parts = [rng.standard_normal(size) * scale for scale in (1e-5, 0.1, 1, 4, 30)]
    return np.concatenate(parts).astype(np.float32)


POINTWISE = {
    "relu": lambda lib, x: lib.relu(x),
    "leaky_relu": lambda lib, x: lib.nn.functional.leaky_relu(x, 0.1),
    "relu6": lambda lib, x: lib.nn.functional.relu6(x),
    "hardtanh": lambda lib, x: lib.nn.functional.hardtanh(x, -0.5, 2.0),
    "hardswish": lambda lib, x: lib.nn.functional.hardswish(x),
    "elu": lambda lib, x: lib.nn.functional.elu(x, 0.7),
    "selu": lambda lib, x: lib.nn.functional.selu(x),
    "celu": lambda lib, x: lib.nn.functional.celu(x, 1.5),
    "sigmoid": lambda lib, x: lib.sigmoid(x),
    "tanh": lambda lib, x: lib.tanh(x),
    "silu": lambda lib, x: lib.nn.functional.silu(x),
    "gelu": lambda lib, x: lib.nn.functional.gelu(x),
    "gelu tanh": lambda lib, x: lib.nn.functional.gelu(x, approximate="tanh"),
    "softplus": lambda lib, x: lib.nn.functional.softplus(x, 2.0),
    "logsigmoid": lambda lib, x: lib.nn.functional.logsigmoid(x),
    "mish": lambda lib, x: lib.nn.functional.mish(x),
    "exp": lambda lib, x: lib.exp(x),
    "exp2": lambda lib, x: lib.exp2(x),
    "expm1": lambda lib, x: lib.expm1(x),
    "log": lambda lib, x: lib.log(x.abs()),
    "log2": lambda lib, x: lib.log2(x.abs()),
    "log10": lambda lib, x: lib.log10(x.abs()),
    "log1p": lambda lib, x: lib.log1p(x.abs()),
    "erf": lambda lib, x: lib.erf(x),
    "rsqrt": lambda lib, x: lib.rsqrt(x.abs() + 0.5),
    "sqrt": lambda lib, x: lib.sqrt(x.abs() + 0.5),
    "abs": lambda lib, x: x.abs(),
    "sign": lambda lib, x: lib.sign(x),
    "clamp": lambda lib, x: x.clamp(-0.7, 1.5),
    "clamp min": lambda lib, x: x.clamp(min=0.1),
    "cube": lambda lib, x: x**3,
    "where": lambda lib, x: lib.where(x > 0, x, x * 3),
    "where number": lambda lib, x: lib.where(x > 0.5, x, -1.0),
    "number where": lambda lib, x: lib.where(x > 0.5, 2.0, x),
    "lerp": lambda lib, x: lib.lerp(x, x * 2, 0.3),
    "addcmul": lambda lib, x: lib.addcmul(x, x, x, value=0.5),
    "addcdiv": lambda lib, x: lib.addcdiv(x, x, x.abs() + 1, value=0.5),
    "alpha": lambda lib, x: lib.add(x, x, alpha=0.5) - lib.sub(x, x * 2, alpha=3),
    "divided": lambda lib, x: x / (x.abs() + 1),
    "logaddexp": lambda lib, x: lib.logaddexp(x, x * -0.5),
    "nan_to_num": lambda lib, x: lib.nan_to_num(x),
}


def run(lib, f, *inputs, dtype="float32"):
    """The output and the gradients of the inputs, from a gradient of no particular pattern."""
    tensors = [lib.tensor(np.array(a, dtype), requires_grad=True) for a in inputs]
    out = f(lib, *tensors)
    given = np.random.default_rng(9).standard_normal(tuple(out.shape)).astype(dtype)
    out.backward(lib.tensor(given))
    return [t.detach().numpy().astype(float) for t in (out, *(t.grad for t in tensors))]


def error(values, exact):
    """The largest distance over the largest size, where the exact value is a number."""
    inside = np.isfinite(exact)
    if not inside.any():
        return 0.0
    size = max(np.abs(exact[inside]).max(), 1e-30)
    return np.abs(values[inside] - exact[inside]).max() / size


def holds(f, *inputs):
    """Ours is at most four times as far from float64 as PyTorch is (and a rounding further)."""
    exact, theirs = run(torch, f, *inputs, dtype="float64"), run(torch, f, *inputs)
    for got, want, other in zip(run(fb, f, *inputs), exact, theirs, strict=True):
        assert got.shape == want.shape
        assert error(got, want) <= 4 * error(other, want) + 2e-7


@pytest.mark.parametrize("name", POINTWISE)
def test_pointwise_functions_are_as_near_to_float64_as_pytorch(name):
    for x in (spread_out(), spread_out(1)[::7]):
        holds(POINTWISE[name], np.ascontiguousarray(x))


@pytest.mark.parametrize("name", POINTWISE)
def test_pointwise_functions_agree_with_their_plain_twins_on_hard_numbers(name):
    x = np.tile(HARD, 200)
    f = POINTWISE[name]
    fast = run(fb, f, x)
    with backends.exact.flags():
        plain = run(fb, f, x)
    np.testing.assert_allclose(fast[0], plain[0], rtol=3e-6, atol=3e-7)
    numbers = np.isfinite(fast[1]) & np.isfinite(plain[1])
    np.testing.assert_allclose(fast[1][numbers], plain[1][numbers], rtol=3e-6, atol=3e-6)
    usual = np.isfinite(x) & (np.abs(x) < 1e10)
    assert np.isfinite(fast[1][usual]).all() == np.isfinite(plain[1][usual]).all()


SHAPES = [((300, 11), 1), ((64, 200), 1), ((3, 5000), 1), ((1, 4099), 1), ((10, 7, 60), 1),
          ((9, 300), 0), ((4, 6, 5, 30), 2), ((2, 3, 1100), 1), ((2500, 1), 1)]  # fmt: skip


@pytest.mark.parametrize(("shape", "dim"), SHAPES)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_softmax_over_any_dimension(name, shape, dim):
    x = np.random.default_rng(3).standard_normal(shape) * 5
    holds(lambda lib, x: getattr(lib, name)(x, dim), x)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
@pytest.mark.parametrize("dim", [0, 1])
def test_softmax_of_masked_and_endless_rows(name, dim):
    x = np.random.default_rng(4).standard_normal((64, 64)).astype(np.float32)
    x[3], x[5, 2:], x[7, 1], x[9, 4], x[11] = -np.inf, -np.inf, np.inf, np.nan, 1e30
    x[13] = np.linspace(-200, 0, 64)
    x = x if dim else np.ascontiguousarray(x.T)
    out = getattr(fb, name)(fb.tensor(x), dim).numpy()
    want = getattr(torch, name)(torch.tensor(x), dim).numpy()
    np.testing.assert_allclose(out, want, rtol=2e-6, atol=1e-6)


LOSSES = {
    "mse_loss": lambda lib, x, y: lib.nn.functional.mse_loss(x, y),
    "mse sum": lambda lib, x, y: lib.nn.functional.mse_loss(x, y, reduction="sum"),
    "l1_loss": lambda lib, x, y: lib.nn.functional.l1_loss(x, y),
    "smooth_l1_loss": lambda lib, x, y: lib.nn.functional.smooth_l1_loss(x, y, beta=0.3),
    "huber_loss": lambda lib, x, y: lib.nn.functional.huber_loss(x, y, delta=0.7),
    "bce": lambda lib, x, y: (
        lib.nn.functional.binary_cross_entropy_with_logits(x, y.detach()) + y.sum() * 0
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", [(50, 60), (40001,), (3, 3, 1000)])
def test_losses_of_each_element(name, shape):
    rng = np.random.default_rng(5)
    holds(LOSSES[name], rng.standard_normal(shape) * 3, rng.random(shape))


def cross_entropy(target, **options):
    """A function of logits and of weights of the classes."""

    def call(lib, x):
        given = {k: lib.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        if "weight" in given:
            given["weight"] = given["weight"].to(x.dtype)
        return lib.nn.functional.cross_entropy(x, lib.tensor(target), **given)

    return call


@pytest.mark.parametrize("shape", [(300, 10), (40, 1000), (5, 9, 8, 11), (3, 4000), (2, 3, 1300)])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_with_weights_ignored_targets_and_smoothing(shape, smoothing, reduction):
    rng = np.random.default_rng(6)
    x = rng.standard_normal(shape) * 4 + 50
    target = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    options = {"label_smoothing": smoothing, "reduction": reduction}
    holds(cross_entropy(target, **options), x)
    weight = rng.random(shape[1]).astype(np.float32)
    holds(cross_entropy(target, weight=weight, **options), x)
    target.reshape(-1)[::3] = 1
    holds(cross_entropy(target, ignore_index=1, weight=weight, **options), x)
    target.reshape(-1)[::5] = -100
    holds(cross_entropy(target, **options), x)


def test_cross_entropy_of_nothing_is_nan_and_a_wrong_class_is_named():
    x = fb.zeros(64, 64, requires_grad=True)
    ignored = F.cross_entropy(x, fb.full((64,), -100))
    ignored.backward()
    assert ignored.isnan()
    assert not x.grad.any()
    with pytest.raises(IndexError, match="Target 64 is out of bounds"):
        F.cross_entropy(x, fb.full((64,), 64))


def layer_norm(lib, x, weight, bias):
    """Over the last dimension."""
    return lib.nn.functional.layer_norm(x, weight.shape, weight, bias)


def batch_norm(lib, x, weight, bias):
    """In training."""
    return lib.nn.functional.batch_norm(x, None, None, weight, bias, True)


@pytest.mark.parametrize("shape", [(40, 64), (3, 5, 333), (700, 5), (2, 5000)])
@pytest.mark.parametrize("offset", [0, 100])
def test_layer_norm(shape, offset):
    rng = np.random.default_rng(7)
    x, weight, bias = (rng.standard_normal(s) for s in (shape, shape[-1:], shape[-1:]))
    holds(layer_norm, x + offset, weight, bias)
    holds(lambda lib, x: lib.nn.functional.layer_norm(x, shape[1:]), x)


@pytest.mark.parametrize(
    "shape",
    [(64, 70), (1000, 3), (300, 300), (8, 20, 33), (4, 6, 12, 12), (3, 400, 3), (2, 3, 5000)],
)
@pytest.mark.parametrize("offset", [0, 100])
def test_batch_norm(shape, offset):
    rng = np.random.default_rng(8)
    x, weight, bias = (rng.standard_normal(s) for s in (shape, shape[1:2], shape[1:2]))
    holds(batch_norm, x + offset, weight, bias)
    holds(lambda lib, x: lib.nn.functional.batch_norm(x, None, None, training=True), x)


def test_batch_norm_moves_the_running_statistics():
    x = spread_out()[:6000].reshape(20, 30, 10)
    found = []
    for lib in (fb, torch):
        means, variances = lib.zeros(30), lib.ones(30)
        lib.nn.functional.batch_norm(lib.tensor(x), means, variances, training=True, momentum=0.3)
        evaluated = lib.nn.functional.batch_norm(lib.tensor(x), means, variances)
        found.append([t.numpy() for t in (means, variances, evaluated)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


REDUCTIONS = {
    "sum": lambda lib, x, *d: x.sum(*d),
    "mean": lambda lib, x, *d: x.mean(*d),
    "var": lambda lib, x, *d: x.var(*d),
    "std": lambda lib, x, *d: x.std(*d),
    "norm": lambda lib, x, *d: lib.linalg.vector_norm(x, 2, *d),
    "norm 1": lambda lib, x, *d: lib.linalg.vector_norm(x, 1, *d),
    "amax": lambda lib, x, *d: x.amax(*d) if d else x.amax(),
    "amin": lambda lib, x, *d: x.amin(*d) if d else x.amin(),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("dim", [(), (0,), (1,), (2,), (-1,), ((0, 1),), ((1, 2),), ((0, 2),)])
def test_reductions_over_any_dimensions(name, dim):
    x = np.random.default_rng(10).standard_normal((13, 40, 21)) + 3
    holds(lambda lib, x: REDUCTIONS[name](lib, x, *dim), x)


def test_large_sums_are_accurate():
    x = np.random.default_rng(11).random(3_000_001, dtype=np.float32)
    for f in (lambda lib, x: x.sum(), lambda lib, x: x.mean(), lambda lib, x: x.var()):
        holds(f, x)
    tall = x[:3_000_000].reshape(-1, 3)
    holds(lambda lib, x: x.sum(0), tall)


def test_extremes_find_nan_and_the_first_place():
    x = np.random.default_rng(12).integers(0, 4, (90, 80)).astype(np.float32)
    x[3, 4] = x[50, 60] = np.nan
    for dim in (0, 1):
        for name in ("max", "min", "argmax", "argmin", "amax", "amin"):
            ours = getattr(fb, name)(fb.tensor(x), dim)
            theirs = getattr(torch, name)(torch.tensor(x), dim)
            ours, theirs = (r if isinstance(r, tuple) else (r,) for r in (ours, theirs))
            np.testing.assert_array_equal(ours[0].numpy(), theirs[0].numpy())
    values, places = fb.tensor(x).max(0)
    broken = np.isnan(values.numpy())
    assert (x.argmax(0) == places.numpy()).all()
    assert broken.sum() == 2


def test_running_sums_and_products_of_rows():
    x = np.random.default_rng(13).standard_normal((7, 501))
    holds(lambda lib, x: x.cumsum(-1), x)
    holds(lambda lib, x: x.prod(-1), 1 + x / 50)


def test_other_layouts_types_and_empty_arrays_take_the_plain_way():
    x = fb.randn(80, 90)
    for f in (F.gelu, fb.sigmoid, lambda v: v.softmax(-1), lambda v: v.sum(0), F.silu):
        np.testing.assert_allclose(
            f(x.t()).numpy(), f(x.t().contiguous()).numpy(), rtol=2e-5, atol=1e-6
        )
        np.testing.assert_allclose(f(x.double()).numpy(), f(x).numpy(), rtol=2e-5, atol=1e-5)
        assert f(fb.zeros(0, 5)).numel() in (0, 5)


def test_dropout_keeps_its_share_and_follows_the_seed():
    x = fb.ones(300, 300, requires_grad=True)
    fb.manual_seed(5)
    out = F.dropout(x, 0.25)
    out.sum().backward()
    kept = out.detach().numpy() != 0
    assert abs(kept.mean() - 0.75) < 0.01
    np.testing.assert_array_equal(x.grad.numpy(), out.detach().numpy())
    np.testing.assert_allclose(out.detach().numpy()[kept], 1 / 0.75, rtol=1e-6)
    fb.manual_seed(5)
    with backends.exact.flags():  # the same entries without compiled loops
        np.testing.assert_array_equal(F.dropout(x, 0.25).detach().numpy() != 0, kept)
    assert not F.dropout(x, 1.0).any()


def test_writes_in_place_agree_with_the_ordinary_ones():
    x = fb.tensor(spread_out())
    pairs = [
        (x.clone().relu_(), x.relu()),
        (x.clone().clamp_(-0.5, 2), x.clamp(-0.5, 2)),
        (x.clone().clamp_(max=0.5), x.clamp(max=0.5)),
        (x.clone().add_(x), x + x),
        (x.clone().mul_(3), x * 3),
        (x.clone().sub_(x, alpha=2), x - 2 * x),
        (x.clone().div_(x.abs() + 1), x / (x.abs() + 1)),
    ]
    for ours, want in pairs:
        np.testing.assert_allclose(ours.numpy(), want.numpy(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: F.gelu(x),
        lambda x: F.silu(x),
        lambda x: x.softmax(-1),
        lambda x: F.log_softmax(x, 0),
        lambda x: F.layer_norm(x, (64,)),
        lambda x: F.batch_norm(x, None, None, training=True),
        lambda x: F.cross_entropy(x, fb.arange(64), label_smoothing=0.1),
        lambda x: F.mse_loss(x, x.detach() * 0.5),
        lambda x: x.logsumexp(1),
        lambda x: x.var(0),
        lambda x: fb.where(x > 0, x * x, x.exp()),
        lambda x: x.clamp(-1, 1) ** 3,
    ],
)
def test_second_gradients_agree_with_those_of_the_plain_formulas(f):
    start = np.random.default_rng(14).standard_normal((64, 64)).astype(np.float32)
    found = []
    for exact in (False, True):
        with backends.exact.flags(exact):
            x = fb.tensor(start, requires_grad=True)
            (g,) = fb.autograd.grad((f(x) * fb.tensor(start[:1, :1])).sum(), x, create_graph=True)
            (g * g.detach().cos()).sum().backward()
            found.append(x.grad.numpy())
    np.testing.assert_allclose(*found, rtol=1e-3, atol=1e-5)


def test_small_tensors_do_not_import_numba():
    program = """
import sys, flambeau as fb
F = fb.nn.functional
x = fb.randn(20, 10, requires_grad=True)
y = F.layer_norm(F.gelu(x), (10,)).softmax(-1) + F.dropout(x, 0.5).sigmoid().clamp(0, 1) ** 3
loss = F.cross_entropy(y, fb.zeros(20, dtype=fb.int64)) + F.mse_loss(x, y) + y.var() + y.norm()
loss.backward()
assert "numba" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_everything_works_without_numba(monkeypatch):
    monkeypatch.setattr(gate, "installed", lambda: False)
    holds(POINTWISE["gelu"], spread_out())
    holds(
        layer_norm, *(np.random.default_rng(1).standard_normal(s) for s in ((70, 50), (50,), (50,)))
    )
