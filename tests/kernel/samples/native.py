"""Samples of what PyTorch shows on the package by its inner names."""

import numpy as np
from op_table import Sample, distinct, positive, rand, randn

import flambeau as fb

try:
    import torch
except ImportError:  # what stands elsewhere in PyTorch is then not compared
    torch = None


def sample(*args, **kwargs):
    return Sample(*args, **kwargs).but(dtypes=("float32",))


def inner(*args, **kwargs):
    """Of a name that PyTorch has in ``torch.ops.aten`` alone."""
    name = args[0]
    return sample(*args, **kwargs).but(torch=getattr(torch.ops.aten, name) if torch else None)


def of_one(*args, **kwargs):
    """Whose further results are constants to the gradient."""
    return sample(*args, **kwargs).but(smooth=False, second=False)


IDS, STARTS = np.array([0, 1, 2, 2, 4, 1]), np.array([0, 2, 2, 5])
SIGNS = np.array([1, -1, 1, 1, -1])
SETTINGS = (True, 1, 0.0, False, False, False)  # biases, one layer, no dropout, forwards

SAMPLES = [
    sample("batch_norm", randn(4, 3, 2), randn(3), randn(3), None, None, True, 0.1, 1e-5, False),
    sample("batch_norm", randn(4, 3), None, None, randn(3), positive(3), False, 0.1, 1e-5,
           False).but(grad=False),
    sample("instance_norm", randn(4, 3, 2), randn(3), randn(3), None, None, True, 0.1, 1e-5,
           False),
    sample("layer_norm", randn(4, 3, 2), (3, 2), randn(3, 2), randn(3, 2), 1e-5, True),
    sample("group_norm", randn(4, 6, 2), 3, randn(6), randn(6), 1e-5, True),
    of_one("native_batch_norm", randn(4, 3, 2), randn(3), randn(3), None, None, True, 0.1, 1e-5),
    sample("native_batch_norm", randn(4, 3), None, None, randn(3), positive(3), False, 0.1,
           1e-5).but(grad=False),
    of_one("_native_batch_norm_legit", randn(4, 3), randn(3), randn(3), True, 0.1, 1e-5),
    sample("_native_batch_norm_legit_no_training", randn(4, 3), randn(3), randn(3), randn(3),
           positive(3), 0.1, 1e-5).but(grad=False),
    inner("_batch_norm_with_update", randn(4, 3), randn(3), randn(3), np.zeros(3), np.ones(3),
          0.0, 1e-5).but(grad=False),
    of_one("native_layer_norm", randn(4, 3, 2), (3, 2), randn(3, 2), randn(3, 2), 1e-5),
    of_one("native_layer_norm", randn(4, 3, 2), (2,), None, None, 1e-5),
    sample("native_group_norm", randn(4, 6, 2), randn(6), randn(6), 4, 6, 2, 3, 1e-5),
    sample("norm_except_dim", randn(3, 4, 5), 2, 1),
    sample("norm_except_dim", randn(3, 4, 5), 2, -1),
    sample("_weight_norm", randn(3, 4), positive(3, 1), 0).but(second=False),
    of_one("_weight_norm_interface", randn(3, 4), positive(3, 1), 0),
    sample("native_dropout", randn(3, 4), 0.5, True).but(random=True, grad=False),
    sample("native_dropout", randn(3, 4), 0.5, False),
    inner("native_dropout_backward", randn(3, 4), np.eye(3, 4, dtype=bool), 2.0),
    *(sample(f"{name}dropout{end}", randn(3, 4, 2), 0.5, True).but(random=True, grad=False)
      for name in ("", "alpha_", "feature_", "feature_alpha_") for end in ("", "_")),
    sample("embedding", randn(5, 3), IDS),
    sample("embedding", randn(5, 3), IDS, 2).but(smooth=False),
    sample("embedding_renorm_", randn(5, 3), np.array([0, 2, 2]), 0.5, 2.0).but(grad=False),
    *(sample("embedding_bag", distinct(5, 3), IDS, STARTS, False, mode).but(second=False)
      for mode in (0, 1, 2)),
    sample("embedding_bag", distinct(5, 3), IDS, STARTS, False, 2, False, None, False, 2).but(
        smooth=False, second=False),
    sample("convolution", randn(2, 4, 7), randn(6, 2, 3), randn(6), [2], [1], [1], False, [0], 2),
    sample("convolution", randn(2, 4, 5, 6), randn(4, 3, 3, 3), randn(3), [2], [1], [1], True,
           [1], 1),
    sample("ctc_loss", rand(5, 2, 4), np.array([[1, 2], [3, 3]]), [5, 4], [2, 2], 0, 2).but(
        grad=False),
    sample("kl_div", randn(3, 4), rand(3, 4), 2),
    sample("cosine_embedding_loss", randn(5, 3), randn(5, 3), SIGNS, 0.1, 2),
    sample("hinge_embedding_loss", randn(5), SIGNS, 0.5, 0),
    sample("margin_ranking_loss", randn(5), randn(5), SIGNS, 0.5, 1),
    sample("triplet_margin_loss", randn(5, 3), randn(5, 3), randn(5, 3), 1.0, 2.0, 1e-6, True, 0),
    sample("binary_cross_entropy_with_logits", randn(5, 3), rand(5, 3), None, None, 2),
    sample("poisson_nll_loss", randn(5), positive(5), True, True, 1e-8, 0),
    sample("_safe_softmax", randn(3, 4), 1),
    sample("_softmax", randn(3, 4), 1, False),
    sample("_log_softmax", randn(3, 4), 0, False),
    *(sample(f"_{name}_backward_data", randn(3, 4), randn(3, 4), 1, fb.float64).but(dtypes=())
      for name in ("softmax", "log_softmax")),
    inner("max_pool2d_with_indices_backward", randn(1, 2, 2, 2), randn(1, 2, 4, 4), [2, 2],
          [2, 2], [0, 0], [1, 1], False, np.array([[[[0, 6], [9, 15]], [[5, 2], [8, 14]]]])).but(
              grad=False),
    *(sample(f"{name}_cell", randn(2, 3), randn(2, 5), randn(5 * k, 3), randn(5 * k, 5),
             randn(5 * k), randn(5 * k)).but(second=False)
      for name, k in (("rnn_tanh", 1), ("rnn_relu", 1), ("gru", 3))),
    sample("lstm_cell", randn(2, 3), [randn(2, 5), randn(2, 5)], randn(20, 3), randn(20, 5)),
    *(sample(name, randn(4, 2, 3), randn(1, 2, 5),
             [randn(5 * k, 3), randn(5 * k, 5), randn(5 * k), randn(5 * k)], *SETTINGS)
      for name, k in (("rnn_tanh", 1), ("rnn_relu", 1), ("gru", 3))),
    sample("lstm", randn(4, 2, 3), [randn(1, 2, 5), randn(1, 2, 5)],
           [randn(20, 3), randn(20, 5), randn(20), randn(20)], *SETTINGS),
    sample("lstm", randn(6, 3), np.array([2, 2, 1, 1]), [randn(1, 2, 2), randn(1, 2, 5)],
           [randn(20, 3), randn(20, 2), randn(2, 5)], False, *SETTINGS[1:5]),
]  # fmt: skip
