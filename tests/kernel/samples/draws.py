"""Random tensors whose distribution depends on tensors; `test_distributions.py` has the rest."""

from op_table import Sample, positive, rand

SAMPLES = [
    Sample("poisson", positive(2, 3)).but(random=True, grad=False, dtypes=("float32",)),
    Sample("binomial", rand(4, low=5, high=5), rand(4)).but(
        random=True, grad=False, dtypes=("float32",), method=False
    ),
    Sample("_standard_gamma", positive(2, 3)).but(random=True, grad=False, dtypes=("float32",)),
    Sample("_standard_gamma_grad", positive(5), positive(5)).but(
        grad=False, tolerance=2e-2, dtypes=("float32",)
    ),
    Sample("_sample_dirichlet", positive(2, 3)).but(
        random=True, grad=False, dtypes=("float32",), method=False
    ),
    Sample("_dirichlet_grad", rand(5), positive(5), rand(5, low=3.5, high=6)).but(
        grad=False, tolerance=2e-2, dtypes=("float32",)
    ),
]
