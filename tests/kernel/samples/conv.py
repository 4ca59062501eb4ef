"""Samples of convolutions."""

import numpy as np
from op_table import FLOATS, Sample, randn


def sample(*args, **kwargs):
    """Integers are not compared: PyTorch refuses most of them."""
    return Sample(*args, **kwargs).but(dtypes=FLOATS)


SAMPLES = [
    sample("F.conv1d", randn(2, 3, 8), randn(4, 3, 3), randn(4)),
    sample("F.conv1d", randn(3, 8), randn(4, 3, 3), stride=2, padding=1),
    sample("F.conv1d", randn(2, 4, 9), randn(4, 1, 2), groups=4, dilation=2, padding="same"),
    sample("F.conv2d", randn(2, 3, 6, 5), randn(4, 3, 3, 2), randn(4)),
    sample("F.conv2d", randn(2, 1, 5, 5), randn(2, 1, 3, 3), randn(2), stride=2, padding=1),
    sample("F.conv2d", randn(3, 6, 5), randn(4, 3, 3, 3), None, 1, (2, 1)),
    sample("F.conv2d", randn(2, 4, 6, 6), randn(6, 2, 3, 3), randn(6), groups=2, dilation=(2, 1)),
    sample("F.conv2d", randn(2, 3, 5, 5), randn(3, 1, 3, 3), randn(3), groups=3, padding="same"),
    sample("F.conv2d", randn(2, 3, 5, 4), randn(2, 3, 2, 4), padding="same"),
    sample("F.conv2d", randn(2, 3, 5, 4), randn(2, 3, 2, 3), padding="valid"),
    sample("F.conv2d", randn(2, 3, 4, 4), randn(5, 3, 1, 1), randn(5)),
    sample("F.conv2d", randn(2, 4, 5, 5), randn(4, 2, 1, 1), stride=2, groups=2),
    sample("F.conv2d", randn(2, 3, 7, 7), randn(2, 3, 3, 3), stride=(3, 2), padding=[1, 0]),
    sample("F.conv3d", randn(2, 2, 4, 4, 3), randn(3, 2, 2, 3, 2), randn(3), padding=1),
    sample("F.conv_transpose1d", randn(2, 3, 5), randn(3, 4, 3), randn(4), stride=2),
    sample("F.conv_transpose2d", randn(2, 3, 4, 4), randn(3, 2, 3, 3), randn(2)),
    sample(
        "F.conv_transpose2d", randn(2, 4, 3, 4), randn(4, 2, 3, 3), randn(4), stride=2, padding=1,
        output_padding=1, groups=2,
    ),
    sample("F.conv_transpose2d", randn(3, 4, 4), randn(3, 2, 2, 3), stride=(2, 1), dilation=2),
    sample("F.conv_transpose3d", randn(1, 2, 3, 3, 2), randn(2, 3, 2, 2, 2), stride=2),
    sample("F.conv_transpose2d", randn(1, 2, 4, 4), randn(2, 2, 2, 3), None, (3, 2), 1, (2, 3),
           dilation=4),
    sample("F.conv_tbc", randn(7, 2, 3), randn(2, 3, 4), randn(4), 1),
    sample("conv_tbc", randn(7, 2, 3), randn(2, 3, 4), randn(4), 1),
    sample("F.grouped_mm", randn(8, 16), randn(2, 16, 8), offs=np.array([3, 6], "int32")).but(
        torch=None),
    sample("F.grouped_mm", randn(8, 16), randn(16, 8), offs=np.array([3, 16], "int32")).but(
        torch=None),
    sample("F.grouped_mm", randn(2, 4, 16), randn(16, 8), offs=np.array([3, 6], "int32")).but(
        torch=None),
    sample("_grouped_mm", randn(2, 4, 16), randn(2, 16, 8)).but(torch=None),
]  # fmt: skip
