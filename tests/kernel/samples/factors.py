"""Factors of matrices, and what is solved with them; what depends on no sign is compared."""

import numpy as np
from op_table import Sample, Spec, randn
from samples.linalg import definite, square

LONG = ("float32",)
PIVOTS = np.array([2, 3, 3], np.int32)
EIGEN = Spec(lambda r: np.diag([1.0, 3.0, 6.0]) + 0.1 * r.standard_normal((3, 3)), (3, 3))
SYMMETRIC = np.array([[2.0, 1.0, 0.5], [1.0, -3.0, 0.2], [0.5, 0.2, 1.5]])
REFLECTIONS = (randn(4, 3), randn(3))

SAMPLES = [
    *(Sample("linalg.lu", randn(*shape)) for shape in ((3, 3), (2, 4, 3), (3, 5))),
    Sample("linalg.lu_factor", square(3, 3)),
    Sample("linalg.lu_factor_ex", square(2, 3, 3)),
    Sample("lu", square(3, 3)),
    Sample("lu_unpack", randn(3, 4), PIVOTS).but(dtypes=LONG),
    Sample("linalg.lu_solve", square(3, 3), PIVOTS, randn(3, 2)).but(dtypes=LONG),
    Sample("linalg.lu_solve", square(3, 3), PIVOTS, randn(2, 3), left=False, adjoint=True).but(
        dtypes=LONG
    ),
    Sample("lu_solve", randn(3, 2), square(3, 3), PIVOTS).but(dtypes=LONG),
    Sample("triangular_solve", randn(3, 2), square(3, 3)),
    Sample("triangular_solve", randn(3, 2), square(3, 3), False, True, True),
    Sample("linalg.ldl_factor", SYMMETRIC).but(grad=False),
    Sample("linalg.ldl_factor_ex", SYMMETRIC).but(grad=False),
    Sample("linalg.ldl_solve", SYMMETRIC, np.array([1, 2, 3], np.int32), randn(3, 2)).but(
        grad=False, dtypes=LONG
    ),
    Sample("linalg.eig", EIGEN).but(grad=False, torch=None),
    Sample("linalg.eigvals", EIGEN).but(grad=False, torch=None),
    Sample("lobpcg", definite(6), 2).but(grad=False, torch=None, random=True),
    Sample("linalg.householder_product", *REFLECTIONS),
    Sample("orgqr", *REFLECTIONS),
    Sample("ormqr", *REFLECTIONS, randn(4, 2)),
    Sample("ormqr", *REFLECTIONS, randn(2, 4), left=False, transpose=True),
    Sample("geqrf", randn(4, 3)).but(grad=False),
    *(
        Sample("linalg.lstsq", randn(5, 3), randn(5, 2), driver=driver)
        for driver in ("gels", "gelsy")
    ),
    *(  # the singular values have no gradient
        Sample("linalg.lstsq", randn(5, 3), randn(5, 2), driver=driver).but(smooth=False)
        for driver in ("gelss", "gelsd")
    ),
    Sample("linalg.lstsq", randn(3, 5), randn(3), driver="gels"),
    Sample("linalg.pinv", definite(3), hermitian=True).but(smooth=False),
    Sample("linalg.matrix_rank", definite(3), hermitian=True).but(grad=False),
    Sample("svd_lowrank", randn(5, 4), 2).but(random=True, grad=False),
    Sample("pca_lowrank", randn(4, 5)).but(random=True, grad=False),
]
