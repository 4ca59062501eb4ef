"""The functions that PyTorch shows on the package by its inner names, with their own arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import flambeau as fb

torch = pytest.importorskip("torch")


def randn(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape) + len(shape)).standard_normal(shape)


def rand(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).uniform(0.2, 0.9, shape)


IDS = np.array([0, 1, 2, 2, 4, 1])
STARTS = np.array([0, 2, 2, 5])
SIGNS = np.array([1.0, -1, 1, 1, -1])
SHORT = [-1e9, -1e9, np.inf, -np.inf]

CASES: list[tuple[Any, ...]] = [
    ("batch_norm", randn(4, 3, 2), rand(3), randn(3), None, None, True, 0.1, 1e-5, False),
    ("batch_norm", randn(4, 3, 2), rand(3), None, randn(3), rand(3), False, 0.1, 1e-5, False),
    ("instance_norm", randn(4, 3, 2), rand(3), randn(3), None, None, True, 0.1, 1e-5, False),
    ("layer_norm", randn(4, 3, 2), (3, 2), rand(3, 2), randn(3, 2), 1e-5, True),
    ("group_norm", randn(4, 6, 2), 3, rand(6), randn(6), 1e-5, True),
    ("native_batch_norm", randn(4, 3, 2), rand(3), randn(3), None, None, True, 0.1, 1e-5),
    ("native_batch_norm", randn(4, 3), None, None, randn(3), rand(3), False, 0.1, 1e-5),
    ("_native_batch_norm_legit", randn(4, 3), rand(3), randn(3), True, 0.1, 1e-5),
    ("_native_batch_norm_legit", randn(4, 3), None, None, randn(3), rand(3), True, 0.1, 1e-5),
    ("_native_batch_norm_legit_no_training",
     randn(4, 3), rand(3), randn(3), randn(3), rand(3), 0.1, 1e-5),
    ("native_layer_norm", randn(4, 3, 2), (3, 2), rand(3, 2), randn(3, 2), 1e-5),
    ("native_layer_norm", randn(4, 3, 2), (2,), None, None, 1e-5),
    ("native_group_norm", randn(4, 6, 2), rand(6), randn(6), 4, 6, 2, 3, 1e-5),
    ("norm_except_dim", randn(3, 4, 5), 2, 1),
    ("norm_except_dim", randn(3, 4, 5), 2, -1),
    ("_weight_norm", randn(3, 4), rand(3, 1), 0),
    ("native_dropout", randn(3, 4), 0.5, False),
    ("native_dropout", randn(3, 4), 0.0, True),
    ("dropout", randn(3, 4), 0.5, False),
    ("alpha_dropout", randn(3, 4), 0.0, True),
    ("feature_dropout", randn(3, 4), 1.0, True),
    ("feature_alpha_dropout", randn(3, 4), 0.5, False),
    ("embedding", randn(5, 3), IDS),
    ("embedding", randn(5, 3), IDS, 2, True),
    *(("embedding_bag", randn(5, 3), IDS, STARTS, False, mode) for mode in (0, 1, 2)),
    *(("embedding_bag", randn(5, 3), IDS, STARTS, False, mode, False, None, False, 2)
      for mode in (0, 1, 2)),
    ("embedding_bag", randn(5, 3), IDS, STARTS, False, 0, False, rand(6), False),
    ("embedding_bag", randn(5, 3), IDS, np.array([0, 2, 2, 6]), False, 1, False, None, True),
    ("conv_tbc", randn(7, 2, 3), randn(3, 3, 4), randn(4), 1),
    ("convolution", randn(2, 4, 7), randn(6, 2, 3), randn(6), [2], [1], [1], False, [0], 2),
    ("convolution", randn(2, 4, 5, 6), randn(4, 3, 3, 3), randn(3), [2], [1], [1], True, [1], 1),
    ("ctc_loss", np.log(rand(5, 2, 4)), np.array([[1, 2], [3, 3]]), [5, 4], [2, 2], 0, 2),
    ("kl_div", randn(3, 4), rand(3, 4), 2),
    ("cosine_embedding_loss", randn(5, 3), randn(5, 4)[:, :3], SIGNS, 0.1, 2),
    ("hinge_embedding_loss", randn(5), SIGNS, 0.5, 0),
    ("margin_ranking_loss", randn(5), rand(5), SIGNS, 0.5, 1),
    ("triplet_margin_loss", randn(5, 3), rand(5, 3), randn(5, 4)[:, :3], 1.0, 2.0, 1e-6, True, 0),
    ("binary_cross_entropy_with_logits", randn(5, 3), rand(5, 3), rand(5, 3), rand(3), 2),
    ("poisson_nll_loss", randn(5), rand(5), True, True, 1e-8, 0),
    ("_safe_softmax", np.array([SHORT, [-np.inf] * 4, randn(4).tolist()]) * 1.0, 1),
    ("_softmax", randn(3, 4), 1, False),
    ("_log_softmax", randn(3, 4), 0, False),
    ("max_pool1d_with_indices", randn(2, 3, 8), 3, 2, 1),
    ("adaptive_max_pool1d", randn(2, 3, 8), 3),
    ("grid_sampler", randn(2, 3, 4, 5), rand(2, 3, 3, 2), 0, 0, True),
    ("grid_sampler_3d", randn(1, 2, 3, 4, 5), rand(1, 2, 3, 3, 3), 1, 2, False),
    ("affine_grid_generator", randn(2, 2, 3), [2, 3, 4, 5], False),
    ("constant_pad_nd", randn(3, 4), [1, -1, 2, 0], 0.5),
    *((f"{name}_cell", randn(2, 3), randn(2, 5), randn(5 * k, 3), randn(5 * k, 5), randn(5 * k),
       rand(5 * k)) for name, k in (("rnn_tanh", 1), ("rnn_relu", 1), ("gru", 3))),
    ("lstm_cell", randn(2, 3), [randn(2, 5), rand(2, 5)], randn(20, 3), randn(20, 5)),
    ("lstm", randn(4, 2, 3), [randn(1, 2, 5), rand(1, 2, 5)],
     [randn(20, 3), randn(20, 5), randn(20), rand(20)], True, 1, 0.0, False, False, False),
    ("lstm", randn(6, 3), np.array([2, 2, 1, 1]), [randn(1, 2, 2), rand(1, 2, 5)],
     [randn(20, 3), randn(20, 2), randn(2, 5)], False, 1, 0.0, False, False),
    ("gru", randn(2, 4, 3), randn(4, 2, 5), [
        randn(15, 3), randn(15, 5), randn(15, 3) / 2, randn(15, 5) / 3,
        randn(15, 10), randn(15, 5) / 4, randn(15, 10) / 2, randn(15, 5) / 5,
    ], False, 2, 0.0, True, True, True),
    ("rnn_tanh", randn(4, 2, 3), randn(1, 2, 5), [randn(5, 3), randn(5, 5)], False, 1, 0.0, True,
     False, False),
]  # fmt: skip


# Which arguments want no gradient: running statistics, and weights of a loss.
CONSTANT = {name: (3, 5) for name, *_ in CASES if "batch_norm" in name or "instance" in name}
CONSTANT["binary_cross_entropy_with_logits"] = (2, 4)


def tensors(value: Any, package: Any, leaves: list[Any]) -> Any:
    if isinstance(value, np.ndarray):
        t = package.from_numpy(value.copy())
        if t.is_floating_point():
            leaves.append(t.requires_grad_())
        return t
    if isinstance(value, list):
        return [tensors(v, package, leaves) for v in value]
    return value


def results(package: Any, name: str, args: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    """What a call gives, and the gradients of its inputs."""
    leaves: list[Any] = []
    given = [tensors(a, package, leaves) for a in args]
    for t in given[slice(*CONSTANT.get(name, (0, 0)))]:
        if hasattr(t, "detach"):
            t.requires_grad_(False)
    leaves = [t for t in leaves if t.requires_grad]
    out = getattr(package, name)(*given)
    outs = list(out) if isinstance(out, (tuple, list)) else [out]
    wanted = [o for o in outs if o.requires_grad]
    seeds = [package.from_numpy(np.asarray(randn(*o.shape))) for o in wanted]
    grads = package.autograd.grad(wanted, leaves, seeds, allow_unused=True)
    return outs, list(grads)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0])
def test_values_gradients_and_types_are_pytorchs(case: tuple[Any, ...]) -> None:
    name, *args = case
    ours, theirs = (results(package, name, tuple(args)) for package in (fb, torch))
    assert len(ours[0]) == len(theirs[0])
    for a, b in zip(ours[0], theirs[0], strict=True):
        assert str(a.dtype) == str(b.dtype)
        assert a.requires_grad == b.requires_grad
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-7, atol=1e-7)
    for a, b in zip(ours[1], theirs[1], strict=True):
        found = np.zeros(1) if a is None else a.numpy()
        wanted = np.zeros(1) if b is None else b.numpy()
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)


def test_dropout_in_place_writes_into_the_tensor() -> None:
    for name in ("dropout_", "alpha_dropout_", "feature_dropout_", "feature_alpha_dropout_"):
        x = fb.ones(4, 50)
        assert getattr(fb, name)(x, 0.5, True) is x
        assert len(np.unique(x.numpy())) == 2


def test_native_dropout_says_which_entries_stayed() -> None:
    out, kept = fb.native_dropout(fb.ones(1000), 0.25, True)
    assert kept.dtype is fb.bool
    np.testing.assert_allclose(out.numpy(), kept.numpy() / 0.75, rtol=1e-6)
    back = fb.native_dropout_backward(fb.ones(1000), kept, 2.0)
    np.testing.assert_allclose(back.numpy(), kept.numpy() * 2.0)


def test_embedding_renorm_shortens_the_rows_that_are_named() -> None:
    tables = [package.from_numpy(randn(5, 3).copy()) for package in (fb, torch)]
    for package, table in zip((fb, torch), tables, strict=True):
        package.embedding_renorm_(table, package.tensor([0, 2, 2]), 0.5, 2.0)
    np.testing.assert_allclose(tables[0].numpy(), tables[1].numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout", "feature_dropout"])
def test_a_probability_above_one_is_a_runtime_error(name: str) -> None:
    for package in (fb, torch):
        with pytest.raises(RuntimeError, match="probability"):
            getattr(package, name)(package.ones(2, 2), 1.5, True)


def test_a_pooled_gradient_goes_where_the_indices_say() -> None:
    x, g = randn(2, 3, 6, 6), randn(2, 3, 3, 3)
    t = torch.from_numpy(x)
    _, at = torch.nn.functional.max_pool2d(t, 2, return_indices=True)
    wanted = torch.ops.aten.max_pool2d_with_indices_backward(
        torch.from_numpy(g), t, [2, 2], [2, 2], [0, 0], [1, 1], False, at
    )
    found = fb.max_pool2d_with_indices_backward(
        fb.from_numpy(g), fb.from_numpy(x), 2, 2, 0, 1, False, fb.from_numpy(at.numpy())
    )
    np.testing.assert_allclose(found.numpy(), wanted.numpy())
