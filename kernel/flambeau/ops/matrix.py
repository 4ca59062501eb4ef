"""Products of matrices and vectors."""

from __future__ import annotations

from math import prod

from ..kernels import products
from .promote import alike
from .registry import function, op
from .shape import at_dim

# From so many rows on, a product with ones adds them up faster than NumPy's sum.
MANY_ROWS = 128

# What gradient rules share: they see arrays or Tensors.


def numpy_dtype(x):
    """NumPy's type of an array or a tensor."""
    return getattr(x, "array", x).dtype


def is_complex(x):
    """Whether an array or a tensor is complex."""
    return numpy_dtype(x).kind == "c"


def adjoint(ns, x):
    """The last two dimensions swapped, conjugated if complex."""
    swapped = ns.transpose(x, -2, -1)
    return ns.conj(swapped) if is_complex(x) else swapped


def conjugate(ns, x):
    """The complex conjugate; what is real itself."""
    return ns.conj(x) if is_complex(x) else x


def rows(ns, x):
    """All dimensions but the last made one."""
    return ns.reshape(x, (prod(x.shape[:-1]), x.shape[-1])) if x.ndim != 2 else x


def check_dims(name, x, n):
    """RuntimeError where x has not n dimensions."""
    if x.ndim != n:
        kind = {1: "a vector (1 dimension)", 2: "a matrix (2 dimensions)", 3: "3-dimensional"}[n]
        raise RuntimeError(f"{name} must be {kind}, its shape is {x.shape}")


# The general product


@op(promote=alike)
def matmul(xp, x, y):
    """Matrix product over the last two dimensions; those before broadcast, 1-d ones are vectors.

    >>> (fb.ones(5, 2, 3) @ fb.ones(3, 4)).shape
    torch.Size([5, 2, 4])
    >>> fb.tensor([1, 2]) @ fb.tensor([3, 4])
    tensor(11)
    """
    if y.ndim == 2 or y.ndim == 1:
        if x.ndim == 2 or x.ndim == 1:
            return x.dot(y)  # the method, which costs less than the function
        if x.ndim > 2 == y.ndim and x.flags.c_contiguous:  # one large product, not many
            flat = x.reshape(prod(x.shape[:-1]), x.shape[-1])
            return flat.dot(y).reshape(*x.shape[:-1], y.shape[1])
    return xp.matmul(x, y)


@matmul.gradient("x")
def _(ns, g, y, x_shape):
    if not ns.taped and y.ndim == 2 and len(x_shape) <= 2 and y.dtype.kind == "f":
        return g.dot(y.T)
    if y.ndim == 1:
        return g[..., None] * conjugate(ns, y)
    if len(x_shape) == 1:
        return ns.matmul(g[..., None, :], adjoint(ns, y))
    return ns.matmul(g, adjoint(ns, y))


@matmul.gradient("y")
def _(ns, g, x, y_shape):
    if not ns.taped and x.ndim == 2 and len(y_shape) <= 2 and x.dtype.kind == "f":
        return x.T.dot(g)
    if x.ndim == 1:
        column = conjugate(ns, x)
        return g[..., None] * column if len(y_shape) == 1 else column[:, None] * g[..., None, :]
    if len(y_shape) == 1:
        return g[..., None] * conjugate(ns, x)
    if len(y_shape) == 2:
        return ns.matmul(adjoint(ns, rows(ns, x)), rows(ns, g))
    return ns.matmul(adjoint(ns, x), g)


@matmul.explains
def _(x, y):
    a, b = tuple(x.shape), tuple(y.shape)
    if not a or not b:
        return f"both need at least 1 dimension, shapes are {a} and {b}", "Use * for numbers."
    inner = b[-2] if len(b) > 1 else b[-1]
    if a[-1] == inner:
        return None
    hint = ""
    if len(b) > 1 and a[-1] == b[-1]:
        hint = "Transposing the second would fit: x @ y.mT."
    elif len(a) > 1 and a[-2] == inner:
        hint = "Transposing the first would fit: x.mT @ y."
    return (
        f"input has {a[-1]} columns (shape {a}), other has {inner} rows (shape {b}): "
        "these two must be equal"
    ), hint


