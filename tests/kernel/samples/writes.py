"""Methods that write into their tensor and have no twin of their own; views' copies."""

import numpy as np
from op_table import Sample, positive, randint, randn

import flambeau as fb

FLOATS = ("float32", "float16")

SAMPLES = [
    Sample("Tensor.addbmm_", randn(3, 5), randn(2, 3, 4), randn(2, 4, 5), alpha=2, beta=3),
    Sample("Tensor.apply_", randn(2, 3), lambda v: 2 * v).but(dtypes=("float32", "int64")),
    Sample("Tensor.map_", randn(2, 3), randn(2, 3), lambda a, b: a - b).but(
        dtypes=("float32", "int64")
    ),
    Sample("Tensor.map2_", randn(3), randn(3), randn(3), lambda a, b, c: a * b + c).but(
        dtypes=("float32", "int64")
    ),
    Sample("Tensor.float_power_", positive(2, 3), 2.5).but(dtypes=()),
    Sample("Tensor.ldexp_", randn(2, 3), randint(-2, 3, 2, 3)).but(dtypes=FLOATS),
    Sample("Tensor.mvlgamma_", positive(2, 3), 1).but(dtypes=FLOATS),
    Sample("Tensor.polygamma_", positive(2, 3), 2).but(dtypes=("float32",)),
    Sample("Tensor.renorm_", randn(3, 4), 2, 0, 1.0).but(dtypes=FLOATS),
    # drawn at random
    *(
        Sample(f"Tensor.{name}_", randn(2, 3), *args).but(random=True, dtypes=FLOATS)
        for name, args in {
            "cauchy": (0.5, 2.0),
            "log_normal": (0.0, 0.5),
            "geometric": (0.3,),
        }.items()
    ),
    # another shape, of the same memory
    Sample("as_strided_", randn(3, 4), (2, 2), (4, 1), 1).but(layout=False),
    Sample("Tensor.squeeze_", randn(2, 1, 3, 1), 1),
    Sample("Tensor.unsqueeze_", randn(2, 3), -1),
    Sample("Tensor.t_", randn(2, 3)),
    Sample("Tensor.transpose_", randn(2, 3, 4), 0, -1),
    Sample("Tensor.swapaxes_", randn(2, 3, 4), 0, 1),
    Sample("Tensor.swapdims_", randn(2, 3, 4), 1, 2),
    Sample("Tensor.resize_", randn(3, 4), (2, 5)).but(layout=False),
    Sample("resize_as_", randn(3, 4), randn(2, 5)).but(layout=False),
    Sample("Tensor.resize", randn(3, 4), 2, 6).but(shares=True),
    Sample("Tensor.resize_as", randn(3, 4), randn(6, 2)).but(shares=True),
    Sample("Tensor.set_", randn(3, 4), randn(2, 5)).but(shares=True),
    # others
    Sample("Tensor.new", randn(2), 3, 4).but(random=True),
    Sample("Tensor.new", randn(2), [1.0, 2.0]).but(dtypes=("float32",)),
    Sample("Tensor.module_load", randn(2, 3), randn(2, 3), assign=True).but(shares=True),
    Sample("Tensor.as_subclass", randn(2, 3), fb.Tensor).but(torch=None, shares=True),
    Sample("Tensor.bfloat16", positive(2, 3)).but(torch=None),
    Sample("view_as_real_copy", np.array([1 + 2j, 3 - 1j])),
    Sample("view_as_complex_copy", randn(3, 2)).but(dtypes=("float32",)),
]
_RULES = ("view_as_complex_copy",)
for _s in SAMPLES:
    _s.but(grad=_s.grad and _s.name in _RULES)
