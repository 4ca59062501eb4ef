"""Making tensors, converting them, drawing them at random, asking about types."""

import numpy as np
from op_table import Sample, distinct, positive, rand, randint, randn

import flambeau as fb

LIKE = ("zeros_like", "ones_like")
SAMPLES = [
    Sample("tensor", [[1.0, 2.0], [3.0, 4.0]]),
    Sample("tensor", [1, 2], dtype=fb.float64),
    Sample("tensor", True),
    Sample("as_tensor", [1.5, 2]),
    Sample("asarray", [1, 2]),
    Sample("scalar_tensor", 3),
    Sample("zeros", 2, 3),
    Sample("zeros", (2, 0)),
    Sample("ones", (2, 3), dtype=fb.int64),
    Sample("empty", 2, 3).but(random=True),
    Sample("full", (2, 3), 7),
    Sample("full", (2,), 1.5),
    Sample("full", (2,), True),
    *(Sample(name, randint(0, 3, 2, 3)) for name in LIKE),
    *(Sample(name, randn(2, 3), dtype=fb.int32) for name in LIKE),
    Sample("empty_like", randn(2, 3)).but(random=True),
    Sample("full_like", randn(2, 3), 4),
    Sample("new_zeros", randn(2), 3, 1),
    Sample("new_zeros", randn(2), (3, 1)),
    Sample("new_ones", randn(2), (3, 1)),
    Sample("new_empty", randn(2), 3).but(random=True),
    Sample("new_full", randn(2), (3, 1), 2.5).but(dtypes=("float32",)),
    Sample("new_tensor", randn(2), [1, 2, 3]),
    Sample("arange", 5),
    Sample("arange", 1, 9, 3),
    Sample("arange", 1, 2.5, 0.5),
    Sample("arange", 5, 0, -2),
    Sample("arange", 3, dtype=fb.float32),
    Sample("range", 1, 4),
    Sample("range", 4, 1, -0.5),
    Sample("linspace", 0, 1, 5),
    Sample("linspace", -3.0, 3.0, steps=1),
    Sample("logspace", 0, 2, 3),
    Sample("eye", 3),
    Sample("eye", 2, 3, dtype=fb.int64),
    # conversions
    Sample("to", randn(2, 3), fb.float64).but(shares=True, second=False),
    Sample("to", randn(2, 3), dtype=fb.int64).but(grad=False),
    Sample("cpu", randn(2, 3)).but(shares=True),
    *(
        Sample(name, positive(2, 3)).but(shares=True, grad=name == "double")
        for name in ("float", "double", "half", "int", "short", "long", "bool", "byte", "char")
    ),
    Sample("Tensor.cfloat", positive(2, 3)).but(grad=False),
    Sample("Tensor.cdouble", positive(2, 3)).but(grad=False),
    Sample("Tensor.type", positive(2, 3), fb.int64).but(grad=False),
    Sample("type_as", positive(2, 3), randint(0, 2, 1)).but(grad=False),
    Sample("is_tensor", randn(2)).but(grad=False),
    Sample("is_floating_point", randn(2)).but(grad=False),
    Sample("is_complex", randn(2)).but(grad=False),
    Sample("result_type", randn(2), randint(0, 2, 1)).but(grad=False),
    Sample("result_type", randint(0, 2, 1), 1.5).but(grad=False),
    Sample("promote_types", fb.int32, fb.float16),
    Sample("can_cast", fb.float32, fb.int64),
    Sample("can_cast", fb.int64, fb.float16),
    # random
    Sample("rand", 2, 3).but(random=True),
    Sample("randn", (2, 3), dtype=fb.float64).but(random=True),
    Sample("randint", 0, 5, (2, 3)).but(random=True),
    Sample("randint", 5, (2, 3)).but(random=True),
    Sample("randperm", 5).but(random=True),
    Sample("rand_like", randn(2, 3)).but(random=True),
    Sample("randn_like", randn(2, 3)).but(random=True),
    Sample("randint_like", randn(2, 3), 5).but(random=True),
    Sample("normal", 0.0, 1.0, (2, 3)).but(random=True),
    Sample("normal", randn(3), 2.0).but(random=True),
    Sample("bernoulli", rand(2, 3)).but(random=True),
    Sample("multinomial", positive(2, 5), 3).but(random=True),
    Sample("multinomial", positive(5), 7, replacement=True).but(random=True),
    *(
        Sample(name, randn(2, 3)).but(random=True)
        for name in ("uniform_", "normal_", "bernoulli_", "exponential_", "random_")
    ),
    Sample("fill_", randn(2, 3), 2),
    Sample("zero_", randn(2, 3)),
    Sample("copy_", randn(2, 3), distinct(3)),
    Sample("index_put_", randn(3, 4), (np.array([0, 2]), np.array([1, 3])), np.array(1.0)),
    Sample("Tensor.view", randn(3, 4), 2, -1).but(shares=True, layout=False),
    Sample("Tensor.view", randn(3, 4), (4, 3)).but(shares=True, layout=False),
]
_WRITES = ("fill_", "zero_", "copy_", "index_put_")
for _s in SAMPLES:
    keeps = ("to", "cpu", "double", "view")
    _s.but(grad=_s.grad and _s.name in keeps)
