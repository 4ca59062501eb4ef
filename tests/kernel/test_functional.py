"""What the op table cannot say of `nn.functional`: errors, modes and edge cases."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import flambeau as fb
import flambeau.nn.functional as F

torch = pytest.importorskip("torch")


def tensors(package: Any, *arrays: np.ndarray, grad: bool = True) -> list[Any]:
    made = [package.from_numpy(a.copy()) for a in arrays]
    for t in made:
        if grad and t.is_floating_point():
            t.requires_grad_()
    return made


def randn(*shape: int, seed: int = 0, dtype: str = "float64") -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def numbers(t: Any) -> np.ndarray:
    return t.detach().numpy(force=True)


def check(call: Any, *arrays: np.ndarray, tolerance: float = 1e-9) -> None:
    """The value and the gradients of ``call(package, F, *tensors)`` are PyTorch's."""
    results = []
    for package in (fb, torch):
        given = tensors(package, *arrays)
        out = call(package, package.nn.functional, *given)
        leaves = [t for t in given if t.requires_grad]
        weight = package.from_numpy(randn(*out.shape, seed=9).astype(numbers(out).dtype))
        grads = package.autograd.grad((out * weight).sum(), leaves, allow_unused=True)
        results.append([numbers(out), *(None if g is None else numbers(g) for g in grads)])
    for ours, theirs in zip(*results, strict=True):
        if theirs is not None:
            np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


# ---- errors ---------------------------------------------------------------------------------


