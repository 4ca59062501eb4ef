"""Samples of losses of margins and distributions."""

from op_table import FLOATS, Sample, distinct, positive, randint, randn


def sample(*args, **kwargs):
    return Sample(*args, **kwargs).but(dtypes=FLOATS[:1], tolerance=1e-5)


SAMPLES = [
    sample("F.multi_margin_loss", distinct(4, 3), randint(0, 3, 4)),
    sample("F.multi_margin_loss", distinct(4, 3), randint(0, 3, 4), 2, 0.5, positive(3)),
    sample("F.multi_margin_loss", distinct(3), randint(0, 3), reduction="none"),
    sample("F.multilabel_margin_loss", distinct(3, 4), randint(-1, 4, 3, 4)),
    sample("F.multilabel_margin_loss", distinct(4), randint(0, 3, 4), reduction="sum"),
    sample("F.multilabel_soft_margin_loss", randn(3, 4), randint(0, 2, 3, 4)),
    sample("F.multilabel_soft_margin_loss", randn(4), randint(0, 2, 4), positive(4)),
    sample("F.poisson_nll_loss", randn(3, 4), positive(3, 4), full=True),
    sample("F.poisson_nll_loss", positive(3, 4), positive(3, 4), False, reduction="none"),
    sample("F.gaussian_nll_loss", randn(3, 4), randn(3, 4), positive(3, 4), True),
    sample("F.gaussian_nll_loss", randn(3, 4), randn(3, 4), positive(3), reduction="none"),
    sample("F.gaussian_nll_loss", randn(3, 4), randn(3, 4), positive(3, 1)),
    sample("F.triplet_margin_with_distance_loss", randn(3, 4), randn(3, 4), randn(3, 4)),
    sample(
        *("F.triplet_margin_with_distance_loss", randn(3, 4), randn(3, 4), randn(3, 4)),
        margin=2.0,
        swap=True,
        reduction="sum",
    ),
]
