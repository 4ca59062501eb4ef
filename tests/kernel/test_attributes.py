"""What a tensor tells of itself and its memory, and the methods that change both."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import flambeau as fb

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
PACKAGES = (torch, fb)


def told(package: Any, expression: str) -> Any:
    """An expression's value in one library, or the type of its error."""
    x = package.arange(6.0).reshape(2, 3)
    images = package.ones(2, 3, 4, 5)
    leaf = package.ones(2, 3, requires_grad=True)
    names = {"T": package, "x": x, "images": images, "leaf": leaf}
    try:
        found = eval(expression, names)
    except Exception as error:
        return next(k for k in type(error).__mro__ if k.__module__ == "builtins").__name__
    if hasattr(found, "detach"):
        found = (found.detach().numpy().tolist(), tuple(found.stride()), str(found.dtype))
    return found if isinstance(found, (bool, int, float, str, type(None))) else repr(found)


EXPRESSIONS = [
    *(f"x.{n}" for n in ("is_cpu", "is_cuda", "is_meta", "is_sparse", "is_quantized", "layout")),
    *(f"x.{n}()" for n in ("get_device", "ndimension", "is_shared", "is_nonzero", "dim_order")),
    "x[1].storage_offset()", "x.t().dim_order()", "x[1].untyped_storage().nbytes()",
    "len(x.storage())", "x[1].storage().tolist()", "x.untyped_storage().size()",
    "x[1].untyped_storage().data_ptr() == x.data_ptr()", "x.is_set_to(x.view(2, 3))",
    "x.is_set_to(x.t())", "leaf.unbind()[1].output_nr", "x.name", "x.stride(5)", "x.stride(-1)",
    "T.empty(2, 0, 3).stride()", "T.strided", "T.channels_last", "type(T.strided).__name__",
    "images.to(memory_format=T.channels_last).stride()",
    "images.contiguous(memory_format=T.channels_last).is_contiguous()",
    "images.clone(memory_format=T.channels_last).is_contiguous(memory_format=T.channels_last)",
    "x.to(memory_format=T.channels_last)", "x.t().clone()", "x.t().contiguous()",
    "x.view(T.int32)", "x.view(T.float64)", "x.view(T.int16)", "x.t().view(T.int16)",
    "(leaf * 2).view(T.int32).requires_grad", "x.view(size=(6,))", "x.broadcast_to(2, 2, 3)",
    "x.to(float)", "x.to(T.float64, False, True)", "x.to('cpu') is x", "x.to(T.float32) is x",
    "x.to(x, copy=True) is x", "x.type()", "x.type('torch.IntTensor')", "x.type('nonsense')",
    "x.apply_(lambda v: v + 1)", "x.map_(x, lambda a, b: a * b)", "leaf.apply_(abs)",
    "x.map2_(x, x, lambda a, b, c: a * b + c)", "x.new([1, 2])", "x.new(2, 3).shape",
    "x.resize(3, 2)", "x.resize(4, 4)", "x.module_load(T.zeros(2, 3))", "x.pin_memory()",
    "x.resize_(3, 1)", "x[1].resize_(2)", "leaf.resize_(2)", "x.resize_(2, 3).resize_(1, 2)",
    "x.set_(T.ones(2))", "x.set_()", "x.set_(T.ones(4, dtype=T.int64))", "x.squeeze_(3)",
    "x.unsqueeze_(0)", "x.t_()", "x.transpose_(0, 1)", "x.swapaxes_(0, 1)", "leaf.t_()",
    "x.as_strided_((2, 2), (1, 2))", "x[1].as_strided((2,), (1,), 0)",
    "x[1].as_strided((2,), (1,))",
    "x.as_strided((4, 4), (3, 1))", "x.as_strided((2,), (-1,))", "x.as_strided((2,), (1, 1))",
    "T.empty_strided((2, 3), (1, 2)).stride()", "T.empty_strided((2,), (1, 2))",
    "T.empty_permuted((2, 3, 4), (2, 0, 1)).stride()", "T.empty_permuted((2, 3), (0, 0))",
    "T.broadcast_shapes((2, 1), (3,))", "T.broadcast_shapes((2,), (3,))", "x.sum_to_size(1, 3)",
    "x.sum_to_size(2)", "x.masked_fill(x > 1, 1j)", "x.int().masked_fill(x > 1, 2.7)",
    "x.byte().fill_(300)", "x.byte().fill_(-1)", "x.int().fill_(float('nan'))", "T.zero_(x)",
    "x.fill_diagonal_(7)", "x[0].fill_diagonal_(7)", "T.unravel_index(T.tensor(5), (2, 3))",
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.filterwarnings("ignore")
def test_says_what_torch_says(expression: str) -> None:
    theirs, ours = (told(package, expression) for package in PACKAGES)
    assert ours == theirs


def test_shared_memory_is_that_of_processes_forked_later() -> None:
    x = fb.arange(3.0).share_memory_()
    assert x.is_shared()
    assert x[1:].is_shared()
    assert x.tolist() == [0, 1, 2]
    assert not fb.ones(2).is_shared()


def test_resize_keeps_what_stands_in_memory() -> None:
    for package in PACKAGES:
        x = package.arange(6.0)
        x.resize_(2, 2)
        assert x.tolist() == [[0, 1], [2, 3]]
        assert x.resize_(6).tolist() == [0, 1, 2, 3, 4, 5]
        x.resize_(8)
        assert x[:6].tolist() == [0, 1, 2, 3, 4, 5]
        assert x.resize_as_(package.ones(1, 2)).shape == (1, 2)


def test_as_strided_of_a_part_reads_and_writes_the_whole_memory() -> None:
    results = []
    for package in PACKAGES:
        base = package.arange(10.0, requires_grad=True)
        part = (base * 1)[4:8]
        outside = part.as_strided((3,), (2,), 2)
        (g,) = package.autograd.grad(outside.sum(), [part])
        y = base * 1
        y[2:8].as_strided((2,), (3,), 3).mul_(5)
        (whole,) = package.autograd.grad((y * y).sum(), [base])
        results.append((outside.tolist(), g.tolist(), y.tolist(), whole.tolist()))
    assert results[0] == results[1]


def test_as_subclass_shares_memory_and_history() -> None:
    class Named(fb.Tensor):
        """A tensor with a label."""

    x = fb.ones(3, requires_grad=True)
    y = (x * 2).as_subclass(Named)
    assert type(y) is Named
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2, 2, 2])
    with pytest.raises(TypeError, match="subclass of Tensor"):
        x.as_subclass(int)


def test_pieces_made_unsafely_can_be_written_to() -> None:
    for package in PACKAGES:
        x = package.ones(4, requires_grad=True)
        y = x * 1
        first, _ = package.unsafe_split(y, 2)
        first.mul_(3)
        first.sum().backward()
        assert x.grad.tolist() == [3, 3, 0, 0]
