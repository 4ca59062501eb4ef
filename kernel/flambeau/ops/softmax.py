"""The softmax family."""

from __future__ import annotations

import warnings

import numpy as np

from ..dtypes import FLOATING
from ..kernels import dense, fast, spread
from ..kernels.folded import softmax_loops
from .promote import only_float
from .reduce import total
from .registry import function, op
from .shape import at_dim


def _along(name, x, dim):
    if dim is None:
        dim = 0 if x.ndim in (0, 1, 3) else 1
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. Change the call to "
            "include dim=X as an argument.",
            stacklevel=5,
        )
    return dim


def _floats(xp, x, dtype):
    """x in the type asked for; a softmax of integers is an error, as in PyTorch."""
    if dtype is not None:
        x = x.astype(getattr(dtype, "numpy", dtype), copy=False)
    return x if x.dtype in FLOATING else only_float([x])[0]


@op(on="fb Tensor F")
def softmax(xp, x, /, dim=None, dtype=None):
    """exp(x) / Σ exp(x) along ``dim``; first moved to ``dtype`` if given.

    >>> fb.tensor([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]]).softmax(dim=1)
    tensor([[0.3333, 0.3333, 0.3333],
            [0.0900, 0.2447, 0.6652]])
    """
    x = _floats(xp, x, dtype)
    dim = at_dim(_along("softmax", x, dim) if dim is None else dim, x.ndim)
    if x.ndim == 0 or not x.size:
        return xp.ones_like(x)
    if fast(x):
        return _run("softmax", dim, x)
    out = x - x.max(dim, keepdims=True)
    xp.exp(out, out=out)
    out /= total(out, dim, True)
    return out


def _run(name, dim, *arrays):
    """What the compiled loop of that name makes of the arrays along ``dim``."""
    out = np.empty(arrays[0].shape, np.float32)
    loops, shape = softmax_loops(out.shape, dim)
    spread(getattr(loops, name), out.size, tuple(a.reshape(shape) for a in (*arrays, out)))
    return out


@op(on="fb Tensor F")
def log_softmax(xp, x, /, dim=None, dtype=None):
    """log(softmax(x)), without overflow.

    >>> nn.functional.log_softmax(fb.tensor([0.0, 1.0]), dim=0)
    tensor([-1.3133, -0.3133])
    """
    x = _floats(xp, x, dtype)
    dim = at_dim(_along("log_softmax", x, dim) if dim is None else dim, x.ndim)
    if x.ndim == 0 or not x.size:
        return xp.zeros_like(x)
    if fast(x):
        return _run("log_softmax", dim, x)
    out = x - x.max(dim, keepdims=True)
    out -= xp.log(total(xp.exp(out), dim, True))
    return out


@softmax.gradient("x")
def _(ns, g, out, dim):
    if out.ndim == 0:
        return g * 0
    dim = (0 if out.ndim in (1, 3) else 1) if dim is None else dim
    if fast(out):
        return _run("softmax_slope", dim, dense(g), out)
    return out * (g - ns.sum(g * out, dim, True))


@log_softmax.gradient("x")
def _(ns, g, out, dim):
    if out.ndim == 0:
        return g * 0
    dim = (0 if out.ndim in (1, 3) else 1) if dim is None else dim
    if fast(out):
        return _run("log_softmax_slope", dim, dense(g), out)
    return g - ns.exp(out) * ns.sum(g, dim, True)


@function(on="F")
def softmin(input, dim=None, dtype=None):
    """softmax(-x)."""
    return softmax(-input, dim, dtype)
