"""Types: promotion, limits, floats of 16 bits, the default type, the old constructors."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import flambeau as fb

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")

NAMES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64",
    "float16", "bfloat16", "float32", "float64", "complex64", "complex128",
]  # fmt: skip


def outcome(call: Any) -> str:
    """What a call gives, or the type of its error."""
    try:
        return str(call())
    except Exception as error:
        return type(error).__name__


@needs_torch
def test_promotion_and_casts_are_pytorchs():
    for a, b in itertools.product(NAMES, NAMES):
        for name in ("promote_types", "can_cast"):
            ours, theirs = (
                outcome(lambda m=m, f=name, p=a, q=b: getattr(m, f)(getattr(m, p), getattr(m, q)))
                for m in (fb, torch)
            )
            assert ours == theirs, (name, a, b)


@needs_torch
@pytest.mark.parametrize("other", ["1", "1.5", "True", "1j", "tensor(1)", "tensor(1.5)"])
def test_result_types_are_pytorchs(other: str):
    for name in NAMES:
        if (name, other) == ("float16", "1j"):
            continue  # complex32 is left out
        found = []
        for m in (fb, torch):
            second = eval(f"m.{other}" if other.startswith("tensor") else other, {"m": m})
            x = m.ones(2, dtype=getattr(m, name))
            found.append(outcome(lambda m=m, x=x, y=second: m.result_type(x, y)))
        assert found[0] == found[1], (name, other)


@needs_torch
@pytest.mark.parametrize("name", NAMES)
def test_limits_and_attributes_are_pytorchs(name: str):
    ours, theirs = getattr(fb, name), getattr(torch, name)
    for attribute in ("itemsize", "is_signed", "is_floating_point", "is_complex"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert str(ours) == str(theirs)
    assert str(ours.to_real()) == str(theirs.to_real())
    for limits in ("finfo", "iinfo"):
        texts = [
            outcome(lambda m=m, f=limits: repr(getattr(m, f)(getattr(m, name))))
            for m in (fb, torch)
        ]
        assert texts[0] == texts[1]
    if name != "float16":  # whose complex type is left out
        assert outcome(ours.to_complex) == outcome(theirs.to_complex)


def test_the_default_type_is_that_of_python_floats():
    for kind in (fb.float64, fb.bfloat16, fb.float16):
        fb.set_default_dtype(kind)
        try:
            assert fb.tensor([1.5]).dtype is fb.zeros(1).dtype is fb.arange(0.0, 2.0).dtype is kind
        finally:
            fb.set_default_dtype(fb.float32)
    fb.set_default_tensor_type("torch.DoubleTensor")
    assert fb.get_default_dtype() is fb.float64
    fb.set_default_tensor_type(fb.FloatTensor)
    assert fb.get_default_dtype() is fb.float32
    with pytest.raises(TypeError):
        fb.set_default_dtype(fb.int32)
    with pytest.raises(TypeError):
        fb.set_default_tensor_type(fb.LongTensor)
    with pytest.raises(AttributeError):
        fb.set_default_tensor_type("torch.FooTensor")


def test_old_constructors_and_type_names():
    assert fb.BFloat16Tensor([1, 2]).dtype is fb.bfloat16
    assert isinstance(fb.ones(1), fb.FloatTensor)
    assert not isinstance(fb.ones(1), fb.LongTensor)
    assert fb.LongTensor(2, 3).type() == "torch.LongTensor"
    assert fb.ones(1).type("torch.HalfTensor").dtype is fb.float16
    assert fb.ones(1).type(fb.IntTensor).dtype is fb.int32
    assert fb.typename(fb.ones(1)) == "torch.FloatTensor"
    assert fb.typename(3) == "int"
    with pytest.raises(TypeError):
        fb.FloatTensor(fb.ones(2).double())
    with pytest.raises(RuntimeError, match="overflow"):
        fb.ByteTensor([300])


def test_what_is_left_out_says_so():
    for name in ("complex32", "chalf", "float8_e4m3fn"):
        with pytest.raises(AttributeError, match=name):
            getattr(fb, name)


def test_wide_unsigned_integers():
    x = fb.tensor([1, 65535], dtype=fb.uint16)
    assert repr(x) == "tensor([    1, 65535], dtype=torch.uint16)"
    assert (x + 1.5).dtype is fb.float32
    assert (x == 1).tolist() == [True, False]
    assert x.sum().item() == 65536
    with pytest.raises(RuntimeError, match="promot"):
        x + fb.tensor([1])


# Floats of 16 bits


def test_bfloat16_is_imported_when_it_is_used():
    code = "import sys, flambeau as fb; fb.ones(2).sum(); assert 'ml_dtypes' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_operations_round_once():
    x = fb.full((4096,), 1.0, dtype=fb.bfloat16)
    assert x.sum().item() == 4096  # adding ones in bfloat16 would stop at 256
    assert (x @ x).item() == 4096
    y = fb.tensor([3.3], dtype=fb.bfloat16)
    assert y.item() == 3.296875
    assert (y == 3.3).item()
    assert (y + fb.ones(1, dtype=fb.float16)).dtype is fb.float32
    assert (2 * y).dtype is y.float().bfloat16().dtype is fb.bfloat16


@needs_torch
@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_a_network_in_16_bits_learns_as_pytorchs(name: str):
    weights = np.random.default_rng(0).standard_normal((8, 6)).astype("float32")
    data = np.random.default_rng(1).standard_normal((5, 6)).astype("float32")
    found = []
    for m in (fb, torch):
        kind = getattr(m, name)
        w = m.from_numpy(weights).to(kind).requires_grad_()
        x = m.from_numpy(data).to(kind)
        h = m.nn.functional.layer_norm(x @ w.T, (8,)).softmax(-1)
        loss = m.nn.functional.gelu(h).pow(2).sum() + h.std(0).mean()
        loss.backward()
        optimizer = m.optim.SGD([w], lr=0.5, momentum=0.9)
        optimizer.step()
        assert w.grad.dtype is kind
        assert loss.dtype is kind
        found.append((w.grad.float().numpy(), w.detach().float().numpy()))
    for ours, theirs in zip(*found, strict=True):
        assert np.allclose(ours, theirs, rtol=2e-2, atol=2e-2)


def test_gradients_pass_between_types():
    w = fb.tensor([1.0, 2.0], requires_grad=True)
    (w.bfloat16() * fb.tensor([0.5, 3.0], dtype=fb.bfloat16)).sum().backward()
    assert w.grad.dtype is fb.float32
    assert w.grad.tolist() == [0.5, 3.0]
    x = fb.tensor([1.5], dtype=fb.bfloat16, requires_grad=True)
    (first,) = fb.autograd.grad(x**3, x, create_graph=True)
    (second,) = fb.autograd.grad(first, x)
    assert first.item() == 6.75
    assert second.item() == 9.0
    assert second.dtype is fb.bfloat16


def test_writes_in_place_and_modules_in_bfloat16():
    x = fb.zeros(3, dtype=fb.bfloat16)
    x += 1
    x[0] = 2.5
    x[fb.tensor([True, False, True])] *= 2
    x.masked_fill_(x == 2, 7)
    assert x.tolist() == [5.0, 1.0, 7.0]
    x.index_add_(0, fb.tensor([1, 1]), fb.ones(2, dtype=fb.bfloat16))
    assert x.tolist() == [5.0, 3.0, 7.0]
    net = fb.nn.Sequential(fb.nn.Conv2d(1, 2, 3), fb.nn.BatchNorm2d(2), fb.nn.Flatten()).bfloat16()
    out = net(fb.randn(2, 1, 4, 4, dtype=fb.bfloat16))
    out.sum().backward()
    assert out.dtype is net[0].weight.grad.dtype is net[1].running_mean.dtype is fb.bfloat16


def test_bfloat16_has_no_place_in_numpy():
    with pytest.raises(TypeError, match="BFloat16"):
        fb.ones(1, dtype=fb.bfloat16).numpy()


# Sizes


@needs_torch
@pytest.mark.parametrize(
    "code",
    [
        "Size([1, 2]) + (3,)", "(1,) + Size([2])", "Size([1, 2]) * 2", "2 * Size([1])",
        "Size([1, 2, 3])[1:]", "Size([1, 2, 3])[0]", "Size([2, 3]).numel()", "Size()",
        "Size([1.5])", "Size('ab')", "Size([tensor(2), 3])", "Size(3)", "Size([1]) + [2]",
        "Size([1, 2]) == (1, 2)", "Size(tensor([1, 2]))", "Size([True])",
    ],
)  # fmt: skip
def test_sizes_are_pytorchs(code: str):
    names = [{"Size": m.Size, "tensor": m.tensor} for m in (fb, torch)]
    ours, theirs = (outcome(lambda n=n: repr(eval(code, n))) for n in names)
    assert ours == theirs


def test_tensors_are_made_of_bfloat16():
    x = fb.tensor([1.5, 2.0], dtype=fb.bfloat16)
    assert fb.tensor([x[0], x[1]]).tolist() == [1.5, 2.0]
    assert fb.tensor(x.clone()).dtype is fb.from_numpy(x.array).dtype is fb.bfloat16
    assert fb.stack([x, x]).sum(0).tolist() == [3.0, 4.0]
    assert next(iter(fb.utils.data.DataLoader(x, batch_size=2))).dtype is fb.bfloat16
    assert fb.scatter(x, 0, fb.tensor([0]), 4.0).tolist() == [4.0, 2.0]
    assert x.histc(2).dtype is fb.bfloat16
