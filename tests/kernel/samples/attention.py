"""Samples of attention, embedding and dropout."""

import numpy as np
from op_table import Sample, bools, randint, randn


def sample(*args, **kwargs):
    return Sample(*args, **kwargs).but(dtypes=("float32",))


Q, K, V = randn(2, 3, 4, 5), randn(2, 3, 6, 5), randn(2, 3, 6, 7)

SAMPLES = [
    sample("F.scaled_dot_product_attention", Q, K, V),
    sample("F.scaled_dot_product_attention", Q, K, V, bools(4, 6)),
    sample("F.scaled_dot_product_attention", Q, K, V, randn(2, 1, 4, 6)),
    sample("F.scaled_dot_product_attention", Q, K, V, is_causal=True, scale=0.3),
    sample("F.scaled_dot_product_attention", randn(4, 5), randn(6, 5), randn(6, 7)),
    sample("F.scaled_dot_product_attention", Q, K, V, np.zeros((4, 6), bool)),
    sample(
        "F.scaled_dot_product_attention",
        randn(2, 4, 3, 5), randn(2, 2, 3, 5), randn(2, 2, 3, 5), enable_gqa=True,
    ),
    sample("F.multi_head_attention_forward", randn(4, 2, 6), randn(5, 2, 6), randn(5, 2, 6), 6, 3,
           randn(18, 6), randn(18), randn(1, 1, 6), randn(1, 1, 6), True, 0.0, randn(6, 6),
           randn(6)),
    sample("F.multi_head_attention_forward", randn(4, 6), randn(5, 4), randn(5, 3), 6, 3, None,
           None, None, None, False, 0.0, randn(6, 6), None, attn_mask=bools(4, 5),
           use_separate_proj_weight=True, q_proj_weight=randn(6, 6), k_proj_weight=randn(6, 4),
           v_proj_weight=randn(6, 3), need_weights=False).but(grad=False),
    sample("F.embedding", randint(0, 7, 3, 4), randn(7, 5)),
    sample("F.embedding", randint(0, 7, 9), randn(7, 5), padding_idx=2).but(smooth=False),
    sample("F.embedding", randint(0, 3, 9), randn(3, 5), -1, scale_grad_by_freq=True).but(
        smooth=False, second=False  # PyTorch forgets the scale there
    ),
    sample("F.embedding", randint(0, 7, 0), randn(7, 5)),
]  # fmt: skip

SAMPLES += [
    sample(f"F.{name}", randn(4, 3, 5), p=0.4, training=True).but(grad=False, random=True)
    for name in (
        "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"
    )
]  # fmt: skip
