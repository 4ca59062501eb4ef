"""Samples of windows as columns, channels as places, bags of rows and the like."""

import numpy as np
from op_table import FLOATS, Sample, distinct, positive, randint, randn


def sample(*args, **kwargs):
    return Sample(*args, **kwargs).but(dtypes=FLOATS)


SAMPLES = [
    sample("F.unfold", randn(2, 3, 5, 4), 2).but(method=False),
    sample("F.unfold", randn(2, 5, 6), (2, 3), 2, 1, (1, 2)).but(method=False),
    sample("F.fold", randn(2, 12, 12), (5, 4), 2),
    sample("F.fold", randn(12, 10), (5, 6), (2, 3), 2, 1, (1, 2)),
    sample("pixel_shuffle", randn(2, 8, 3, 2), 2),
    sample("pixel_shuffle", randn(2, 1, 9, 2, 2), 3),
    sample("pixel_unshuffle", randn(2, 3, 4, 6), 2),
    sample("channel_shuffle", randn(2, 6, 3), 3),
    sample("native_channel_shuffle", randn(1, 4, 2, 2), 2),
    sample("rrelu", distinct(3, 4)),
    sample("F.rrelu", distinct(3, 4), 0.2, 0.4, True).but(random=True, grad=False),
    sample("F.lp_pool1d", positive(2, 3, 7), 2.0, 3, 2).but(tolerance=1e-5),
    sample("F.lp_pool2d", positive(1, 2, 5, 6), 3.0, (2, 3)).but(tolerance=1e-5),
    sample("F.lp_pool3d", positive(1, 2, 4, 4, 4), 2.0, 2).but(tolerance=1e-5),
    sample("F.max_unpool1d", randn(1, 1, 3), np.array([[[1, 2, 5]]]), 2),
    sample("F.max_unpool2d", randn(1, 2, 2), np.array([[[0, 3], [9, 14]]]), 2),
    sample("F.max_unpool2d", randn(1, 1, 2), np.array([[[6, 2]]]), 2, output_size=(3, 4)),
    sample("F.max_unpool3d", randn(1, 1, 1, 2), np.array([[[[3, 12]]]]), 2),
    sample("F.ctc_loss", randn(6, 2, 4), randint(1, 4, 2, 3), (6, 5), (3, 2)).but(
        second=False, smooth=False
    ),
    sample("F.ctc_loss", randn(5, 2, 4), randint(1, 4, 4), (5, 4), (1, 3), 0, "sum").but(
        second=False, smooth=False
    ),
    sample("F.ctc_loss", randn(2, 1, 4), np.array([[1, 1, 1]]), (2,), (3,), 0, "none", True).but(
        second=False, smooth=False
    ),
    sample("F.embedding_bag", randint(0, 5, 3, 4), randn(5, 2)),
    sample(
        *("F.embedding_bag", randint(0, 5, 6), randn(5, 2), np.array([0, 2, 2])),
        mode="sum",
        per_sample_weights=positive(6),
    ),
    sample(
        *("F.embedding_bag", randint(0, 5, 6), distinct(5, 2), np.array([0, 2, 2, 6])),
        mode="max",
        include_last_offset=True,
    ).but(second=False),
    sample("F.embedding_bag", randint(0, 3, 3, 4), randn(3, 2), padding_idx=1),
    sample("F.bilinear", randn(2, 3), randn(2, 4), randn(5, 3, 4), randn(5)),
    sample("bilinear", randn(2, 2, 3), randn(2, 2, 4), randn(5, 3, 4)),
    sample("F.gumbel_softmax", randn(2, 3)).but(random=True, grad=False),
    sample("F.gumbel_softmax", randn(2, 3), hard=True).but(random=True, grad=False),
]
