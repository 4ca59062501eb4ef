"""Automatic mixed precision."""

from __future__ import annotations

import threading
import warnings

import pytest

import flambeau as fb
from flambeau.autograd.rules import OPS

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")

# What runs in 16 bits, what in 32, and what in the type of its input.
PROGRAMS = [
    "x @ x", "m.mm(x, x)", "m.mv(x, x[0])", "m.dot(x[0], x[0])", "m.bmm(x[None], x[None])",
    "m.addmm(x, x, x)", "m.einsum('ij,jk->ik', x, x)", "m.tensordot(x, x, 1)",
    "m.outer(x[0], x[0])", "F.linear(x, x)", "F.bilinear(x, x, x[None])",
    "F.conv1d(x[None], x[None])", "F.prelu(x, x[0])", "F.conv2d(x[None, None], x[None, None])",
    "F.conv_transpose2d(x[None, None], x[None, None])",
    "F.scaled_dot_product_attention(x[None], x[None], x[None])", "m.linalg.vecdot(x, x)",
    "x.softmax(0)", "x.exp()", "x.sum()", "x.prod()", "x.norm()", "x.relu()", "F.gelu(x)",
    "F.layer_norm(x, (4,))", "F.batch_norm(x, None, None, training=True)", "x + x",
    "x.double() @ x.double()", "F.mse_loss(x, x)", "F.l1_loss(x, x)", "F.huber_loss(x, x)",
    "F.kl_div(x, x)", "F.cross_entropy(x, m.tensor([0, 1, 2, 3]))",
    "F.nll_loss(x, m.tensor([0, 1, 2, 3]))", "F.binary_cross_entropy(x.sigmoid(), x.sigmoid())",
    "F.triplet_margin_loss(x, x, x)", "F.binary_cross_entropy_with_logits(x, x.sigmoid())",
    "F.multilabel_soft_margin_loss(x, x)", "m.cat([x, x])", "m.cat([x, x.float()])",
    "m.stack([x, x.float()])", "x.trace()", "x.quantile(0.5)",
    "F.avg_pool3d(x[None, None], (1, 2, 2))", "F.avg_pool2d(x[None], 2)", "m.cdist(x, x)",
    "m.linalg.qr(x)[0]", "m.linalg.svd(x)[1]", "m.linalg.inv(x)", "m.linalg.matrix_power(x, 3)",
    "m.nn.MultiheadAttention(4, 2)(x, x, x)[0]", "m.nn.LSTM(4, 4)(x)[0]",
]  # fmt: skip


@needs_torch
@pytest.mark.parametrize("given", ["float32", "bfloat16"])
@pytest.mark.parametrize("code", PROGRAMS)
def test_the_types_are_those_of_pytorchs_autocast(code: str, given: str):
    found = []
    for m in (fb, torch):
        m.manual_seed(0)
        x = (m.eye(4) * 2 + 0.1).to(getattr(m, given))
        with m.autocast("cpu", dtype=m.bfloat16):
            found.append(str(eval(code, {"m": m, "F": m.nn.functional, "x": x}).dtype))
    assert found[0] == found[1]


def test_nothing_is_changed_outside():
    before = {name: (op.promote, op.forward) for name, op in OPS.items()}
    with fb.autocast("cpu"), fb.autocast("cpu", dtype=fb.float16):
        assert (fb.ones(2, 2) @ fb.ones(2, 2)).dtype is fb.float16
    assert before["matmul"][0] is OPS["matmul"].promote
    assert (fb.ones(2, 2) @ fb.ones(2, 2)).dtype is fb.float32


def test_contexts_nest_and_decorate():
    a = fb.ones(2, 2)
    with fb.autocast("cpu"):
        assert fb.is_autocast_enabled("cpu")
        assert fb.get_autocast_dtype("cpu") is fb.bfloat16
        with fb.autocast("cpu", enabled=False):
            assert (a @ a).dtype is fb.float32
            assert not fb.is_autocast_enabled("cpu")
        assert (a @ a).dtype is fb.bfloat16

    @fb.autocast("cpu", dtype=fb.float16)
    def run() -> fb.Tensor:
        return a @ a

    assert run().dtype is fb.float16
    assert (a @ a).dtype is fb.float32
    with pytest.raises(ValueError, match="inside"), fb.autocast("cpu"):
        raise ValueError("inside")
    assert not fb.is_autocast_enabled("cpu")


def test_threads_are_on_their_own():
    found = []
    with fb.autocast("cpu"):
        thread = threading.Thread(
            target=lambda: found.append((fb.ones(2, 2) @ fb.ones(2, 2)).dtype)
        )
        thread.start()
        thread.join()
    assert found == [fb.float32]


