"""Linear algebra: inverses, solutions, determinants and factors of matrices.

Gradients as in M. Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008), and where said otherwise. In them V' is V transposed and
conjugated. A factor that a rule needs is computed again where the rule runs on Tensors, so that
it stands in the graph.
"""

from __future__ import annotations

import numpy as np

from ..device import module_of
from ..dtypes import FLOATING
from ..errors import OpRuntimeError, here
from ..tensor import Tensor, wrap
from .matrix import adjoint, conjugate, is_complex
from .promote import alike
from .registry import op


class LinAlgError(OpRuntimeError):
    """A matrix for which the result does not exist; mirrors ``torch.linalg.LinAlgError``."""

    def __reduce__(self):
        return LinAlgError, (self.op, self.problem, self.hint, self.location)


def matrices(arrays):
    """The inputs as they are; an error where they are not matrices of float32 or wider."""
    alike(arrays)
    for a in arrays:
        if a.dtype not in FLOATING or a.dtype == "float16":
            raise NotImplementedError(
                f"not implemented for {a.dtype.name}: expected a matrix of floating point or "
                "complex numbers, float32 or wider"
            )
        if a.ndim < 2:
            raise RuntimeError(f"The input must have at least 2 dimensions, its shape is {a.shape}")
    return arrays


def squares(arrays):
    """The same, and the first of them square."""
    matrices(arrays)
    if arrays[0].shape[-1] != arrays[0].shape[-2]:
        raise RuntimeError(f"must be batches of square matrices, the shape is {arrays[0].shape}")
    return arrays


def solved(problem, function, *args):
    """What a routine gives; LinAlgError where it fails."""
    try:
        return function(*args)
    except np.linalg.LinAlgError:
        raise LinAlgError("linalg", problem, "", here()) from None


def on_diagonal(ns, x, shape):
    """Vectors as the diagonals of matrices of a shape that are 0 elsewhere."""
    return ns.diagonal_put(x, tuple(shape), 0, -2, -1)


def _diag(ns, x):
    return on_diagonal(ns, x, (*x.shape, x.shape[-1]))


def identity(x: Tensor) -> Tensor:
    """The matrix with ones on its diagonal, of the shape and type of those in ``x``."""
    return wrap(module_of(x.array).eye(*x.shape[-2:], dtype=x.array.dtype))


# Inverse, solution, determinant


@op(name="linalg_inv", on="", promote=squares)
def inv(xp, x):
    """x⁻¹."""
    return solved("The input matrix is singular: it has no inverse", xp.linalg.inv, x)


inv.gradients(x=lambda ns, g, out: -ns.matmul(adjoint(ns, out), ns.matmul(g, adjoint(ns, out))))


@op(name="linalg_solve", on="", promote=squares)
def solve(xp, x, y):
    """The matrix X with x X = y."""
    return solved("The input matrix is singular: no unique solution", xp.linalg.solve, x, y)


@solve.gradient("x", "y")
def _(ns, g, x, out):
    to_y = ns.linalg_solve(adjoint(ns, x), g)
    return -ns.matmul(to_y, adjoint(ns, out)), to_y


@op(name="linalg_det", on="", promote=squares)
def det(xp, A):
    """The determinant: by how much A stretches volume, negative where it mirrors."""
    with np.errstate(invalid="ignore"):
        return xp.asarray(xp.linalg.det(A))


@det.gradient("A")
def _(ns, g, A, out):
    if ns.all(out != 0):
        return ns.linalg_inv(adjoint(ns, A)) * (g * conjugate(ns, out))[..., None, None]
    # Singular: the cofactors from A = U S V', each the product of the other singular values.
    u, s, vh = ns.linalg_svd(A, False)
    turn = conjugate(ns, ns.linalg_det(u) * ns.linalg_det(vh))
    n = s.shape[-1]
    rows = ns.expand(ns.unsqueeze(s, -2), (*s.shape, n))
    others = ns.prod(rows + _diag(ns, 1 - s), -1)
    return ns.matmul(u * ns.unsqueeze(others, -2), vh) * (g * turn)[..., None, None]


@op(name="linalg_slogdet", on="", promote=squares, outputs=2)
def slogdet(xp, x):
    """The sign of the determinant and the logarithm of its size."""
    with np.errstate(invalid="ignore"):
        return tuple(map(xp.asarray, xp.linalg.slogdet(x)))


@slogdet.gradient("x")
def _(ns, g, x, out):
    slope = g[1]
    if is_complex(x):  # the sign is e^iφ, and turns with the imaginary part of what log gives
        sign = ns.linalg_slogdet(x)[0] if ns.taped else out[0]
        slope = ns.complex(slope, ns.imag(g[0] * ns.conj(sign)))
    return ns.linalg_inv(adjoint(ns, x)) * slope[..., None, None]


