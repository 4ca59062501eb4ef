"""Making tensors: values, types, sharing, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import flambeau as fb

try:
    import torch
except ImportError:
    torch = None

EXPRESSIONS = """
T.tensor(3), T.tensor(3.5), T.tensor(True), T.tensor(1j)
T.tensor([1, 2]), T.tensor([1, 2.5]), T.tensor([True, 2]), T.tensor([[1], [2]])
T.tensor([]), T.tensor([[]]), T.tensor(())
T.tensor((1, 2)), T.tensor(range(3))
T.tensor(np.float64(1)), T.tensor([np.float64(1)]), T.tensor(np.int32(3)), T.tensor([np.int32(3)])
T.tensor(np.arange(3)), T.tensor(np.ones(2, np.float16)), T.tensor([np.ones(2), np.zeros(2)])
T.tensor([T.tensor(1), T.tensor(2)])
T.tensor([1, 2], dtype=T.float64), T.tensor([1.7], dtype=T.int64), T.tensor([0, 2], dtype=T.bool)
T.tensor([1.5], dtype=float), T.tensor([1.5], dtype=int)
T.tensor([1, 'a'])
T.tensor('a')
T.tensor(None)
T.tensor([None])
T.tensor({})
T.tensor([[1], [1, 2]])
T.tensor([1], dtype='float32')
T.as_tensor([1, 2]), T.as_tensor(3.5), T.as_tensor(np.arange(2)), T.as_tensor([1], dtype=T.float64)
T.asarray([1., 2.]), T.asarray(np.arange(2))
T.from_numpy([1])
T.zeros(2), T.zeros((2, 1)), T.zeros([2]), T.zeros(T.Size([1])), T.zeros(2, 0), T.zeros(())
T.zeros(size=(2,)), T.ones(2, dtype=T.int64), T.ones(1, dtype=T.bool)
T.zeros(-1)
T.zeros(2.5)
T.full((2,), 1), T.full((2,), 1.5), T.full((), True), T.full((2,), 2.5, dtype=T.int64)
T.empty(2, 3).shape, T.empty((0,)).shape
T.zeros_like(T.arange(2)), T.ones_like(T.arange(2), dtype=T.float64), T.full_like(T.ones(2), 3)
T.tensor([1, 2]).new_zeros(2), T.tensor([1.]).new_tensor([1, 2]), T.ones(1).new_full((2,), 3)
T.arange(5), T.arange(1, 4), T.arange(1, 10, 3), T.arange(3.), T.arange(0, 1, 0.25)
T.arange(5, 0, -1), T.arange(0), T.arange(end=3)
T.arange(start=1, end=3), T.arange(2, dtype=T.float16)
T.arange(5, 0)
T.arange(0, 5, 0)
T.linspace(0, 1, 3), T.linspace(3, -3, 4), T.linspace(0, 1, steps=1)
T.linspace(0, 10, 5, dtype=T.int64)
T.linspace(0, 1, -1)
T.logspace(0, 2, 3), T.logspace(0, 3, 4, base=2)
T.eye(2), T.eye(2, 3), T.eye(0), T.eye(2, dtype=T.bool)
T.eye(-1)
T.meshgrid(T.arange(2), T.arange(3), indexing='xy')
T.scalar_tensor(2)
T.rand(2, 3).shape, T.randn((2,)).dtype, T.randint(5, (2,)).dtype, T.randperm(3).dtype
T.rand(2, dtype=T.int64)
T.ones(2, requires_grad=True).requires_grad, T.tensor([1.], requires_grad=True).requires_grad
T.tensor([1], requires_grad=True)
T.ones(2, device='cpu').device, T.ones(2, device=T.device('cpu')).device
T.is_tensor(T.ones(1)), T.is_tensor(1), T.numel(T.ones(2, 3))
T.result_type(T.tensor([1]), 1.5), T.promote_types(T.uint8, T.int8), T.can_cast(T.float32, T.int32)
T.get_default_dtype()
T.set_default_dtype(T.int64)
T.inf, T.nan, T.pi, T.e
""".strip().splitlines()


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_makes_what_torch_makes(text: str) -> None:
    results: list[Any] = []
    for package in (torch, fb):
        try:
            results.append(repr(eval(text, {"T": package, "np": np})))
        except Exception as error:
            results.append(type(error).__mro__)
    theirs, ours = results
    assert isinstance(ours, tuple) == isinstance(theirs, tuple), results
    if theirs != ours:
        kind = RuntimeError if theirs[0] is NotImplementedError else theirs[0]
        assert kind in ours, results


def test_tensor_copies_and_as_tensor_shares() -> None:
    array = np.zeros(2)
    copied, shared = fb.tensor(array), fb.as_tensor(array)
    array[0] = 1
    assert copied.tolist() == [0, 0]
    assert shared.tolist() == [1, 0]
    x = fb.ones(2)
    assert fb.as_tensor(x) is x
    assert fb.tensor(x) is not x
    assert fb.asarray(array, copy=True).data_ptr() != shared.data_ptr()
    with pytest.raises(ValueError, match="copy"):
        fb.asarray([1, 2], copy=False)


def test_the_default_dtype_rules() -> None:
    try:
        fb.set_default_dtype(fb.float64)
        assert fb.tensor([1.5]).dtype is fb.float64
        assert fb.zeros(2).dtype is fb.float64
        assert fb.randn(2).dtype is fb.float64
        assert (fb.tensor([1]) / 2).dtype is fb.float64
        assert fb.tensor([1j]).dtype is fb.complex128
        assert fb.Tensor([1]).dtype is fb.float64
    finally:
        fb.set_default_dtype(fb.float32)
    assert fb.tensor([1.5]).dtype is fb.float32


def test_a_device_that_is_not_there() -> None:
    if fb.device("cuda").type == "cuda" and _has_cuda():
        pytest.skip("there is one")
    with pytest.raises(RuntimeError, match="cuda"):
        fb.ones(2, device="cuda")
    with pytest.raises(RuntimeError, match="cuda"):
        fb.ones(2).cuda()


def _has_cuda() -> bool:
    from flambeau.device import cuda_count

    return cuda_count() > 0


@pytest.mark.gpu
def test_on_a_device() -> None:
    x = fb.arange(6.0, device="cuda").reshape(2, 3).requires_grad_()
    assert x.is_cuda
    (x.cpu() * 2).cuda().sum().backward()
    assert x.grad.is_cuda
    assert x.grad.tolist() == [[2] * 3] * 2
    assert repr(x.detach()).endswith("device='cuda:0')")
    g = fb.Generator("cuda").manual_seed(1)
    state = g.get_state()
    first = fb.randn(3, device="cuda", generator=g)
    assert fb.equal(first, fb.randn(3, device="cuda", generator=g.set_state(state)))
    with pytest.raises(RuntimeError, match="same device"):
        x + fb.ones(3)
