"""Operations on each element alone."""

from op_table import Sample, randn

SAMPLES = [
    Sample("add", randn(3, 4), randn(4)),
    Sample("add", randn(3, 4), randn(3, 1), alpha=2),
    Sample("add", randn(3), 2),
    Sample("mul", randn(3, 4), randn(3, 1)),
    Sample("exp", randn(3, 4)),
    Sample("tanh", randn(3, 4)),
    Sample("relu", randn(3, 4)),
]
