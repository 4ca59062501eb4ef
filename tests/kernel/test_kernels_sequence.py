"""Recurrent layers and attention by compiled loops: against PyTorch, float64 and plain formulas."""

from __future__ import annotations

import copy
import subprocess
import sys

import numpy as np
import pytest

import flambeau as fb
from flambeau import nn
from flambeau.kernels import attention, curves, gate, products
from flambeau.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = nn.functional
numba = pytest.mark.skipif(not gate.installed(), reason="numba is not installed")

LAYERS = [
    ("RNN", {}),
    ("RNN", {"bias": False, "batch_first": True}),
    ("RNN", {"nonlinearity": "relu"}),
    ("GRU", {}),
    ("GRU", {"num_layers": 2, "bidirectional": True, "bias": False}),
    ("LSTM", {}),
    ("LSTM", {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    ("LSTM", {"proj_size": 9, "bidirectional": True}),
]
LENGTHS = [9, 7, 7, 3, 1]


def close_as_pytorch(ours, theirs, exact):
    """Our distance from float64 is at most 4 times PyTorch's."""
    scale = np.abs(exact).max() + 1e-30
    allowed = max(4 * np.abs(theirs - exact).max(), 4e-7 * scale)
    assert np.abs(ours - exact).max() <= allowed


def pair(name, options):
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(24, 33, **options)
    ours = getattr(nn, name)(24, 33, **options)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def run(lib, layer, array, packed=False):
    """Outputs, last states and all gradients of a layer."""
    x = lib.from_numpy(array).requires_grad_()
    given = x
    if packed:
        pack = pack_padded_sequence if lib is fb else torch.nn.utils.rnn.pack_padded_sequence
        unpack = pad_packed_sequence if lib is fb else torch.nn.utils.rnn.pad_packed_sequence
        given = pack(x, LENGTHS, batch_first=layer.batch_first)
    out, last = layer(given)
    out = unpack(out)[0] if packed else out
    last = last if isinstance(last, tuple) else (last,)
    loss = (out * out).sum() + sum((s.sin()).sum() for s in last)
    loss.backward()
    gradients = [x.grad, *(p.grad for p in layer.parameters())]
    return [t.detach().numpy() for t in (out, *last, *gradients)]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("name", "options"), LAYERS)
def test_layers_are_as_close_to_float64_as_pytorchs(name, options, packed):
    ours, theirs = pair(name, options)
    shape = (5, 9, 24) if options.get("batch_first") else (9, 5, 24)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    exact = run(torch, copy.deepcopy(theirs).double(), x.astype(np.float64), packed)
    mine, other = run(fb, ours, x, packed), run(torch, theirs, x, packed)
    for a, b, c in zip(mine, other, exact, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        close_as_pytorch(a, b, c)


@pytest.mark.parametrize(("name", "options"), LAYERS)
def test_layers_give_what_the_plain_formulas_give(name, options):
    ours, _ = pair(name, options)
    x = np.random.default_rng(0).standard_normal((9, 8, 24)).astype(np.float32)
    results = []
    for exact in (False, True):
        with fb.backends.exact.flags(exact):
            results.append(run(fb, copy.deepcopy(ours), x))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, 1e-40])
def test_hard_inputs_of_layers(name, value):
    ours, theirs = pair(name, {})
    x = np.random.default_rng(0).standard_normal((6, 9, 24)).astype(np.float32)
    x[2, 3, 5] = value
    for a, b in zip(run(fb, ours, x), run(torch, theirs, x), strict=True):
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_a_backward_can_follow_a_switch_and_run_twice(name):
    ours, _ = pair(name, {})
    x = fb.from_numpy(np.random.default_rng(0).standard_normal((9, 8, 24)).astype(np.float32))
    loss = (ours(x)[0] ** 2).sum()
    found = []
    for exact in (False, True, False):
        ours.zero_grad()
        with fb.backends.exact.flags(exact):
            loss.backward(retain_graph=True)
        found.append([p.grad.numpy() for p in ours.parameters()])
    for a, b, c in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5)
        np.testing.assert_array_equal(a, c)
    grads = [p.grad.numpy() for p in ours.parameters()]
    assert not any(np.shares_memory(a, b) for a in grads for b in grads if a is not b)


@pytest.mark.parametrize("name", ["GRU", "LSTM"])
def test_second_gradients_of_layers(name):
    found = []
    for lib, layer in zip((fb, torch), pair(name, {}), strict=True):
        x = lib.from_numpy(np.random.default_rng(0).standard_normal((5, 6, 24)).astype(np.float32))
        x.requires_grad_()
        (g,) = lib.autograd.grad((layer(x)[0] ** 2).sum(), x, create_graph=True)
        (g * g).sum().backward()
        found.append([x.grad.numpy(), layer.weight_hh_l0.grad.numpy()])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