def said(call: Any, kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


def test_linear_says_both_shapes_the_line_and_what_would_fit() -> None:
    text = said(lambda: F.linear(fb.ones(32, 128), fb.ones(10, 256)), RuntimeError)
    assert text.startswith(
        "linear: input has 128 features in its last dimension (shape (32, 128)), "
        "weight expects 256 (shape (10, 256)); at test_functional.py line "
    )
    assert text.endswith("nn.Linear(128, 10) would fit.")
    text = said(lambda: F.linear(fb.ones(2, 16, 4, 4), fb.ones(10, 256)), RuntimeError)
    assert "A Flatten before it would fit." in text
    assert "bias has shape (9,)" in said(
        lambda: F.linear(fb.ones(2, 4), fb.ones(3, 4), fb.ones(9)), RuntimeError
    )


def test_matmul_says_which_sizes_differ() -> None:
    text = said(lambda: fb.ones(2, 3) @ fb.ones(4, 3), RuntimeError)
    assert "input has 3 columns (shape (2, 3)), other has 4 rows (shape (4, 3))" in text
    assert text.endswith("Transposing the second would fit: x @ y.mT.")
    assert "x.mT @ y" in said(lambda: fb.ones(4, 3) @ fb.ones(4, 5), RuntimeError)


def test_conv2d_says_how_many_channels() -> None:
    text = said(lambda: F.conv2d(fb.ones(2, 1, 9, 9), fb.ones(16, 3, 5, 5)), RuntimeError)
    assert "input has 1 channels (shape (2, 1, 9, 9)), weight expects 3" in text
    assert text.endswith("nn.Conv2d(1, 16, 5) would fit.")
    text = said(lambda: F.conv2d(fb.ones(2, 9, 9, 3), fb.ones(16, 3, 5, 5)), RuntimeError)
    assert "x.movedim(-1, 1) would fit" in text
    text = said(lambda: F.conv2d(fb.ones(9, 9), fb.ones(16, 1, 5, 5)), RuntimeError)
    assert "expected (N, C, H, W) or (C, H, W)" in text
    text = said(lambda: F.conv2d(fb.ones(1, 1, 3, 3), fb.ones(1, 1, 5, 5)), RuntimeError)
    assert "Kernel size can't be greater than actual input size" in text


def test_batch_norm_says_how_many_channels() -> None:
    text = said(
        lambda: F.batch_norm(fb.ones(2, 3, 4, 4), fb.zeros(5), fb.ones(5), training=True),
        RuntimeError,
    )
    assert "input has 3 channels" in text
    assert text.endswith("nn.BatchNorm2d(3) would fit.")
    text = said(
        lambda: F.batch_norm(fb.ones(1, 3), fb.zeros(3), fb.ones(3), training=True), ValueError
    )
    assert "Expected more than 1 value per channel when training" in text
    assert "batch of 2 or more" in text


def test_layer_norm_says_which_shape() -> None:
    text = said(lambda: F.layer_norm(fb.ones(2, 3), (4,)), RuntimeError)
    assert "input has shape (2, 3), whose last dimension should be (4,)" in text
    assert text.endswith("nn.LayerNorm(3) would fit.")


def test_cross_entropy_says_which_row() -> None:
    x = fb.zeros(4, 3)
    text = said(lambda: F.cross_entropy(x, fb.tensor([0, 1, 3, 0])), IndexError)
    assert "Target 3 is out of bounds: row 2 of the target has class 3" in text
    assert "Classes are counted from 0." in text
    text = said(lambda: F.cross_entropy(x, fb.tensor([0, 1, -1, 0])), IndexError)
    assert "Target -1 is out of bounds: row 2" in text
    text = said(lambda: F.cross_entropy(x, fb.zeros(4)), RuntimeError)
    assert "target.long() makes indices of it." in text
    text = said(lambda: F.cross_entropy(x, fb.zeros(5, dtype=fb.int64)), ValueError)
    assert "Expected input batch_size (4) to match target batch_size (5)" in text
    text = said(lambda: F.cross_entropy(x, fb.zeros((4, 1), dtype=fb.int64)), RuntimeError)
    assert "target.squeeze(1) would fit" in text


def test_embedding_says_which_index() -> None:
    table = fb.ones(10, 4)
    text = said(lambda: F.embedding(fb.tensor([[1, 2], [12, 0]]), table), IndexError)
    assert "index 12 (at position 2 of shape (2, 2)), the table has 10 rows" in text
    assert text.endswith("nn.Embedding(13, 4) would fit.")
    assert "index -1" in said(lambda: F.embedding(fb.tensor([-1]), table), IndexError)
    assert "x.long()" in said(lambda: F.embedding(fb.ones(2), table), RuntimeError)


BAD = [
    lambda t, F: F.linear(t.ones(2, 3), t.ones(4, 5)),
    lambda t, F: F.linear(t.ones(2, 3), t.ones(4, 3).double()),
    lambda t, F: t.ones(2, 3) @ t.ones(4),
    lambda t, F: t.ones(()) @ t.ones(4),
    lambda t, F: t.ones(2, 3) @ t.ones(3, 2).double(),
    lambda t, F: t.mm(t.ones(2), t.ones(2, 2)),
    lambda t, F: t.bmm(t.ones(2, 2, 2), t.ones(3, 2, 2)),
    lambda t, F: t.mv(t.ones(2, 3), t.ones(4)),
    lambda t, F: t.dot(t.ones(3), t.ones(4)),
    lambda t, F: t.dot(t.ones(3, 3), t.ones(3)),
    lambda t, F: t.einsum("ij,jk->ik", t.ones(2, 3), t.ones(4, 5)),
    lambda t, F: t.einsum("ij->k", t.ones(2, 3)),
    lambda t, F: t.einsum("ijk->i", t.ones(2, 3)),
    lambda t, F: t.einsum("ij,jk->ik", t.ones(2, 3)),
    lambda t, F: F.conv2d(t.ones(1, 1, 4, 4), t.ones(2, 3, 2, 2)),
    lambda t, F: F.conv2d(t.ones(1, 4, 4, 4), t.ones(3, 2, 2, 2), groups=2),
    lambda t, F: F.conv2d(t.ones(1, 1, 4, 4), t.ones(1, 1, 2, 2), padding="same", stride=2),
    lambda t, F: F.conv2d(t.ones(1, 1, 4, 4), t.ones(1, 1, 2, 2).double()),
    lambda t, F: F.conv2d(t.ones(1, 1, 4, 4), t.ones(1, 1, 2, 2), stride=0),
    lambda t, F: F.conv_transpose2d(t.ones(1, 1, 4, 4), t.ones(2, 1, 2, 2)),
    lambda t, F: F.conv_transpose2d(t.ones(1, 1, 4, 4), t.ones(1, 1, 2, 2), output_padding=1),
    lambda t, F: F.max_pool2d(t.ones(1, 1, 4, 4), 2, padding=2),
    lambda t, F: F.max_pool2d(t.ones(4, 4), 2),
    lambda t, F: F.max_pool2d(t.ones(1, 1, 2, 2), 3),
    lambda t, F: F.avg_pool2d(t.ones(1, 1, 2, 2), 3),
    lambda t, F: F.avg_pool2d(t.ones(1, 1, 4, 4), 2, divisor_override=0),
    lambda t, F: F.adaptive_avg_pool2d(t.ones(4, 4), 2),
    lambda t, F: F.batch_norm(t.ones(1, 3), None, None, training=True),
    lambda t, F: F.batch_norm(t.ones(2, 3), t.ones(2), t.ones(2)),
    lambda t, F: F.instance_norm(t.ones(2, 3, 1)),
    lambda t, F: F.layer_norm(t.ones(2, 3), (2,)),
    lambda t, F: F.layer_norm(t.ones(2, 3), (3,), t.ones(2)),
    lambda t, F: F.group_norm(t.ones(2, 3), 2),
    lambda t, F: F.softmax(t.ones(2, 3), 2),
    lambda t, F: F.softmax(t.ones(2, 3).long(), 1),
    lambda t, F: F.log_softmax(t.ones(2, 3).long(), 1),
    lambda t, F: F.gelu(t.ones(3).long()),
    lambda t, F: F.gelu(t.ones(3), approximate="sin"),
    lambda t, F: F.glu(t.ones(3)),
    lambda t, F: F.prelu(t.ones(2, 3), t.ones(2)),
    lambda t, F: F.softshrink(t.ones(3), -1.0),
    lambda t, F: F.dropout(t.ones(3), -0.1),
    lambda t, F: F.dropout(t.ones(3), 1.5),
    lambda t, F: F.cross_entropy(t.ones(2, 3), t.tensor([0, 3])),
    lambda t, F: F.cross_entropy(t.ones(2, 3), t.tensor([0, 1, 1])),
    lambda t, F: F.cross_entropy(t.ones(2, 3), t.ones(2)),
    lambda t, F: F.cross_entropy(t.ones(2, 3), t.tensor([0, 1]), t.ones(2)),
    lambda t, F: F.cross_entropy(t.ones(2, 3), t.tensor([0, 1]), label_smoothing=2.0),
    lambda t, F: F.cross_entropy(t.ones(2, 3), t.tensor([0, 1]), reduction="most"),
    lambda t, F: F.nll_loss(t.ones(2, 3), t.tensor([0, 3])),
    lambda t, F: F.nll_loss(t.ones(2, 3), t.tensor([0, 1, 2])),
    lambda t, F: F.mse_loss(t.ones(2, 3), t.ones(4)),
    lambda t, F: F.mse_loss(t.ones(2), t.ones(2), reduction="most"),
    lambda t, F: F.huber_loss(t.ones(2), t.ones(2), delta=0.0),
    lambda t, F: F.smooth_l1_loss(t.ones(2), t.ones(2), beta=-1.0),
    lambda t, F: F.binary_cross_entropy(t.ones(2), t.ones(3)),
    lambda t, F: F.binary_cross_entropy(t.ones(2) * 2, t.ones(2)),
    lambda t, F: F.binary_cross_entropy_with_logits(t.ones(2), t.ones(3)),
    lambda t, F: F.embedding(t.tensor([3]), t.ones(3, 2)),
    lambda t, F: F.embedding(t.tensor([-1]), t.ones(3, 2)),
    lambda t, F: F.embedding(t.ones(2), t.ones(3, 2)),
    lambda t, F: F.embedding(t.tensor([0]), t.ones(3, 2), padding_idx=7),
    lambda t, F: F.scaled_dot_product_attention(t.ones(2, 3), t.ones(2, 4), t.ones(2, 3)),
    lambda t, F: F.interpolate(t.ones(1, 1, 4), size=2, scale_factor=2),
    lambda t, F: F.interpolate(t.ones(1, 1, 4)),
]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_error_type_is_torchs(bad: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Exception) as theirs:  # noqa: PT011
            bad(torch, torch.nn.functional)
        with pytest.raises(theirs.type):
            bad(fb, F)


# ---- modes and edge cases -------------------------------------------------------------------


def test_inplace_writes_and_has_the_same_gradient() -> None:
    array = randn(4, 5)
    for name in ("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "silu", "mish", "hardtanh",
                 "hardswish", "hardsigmoid"):  # fmt: skip
        x = fb.from_numpy(array).requires_grad_()
        y = x * 1
        out = getattr(F, name)(y, inplace=True)
        assert out is y, name
        check(
            lambda p, F, x, name=name: getattr(F, name)(x * 1, inplace=True), array, tolerance=1e-7
        )  # PyTorch's hardsigmoid multiplies by a sixth in float32
    y = fb.ones(3) * -1
    assert F.relu(y, True) is y
    assert F.leaky_relu(y, 0.2, True) is y
    assert F.threshold(y, 0.5, 7.0, True) is y
    assert y.tolist() == [7.0] * 3


def test_batch_norm_moves_the_running_statistics() -> None:
    x = randn(6, 3, 4) * 2 + 1
    mean, var = np.zeros(3), np.ones(3)
    results = []
    for package in (fb, torch):
        t, m, v = tensors(package, x, mean, var, grad=False)
        for _ in range(3):
            package.nn.functional.batch_norm(t, m, v, training=True, momentum=0.3)
        results.append((numbers(m), numbers(v)))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-12)
    assert mean.sum() == 0  # the arrays above were copied


