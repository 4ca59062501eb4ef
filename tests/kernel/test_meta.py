"""The device "meta", devices, and where new tensors go."""

from __future__ import annotations

import copy
import pickle

import pytest

import flambeau as fb

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


def test_a_model_larger_than_memory_has_shapes():
    x = fb.empty(10**6, 10**6, device="meta")
    assert (x @ x).shape == (10**6, 10**6)
    assert x.t().stride() == (1, 10**6)
    assert (x + 1).exp().mean(0).shape == (10**6,)
    assert fb.cat([x, x]).shape == (2 * 10**6, 10**6)
    layer = fb.nn.Linear(300_000, 400_000, device="meta")
    out = layer(fb.ones(5, 300_000, device="meta"))
    out.sum().backward()
    assert out.shape == (5, 400_000)
    assert layer.weight.grad.shape == (400_000, 300_000)
    assert layer.weight.grad.is_meta


PROGRAMS = [
    "x.softmax(0)", "x.sum(1, keepdim=True)", "x @ x.mT", "x.bfloat16() + 1", "x.long() / 2",
    "x.view(-1)[::2]", "x.t().expand(2, 4, 3)", "fb.stack([x, x], 1)", "x.sort(1)[1]", "x > 0",
    "x[fb.tensor([0, 2])]", "x[:, 1]", "x.std(0)", "fb.where(x > 0, x, 1.0)", "x.cumsum(0)",
    "F.conv1d(x, x.t()[:, :, None])", "F.layer_norm(x, (4,))", "F.mse_loss(x, x)", "x.topk(2)[0]",
    "F.cross_entropy(x, x[:, 0].long())", "fb.einsum('ij,kj->ik', x, x)", "x.clone().normal_()",
    "F.pad(x, (1, 2))", "x.zero_()", "x.add_(1)", "x.fill_(2)", "x.new_ones(3)", "x.double()",
    "x.flip(0)", "x.repeat(2, 3)", "x.unfold(1, 2, 1)", "fb.zeros_like(x)", "x.argmax(1)",
    "x.norm()", "x.real", "x.to(fb.complex64)", "x.transpose(0, 1).contiguous()", "x.reshape(2, 6)",
]  # fmt: skip


@needs_torch
@pytest.mark.parametrize("code", PROGRAMS)
def test_shapes_types_and_strides_are_pytorchs(code: str):
    found = []
    for m in (fb, torch):
        made = eval(code, {"fb": m, "F": m.nn.functional, "x": m.ones(3, 4, device="meta")})
        found.append((tuple(made.shape), str(made.dtype), made.stride(), str(made.device)))
    assert found[0] == found[1]


def test_modules_are_built_without_memory_and_filled_later():
    with fb.device("meta"):
        net = fb.nn.Sequential(fb.nn.Linear(3, 4), fb.nn.BatchNorm1d(4), fb.nn.ReLU())
        assert net(fb.randn(2, 3)).device == fb.device("meta")
    assert all(p.is_meta for p in net.parameters())
    with pytest.raises(NotImplementedError, match="to_empty"):
        net.to("cpu")
    net.to_empty(device="cpu")
    net.load_state_dict({k: fb.ones(v.shape, dtype=v.dtype) for k, v in net.state_dict().items()})
    assert net[0].weight.sum().item() == 12


def test_numbers_are_asked_for_in_vain():
    x = fb.ones(3, device="meta")
    for ask in (lambda: x[0].item(), lambda: bool(x[0]), lambda: float(x.sum())):
        with pytest.raises(RuntimeError, match="meta"):
            ask()
    for ask in (x.tolist, x.cpu, x.nonzero, lambda: fb.ones(3).copy_(x), lambda: x.unique()):
        with pytest.raises(NotImplementedError):
            ask()
    with pytest.raises(TypeError, match="meta"):
        x.numpy()
    with pytest.raises(RuntimeError, match="same device"):
        x + fb.ones(3)
    with pytest.raises(RuntimeError, match="broadcast"):
        x + fb.ones(4, device="meta")
    assert repr(x) == "tensor(..., device='meta', size=(3,))"
    assert copy.deepcopy(x).is_meta
    assert x.data_ptr() == 0


# Devices


def test_devices_compare_print_and_pickle():
    device = fb.device("cuda:1")
    assert device == fb.device("cuda", 1) == pickle.loads(pickle.dumps(device))
    assert str(device) == "cuda:1"
    assert repr(fb.device("cpu")) == "device(type='cpu')"
    assert fb.device("cpu") != "cpu"
    assert fb.device("cpu") != fb.device("cpu:0")
    assert fb.device("mps").type == "mps"
    with pytest.raises(NotImplementedError):
        fb.ones(1, device="mps")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (("foo",), RuntimeError),
        (("cpu:-1",), RuntimeError),
        (("cuda:01",), RuntimeError),
        (("cuda", -1), RuntimeError),
        (("cuda:1", 1), RuntimeError),
        (("",), RuntimeError),
        ((1.5,), TypeError),
        (("cuda", True), TypeError),
    ],
)
def test_what_is_no_device_is_refused(given, error):
    with pytest.raises(error):
        fb.device(*given)


def test_new_tensors_go_to_the_default_device():
    fb.set_default_device("meta")
    try:
        made = [fb.zeros(2), fb.tensor([1]), fb.randn(2), fb.arange(3), fb.nn.Linear(1, 1).weight]
        assert all(t.is_meta for t in made)
        assert fb.get_default_device() == fb.device("meta")
        with fb.device("cpu"):
            assert not fb.zeros(2).is_meta
    finally:
        fb.set_default_device(None)
    assert not fb.zeros(2).is_meta

    @fb.device("meta")
    def make() -> fb.Tensor:
        return fb.ones(2)

    assert make().is_meta
    assert not fb.ones(2).is_meta


def test_modules_that_serve_devices():
    assert fb.get_device_module("cpu") is fb.cpu
    assert fb.cpu.is_available()
    assert fb.get_device_module("cuda") is fb.cuda
    assert fb.accelerator.is_available() == fb.cuda.is_available()
    with pytest.raises(RuntimeError):
        fb.get_device_module("meta")
    import flambeau.backends.cudnn as cudnn
    import flambeau.cuda.amp

    assert fb.backends.cudnn is cudnn
    assert not cudnn.is_available()
    with cudnn.flags(benchmark=True):
        assert cudnn.benchmark
    assert flambeau.cuda.amp.GradScaler
