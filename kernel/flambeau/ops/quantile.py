"""Quantiles: the values below which a given share of the elements lies."""

from __future__ import annotations

from ..tensor import Tensor
from .creation import tensor
from .registry import OPS, function
from .shape import at_dim
from .sort import sort_op

_BETWEEN = ("linear", "lower", "higher", "midpoint", "nearest")


@function
def quantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """The values below which a share ``q`` of the elements along ``dim`` lies, NaN if one is NaN.

    The q-th stands at the place q · (n - 1) of the n sorted elements; ``interpolation`` says what
    holds between two places: "linear", "lower", "higher", "midpoint" or "nearest". Several q, in
    a vector, come first in the shape of the result. ``dim=None`` takes all elements.

    >>> fb.quantile(fb.tensor([0.0, 1.0, 4.0]), fb.tensor([0.5, 0.75]))
    tensor([1.0000, 2.5000])
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@function
def nanquantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """`quantile` of the elements that are not NaN."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)


def _quantile(name, input, q, dim, keepdim, interpolation, skip):
    if not isinstance(q, Tensor):
        q = tensor(float(q), dtype=input.dtype, device=input.device)
    _check(name, input, q, interpolation)
    at = None if dim is None else at_dim(dim, input.ndim)
    lines = input.reshape(-1) if at is None or not input.ndim else input.movedim(at, -1)
    ordered = sort_op(lines, -1, False)[0]
    found = _at_places(ordered, _places(ordered, q.reshape(-1), skip), interpolation)
    found = found.movedim(-1, 0)
    if keepdim and input.ndim:
        found = found.reshape(-1, *[1] * input.ndim) if at is None else found.unsqueeze(at + 1)
    return found if q.ndim else found.squeeze(0)


def _check(name, x, q, interpolation):
    problem = None
    if not x.numel():
        problem = "input tensor must be non-empty"
    elif q.ndim > 1:
        problem = f"q must be a scalar or 1D tensor, not one of shape {tuple(q.shape)}"
    elif x.dtype.name not in ("float32", "float64"):
        problem = f"input tensor must be either float or double dtype, not {x.dtype.name}"
    elif q.dtype is not x.dtype:
        problem = f"q tensor must be same dtype as the input tensor: {q.dtype}, {x.dtype}"
    elif interpolation not in _BETWEEN:
        problem = f"interpolation must be one of {', '.join(_BETWEEN)}, but got {interpolation}"
    elif bool(((q < 0) | (q > 1)).any()):
        problem = "q values must be in the range [0, 1]"
    if problem is not None:
        raise RuntimeError(f"{name}() {problem}")


def _places(ordered, q, skip):
    """Where each q stands among the sorted elements, of which NaN are the last."""
    last = ordered.shape[-1] - 1
    broken = ordered.isnan()
    if skip:
        return q * (last - broken.sum(-1, keepdim=True)).clamp(min=0)
    return OPS["where"](broken.any(-1, keepdim=True), float(last), q * last)


def _at_places(ordered, places, interpolation):
    below, above = OPS["floor"](places), OPS["ceil"](places)
    pick = lambda at: OPS["gather"](ordered, at.long(), -1)  # noqa: E731
    if interpolation == "nearest":
        return pick(OPS["round"](places))
    if interpolation in ("lower", "higher"):
        return pick(below if interpolation == "lower" else above)
    weight = 0.5 if interpolation == "midpoint" else places - below
    return OPS["lerp"](pick(below), pick(above), weight)
