"""Samples of losses."""

import numpy as np
from op_table import Sample, distinct, positive, rand, randint, randn

SIGNS = np.array([1, -1, 1, 1, -1])
IGNORED = np.array([1, -100, 2, -100, 0])


def sample(*args, **kwargs):
    return Sample(*args, **kwargs).but(dtypes=("float32",))


REDUCTIONS = ("mean", "sum", "none")
PAIR = distinct(4, 5), rand(4, 5)

SAMPLES = [
    sample("F.cross_entropy", randn(5, 3), randint(0, 3, 5)),
    *(sample("F.cross_entropy", randn(5, 3), IGNORED, rand(3), reduction=r).but(grad=False)
      for r in REDUCTIONS),
    sample("F.cross_entropy", randn(5, 3), IGNORED, rand(3), label_smoothing=0.2).but(grad=False),
    sample("F.nll_loss", randn(5, 3), IGNORED, rand(3)).but(grad=False),
    *(sample("F.cross_entropy", randn(5, 3), IGNORED, reduction=r) for r in REDUCTIONS),
    *(sample("F.cross_entropy", randn(5, 3), IGNORED, label_smoothing=0.2, reduction=r)
      for r in REDUCTIONS),
    sample("F.cross_entropy", randn(5, 3), randint(0, 3, 5), ignore_index=1),
    sample("F.cross_entropy", randn(2, 3, 4, 2), randint(0, 3, 2, 4, 2)),
    sample("F.cross_entropy", randn(2, 3, 4, 2), randint(0, 3, 2, 4, 2), label_smoothing=0.1,
           reduction="none"),
    sample("F.cross_entropy", randn(3), np.array(2)),
    sample("F.cross_entropy", randn(3), np.array(2), reduction="none"),
    sample("F.cross_entropy", randn(5, 3), rand(5, 3)),
    sample("F.cross_entropy", randn(2, 3, 4), rand(2, 3, 4), label_smoothing=0.1, reduction="sum"),
    sample("F.nll_loss", randn(5, 3), randint(0, 3, 5)),
    *(sample("F.nll_loss", randn(5, 3), IGNORED, reduction=r) for r in REDUCTIONS),
    sample("F.nll_loss", randn(2, 3, 4), randint(0, 3, 2, 4)),
    sample("F.nll_loss", randn(3), np.array(2)),
    *(sample(f"F.{name}", *PAIR, reduction=r)
      for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss") for r in REDUCTIONS),
    sample("F.smooth_l1_loss", *PAIR, beta=0.5),
    sample("F.smooth_l1_loss", *PAIR, beta=0.0),
    sample("F.huber_loss", *PAIR, delta=0.5),
    sample("F.mse_loss", *PAIR, weight=positive(4, 5)),
    *(sample("F.binary_cross_entropy", rand(4, 5), rand(4, 5), reduction=r) for r in REDUCTIONS),
    *(sample("F.binary_cross_entropy_with_logits", randn(4, 5), rand(4, 5), reduction=r)
      for r in REDUCTIONS),
    sample("F.binary_cross_entropy_with_logits", randn(4, 5), rand(4, 5),
           pos_weight=np.array([1.0, 2, 3, 0.5, 1], np.float32)),
    *(sample("F.kl_div", randn(4, 5), rand(4, 5), reduction=r) for r in (*REDUCTIONS, "batchmean")),
    sample("F.kl_div", randn(4, 5), randn(4, 5), log_target=True, reduction="sum"),
    sample("F.kl_div", randn(4, 5), rand(5), reduction="sum"),
    sample("F.linear_cross_entropy", randn(4, 3), randn(5, 3), randint(0, 5, 4)),
    sample("F.linear_cross_entropy", randn(4, 3), randn(5, 2, 3), randint(0, 5, 4, 2),
           linear_bias=randn(5, 2), reduction="sum"),
    sample("cosine_similarity", randn(1, 2, 5), randn(3, 1, 5), dim=-2),
    sample("cosine_similarity", randn(4, 5), randn(4, 5)),
    sample("cosine_similarity", randn(4, 5), randn(5), dim=-1),
    sample("pairwise_distance", randn(4, 5), randn(4, 5)),
    sample("pairwise_distance", randn(4, 5), randn(4, 5), p=1.0, keepdim=True),
    sample("F.cosine_embedding_loss", randn(5, 3), randn(5, 3), SIGNS, margin=0.2),
    sample("F.hinge_embedding_loss", randn(5), SIGNS),
    sample("F.margin_ranking_loss", distinct(5), randn(5), SIGNS, margin=0.3, reduction="sum"),
    sample("F.soft_margin_loss", randn(5), SIGNS),
    sample("F.triplet_margin_loss", randn(5, 3), randn(5, 3), randn(5, 3), margin=2.0),
    sample("F.triplet_margin_loss", randn(5, 3), randn(5, 3), randn(5, 3), swap=True,
           reduction="none"),
]  # fmt: skip