# Factors


@op(name="linalg_cholesky", on="", promote=squares)
def cholesky(xp, x, /, upper):
    """The lower triangle L with x = L L', or L', for a positive-definite x.

    Only one triangle of x is read, the one that is asked for.
    """
    given = xp.triu(x) if upper else xp.tril(x)
    rest = xp.triu(x, 1) if upper else xp.tril(x, -1)
    whole = given + xp.conj(rest).swapaxes(-1, -2)
    problem = "The input is not positive-definite"
    found = solved(problem, xp.linalg.cholesky, whole)
    if xp.isnan(xp.diagonal(found, 0, -2, -1)).any():
        raise LinAlgError("linalg", problem, "", here())
    return xp.conj(found).swapaxes(-1, -2) if upper else found


@cholesky.gradient("x")
def _(ns, g, out, upper):  # I. Murray, "Differentiation of the Cholesky decomposition" (2016)
    lower, g = (adjoint(ns, out), adjoint(ns, g)) if upper else (out, g)
    m = ns.matmul(adjoint(ns, lower), g)
    inner = (ns.tril(m) + adjoint(ns, ns.tril(m, -1))) * 0.5
    left = ns.linalg_solve(adjoint(ns, lower), inner)
    return adjoint(ns, ns.linalg_solve(adjoint(ns, lower), adjoint(ns, left)))


@op(name="linalg_qr", on="", promote=matrices, outputs=2)
def qr(xp, x, /, mode):
    """x = Q R with Q's columns orthonormal and R an upper triangle."""
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"qr received unrecognized mode '{mode}'; it is reduced, complete or r")
    if mode == "r":
        return xp.zeros(0, x.dtype), xp.linalg.qr(x, "r")
    return tuple(xp.linalg.qr(x, mode))


@qr.gradient("x")
def _(ns, g, x, out, mode):  # M. Seeger et al., "Auto-Differentiating Linear Algebra" (2017)
    m, n = x.shape[-2:]
    if mode == "r" or (mode == "complete" and m > n):
        raise RuntimeError("the gradient of qr needs mode='reduced', or not more rows than columns")
    q, r = ns.linalg_qr(x, "reduced") if ns.taped else out
    to_q, to_r = g
    if m >= n:
        return _to_tall(ns, to_q, to_r, q, r)
    to_rest = to_r[..., m:]
    to_q = to_q + ns.matmul(x[..., m:], adjoint(ns, to_rest))
    first = _to_tall(ns, to_q, to_r[..., :m], q, r[..., :m])
    return ns.cat([first, ns.matmul(q, to_rest)], -1)


def _real(ns, x):
    """The same numbers without their imaginary parts."""
    return (x + ns.conj(x)) * 0.5 if is_complex(x) else x


def _to_tall(ns, to_q, to_r, q, r):
    """The gradient of a matrix with not more columns than rows, from those of its Q and R."""
    m = ns.matmul(r, adjoint(ns, to_r)) - ns.matmul(adjoint(ns, to_q), q)
    lower, diagonal = ns.tril(m, -1), _real(ns, ns.diagonal(m, 0, -2, -1))
    both = to_q + ns.matmul(q, lower + adjoint(ns, lower) + _diag(ns, diagonal))
    return adjoint(ns, ns.linalg_solve(r, adjoint(ns, both)))


def check_phases(name, turns):
    """RuntimeError where a loss depends on the phases of complex vectors, which nothing fixes."""
    array = getattr(turns, "array", turns)
    if array.dtype.kind == "c" and array.size:
        phases = array.diagonal(0, -2, -1).imag
        if not (abs(phases) <= 1e-2).all():
            raise RuntimeError(
                f"{name}_backward: The vectors in the complex case are specified up to "
                "multiplication by e^{i phi}. The specified loss function depends on this "
                "quantity, so it is ill-defined."
            )


@op(name="linalg_eigh", on="", promote=squares, outputs=2)
def eigh(xp, x, /, UPLO):
    """Eigenvalues, in rising order, and eigenvectors of a symmetric (Hermitian) matrix."""
    return tuple(solved("eigh did not converge", xp.linalg.eigh, x, _triangle(UPLO)))


def _triangle(UPLO):
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO.upper()


def _gaps(ns, x):
    """x[j] - x[i] for i ≠ j, and 1 on the diagonal."""
    return ns.unsqueeze(x, -2) - ns.unsqueeze(x, -1) + _diag(ns, ns.zeros_of(x) + 1)


