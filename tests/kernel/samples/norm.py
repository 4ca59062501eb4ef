"""Samples of normalisation."""

from op_table import FLOATS, Sample, positive, randn


def sample(*args, **kwargs):
    return Sample(*args, **kwargs).but(dtypes=("float32",))


SAMPLES = [
    sample("F.batch_norm", randn(4, 3, 2, 2), None, None, randn(3), randn(3), True),
    sample("F.batch_norm", randn(6, 3), None, None, randn(3), randn(3), training=True),
    sample("F.batch_norm", randn(3, 3, 5), None, None, training=True, eps=1e-3),
    sample("F.batch_norm", randn(2, 3, 2, 2, 2), None, None, None, randn(3), training=True),
    sample("F.batch_norm", randn(4, 3, 2), randn(3), positive(3), randn(3), randn(3)).but(
        grad=False
    ),
    sample("F.batch_norm", randn(4, 3), randn(3), positive(3), eps=0.1).but(grad=False),
    sample("F.instance_norm", randn(2, 3, 4)),
    sample("F.instance_norm", randn(2, 3, 4, 2), weight=randn(3), bias=randn(3)),
    sample("F.layer_norm", randn(4, 5), (5,), randn(5), randn(5)),
    sample("F.layer_norm", randn(2, 3, 4, 5), [4, 5], randn(4, 5), randn(4, 5)),
    sample("F.layer_norm", randn(2, 3, 6), (6,)),
    sample("F.layer_norm", randn(2, 6), (6,), None, randn(6), eps=0.1),
    sample("F.rms_norm", randn(4, 5), (5,), randn(5)),
    sample("F.rms_norm", randn(2, 3, 4), (3, 4), eps=0.1),
    sample("F.group_norm", randn(2, 6, 3, 2), 3, randn(6), randn(6)),
    sample("F.group_norm", randn(3, 4), 2),
    sample("F.local_response_norm", randn(2, 5, 4), 3, alpha=0.5),
    sample("F.normalize", randn(3, 4)),
    sample("F.normalize", positive(3, 4), p=1.0, dim=0).but(dtypes=FLOATS),
]
