"""Complex numbers: their parts, and tensors made of parts.

The gradient of a real function of z = a + ib is ∂/∂a + i ∂/∂b, as in PyTorch.
"""

from __future__ import annotations

from ..dtypes import FLOATING, floating
from ..tensor import Tensor
from .promote import alike
from .registry import OPS, InPlace, function, op, show

_OF_REAL = {"float16": "complex64", "float32": "complex64", "float64": "complex128"}


@op(on="")
def as_complex(xp, x):
    """x as complex numbers, in the precision it has."""
    x = floating(x)
    return x if x.dtype.kind == "c" else x.astype(_OF_REAL[x.dtype.name])


as_complex.gradients(x=lambda ns, g: ns.real(g))


@op(on="", name="real", view=True)
def real_op(xp, x):
    """The real part of a complex tensor."""
    return x.real


real_op.gradients(x=lambda ns, g: ns.as_complex(g))


@op(on="", name="imag", view=True)
def imag_op(xp, x):
    """The imaginary part of a complex tensor."""
    return x.imag


imag_op.gradients(x=lambda ns, g: ns.complex(ns.zeros_of(g), g))


@function(on="fb")
def real(input):
    """The real part, sharing memory; a real tensor itself.

    >>> fb.tensor([1 + 2j]).real
    tensor([1.])
    """
    return real_op(input) if input.is_complex() else input


@function(on="fb")
def imag(input):
    """The imaginary part, sharing memory."""
    if not input.is_complex():
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return imag_op(input)


@op(name="complex", on="fb", promote=alike)
def complex_(xp, real, imag):
    """real + i · imag.

    >>> fb.complex(fb.tensor([1.0]), fb.tensor([-2.0]))
    tensor([1.-2.j])
    """
    if real.dtype.kind != "f":
        raise RuntimeError(f"expected floating inputs of one type, got {real.dtype.name}")
    out = xp.empty(xp.broadcast_shapes(real.shape, imag.shape), _OF_REAL[real.dtype.name])
    out.real, out.imag = real, imag
    return out


complex_.gradients(real=lambda ns, g: ns.real(g), imag=lambda ns, g: ns.imag(g))


@function(on="fb")
def polar(abs, angle):
    """abs · (cos angle + i · sin angle).

    >>> fb.polar(fb.tensor([2.0]), fb.tensor([0.0]))
    tensor([2.+0.j])
    """
    for name, given in (("abs", abs), ("angle", angle)):
        if not isinstance(given, Tensor):
            kind = type(given).__name__
            raise TypeError(f"polar(): argument {name!r} must be Tensor, not {kind}")
    if not (abs.is_floating_point() and angle.is_floating_point()):
        raise RuntimeError(f"polar() takes floats, not {abs.dtype.name} and {angle.dtype.name}")
    return complex_(abs * OPS["cos"](angle), abs * OPS["sin"](angle))


@op(aliases=["conj_physical"])
def conj(xp, x):
    """The complex conjugate: the imaginary part with its sign turned.

    >>> fb.tensor([1 + 2j]).conj()
    tensor([1.-2.j])
    """
    return xp.conj(x) if x.dtype.kind == "c" else x.copy()


show("conj_physical_", InPlace(conj), "fb Tensor")
conj.gradients(x=lambda ns, g: ns.conj(g))


@op
def angle(xp, x):
    """The angle of a complex number, from -π to π; of a real one 0, or π where it is negative.

    >>> fb.angle(fb.tensor([1j, -1.0]))
    tensor([1.5708, 3.1416])
    """
    x = floating(x)
    return xp.where(xp.isnan(x), x, xp.angle(x)) if x.dtype.kind == "f" else xp.angle(x)


@angle.gradient("x")
def _(ns, g, x):
    if getattr(x, "array", x).dtype.kind != "c":
        return ns.zeros_of(g)
    a, b = ns.real(x), ns.imag(x)
    size = a * a + b * b
    return ns.complex(-g * b / size, g * a / size)


@op(on="fb", view=True)
def view_as_real(xp, x):
    """The real and the imaginary parts side by side in a new last dimension; the same memory.

    >>> fb.view_as_real(fb.tensor([1 + 2j]))
    tensor([[1., 2.]])
    """
    if x.dtype.kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return x[..., None].view(x.real.dtype)


@op(on="fb", view=True)
def view_as_complex(xp, x):
    """The last dimension, of size 2, as the parts of complex numbers; the same memory.

    >>> fb.view_as_complex(fb.tensor([[1.0, 2.0]]))
    tensor([1.+2.j])
    """
    if x.dtype not in FLOATING or x.dtype.kind == "c" or not x.ndim or x.shape[-1] != 2:
        raise RuntimeError("Tensor must be of floats and have a last dimension of size 2")
    x = x if x.strides[-1] == x.itemsize else x.copy()
    return x.view(_OF_REAL[x.dtype.name])[..., 0]


view_as_real.gradients(x=lambda ns, g: ns.complex(g[..., 0], g[..., 1]))
view_as_complex.gradients(x=lambda ns, g: ns.stack([ns.real(g), ns.imag(g)], -1))


@op(inplace=True)
def sgn(xp, x):
    """x / |x|, and 0 at 0; for real numbers its sign."""
    return x.copy() if x.dtype.kind == "b" else xp.sign(x)


@sgn.gradient("x")
def _(ns, g, x, out):
    if getattr(x, "array", x).dtype.kind != "c":
        return ns.zeros_of(g)
    a, b = ns.real(out), ns.imag(out)
    across = ns.real(g) * b - ns.imag(g) * a  # what of g turns z rather than stretches it
    size = ns.abs(x)
    turn = ns.where(size == 0, 0.0, across / size)
    return ns.complex(turn * b, -turn * a)


@op
def isreal(xp, x):
    """Whether its imaginary part is 0."""
    return xp.isreal(x)


@function
def is_conj(input):
    """False: a conjugate is computed at once, never marked for later."""
    return False


@function
def is_neg(input):
    """False: a negative is computed at once, never marked for later."""
    return False


@function
def resolve_conj(input):
    """The tensor itself: a conjugate is computed at once."""
    return input


@function
def resolve_neg(input):
    """The tensor itself: a negative is computed at once."""
    return input


def _conjugate_matrices(self):
    """Each matrix transposed and conjugated."""
    swapped = OPS["transpose"](self, -2, -1)
    return conj(swapped) if self.is_complex() else swapped


def _part(function):
    return property(lambda self: function(self), doc=function.__doc__)


for _name, _of in (("real", real), ("imag", imag), ("mH", _conjugate_matrices)):
    setattr(Tensor, _name, _part(_of))
setattr(Tensor, "H", _part(_conjugate_matrices))  # noqa: B010