def test_batch_norm_in_eval_mode_has_torchs_gradients() -> None:
    still, wide = randn(3, seed=1), np.abs(randn(3, seed=2)) + 0.5

    def call(package: Any, F: Any, x: Any, weight: Any, bias: Any) -> Any:
        mean, var = tensors(package, still, wide, grad=False)
        return F.batch_norm(x, mean, var, weight, bias)

    check(call, randn(4, 3, 2, 2), randn(3, seed=3), randn(3, seed=4))


def test_batch_norm_is_stable_far_from_zero() -> None:
    x = randn(64, 2, dtype="float32") + 10_000
    y = F.batch_norm(fb.from_numpy(x), None, None, training=True)
    assert abs(y.numpy().std(0) - 1).max() < 1e-2


def test_instance_norm_keeps_running_statistics() -> None:
    x, mean, var = randn(2, 3, 5), np.zeros(3), np.ones(3)
    results = []
    for package in (fb, torch):
        t, m, v = tensors(package, x, mean, var, grad=False)
        package.nn.functional.instance_norm(t, m, v, momentum=0.2)
        out = package.nn.functional.instance_norm(t, m, v, use_input_stats=False)
        results.append((numbers(m), numbers(v), numbers(out)))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_max_pool_gives_a_tie_to_its_first_entry() -> None:
    flat = np.maximum(randn(2, 3, 8, 8), 0)  # many zeros, as after a relu
    check(lambda p, F, x: F.max_pool2d(x, 2), flat)
    check(lambda p, F, x: F.max_pool2d(x, 3, 2, 1), flat)
    check(lambda p, F, x: F.max_pool2d(x, 2, return_indices=True)[0], flat)


