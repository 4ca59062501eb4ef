"""The loops that move, sort, scan and scatter: they give what the plain formulas give."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from tests.kernel.beside_torch import torch

import flambeau as fb
from flambeau.backends import exact

rng = np.random.default_rng(0)
HARD = np.array([0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 1e38, -1e38, 1e-42, -1e-42, 1.0, 1.0])


def numbers(shape, hard=False):
    """Normally distributed, or with NaN, infinities, zeros, denormals and many equal ones."""
    if hard:
        return rng.choice(HARD, shape).astype(np.float32)
    return rng.standard_normal(shape).astype(np.float32)


SHAPES = [(64, 64), (3, 700), (700, 3), (1, 4096), (4096, 1), (5, 13, 47), (4000,), (2, 3, 5, 101)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
hard = pytest.mark.parametrize("hard", [False, True], ids=["random", "hard"])


def dims(shape):
    """The first and the last dimension, and one between."""
    return sorted({0, len(shape) // 2, len(shape) - 1})


def same(ours, theirs):
    """Bit for bit but for NaN and the sign of 0, in shape and type."""
    ours, theirs = (v if isinstance(v, (tuple, list)) else (v,) for v in (ours, theirs))
    for a, b in zip(ours, theirs, strict=True):
        assert str(a.dtype) == str(b.dtype)
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def twin(call):
    """What the plain formulas give."""
    with exact.flags():
        return call()


def near(ours, theirs, right):
    """At most four times as far from the right numbers as PyTorch."""
    ours, theirs = ours.detach().numpy(), theirs.detach().numpy()
    worst = np.abs(theirs - right).max() + 1e-7 * np.abs(right).max()
    assert ours.shape == theirs.shape
    assert np.abs(ours - right).max() <= 4 * worst


# Moving


@shapes
@hard
def test_what_gather_reads_and_scatter_writes_is_pytorchs(shape, hard):
    x, y = numbers(shape, hard), numbers(shape, hard)
    for dim in dims(shape):
        index = rng.permuted(np.broadcast_to(
            np.arange(shape[dim]).reshape([-1 if i == dim else 1 for i in range(len(shape))]), shape
        ), axis=dim)  # fmt: skip
        for call in (
            lambda lib, x, y, i, dim=dim: lib.gather(x, dim, i),
            lambda lib, x, y, i, dim=dim: x.scatter(dim, i, y),
            lambda lib, x, y, i, dim=dim: x.scatter(dim, i, 2.5),
        ):
            given = [(fb.tensor(a), torch.tensor(a)) for a in (x, y, index)]
            ours = call(fb, *(a for a, _ in given))
            same(ours, call(torch, *(b for _, b in given)))
            same(ours, twin(lambda call=call, given=given: call(fb, *(a for a, _ in given))))


@pytest.mark.parametrize("dtype", ["float64", "int32", "int64", "bool", "int16", "float16"])
def test_other_types_move_too(dtype):
    x = (numbers((60, 70)) * 10).astype(dtype)
    index = rng.integers(0, 60, (60, 70))
    mask = rng.random((60, 70)) < 0.5
    ours, theirs = fb.tensor(x), torch.tensor(x)
    i, j = fb.tensor(index), torch.tensor(index)
    m, n = fb.tensor(mask), torch.tensor(mask)
    same(ours.gather(0, i), theirs.gather(0, j))
    same(ours[i[0]], theirs[j[0]])
    same(ours.index_select(1, i[1]), theirs.index_select(1, j[1]))
    same(ours[m], theirs[n])
    same(ours.masked_fill(m, 1), theirs.masked_fill(n, 1))
    same(fb.where(m, ours, ours + ours), torch.where(n, theirs, theirs + theirs))
    same(ours.flip(1), theirs.flip(1))
    same(ours.flip(0, 1), theirs.flip(0, 1))
    same(ours.t().contiguous(), theirs.t().contiguous())
    same(ours.roll(7, 1), theirs.roll(7, 1))


@pytest.mark.parametrize("order", [(0, 2, 1), (1, 2, 0), (2, 1, 0), (1, 0, 2), (2, 0, 1)])
@pytest.mark.parametrize("shape", [(3, 130, 70), (64, 5, 64), (40, 33, 17), (128, 128, 2)])
def test_copies_in_another_order(order, shape):
    x = numbers(shape)
    made = fb.tensor(x).permute(order).contiguous()
    assert made.is_contiguous()
    np.testing.assert_array_equal(made.numpy(), x.transpose(order))
    flat = fb.tensor(x).permute(order).reshape(-1)
    np.testing.assert_array_equal(flat.numpy(), x.transpose(order).ravel())


def test_reshaping_what_need_not_move_is_a_view():
    x = fb.zeros(40, 50, 60).transpose(0, 1)
    x.reshape(50, 40, 6, 10)[0, 0, 0, 0] = 1
    assert x[0, 0, 0] == 1


@shapes
def test_masks_choose_as_in_pytorch(shape):
    x, y, mask = numbers(shape, True), numbers(shape), rng.random(shape) < 0.4
    masks = [mask, mask[..., :1], mask[:1], np.array(True), np.zeros_like(mask)]
    for m in masks:
        a, b, c = fb.tensor(x), fb.tensor(y), fb.tensor(m)
        p, q, r = torch.tensor(x), torch.tensor(y), torch.tensor(m)
        same(fb.where(c, a, b), torch.where(r, p, q))
        same(fb.where(c, a, -1.0), torch.where(r, p, -1.0))
        same(fb.where(c, 7, b), torch.where(r, 7, q))
        same(a.masked_fill(c, float("-inf")), p.masked_fill(r, float("-inf")))
        same(a.clone().masked_fill_(c, 3), p.clone().masked_fill_(r, 3))


@shapes
def test_reading_and_writing_by_masks(shape):
    x, mask = numbers(shape), rng.random(shape) < 0.4
    values = numbers(int(mask.sum()))

    def run(lib):
        a, m, v = lib.tensor(x, requires_grad=True), lib.tensor(mask), lib.tensor(values)
        v.requires_grad_()
        read = a[m]
        b = a.clone()
        b[m] = v
        c = b * 1
        c[m] = -2.0
        (read * read + v).sum().backward(retain_graph=True)
        (b * b).sum().backward()
        return read, b, c, a.grad, v.grad, lib.nonzero(m)

    same(run(fb), run(torch))


@shapes
def test_reading_rows_and_adding_to_them(shape):
    x = numbers(shape)

    def run(lib, dim, places):
        a, i = lib.tensor(x, requires_grad=True), lib.tensor(places)
        picked = a.index_select(dim, i)
        out = picked, a[(*(slice(None),) * dim, i)], a[(*(slice(None),) * dim, i - 1)]
        sum((o * o).sum() for o in out).backward()
        y = lib.tensor(numbers_for(picked.shape), requires_grad=True)
        added = a.detach().index_add(dim, i, y)
        (added * added).sum().backward()
        return [t.detach().numpy() for t in (*out, added, a.grad, y.grad)]

    def numbers_for(size):
        return np.random.default_rng(1).standard_normal(tuple(size)).astype(np.float32)

    for dim in dims(shape):
        places = rng.integers(0, shape[dim], max(shape[dim], 3) + 2)
        for a, b in zip(run(fb, dim, places), run(torch, dim, places), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * np.abs(b).max())


# Adding


@shapes
def test_sums_at_places_are_as_right_as_pytorchs(shape):
    x, y = numbers(shape), numbers(shape)
    for dim in dims(shape):
        index = rng.integers(0, max(shape[dim] // 3, 1), shape)
        right = x.astype(np.float64)
        grid = list(np.indices(shape))
        grid[dim] = index
        np.add.at(right, tuple(grid), y)
        ours = fb.tensor(x).scatter_add(dim, fb.tensor(index), fb.tensor(y))
        theirs = torch.tensor(x).scatter_add(dim, torch.tensor(index), torch.tensor(y))
        near(ours, theirs, right)
        near(twin(lambda d=dim, i=index: fb.tensor(x).scatter_add(d, fb.tensor(i), fb.tensor(y))),
             theirs, right)  # fmt: skip


@pytest.mark.parametrize("words", [50, 20000])
@pytest.mark.parametrize("padding", [None, 3, -1])
def test_the_gradient_of_an_embedding(words, padding):
    table = numbers((words, 24))
    at = np.minimum(rng.integers(0, words, (16, 25)), rng.integers(0, words, (16, 25)))
    at[0, :5] = 3
    g = numbers((16, 25, 24))

    def run(lib):
        w = lib.tensor(table, requires_grad=True)
        out = lib.nn.functional.embedding(lib.tensor(at), w, padding_idx=padding)
        out.backward(lib.tensor(g))
        return out, w.grad

    right = np.zeros(table.shape)
    np.add.at(right, at, g)
    if padding is not None:
        right[padding] = 0
    (out, grad), (expected, theirs) = run(fb), run(torch)
    same(out, expected)
    near(grad, theirs, right)
    near(twin(lambda: run(fb)[1]), theirs, right)


# Order


@shapes
@hard
@pytest.mark.parametrize("descending", [False, True])
def test_sorting_is_stable_and_places_are_pytorchs(shape, hard, descending):
    x = numbers(shape, hard)
    for dim in dims(shape):
        ours = fb.sort(fb.tensor(x), dim=dim, descending=descending, stable=True)
        theirs = torch.sort(torch.tensor(x), dim=dim, descending=descending, stable=True)
        same(tuple(ours), tuple(theirs))
        turned = fb.tensor(x.swapaxes(0, -1)).transpose(0, -1)
        same(turned.argsort(dim, descending), theirs.indices)


@pytest.mark.parametrize(("low", "high"), [(-50, 50), (-(2**62), 2**62), (0, 2**31 - 1)])
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_integers_sort(low, high, dtype):
    limits = np.iinfo(dtype)
    x = rng.integers(max(low, limits.min), min(high, limits.max), (50, 60)).astype(dtype)
    for dim in (0, 1):
        for descending in (False, True):
            ours = fb.tensor(x).sort(dim, descending)
            theirs = torch.sort(torch.tensor(x), dim=dim, descending=descending, stable=True)
            same(tuple(ours), tuple(theirs))


@shapes
@hard
@pytest.mark.parametrize("k", [1, 3, 40, 2000])
def test_the_largest_and_the_smallest_few(shape, hard, k):
    x = numbers(shape, hard)
    for dim in dims(shape):
        count = min(k, shape[dim])
        for largest in (True, False):
            ours = fb.topk(fb.tensor(x), count, dim, largest)
            theirs = torch.topk(torch.tensor(x), count, dim, largest)
            same(ours.values, theirs.values)
            np.testing.assert_array_equal(
                np.take_along_axis(x, ours.indices.numpy(), dim), ours.values.numpy()
            )
            plain = twin(lambda n=count, d=dim, up=largest: fb.topk(fb.tensor(x), n, d, up))
            same(tuple(ours), tuple(plain))


def test_the_gradient_of_sorting():
    x, g = numbers((40, 70)), numbers((40, 70))

    def run(lib, dim):
        a = lib.tensor(x, requires_grad=True)
        (lib.sort(a, dim)[0] * lib.tensor(g)).sum().backward()
        first = a.grad.clone()
        (lib.topk(a, 5, dim)[0] ** 2).sum().backward()
        return first, a.grad

    for dim in (0, 1):
        for a, b in zip(run(fb, dim), run(torch, dim), strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5)


@hard
def test_distinct_values(hard):
    x = numbers((60, 70), hard)
    for array in (x, rng.integers(0, 99, (60, 70)), x[:0]):
        same(fb.unique(fb.tensor(array)), torch.unique(torch.tensor(array)))


# Running


@shapes
def test_running_sums_and_products_are_as_right_as_pytorchs(shape):
    x = numbers(shape)
    y = (1 + numbers(shape) / 50).astype(np.float32)
    for dim in dims(shape):
        near(fb.tensor(x).cumsum(dim), torch.tensor(x).cumsum(dim), x.cumsum(dim, np.float64))
        near(fb.tensor(y).cumprod(dim), torch.tensor(y).cumprod(dim), y.cumprod(dim, np.float64))
        turned = fb.tensor(x.swapaxes(0, -1)).transpose(0, -1).cumsum(dim)
        near(turned, torch.tensor(x).cumsum(dim), x.cumsum(dim, np.float64))


@shapes
def test_gradients_of_running_sums_and_products(shape):
    x, g = (1 + numbers(shape) / 50).astype(np.float32), numbers(shape)

    def run(lib, dim):
        a, b = lib.tensor(x, requires_grad=True), lib.tensor(x, requires_grad=True)
        a.cumsum(dim).backward(lib.tensor(g))
        b.cumprod(dim).backward(lib.tensor(g))
        return a.grad, b.grad

    for dim in dims(shape):
        (a, b), (p, q) = run(fb, dim), run(torch, dim)
        near(a, p, np.flip(np.flip(g, dim).cumsum(dim, dtype=np.float64), dim))
        np.testing.assert_allclose(b.numpy(), q.numpy(), rtol=1e-3, atol=1e-4 * abs(q).max().item())


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_nan_and_infinity_run_on(name):
    x = np.ones((4, 1000), np.float32)
    x[0, 10], x[1, 10], x[2, 10], x[2, 20] = np.nan, np.inf, np.inf, -np.inf
    same(getattr(fb.tensor(x), name)(1), getattr(torch.tensor(x), name)(1))
    same(getattr(fb.tensor(x.T), name)(0), getattr(torch.tensor(x.T), name)(0))


# Around


def test_second_gradients_of_large_arrays():
    x, index = numbers((48, 64)), rng.integers(0, 48, (48, 64))

    def run(lib):
        a = lib.tensor(x, requires_grad=True)
        i, rows = lib.tensor(index), lib.tensor(index[0, :40])
        out = a.gather(0, i).sin() + a.cumsum(1).sin() + a.sort(1)[0].sin() + a.flip(1).cos()
        out = out + lib.where(a > 0, a, 0.0).exp() + a.scatter_add(0, i, a * a).sin()
        total = out.sum() + a[rows].sin().sum() + a.index_add(0, rows, (a * a)[:40]).sin().sum()
        (g,) = lib.autograd.grad(total, a, create_graph=True)
        (g * g).sum().backward()
        return g, a.grad

    for ours, theirs in zip(run(fb), run(torch), strict=True):
        np.testing.assert_allclose(
            ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-3, atol=1e-3
        )


@pytest.mark.parametrize("bad", [-1, 64, 2**40])
def test_an_index_that_does_not_fit_is_found(bad):
    x, index = fb.zeros(64, 64), np.zeros((64, 64), np.int64)
    index[40, 20] = bad
    at, row = fb.tensor(index), fb.tensor(index[40])
    for dim in (0, 1):
        for wrong in (
            lambda dim=dim: x.gather(dim, at),
            lambda dim=dim: x.scatter(dim, at, 1.0),
            lambda dim=dim: x.scatter(dim, at, x),
            lambda dim=dim: x.scatter_add(dim, at, x),
            lambda dim=dim: x.index_add(dim, row, x),
        ):
            with pytest.raises(RuntimeError, match=f"index {bad} is out of bounds"):
                wrong()
    with pytest.raises(IndexError):
        fb.nn.functional.embedding(at, x)
    for wrong in (lambda: x[row], lambda: x[:, row], lambda: x.index_select(1, row)):
        if bad > 0:
            with pytest.raises(IndexError):
                wrong()


def test_empty_arrays():
    x, none = fb.zeros(0, 5), fb.zeros(0, dtype=fb.int64)
    assert (
        x.cumsum(0).shape == x.flip(1).shape == x.sort(1)[0].shape == x.sort(0)[1].shape == (0, 5)
    )
    assert fb.zeros(3000)[none].shape == (0,)
    assert fb.zeros(3000, 3).index_add(0, none, fb.zeros(0, 3)).shape == (3000, 3)
    assert fb.zeros(60, 60).topk(0)[0].shape == (60, 0)
    assert fb.nonzero(fb.zeros(60, 60)).shape == (0, 2)
    assert fb.zeros(60, 60)[fb.zeros(60, 60) > 0].shape == (0,)


def _in_zeros(key, value):
    x = fb.zeros(4, 4)
    x[key] = value
    return x


def test_a_plain_write_is_seen_by_all_who_look():
    def keys():
        yield from (0, slice(1, 3), (slice(None), 1), fb.tensor([2, 0]), fb.ones(4, 4) > 0)

    for key in keys():
        leaf, w = fb.zeros(4, 4), fb.ones(4, 4, requires_grad=True)
        kept = (w * leaf).sum()
        leaf[key] = 5
        with pytest.raises(RuntimeError, match="modified by an inplace"):
            kept.backward()
        values = fb.vmap(lambda v, key=key: _in_zeros(key, v), randomness="same")
        with pytest.raises(RuntimeError, match="vmap"):
            values(fb.zeros(2, *fb.zeros(4, 4)[key].shape))


def test_small_programs_never_ask_for_numba():
    program = """
        import sys, flambeau as fb
        x, i = fb.randn(8, 8, requires_grad=True), fb.randint(0, 8, (8, 8))
        y = x.gather(1, i) + x.scatter_add(0, i, x) + x[i[0]] + x.sort(1)[0] + x.cumsum(0)
        y = y + x.masked_fill(x > 0, 0.0) + x.flip(1) + x.topk(8)[0] + x.index_add(0, i[0], x)
        y = y + fb.nn.functional.embedding(i[0], x) + fb.where(x > 0, x, y)
        y.sum().backward()
        data = fb.utils.data.TensorDataset(fb.zeros(100, 100))
        list(fb.utils.data.DataLoader(data, 50, shuffle=True))
        assert "numba" not in sys.modules
    """
    lines = "\n".join(line.strip() for line in program.splitlines())
    subprocess.run([sys.executable, "-c", lines], check=True)