# The same with fixed numbers of dimensions


@op(promote=alike)
def mm(xp, x, mat2):
    """Product of two matrices, (n, k) and (k, m).

    >>> fb.mm(fb.tensor([[1, 2]]), fb.tensor([[3], [4]]))
    tensor([[11]])
    """
    check_dims("input", x, 2)
    check_dims("mat2", mat2, 2)
    return xp.dot(x, mat2)


@op(promote=alike)
def bmm(xp, x, mat2):
    """Products of matrices in batches, (b, n, k) and (b, k, m).

    >>> fb.bmm(fb.ones(5, 2, 3), fb.ones(5, 3, 4)).shape
    torch.Size([5, 2, 4])
    """
    check_dims("input", x, 3)
    check_dims("mat2", mat2, 3)
    if x.shape[0] != mat2.shape[0]:
        raise RuntimeError(f"batch sizes differ: {x.shape[0]} and {mat2.shape[0]}")
    return xp.matmul(x, mat2)


for _op in (mm, bmm):
    _op.gradients(
        x=lambda ns, g, mat2: ns.matmul(g, adjoint(ns, mat2)),
        mat2=lambda ns, g, x: ns.matmul(adjoint(ns, x), g),
    )


@op(promote=alike)
def mv(xp, x, vec):
    """Product of a matrix (n, k) and a vector (k).

    >>> fb.mv(fb.tensor([[1, 2], [3, 4]]), fb.tensor([1, -1]))
    tensor([-1, -1])
    """
    check_dims("input", x, 2)
    check_dims("vec", vec, 1)
    return xp.dot(x, vec)


mv.gradients(
    x=lambda ns, g, vec: g[:, None] * conjugate(ns, vec),
    vec=lambda ns, g, x: ns.matmul(adjoint(ns, x), g),
)


@op(promote=alike)
def dot(xp, x, tensor):
    """Sum of the products of two vectors' elements.

    >>> fb.dot(fb.tensor([1, 2]), fb.tensor([3, 4]))
    tensor(11)
    """
    check_dims("input", x, 1)
    check_dims("tensor", tensor, 1)
    return xp.dot(x, tensor)


dot.gradients(
    x=lambda ns, g, tensor: g * conjugate(ns, tensor), tensor=lambda ns, g, x: g * conjugate(ns, x)
)


@op(promote=alike, aliases=["ger"])
def outer(xp, x, vec2):
    """All products of one element each of two vectors: out[i, j] = x[i] · vec2[j].

    >>> fb.outer(fb.tensor([1, 2]), fb.tensor([3, 4, 5]))
    tensor([[ 3,  4,  5],
            [ 6,  8, 10]])
    """
    check_dims("input", x, 1)
    check_dims("vec2", vec2, 1)
    return x[:, None] * vec2


outer.gradients(
    x=lambda ns, g, vec2: ns.matmul(g, conjugate(ns, vec2)),
    vec2=lambda ns, g, x: ns.matmul(conjugate(ns, x), g),
)


# The product of a layer


@op(on="F", promote=alike, backward="AddmmBackward0")
def linear(xp, x, weight, bias=None):
    """x @ weightᵀ + bias: (..., in) with a weight of (out, in) gives (..., out).

    >>> nn.functional.linear(fb.ones(2, 5, 3), fb.ones(4, 3)).shape
    torch.Size([2, 5, 4])
    """
    if products.suits(x, weight, bias):
        return products.by_rows(x, weight, bias)
    if x.ndim > 2 and weight.ndim == 2 and x.size:
        out = x.reshape(-1, x.shape[-1]).dot(weight.T).reshape(*x.shape[:-1], weight.shape[0])
    elif x.ndim:
        out = x.dot(weight.T)
    else:
        raise RuntimeError("the input needs at least one dimension")
    if bias is not None:
        out += bias
    return out


@linear.gradient("x")
def _(ns, g, weight):
    if not ns.taped and g.ndim == weight.ndim == 2:
        return g.dot(conjugate(ns, weight))
    weight = conjugate(ns, weight)
    return ns.matmul(g, weight) if weight.ndim == 2 else g[..., None] * weight