def _off(ns, x):
    """x with zeros on the diagonal."""
    return x - _diag(ns, ns.diagonal(x, 0, -2, -1))


@eigh.gradient("x")
def _(ns, g, x, out, UPLO):
    values, v = ns.linalg_eigh(x, UPLO) if ns.taped else out
    turn = ns.matmul(adjoint(ns, v), g[1])
    check_phases("linalg_eigh", turn)
    inner = _off(ns, turn - adjoint(ns, turn)) / (_gaps(ns, values) * 2) + _diag(ns, g[0])
    return ns.matmul(ns.matmul(v, inner), adjoint(ns, v))


@op(name="linalg_eigvalsh", on="", promote=squares)
def eigvalsh(xp, A, /, UPLO):
    """The eigenvalues, in rising order, of a symmetric (Hermitian) matrix."""
    return solved("eigvalsh did not converge", xp.linalg.eigvalsh, A, _triangle(UPLO))


@eigvalsh.gradient("A")
def _(ns, g, A, UPLO):
    _, v = ns.linalg_eigh(A, UPLO) if ns.taped else eigh.forward(ns.xp, A, UPLO)
    return ns.matmul(v * ns.unsqueeze(g, -2), adjoint(ns, v))


@op(name="linalg_svd", on="", promote=matrices, outputs=3)
def svd(xp, x, /, full_matrices):
    """x = U S V': singular values S, falling, between matrices with orthonormal columns."""
    return tuple(solved("svd did not converge", xp.linalg.svd, x, full_matrices))


@svd.gradient("x")
def _(ns, g, x, out, full_matrices):  # J. Townsend, "Differentiating the SVD" (2016)
    u, s, vh = ns.linalg_svd(x, False) if ns.taped else out
    k = s.shape[-1]
    to_u, to_s, to_vh = g[0][..., :k], g[1], g[2][..., :k, :]
    u, v, to_v = u[..., :k], adjoint(ns, vh[..., :k, :]), adjoint(ns, to_vh)
    gaps, row = _gaps(ns, s * s), ns.unsqueeze(s, -2)
    a, b = ns.matmul(adjoint(ns, u), to_u), ns.matmul(adjoint(ns, v), to_v)
    check_phases("svd", a + b)
    turn_u, turn_v = (a - adjoint(ns, a)) / gaps, (b - adjoint(ns, b)) / gaps
    inner = _off(ns, turn_u * row + turn_v * ns.unsqueeze(s, -1)) + _diag(ns, to_s)
    if is_complex(x):  # U and V may turn together: half of each one's diagonal is that
        inner = inner + _diag(ns, ns.diagonal(turn_u, 0, -2, -1) / (s * 2))
    left = ns.matmul(u, inner) + (to_u - ns.matmul(u, a)) / row
    right = (to_v - ns.matmul(v, b)) / row
    return ns.matmul(left, adjoint(ns, v)) + ns.matmul(u, adjoint(ns, right))


@op(name="linalg_svdvals", on="", promote=matrices)
def svdvals(xp, A):
    """The singular values, in falling order."""
    return solved("svdvals did not converge", lambda a: xp.linalg.svd(a, compute_uv=False), A)


@svdvals.gradient("A")
def _(ns, g, A):
    u, _, vh = ns.linalg_svd(A, False) if ns.taped else svd.forward(ns.xp, A, False)
    return ns.matmul(u * ns.unsqueeze(g, -2), vh)


# Exponential


@op(name="matrix_exp", on="fb Tensor linalg", promote=squares)
def matrix_exp(xp, x):
    """Σ xᵏ / k!, by the series for x / 2ˢ squared s times."""
    if not x.size:
        return x.copy()
    size = float(xp.max(xp.sum(xp.abs(x), axis=-2)))
    halvings = max(0, int(np.ceil(np.log2(size))) + 2) if 0 < size < np.inf else 0
    x = x / x.dtype.type(2.0**halvings)
    total = term = xp.broadcast_to(xp.eye(x.shape[-1], dtype=x.dtype), x.shape)
    for k in range(1, 15):
        term = xp.matmul(term, x) / x.dtype.type(k)
        total = total + term
    for _ in range(halvings):
        total = xp.matmul(total, total)
    return total


@matrix_exp.gradient("x")
def _(ns, g, x):
    # exp of [[x', g], [0, x']] has it in its upper right corner (R. Mathias, 1996).
    n, xh = x.shape[-1], adjoint(ns, x)
    above, below = ns.cat([xh, g], -1), ns.cat([ns.zeros_of(xh), xh], -1)
    return ns.matrix_exp(ns.cat([above, below], -2))[..., :n, n:]