def test_max_pool_of_integers_and_of_nan() -> None:
    x = fb.arange(16).reshape(1, 1, 4, 4)
    assert F.max_pool2d(-x, 2, padding=1).tolist() == [
        [[[0, -1, -3], [-4, -5, -7], [-12, -13, -15]]]
    ]
    y = fb.tensor([[[1.0, float("nan"), 2.0, 3.0]]])
    assert F.max_pool1d(y, 2).isnan().tolist() == [[[True, False]]]


def test_convolution_of_a_batch_larger_than_one_run() -> None:
    x, w, b = randn(40, 3, 20, 20), randn(8, 3, 5, 5, seed=1), randn(8, seed=2)
    check(lambda p, F, x, w, b: F.conv2d(x, w, b, padding=2), x, w, b, tolerance=1e-8)
    check(lambda p, F, x, w, b: F.conv2d(x, w, b, stride=2), x, w, b, tolerance=1e-8)
    x = randn(40, 16, 20, 20)
    w = randn(8, 16, 1, 1, seed=1)
    check(lambda p, F, x, w: F.conv2d(x, w), x, w, tolerance=1e-8)


def test_convolution_of_nothing() -> None:
    out = F.conv2d(fb.zeros(0, 1, 5, 5), fb.ones(2, 1, 3, 3))
    assert out.shape == (0, 2, 3, 3)


def test_outputs_are_contiguous() -> None:
    x = fb.randn(2, 3, 8, 8)
    for out in (F.conv2d(x, fb.randn(4, 3, 3, 3)), F.max_pool2d(x, 2), F.avg_pool2d(x, 2)):
        assert out.is_contiguous()
        out.view(2, -1)