@linear.gradient("weight")
def _(ns, g, x, weight_shape):
    x = conjugate(ns, x)
    if not ns.taped and len(weight_shape) == 2 <= x.ndim:
        return rows(ns, g).T.dot(rows(ns, x))
    if len(weight_shape) == 1:
        return g[..., None] * x
    if x.ndim == 1:
        return g[:, None] * x
    return ns.matmul(ns.transpose(rows(ns, g), 0, 1), rows(ns, x))


@linear.gradient("bias")
def _(ns, g, bias_shape):
    if ns.taped or len(bias_shape) != 1 or g.ndim < 2 or bias_shape[0] != g.shape[-1]:
        return g
    flat = rows(ns, g)
    if flat.shape[0] < MANY_ROWS or flat.dtype.kind not in "fc":
        return ns.xp.add.reduce(flat, 0)
    return ns.xp.dot(ns.xp.ones(flat.shape[0], flat.dtype), flat)  # the faster way to add them up


@linear.explains
def _(x, weight, bias=None):
    a, w = tuple(x.shape), tuple(weight.shape)
    if not a or a[-1] != w[-1]:
        seen = f"{a[-1]} features in its last dimension" if a else "no dimensions"
        hint = ""
        if len(w) == 2 and a:
            hint = f"nn.Linear({a[-1]}, {w[0]}) would fit."
            if len(a) > 2 and prod(a[1:]) == w[-1]:
                hint = "A Flatten before it would fit."
        return f"input has {seen} (shape {a}), weight expects {w[-1]} (shape {w})", hint
    if bias is not None and tuple(bias.shape) not in (w[:-1], (1,), ()):
        return f"bias has shape {tuple(bias.shape)}, weight {w} expects {w[:-1]}", ""
    return None


@function
def inner(input, other):
    """Sums of products over the last dimensions of both."""
    if not (input.ndim and other.ndim):
        return input * other
    return tensordot(input, other, ([-1], [-1]))


@function(on="fb")
def tensordot(a, b, dims=2):
    """Sum of products over ``dims``: how many (last of a, first of b), or two lists of them.

    >>> fb.tensordot(fb.ones(2, 3, 4), fb.ones(3, 4, 5)).shape
    torch.Size([2, 5])
    """
    ours, theirs = _contracted(a, b, dims)
    for i, j in zip(ours, theirs, strict=True):  # a size of 1 goes with any
        if a.shape[i] != b.shape[j] and 1 in (a.shape[i], b.shape[j]):
            a, b = (t.sum(d, keepdim=True, dtype=t.dtype) for t, d in ((a, i), (b, j)))
    rest_a = [d for d in range(a.ndim) if d not in ours]
    rest_b = [d for d in range(b.ndim) if d not in theirs]
    size = prod(a.shape[d] for d in ours)
    left = a.permute(*rest_a, *ours).reshape(prod(a.shape[d] for d in rest_a), size)
    right = b.permute(*theirs, *rest_b).reshape(size, prod(b.shape[d] for d in rest_b))
    return (left @ right).reshape([a.shape[d] for d in rest_a] + [b.shape[d] for d in rest_b])


def _contracted(a, b, dims):
    """The dimensions of ``a`` and those of ``b`` that ``dims`` names, checked to fit."""
    if isinstance(dims, int):
        if dims < 0 or dims > min(a.ndim, b.ndim):
            raise RuntimeError(
                f"tensordot expects dims >= 0 and at most the inputs' {a.ndim} and {b.ndim} "
                f"dimensions, but got dims={dims}"
            )
        dims = (range(a.ndim - dims, a.ndim), range(dims))
    ours, theirs = ([at_dim(d, t.ndim) for d in ds] for t, ds in ((a, dims[0]), (b, dims[1])))
    if len(ours) != len(theirs):
        raise RuntimeError(
            f"tensordot: both lists need the same length, got {list(dims[0])} and {list(dims[1])}"
        )
    for i, j in zip(ours, theirs, strict=True):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise RuntimeError(
                f"tensordot: contracted dimensions need to match, but dimension {i} of the first "
                f"has size {a.shape[i]} and dimension {j} of the second {b.shape[j]}"
            )
    return ours, theirs