# Attention

SHAPES = [
    ((2, 3, 70, 16), (2, 3, 70, 16)),
    ((2, 3, 150, 8), (2, 3, 150, 8)),  # several blocks of queries
    ((2, 3, 40, 8), (2, 3, 90, 8)),  # more keys than queries
    ((2, 3, 90, 8), (2, 3, 40, 8)),
    ((4, 60, 8), (4, 60, 8)),
    ((60, 8), (60, 8)),
    ((2, 1, 2, 40, 8), (2, 1, 2, 40, 8)),
    ((1, 1, 1, 8), (1, 1, 3000, 8)),
    ((300, 4, 3, 8), (300, 4, 3, 8)),
]


def attended(lib, arrays, dtype="float32", **options):
    q, k, v, g = (lib.from_numpy(a.astype(dtype)) for a in arrays)
    for t in (q, k, v):
        t.requires_grad_()
    out = lib.nn.functional.scaled_dot_product_attention(q, k, v, **options)
    out.backward(g)
    return [t.detach().numpy() for t in (out, q.grad, k.grad, v.grad)]


def inputs(first, second, width=None):
    rng = np.random.default_rng(0)
    value = (*second[:-1], width or second[-1])
    shapes = (first, second, value, (*first[:-1], value[-1]))
    return [rng.standard_normal(s).astype(np.float32) for s in shapes]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("first", "second"), SHAPES)
def test_attention_is_as_close_to_float64_as_pytorchs(first, second, causal):
    arrays = inputs(first, second)
    exact = attended(torch, arrays, "float64", is_causal=causal)
    theirs = attended(torch, arrays, is_causal=causal)
    for a, b, c in zip(attended(fb, arrays, is_causal=causal), theirs, exact, strict=True):
        close_as_pytorch(a, b, c)


@pytest.mark.parametrize("options", [{"scale": 0.3}, {"scale": -0.3}, {"scale": 0.0}])
def test_scales_and_widths(options):
    arrays = inputs((2, 3, 70, 16), (2, 3, 70, 16), width=5)
    for a, b in zip(
        attended(fb, arrays, **options), attended(torch, arrays, **options), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e4, 1e12, -1e12, 1e-40])
def test_hard_scores(value, causal):
    arrays = inputs((2, 2, 70, 16), (2, 2, 70, 16))
    arrays[0][1, 0, 3, 4] = value
    found = []
    for exact in (False, True):
        with fb.backends.exact.flags(exact):
            found.append(attended(fb, arrays, is_causal=causal))
    for i, (a, b) in enumerate(zip(*found, strict=True)):
        if causal and i:  # a hidden key that is in no block with the NaN has none in its gradient
            assert not (np.isnan(a) & ~np.isnan(b)).any()
            b = np.where(np.isnan(a), a, b)
            a = np.where(np.isnan(b), b, a)
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5 * max(1, np.nanmax(np.abs(b))))


def test_attention_in_any_layout():
    """Heads out of one array of queries, keys and values, as blocks of transformers have them."""
    found = []
    for lib in (fb, torch):
        x = lib.from_numpy(np.random.default_rng(0).standard_normal((2, 70, 96)).astype(np.float32))
        x.requires_grad_()
        q, k, v = (t.view(2, 70, 4, 8).transpose(1, 2) for t in x.split(32, dim=2))
        out = lib.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        (out.transpose(1, 2).contiguous().view(2, 70, 32) ** 2).sum().backward()
        found.append((out.detach().numpy(), x.grad.numpy(), out.stride()))
    (a, ga, sa), (b, gb, sb) = found
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ga, gb, rtol=1e-4, atol=1e-5)
    assert tuple(sa) == tuple(sb)


@pytest.mark.parametrize("causal", [False, True])
def test_second_gradients_of_attention(causal):
    found = []
    for exact in (False, True):
        with fb.backends.exact.flags(exact):
            q, k, v = (
                fb.from_numpy(a).requires_grad_() for a in inputs((2, 2, 40, 8), (2, 2, 40, 8))[:3]
            )
            out = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
            grads = fb.autograd.grad((out**2).sum(), (q, k, v), create_graph=True)
            sum((g * g).sum() for g in grads).backward()
            found.append([t.grad.numpy() for t in (q, k, v)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


MASKS = [
    ((2, 3, 70, 16), (70, 70)),
    ((2, 3, 70, 16), (2, 1, 1, 70)),
    ((2, 3, 150, 8), (1, 3, 150, 150)),  # several blocks of queries
    ((3, 70, 16), (3, 1, 70)),
    ((2, 1, 2, 40, 8), (2, 1, 1, 40, 40)),
]


@pytest.mark.parametrize("kind", ["bool", "float"])
@pytest.mark.parametrize(("shape", "of_mask"), MASKS)
def test_masks(shape, of_mask, kind):
    arrays = inputs(shape, shape)
    mask = np.random.default_rng(1).standard_normal(of_mask).astype(np.float32)
    mask = mask > -0.5 if kind == "bool" else mask
    if kind == "bool" and of_mask[-2] > 3:
        mask[..., 3, :] = False  # a query that sees nothing
    results = [attended(lib, arrays, attn_mask=lib.from_numpy(mask)) for lib in (fb, torch)]
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_mask_may_want_a_gradient():
    found = []
    for lib in (fb, torch):
        q, k, v, g = map(lib.from_numpy, inputs((2, 3, 70, 16), (2, 3, 70, 16)))
        mask = lib.from_numpy(np.random.default_rng(1).standard_normal((70, 70)).astype(np.float32))
        mask.requires_grad_()
        lib.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask).backward(g)
        found.append(mask.grad.numpy())
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-5)