def test_dropout() -> None:
    x = fb.ones(1000, 100, requires_grad=True)
    fb.manual_seed(3)
    y = F.dropout(x, 0.3)
    fb.manual_seed(3)
    assert (F.dropout(x, 0.3) == y).all()
    values = np.unique(y.detach().numpy())
    np.testing.assert_allclose(values, [0, 1 / 0.7], rtol=1e-6)
    assert abs((y.detach().numpy() == 0).mean() - 0.3) < 0.01
    y.sum().backward()
    assert (x.grad == y).all()
    assert F.dropout(x, 0.3, training=False) is x
    assert not F.dropout(x, 1.0).any()
    z = x * 1
    assert F.dropout(z, 0.5, inplace=True) is z
    z.sum().backward()


def test_dropout_of_channels() -> None:
    y = F.dropout2d(fb.ones(50, 40, 3, 3), 0.5).numpy().reshape(2000, 9)
    assert (y == y[:, :1]).all()
    assert 0.4 < (y == 0).mean() < 0.6
    y = F.dropout1d(fb.ones(40, 5), 0.5).numpy()
    assert (y == y[:, :1]).all()


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = fb.randn(200_000)
    y = F.alpha_dropout(x, 0.2, training=True)
    assert abs(y.mean().item()) < 0.02
    assert abs(y.std().item() - 1) < 0.02


def test_embedding_shortens_long_rows_in_place() -> None:
    table, index = randn(5, 3) * 3, np.array([1, 1, 4])
    results = []
    for package in (fb, torch):
        weight, at = tensors(package, table, index, grad=False)
        out = package.nn.functional.embedding(at, weight, max_norm=1.0)
        results.append((numbers(out), numbers(weight)))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_attention_lets_a_hidden_row_be_zero() -> None:
    q, k, v = (fb.randn(1, 2, 3, 4) for _ in range(3))
    out = F.scaled_dot_product_attention(q, k, v, fb.zeros(3, 3, dtype=fb.bool))
    assert not out.any()
    out = F.scaled_dot_product_attention(q, k, v, dropout_p=0.5)
    assert out.shape == (1, 2, 3, 4)


def test_cross_entropy_of_ignored_rows_alone_is_nan() -> None:
    x, y = fb.zeros(2, 3), fb.tensor([-100, -100])
    assert F.cross_entropy(x, y).isnan()
    assert F.cross_entropy(x, y, reduction="sum").item() == 0


def test_cross_entropy_is_stable() -> None:
    x = np.array([[1000.0, 0.0], [-1000.0, 0.0]])
    check(lambda p, F, x: F.cross_entropy(x, p.tensor([0, 0]), reduction="none"), x)


def test_losses_warn_as_torchs_do() -> None:
    with pytest.warns(UserWarning, match="different to the input size"):
        F.mse_loss(fb.ones(3, 1), fb.ones(3))
    with pytest.warns(UserWarning, match="will be deprecated"):
        out = F.mse_loss(fb.ones(3), fb.zeros(3), size_average=False)
    assert out.item() == 3
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        F.softmax(fb.ones(2, 2))


def test_softmax_moves_to_a_dtype_first() -> None:
    x = fb.ones(2, 3)
    assert F.softmax(x, 1, dtype=fb.float64).dtype == fb.float64
    assert F.log_softmax(fb.ones(2, 3).long(), 1, dtype=fb.float32).dtype == fb.float32


def test_gradient_penalty_of_a_small_network() -> None:
    arrays = (randn(4, 1, 8, 8), randn(3, 1, 3, 3, seed=1), randn(3, seed=2), randn(3, seed=3),
              randn(2, 27, seed=4))  # fmt: skip

    def call(package: Any, F: Any, x: Any, kernel: Any, weight: Any, bias: Any, last: Any) -> Any:
        h = F.silu(F.batch_norm(F.conv2d(x, kernel), None, None, weight, bias, training=True))
        h = F.linear(F.max_pool2d(h, 2).flatten(1), last)
        loss = F.cross_entropy(h, package.tensor([0, 1, 1, 0]))
        (g,) = package.autograd.grad(loss, x, create_graph=True)
        return (g * g).sum()

    check(call, *arrays, tolerance=1e-8)


def test_functional_lists_what_it_has() -> None:
    assert {"relu", "cross_entropy", "conv2d", "softmax"} <= set(F.__all__)
    assert all(hasattr(F, name) for name in F.__all__)
    assert "negative_slope" in F.leaky_relu.__signature__.parameters
