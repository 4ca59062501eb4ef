"""Products of matrices and vectors with something added: beta · x + alpha · (a · b)."""

from __future__ import annotations

from ..dtypes import FLOATING
from .matrix import adjoint, check_dims, conjugate
from .promote import alike, same
from .registry import InPlace, function, op


def _added(x, product, beta, alpha):
    for name, factor in (("alpha", alpha), ("beta", beta)):
        if isinstance(factor, complex) and product.dtype.kind != "c":
            raise RuntimeError(
                f"For non-complex input tensors, argument {name} must not be a complex number."
            )
    if alpha != 1:
        product = product * product.dtype.type(alpha)
    if beta == 0:  # x is then ignored, whatever is in it
        return product
    return product + (x if beta == 1 else x * x.dtype.type(beta))


@op(promote=alike, inplace=True)
def addmm(xp, x, mat1, mat2, /, beta=1, alpha=1):
    """beta · x + alpha · (mat1 @ mat2).

    >>> fb.addmm(fb.tensor([1.0, 2.0]), fb.ones(3, 2), fb.ones(2, 2)).shape
    torch.Size([3, 2])
    """
    check_dims("mat1", mat1, 2)
    check_dims("mat2", mat2, 2)
    return _fits(_added(x, xp.dot(mat1, mat2), beta, alpha), mat1.shape[0], mat2.shape[1])


@op(promote=alike, inplace=True)
def baddbmm(xp, x, batch1, batch2, /, beta=1, alpha=1):
    """beta · x + alpha · (batch1 @ batch2), in batches.

    >>> fb.baddbmm(fb.zeros(1, 1, 1), fb.ones(5, 2, 3), fb.ones(5, 3, 4)).shape
    torch.Size([5, 2, 4])
    """
    _check_batches(batch1, batch2)
    shape = (batch1.shape[0], batch1.shape[1], batch2.shape[2])
    return _fits(_added(x, xp.matmul(batch1, batch2), beta, alpha), *shape)


@op(promote=alike)
def addbmm(xp, x, batch1, batch2, /, beta=1, alpha=1):
    """beta · x + alpha · Σ batch1[i] @ batch2[i], the sum over the batch."""
    _check_batches(batch1, batch2)
    product = xp.tensordot(batch1, batch2, ((0, 2), (0, 1)))
    return _fits(_added(x, product, beta, alpha), batch1.shape[1], batch2.shape[2])


@op(promote=alike, inplace=True)
def addmv(xp, x, mat, vec, /, beta=1, alpha=1):
    """beta · x + alpha · (mat @ vec)."""
    check_dims("mat", mat, 2)
    check_dims("vec", vec, 1)
    return _fits(_added(x, xp.dot(mat, vec), beta, alpha), mat.shape[0])


@op(promote=same, inplace=True)
def addr(xp, x, vec1, vec2, /, beta=1, alpha=1):
    """beta · x + alpha · vec1[:, None] · vec2; of booleans with "and" and "or"."""
    check_dims("vec1", vec1, 1)
    check_dims("vec2", vec2, 1)
    for name, factor in (("alpha", alpha), ("beta", beta)):
        _check_factor(x, name, factor)
    return _fits(_added(x, vec1[:, None] * vec2, beta, alpha), len(vec1), len(vec2))


def _check_factor(x, name, factor):
    """RuntimeError where a factor is of a higher kind than the numbers that it multiplies."""
    if isinstance(factor, float) and x.dtype not in FLOATING:
        raise RuntimeError(
            f"For integral input tensors, argument {name} must not be a floating point number."
        )
    if isinstance(factor, bool) and x.dtype.kind != "b":
        raise RuntimeError(f"Boolean {name} only supported for Boolean results.")


def _check_batches(batch1, batch2):
    if batch1.ndim < 2 or batch2.ndim < 3:
        raise IndexError(f"both need 3 dimensions, they have {batch1.ndim} and {batch2.ndim}")
    check_dims("batch1", batch1, 3)
    check_dims("batch2", batch2, 3)
    if batch1.shape[0] != batch2.shape[0]:
        raise RuntimeError(f"batch sizes differ: {batch1.shape[0]} and {batch2.shape[0]}")


def _fits(out, *shape):
    """The sum, if x did not make it larger than the product."""
    if out.shape != shape:
        raise RuntimeError(f"the product has shape {shape}; the input does not expand to that")
    return out


# Their gradients: x's is g · beta, and those of the factors are as without the sum.

addmm.gradients(
    x=lambda g, beta: g * beta.conjugate(),
    mat1=lambda ns, g, mat2, alpha: ns.matmul(g, adjoint(ns, mat2)) * alpha.conjugate(),
    mat2=lambda ns, g, mat1, alpha: ns.matmul(adjoint(ns, mat1), g) * alpha.conjugate(),
)
for _op in (baddbmm, addbmm):  # where g has no batch, it goes to all of it
    _op.gradients(
        x=lambda g, beta: g * beta.conjugate(),
        batch1=lambda ns, g, batch2, alpha: ns.matmul(g, adjoint(ns, batch2)) * alpha.conjugate(),
        batch2=lambda ns, g, batch1, alpha: ns.matmul(adjoint(ns, batch1), g) * alpha.conjugate(),
    )
addmv.gradients(
    x=lambda g, beta: g * beta.conjugate(),
    mat=lambda ns, g, vec, alpha: g[:, None] * conjugate(ns, vec) * alpha.conjugate(),
    vec=lambda ns, g, mat, alpha: ns.matmul(adjoint(ns, mat), g) * alpha.conjugate(),
)
addr.gradients(
    x=lambda g, beta: g * beta.conjugate(),
    vec1=lambda ns, g, vec2, alpha: ns.matmul(g, conjugate(ns, vec2)) * alpha.conjugate(),
    vec2=lambda ns, g, vec1, alpha: ns.matmul(conjugate(ns, vec1), g) * alpha.conjugate(),
)


@function(on="Tensor", name="addbmm_")
def _(self, batch1, batch2, beta=1, alpha=1):
    """In-place version of ``addbmm``; a smaller tensor grows to the shape of the sum."""
    shape = (*batch1.shape[1:2], *batch2.shape[2:])
    if tuple(self.shape) != shape and self._view is None:
        self.array = self.detach().expand(shape).array.copy()
    return InPlace(addbmm)(self, batch1, batch2, beta, alpha)