@needs_torch
def test_a_training_step_follows_pytorchs():
    gradients = []
    for m in (fb, torch):
        w = m.linspace(-1, 1, 12).reshape(4, 3).requires_grad_()
        x, y = m.linspace(0, 1, 15).reshape(5, 3), m.tensor([0, 1, 2, 3, 0])
        with m.autocast("cpu", dtype=m.bfloat16):
            loss = m.nn.functional.cross_entropy(m.nn.functional.linear(x, w), y)
        loss.backward()
        assert loss.dtype is m.float32
        assert w.grad.dtype is m.float32
        gradients.append(w.grad.flatten().tolist())
    assert gradients[0] == pytest.approx(gradients[1], abs=2e-2)


def test_second_derivatives_pass_through():
    x = fb.tensor([[1.5]], requires_grad=True)
    with fb.autocast("cpu"):
        y = (x @ x) @ x
    (first,) = fb.autograd.grad(y, x, create_graph=True)
    (second,) = fb.autograd.grad(first, x)
    assert first.item() == pytest.approx(6.75)
    assert second.item() == pytest.approx(9.0)


def test_what_it_does_not_know_switches_it_off_with_a_warning():
    with pytest.warns(UserWarning, match="not supported"):
        context = fb.autocast("cpu", dtype=fb.float64)
    with context:
        assert not fb.is_autocast_enabled("cpu")
    with pytest.raises(ValueError, match="str"):
        fb.autocast(3)
    with pytest.raises(RuntimeError):
        fb.autocast("foo")
    with pytest.warns(FutureWarning, match="deprecated"):
        fb.cpu.amp.autocast()
    with pytest.warns(DeprecationWarning, match="is_autocast_enabled"):
        assert not fb.is_autocast_cpu_enabled()


def test_functions_say_how_they_run():
    class Double(fb.autograd.Function):
        @staticmethod
        @fb.amp.custom_fwd(device_type="cpu", cast_inputs=fb.float32)
        def forward(ctx, x):
            ctx.seen = x.dtype
            return x * 2

        @staticmethod
        @fb.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            assert ctx.seen is fb.float32
            assert not fb.is_autocast_enabled("cpu")
            return g * 2

    x = fb.ones(2, dtype=fb.bfloat16, requires_grad=True)
    with fb.autocast("cpu"):
        out = Double.apply(x)
    out.sum().backward()
    assert out.dtype is fb.float32
    assert x.grad.tolist() == [2.0, 2.0]


# GradScaler


def scaled_run(m, gradients):
    """The scales and weights of steps with these gradients."""
    w = m.nn.Parameter(m.tensor([1.0, -1.0]))
    optimizer = m.optim.SGD([w], lr=0.1)
    scaler = m.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    found = []
    for g in gradients:
        optimizer.zero_grad()
        scaler.scale((w * g).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        found.append((scaler.get_scale(), *w.detach().tolist()))
    return found, scaler.state_dict()


@needs_torch
def test_scales_grow_and_shrink_as_pytorchs():
    gradients = [1.0, 2.0, float("inf"), 1.0, float("nan"), 0.5, 0.5, 0.5]
    ours, theirs = scaled_run(fb, gradients), scaled_run(torch, gradients)
    assert ours[1] == theirs[1]
    for a, b in zip(ours[0], theirs[0], strict=True):
        assert a == pytest.approx(b)


def test_scalers_are_used_in_order():
    w = fb.nn.Parameter(fb.ones(2))
    optimizer, scaler = fb.optim.SGD([w], lr=0.1), fb.amp.GradScaler("cpu")
    with pytest.raises(AssertionError):
        scaler.step(optimizer)
    scaler.scale(w.sum()).backward()
    scaler.unscale_(optimizer)
    assert w.grad.tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="already"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="step"):
        scaler.step(optimizer)
    scaler.update()
    assert scaler.scale([w.sum(), (w.sum(),)])[1][0].item() == pytest.approx(1.8 * 65536)
    with pytest.raises(ValueError, match="FP16"):
        half = fb.nn.Parameter(fb.ones(1, dtype=fb.float16))
        half.grad = fb.ones(1, dtype=fb.float16)
        scaler.unscale_(fb.optim.SGD([half], lr=0.1))
    copy = fb.amp.GradScaler("cpu")
    copy.load_state_dict(scaler.state_dict())
    assert copy.get_scale() == 65536.0


def test_a_disabled_scaler_does_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scaler = fb.amp.GradScaler("cpu", enabled=False)
    assert scaler.scale(fb.ones(1)).item() == 1
    assert scaler.get_scale() == 1.0
    assert scaler.state_dict() == {}
    assert not scaler.is_enabled()
