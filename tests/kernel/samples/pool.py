"""Samples of pooling and resizing."""

import numpy as np
from op_table import FLOATS, Sample, distinct, rand, randn

try:
    import torch
except ImportError:  # its inner names are then not compared
    torch = None

DRAWN = np.random.default_rng(0).uniform(0, 1, (1, 2, 3))
GRID = rand(2, 3, 4, 2, low=-1.4, high=1.4)


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
    sample("F.max_pool1d_with_indices", distinct(2, 3, 8), 2),
    sample("F.max_pool2d_with_indices", distinct(2, 3, 7, 6), 3, 2, 1),
    sample("F.max_pool3d_with_indices", distinct(1, 2, 4, 4, 4), 2),
    sample("max_pool1d_with_indices", distinct(2, 3, 8), 2, 1),
    sample("adaptive_max_pool1d", distinct(2, 3, 7), 3),
    sample("F.adaptive_max_pool1d_with_indices", distinct(2, 3, 7), 3),
    sample("F.adaptive_max_pool2d_with_indices", distinct(2, 3, 6, 4), (3, 2)),
    sample("F.adaptive_max_pool3d_with_indices", distinct(1, 2, 4, 4, 3), 2),
    *(sample(f"F.fractional_max_pool2d{more}", distinct(1, 2, 6, 7), 2, (3, 4),
             _random_samples=DRAWN[:, :, :2]).but(dtypes=()) for more in ("", "_with_indices")),
    *(sample(f"F.fractional_max_pool3d{more}", distinct(1, 2, 5, 6, 7), (2, 1, 2), (3, 4, 2),
             _random_samples=DRAWN).but(dtypes=()) for more in ("", "_with_indices")),
    sample("F.interpolate", randn(2, 3, 4, 5), scale_factor=2),
    sample("F.interpolate", randn(2, 3, 4, 5), size=(3, 7)),
    sample("F.interpolate", randn(2, 3, 5), size=8, mode="nearest-exact"),
    sample("F.interpolate", randn(2, 3, 5), scale_factor=1.7, mode="linear"),
    sample("F.interpolate", randn(2, 2, 4, 5), size=(6, 3), mode="bilinear", align_corners=True),
    sample("F.interpolate", randn(2, 2, 4, 5), scale_factor=(2.0, 1.5), mode="bilinear"),
    sample("F.interpolate", randn(1, 2, 6, 4), size=(3, 2), mode="area"),
    sample("F.interpolate", randn(1, 2, 6, 4), size=(3, 7), mode="bicubic"),
    sample("F.interpolate", randn(1, 2, 6, 4), size=(9, 3), mode="bicubic", align_corners=True),
    sample("F.interpolate", randn(1, 2, 9, 7), size=(4, 9), mode="bilinear", antialias=True),
    sample("F.interpolate", randn(1, 2, 9, 7), scale_factor=0.6, mode="bicubic", antialias=True),
    sample("F.interpolate", randn(1, 2, 3, 4, 2), size=5, mode="trilinear"),
    sample("F.upsample", randn(1, 2, 3, 4), scale_factor=2),
    sample("F.upsample_nearest", randn(1, 2, 3, 4), size=5),
    sample("F.upsample_bilinear", randn(1, 2, 3, 4), scale_factor=2),
    *(sample(f"_upsample_{mode}2d_aa", randn(1, 2, 9, 7), [4, 5], False).but(
        torch=getattr(torch.ops.aten, f"_upsample_{mode}2d_aa") if torch else None,
        dtypes=("float32",)) for mode in ("bilinear", "bicubic")),
    *(sample("F.grid_sample", randn(2, 3, 4, 5), GRID, mode, padding, corners).but(
        dtypes=(), smooth=mode != "nearest")
      for mode in ("bilinear", "nearest", "bicubic")
      for padding, corners in (("zeros", False), ("border", True), ("reflection", False))),
    sample("F.grid_sample", randn(1, 2, 3, 4, 5), rand(1, 2, 3, 2, 3), align_corners=True).but(
        dtypes=()),
    *(sample(f"grid_sampler{dims}", randn(2, 3, 4, 5), GRID, 0, 1, False).but(dtypes=())
      for dims in ("", "_2d")),
    sample("grid_sampler_3d", randn(1, 2, 3, 4, 5), rand(1, 2, 3, 2, 3), 0, 1, False).but(
        dtypes=()),
    sample("F.affine_grid", randn(2, 2, 3), [2, 3, 4, 5], align_corners=False).but(dtypes=()),
    sample("F.affine_grid", randn(2, 3, 4), [2, 3, 4, 1, 5], align_corners=True).but(dtypes=()),
    sample("affine_grid_generator", randn(2, 2, 3), [2, 3, 4, 5], True).but(dtypes=()),
]  # fmt: skip
