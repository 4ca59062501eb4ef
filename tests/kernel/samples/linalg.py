"""Linear algebra."""

import numpy as np
from op_table import Sample, Spec, randn

LONG = ("float32",)


def square(*shape: int) -> Spec:
    """Matrices that are far from singular."""
    return Spec(lambda rng: rng.standard_normal(shape) + 3 * np.eye(shape[-1]), shape)


def definite(n: int) -> Spec:
    """A symmetric positive-definite matrix with eigenvalues well apart."""

    def draw(rng):
        q, _ = np.linalg.qr(rng.standard_normal((n, n)))
        return (q * (np.arange(n) + 1.0)) @ q.T

    return Spec(draw, (n, n))


def factor(n: int) -> Spec:
    """A lower triangle with a strong diagonal."""
    return Spec(lambda rng: np.tril(rng.standard_normal((n, n))) + 3 * np.eye(n), (n, n))


SINGULAR = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.5], [3.0, 6.0, 9.0]])

SAMPLES = [
    Sample("linalg.inv", square(3, 3)),
    Sample("linalg.inv", square(2, 3, 3)),
    Sample("inverse", square(3, 3)),
    Sample("linalg.inv_ex", square(3, 3)),
    Sample("linalg.det", square(3, 3)),
    Sample("linalg.det", square(2, 3, 3)),
    Sample("linalg.det", SINGULAR).but(torch=None, second=False),
    Sample("det", square(3, 3)),
    Sample("linalg.slogdet", square(2, 3, 3)),
    Sample("slogdet", square(3, 3)),
    Sample("logdet", definite(3)),
    Sample("linalg.solve", square(3, 3), randn(3, 2)),
    Sample("linalg.solve", square(3, 3), randn(3)),
    Sample("linalg.solve", square(2, 3, 3), randn(2, 3)),
    Sample("linalg.solve", square(2, 3, 3), randn(3, 4)),
    Sample("linalg.solve", square(3, 3), randn(2, 3), left=False),
    Sample("linalg.solve_ex", square(3, 3), randn(3, 2)),
    Sample("linalg.solve_triangular", square(3, 3), randn(3, 2), upper=True),
    Sample("linalg.solve_triangular", square(3, 3), randn(2, 3), upper=False, left=False),
    Sample("linalg.solve_triangular", square(3, 3), randn(3, 2), upper=True, unitriangular=True),
    Sample("linalg.tensorsolve", Spec(lambda r: r.standard_normal((2, 3, 6)), ()), randn(2, 3)),
    Sample("linalg.tensorinv", randn(2, 3, 6)),
    Sample("linalg.cholesky", definite(4)).but(smooth=False),
    Sample("linalg.cholesky", definite(4), upper=True).but(smooth=False),
    Sample("cholesky", definite(3)).but(smooth=False),
    Sample("linalg.cholesky_ex", definite(3)).but(smooth=False),
    # The gradient fills the triangle that is not read, too, as PyTorch's does.
    Sample("cholesky_inverse", factor(3)).but(smooth=False),
    Sample("cholesky_solve", randn(3, 2), factor(3)).but(smooth=False),
    Sample("cholesky_solve", randn(3, 2), square(3, 3), upper=True).but(smooth=False),
    Sample("linalg.qr", randn(4, 3)),
    Sample("linalg.qr", randn(3, 3)),
    Sample("linalg.qr", randn(2, 3, 4)),
    Sample("linalg.qr", randn(4, 3), mode="complete").but(grad=False),
    Sample("linalg.qr", randn(4, 3), mode="r").but(grad=False),
    Sample("qr", randn(4, 3)),
    Sample("linalg.eigh", definite(4)).but(grad=False, torch=None),
    Sample("linalg.eigvalsh", definite(4)).but(smooth=False),
    Sample("linalg.eigvalsh", definite(3), "U").but(smooth=False),
    Sample("linalg.svd", randn(4, 3), full_matrices=False).but(grad=False, torch=None),
    Sample("linalg.svd", randn(3, 4)).but(grad=False, torch=None),
    Sample("svd", randn(4, 3)).but(grad=False, torch=None),
    Sample("linalg.svdvals", randn(4, 3)),
    Sample("linalg.svdvals", randn(2, 3, 3)),
    Sample("linalg.pinv", randn(4, 3)),
    Sample("linalg.pinv", randn(2, 2, 4)),
    Sample("linalg.pinv", SINGULAR, rtol=1e-3).but(grad=False),
    Sample("pinverse", randn(4, 3)),
    Sample("linalg.matrix_rank", randn(4, 3)).but(grad=False),
    Sample("linalg.matrix_rank", SINGULAR).but(grad=False),
    Sample("linalg.lstsq", randn(5, 3), randn(5, 2)),
    Sample("linalg.multi_dot", [randn(2, 3), randn(3, 4), randn(4, 2)]),
    Sample("linalg.multi_dot", [randn(3), randn(3, 4), randn(4)]),
    Sample("chain_matmul", randn(2, 3), randn(3, 4), randn(4, 2)),
    Sample("linalg.matrix_power", square(3, 3), 5),
    Sample("linalg.matrix_power", square(3, 3), -2),
    Sample("linalg.matrix_power", square(2, 3, 3), 0),
    Sample("matrix_power", square(3, 3), 3),
    Sample("linalg.matmul", randn(2, 3), randn(3, 4)),
    Sample("linalg.vecdot", randn(2, 3), randn(2, 3)),
    Sample("linalg.vecdot", randn(2, 3), randn(2, 3), dim=0),
    Sample("vdot", randn(3), randn(3)),
    Sample("linalg.cross", randn(2, 3), randn(2, 3)),
    Sample("cross", randn(3, 2), randn(3, 2)),
    Sample("cross", randn(2, 3), randn(2, 3), dim=1),
    Sample("linalg.diagonal", randn(2, 3, 3)),
    Sample("linalg.vander", randn(3)),
    Sample("linalg.vander", randn(2, 3), N=4),
    Sample("vander", randn(3)).but(dtypes=LONG),
    Sample("vander", randn(3), 2, True).but(dtypes=LONG),
    Sample("matrix_exp", randn(3, 3)).but(dtypes=LONG),
    Sample("matrix_exp", randn(2, 2, 2)).but(dtypes=LONG),
    *(Sample("linalg.vector_norm", randn(3, 4), p, 1) for p in (1, 2, 3, float("inf"))),
    Sample("linalg.vector_norm", randn(3, 4)),
    *(
        Sample("linalg.matrix_norm", randn(3, 4), p)
        for p in ("fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf"))
    ),
    Sample("linalg.matrix_norm", randn(3, 2, 4), 2, (0, 2), True),
    Sample("linalg.matrix_norm", randn(3, 2, 4), 1, (2, 0), True),
    Sample("linalg.norm", randn(3, 4)),
    Sample("linalg.norm", randn(3, 4), 2),
    Sample("linalg.norm", randn(5), 3),
    Sample("linalg.norm", randn(3, 4), dim=1),
    Sample("linalg.norm", randn(2, 3, 4), dim=(0, 1)),
    Sample("linalg.norm", randn(2, 3, 4), "nuc", (1, 2)),
    *(Sample("linalg.cond", square(3, 3), p) for p in (None, -2, 1, "fro")),
    Sample("frobenius_norm", randn(3, 4), 1),
    Sample("nuclear_norm", randn(3, 4)),
]