def test_attention_does_not_keep_the_weights():
    q = fb.zeros(1, 1, 500, 8, requires_grad=True)
    node = F.scaled_dot_product_attention(q, q, q).grad_fn
    kept = sum(a.size for a in node.kept if hasattr(a, "size"))
    assert kept < 500 * 50 if gate.installed() else kept


def test_empty_attention():
    for shape in ((0, 2, 3, 4), (2, 2, 0, 4)):
        q = fb.zeros(*shape, requires_grad=True)
        out = F.scaled_dot_product_attention(q, q, q)
        assert tuple(out.shape) == shape
        out.sum().backward()


def test_small_programs_do_not_import_numba():
    program = (
        "import sys, flambeau as fb\n"
        "out, _ = fb.nn.LSTM(4, 5)(fb.ones(3, 2, 4)); out.sum().backward()\n"
        "q = fb.ones(2, 3, 4, 5, requires_grad=True)\n"
        "fb.nn.functional.scaled_dot_product_attention(q, q, q).sum().backward()\n"
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# Products


@numba
@pytest.mark.parametrize("loop", [products.four_by_four, products.two_by_four])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (4, 32, 4), (7, 33, 9), (64, 100, 65), (3, 0, 2)])
def test_rows_by_rows(loop, sizes):
    n, inner, m = sizes
    rng = np.random.default_rng(0)
    x, w, bias = (rng.standard_normal(s).astype(np.float32) for s in ((n, inner), (m, inner), m))
    out = np.empty((n, m), np.float32)
    loop(x, w, bias, out)
    np.testing.assert_allclose(out, x.astype(float) @ w.T + bias, rtol=1e-5, atol=1e-5)


@numba
@pytest.mark.parametrize("sizes", [(1, 1, 1), (4, 32, 4), (7, 33, 9), (30, 50, 65), (3, 2, 5)])
def test_few_rows(sizes):
    n, inner, m = sizes
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(s).astype(np.float32) for s in ((n, inner), (inner, m)))
    out = np.full((n, m), np.nan, np.float32)
    products.few_rows(x, w, out)
    np.testing.assert_allclose(out, x.astype(float) @ w, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("value", [None, np.nan, np.inf, 1e30, 1e-40])
def test_linear_of_a_small_batch(bias, value):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((19, 130)).astype(np.float32)
    if value is not None:
        x[3, 70] = value
    layer = torch.nn.Linear(130, 57, bias=bias)
    ours = nn.Linear(130, 57, bias=bias)
    ours.load_state_dict(layer.state_dict())
    exact = copy.deepcopy(layer).double()(torch.from_numpy(x).double()).detach().numpy()
    a, b = ours(fb.from_numpy(x)), layer(torch.from_numpy(x))
    a.sum().backward()
    b.sum().backward()
    np.testing.assert_allclose(
        ours.weight.grad.numpy(), layer.weight.grad.numpy(), rtol=1e-4, atol=1e-4
    )
    for i in range(19):
        mine, other = a[i].detach().numpy(), b[i].detach().numpy()
        np.testing.assert_array_equal(np.isnan(mine), np.isnan(other))
        if np.isfinite(exact[i]).all():
            close_as_pytorch(mine, other, exact[i])
        else:
            np.testing.assert_array_equal(mine, other)


@numba
def test_a_loop_has_its_plain_twin():
    s = np.random.default_rng(0).standard_normal((6, 5)).astype(np.float32)
    twin, sums, other = s.copy(), np.empty((6, 2), np.float32), np.empty((6, 2), np.float32)
    attention.weigh(s, sums, 3, 1, np.float32(0.5), True, True)
    attention.weigh.plain(twin, other, 3, 1, np.float32(0.5), True, True)
    np.testing.assert_allclose(s, twin, rtol=1e-5)
    np.testing.assert_allclose(s.sum(1), np.ones(6), rtol=1e-6)
    assert curves.tanh.run(np.float32(0)) == 0
