"""Samples of pooling and resizing."""

from op_table import FLOATS, Sample, distinct, randn


def sample(*args, **kwargs):
    return Sample(*args, **kwargs).but(dtypes=FLOATS)


SAMPLES = [
    sample("F.max_pool1d", distinct(2, 3, 8), 2),
    sample("F.max_pool1d", distinct(3, 9), 3, stride=2, padding=1),
    sample("F.max_pool2d", distinct(2, 3, 6, 6), 2),
    sample("F.max_pool2d", distinct(2, 2, 7, 6), 3, 2),
    sample("F.max_pool2d", distinct(2, 7, 6), (3, 2), stride=(2, 1), padding=(1, 0)),
    sample("F.max_pool2d", distinct(2, 2, 7, 7), 2, ceil_mode=True),
    sample("F.max_pool2d", distinct(2, 2, 7, 7), 3, 2, 1, ceil_mode=True),
    sample("F.max_pool2d", distinct(1, 2, 7, 7), 2, 1, dilation=2),
    sample("F.max_pool2d", distinct(1, 2, 5, 5), 1, 2),
    sample("F.max_pool2d", distinct(2, 3, 7, 6), 3, 2, 1, return_indices=True),
    sample("F.max_pool3d", distinct(1, 2, 4, 4, 4), 2),
    sample("F.avg_pool1d", randn(2, 3, 8), 2),
    sample("F.avg_pool1d", randn(3, 9), 3, stride=2, padding=1, count_include_pad=False),
    sample("F.avg_pool2d", randn(2, 3, 6, 6), 2),
    sample("F.avg_pool2d", randn(2, 2, 7, 6), 3, 2, 1),
    sample("F.avg_pool2d", randn(2, 7, 6), (3, 2), padding=(1, 0), count_include_pad=False),
    sample("F.avg_pool2d", randn(2, 2, 7, 7), 3, 2, 1, ceil_mode=True),
    sample("F.avg_pool2d", randn(2, 2, 7, 7), 2, ceil_mode=True, divisor_override=3),
    sample("F.avg_pool3d", randn(1, 2, 4, 4, 4), 2),
    sample("F.adaptive_avg_pool1d", randn(2, 3, 7), 3),
    sample("F.adaptive_avg_pool2d", randn(2, 3, 6, 4), (3, 2)),
    sample("F.adaptive_avg_pool2d", randn(2, 3, 7, 5), (3, None)),
    sample("F.adaptive_avg_pool2d", randn(3, 6, 4), 1),
    sample("F.adaptive_avg_pool2d", randn(2, 1, 2, 3), 5),
    sample("F.adaptive_avg_pool3d", randn(1, 2, 4, 4, 5), 2),
    sample("F.adaptive_max_pool1d", distinct(2, 3, 7), 3),
    sample("F.adaptive_max_pool2d", distinct(2, 3, 6, 4), (3, 2)),
    sample("F.adaptive_max_pool2d", distinct(3, 7, 5), (3, None), return_indices=True),
    sample("F.adaptive_max_pool3d", distinct(1, 2, 4, 4, 3), 2),
    sample("F.interpolate", randn(2, 3, 4, 5), scale_factor=2),
    sample("F.interpolate", randn(2, 3, 4, 5), size=(3, 7)),
    sample("F.interpolate", randn(2, 3, 5), size=8, mode="nearest-exact"),
    sample("F.interpolate", randn(2, 3, 5), scale_factor=1.7, mode="linear"),
    sample("F.interpolate", randn(2, 2, 4, 5), size=(6, 3), mode="bilinear", align_corners=True),
    sample("F.interpolate", randn(2, 2, 4, 5), scale_factor=(2.0, 1.5), mode="bilinear"),
    sample("F.interpolate", randn(1, 2, 6, 4), size=(3, 2), mode="area"),
]
