"""Cross-entropy and negative log-likelihood of classes."""

from __future__ import annotations

from math import prod

import numpy as np

from ..errors import BadValue
from .loss import check_reduction, chosen, reduced
from .promote import only_float
from .registry import function, op
from .softmax import log_softmax

# One entry of each row


def _at(xp, target):
    """The index of one entry for each target: the class is dimension 1."""
    grids = xp.ogrid[tuple(slice(n) for n in target.shape)]
    rows, *others = grids if isinstance(grids, (tuple, list)) else (grids,)
    return (rows, target, *others)


@op(on="")
def pick(xp, x, target):
    """x[n, target[n]] for each n (and each position after the class dimension)."""
    return x[_at(xp, target)]


@op(on="")
def place(xp, values, target, /, shape):
    """Zeros of that shape with values[n] at [n, target[n]]."""
    out = xp.zeros(shape, values.dtype)
    out[_at(xp, target)] = values
    return out


pick.gradients(x=lambda ns, g, target, x_shape: ns.place(g, target, tuple(x_shape)))
place.gradients(values=lambda ns, g, target: ns.pick(g, target))


_INDICES = (np.dtype("int64"), np.dtype("uint8"))


def _check(x, target):
    expected = (*x.shape[:1], *x.shape[2:])
    if target.shape == expected and target.dtype in _INDICES:
        return
    if target.shape[:1] != x.shape[:1]:
        raise BadValue(
            f"Expected input batch_size ({x.shape[0]}) to match target batch_size "
            f"({target.shape[0] if target.ndim else 'none'})."
        )
    if target.dtype not in _INDICES:
        raise RuntimeError(
            f"expected target dtype to be int64 or uint8, but got {target.dtype.name}"
        )
    raise RuntimeError(f"expected a target of shape {expected}, got {target.shape}")


def _classes(xp, target, count, ignore_index):
    """The targets with ignored ones made 0, and which count (None: all)."""
    if target.size == 0:
        return target, None
    outside = target.min() < 0 or target.max() >= count
    if not outside and not 0 <= ignore_index < count:
        return target, None
    valid = target != ignore_index
    target = xp.where(valid, target, 0)
    if target.min() < 0 or target.max() >= count:
        found = target[(target < 0) | (target >= count)].ravel()[0]
        raise IndexError(f"Target {int(found)} is out of bounds.")
    return target, valid


def _shares(xp, x, target, weight, valid, reduction):
    """What each row counts: its class's weight, over their sum for a mean; 0 if ignored."""
    check_reduction(reduction)
    if weight is not None and weight.shape != x.shape[1:2]:
        raise RuntimeError(
            f"weight tensor should be defined either for all {x.shape[1]} classes or no classes "
            f"but got weight tensor of shape: {list(weight.shape)}"
        )
    if weight is not None and weight.dtype != x.dtype:
        raise RuntimeError(f"expected a weight of {x.dtype.name} but found {weight.dtype.name}")
    share = xp.ones(target.shape, x.dtype) if weight is None else weight[target]
    if valid is not None:
        share = share * valid
    total = share.sum() if reduction == "mean" else x.dtype.type(1)
    return share / total, total  # a mean of nothing is NaN


def _of_valid(xp, share, valid):
    """Shares for the gradient: it is 0 where the target is ignored, even of a mean of nothing."""
    return share if valid is None else xp.where(valid, share, 0)


def _explain(x, target, weight, ignore_index, *settings):
    a, t = tuple(x.shape), tuple(target.shape)
    if target.dtype.name not in ("int64", "uint8"):
        return (
            f"target holds {target.dtype.name} with shape {t}, where class indices are int64 of "
            f"shape {a[:1] + a[2:]} and probabilities have the input's shape {a}"
        ), "target.long() makes indices of it."
    if t != a[:1] + a[2:]:
        hint = ""
        if t == (*a[:1], 1, *a[2:]):
            hint = "target.squeeze(1) would fit."
        return (
            f"Expected input batch_size ({a[0]}) to match target batch_size ({t[0] if t else 1}): "
            f"input has shape {a}, so the target should be {a[:1] + a[2:]} and is {t}"
        ), hint
    if weight is not None and tuple(weight.shape) != a[1:2]:
        return f"weight has shape {tuple(weight.shape)}, {a[1]} classes need ({a[1]},)", ""
    return _out_of_bounds(target.array, a, ignore_index)


def _out_of_bounds(target, shape, ignore_index):
    flat, classes = target.ravel(), shape[1]
    wrong = ((flat < 0) | (flat >= classes)) & (flat != ignore_index)
    if not wrong.any():
        return None
    first = int(wrong.argmax())
    value, row = int(flat[first]), first // max(1, prod(target.shape[1:]))
    hint = "Classes are counted from 0." if value == classes else ""
    return (
        f"Target {value} is out of bounds: row {row} of the target has class {value}, the input "
        f"has {classes} classes (shape {shape}), numbered 0 to {classes - 1}"
    ), hint


def _total(xp, loss, reduction):
    """The losses, or their sum, which for a mean are divided already; a mean of nothing is NaN."""
    if reduction == "mean" and not loss.size:
        return xp.asarray(np.nan, loss.dtype)
    return reduced(xp, loss, "none" if reduction == "none" else "sum")


# From the logits


@op(
    on="",
    promote=only_float,
    name="cross_entropy",
    backward="NllLossBackward0",
    extras=["probs", "safe", "share", "spread"],
)
def cross_entropy_op(xp, x, target, weight, /, ignore_index, reduction, smoothing):
    """-log softmax(x)[target], from the logits in one pass."""
    _check(x, target)
    safe, valid = _classes(xp, target, x.shape[1], ignore_index)
    share, total = _shares(xp, x, safe, weight, valid, reduction)
    shifted = x - xp.max(x, axis=1, keepdims=True)
    probs = xp.exp(shifted)
    mass = xp.sum(probs, axis=1, keepdims=True)
    probs /= mass
    loss = xp.log(mass)[:, 0] - shifted[_at(xp, safe)]
    if valid is not None:
        loss = xp.where(valid, loss, 0)
    loss *= share
    share = _of_valid(xp, share, valid)
    spread = None
    if smoothing:
        share *= 1 - smoothing
        spread = _smooth(xp, x, weight, valid, total, smoothing)
        even = (spread * (xp.log(mass) - shifted)).sum(1)
        loss = loss * (1 - smoothing) + (even if valid is None else xp.where(valid, even, 0))
    return _total(xp, loss, reduction), probs, safe, share, spread


def _smooth(xp, x, weight, valid, total, smoothing):
    """What label smoothing gives every class: (N, C, ...) or what broadcasts to it."""
    classes = x.shape[1]
    shape = (1, classes, *(1,) * (x.ndim - 2))
    each = xp.full(shape, smoothing / classes, x.dtype) / total
    if weight is not None:
        each = each * weight.reshape(shape)
    return each if valid is None else xp.where(valid[:, None], each, each.dtype.type(0))


@cross_entropy_op.gradient("x")
def _(ns, g, x, probs, safe, share, spread, reduction):
    if ns.taped:  # saved ones are numbers to the tape
        probs = ns.softmax(x, 1)
    total = share[:, None]
    if spread is not None:
        total = total + ns.sum(spread, 1, True)
    slope = probs * total - ns.place(share, safe, tuple(x.shape))
    if spread is not None:
        slope = slope - spread
    return slope * (g[:, None] if reduction == "none" else g)


cross_entropy_op.explains(_explain)


def _only_one(target):
    """The target of a single sample, as a batch of one."""
    if target.numel() != 1 or target.ndim > 1:
        raise ValueError(
            f"For 1D input, 1D target must have size 1, but got target size: {list(target.shape)}"
        )
    return target.reshape(1)


@function(on="F")
def cross_entropy(
    input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
    reduction="mean", label_smoothing=0.0,
):  # fmt: skip
    """-log softmax(input)[target]: input (N, C, ...) are logits, target (N, ...) class numbers.

    A floating ``target`` of the input's shape holds probabilities instead. Mirrors
    ``torch.nn.functional.cross_entropy``.

    >>> logits = fb.tensor([[2.0, 0.0], [0.0, 2.0]])
    >>> nn.functional.cross_entropy(logits, fb.tensor([0, 0]), reduction="none")
    tensor([0.1269, 2.1269])
    """
    reduction = chosen(size_average, reduce, reduction)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if target.shape == input.shape and target.is_floating_point():
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        return _soft(input, target, weight, reduction, label_smoothing)
    if input.ndim == 1:
        out = cross_entropy_op(
            input.unsqueeze(0), _only_one(target), weight, ignore_index, reduction, label_smoothing
        )
        return out.reshape(()) if reduction == "none" else out
    return cross_entropy_op(input, target, weight, ignore_index, reduction, label_smoothing)


def _soft(input, target, weight, reduction, smoothing):
    """Cross-entropy with probabilities for targets."""
    dim = 0 if input.ndim == 1 else 1
    classes = input.shape[dim]
    if smoothing:
        target = target * (1 - smoothing) + smoothing / classes
    if weight is not None:
        shape = (classes,) if dim == 0 else (1, classes, *(1,) * (input.ndim - 2))
        target = target * weight.reshape(shape)
    values = -(log_softmax(input, dim) * target).sum(dim)
    if reduction == "none":
        return values
    return values.sum() / (values.numel() if reduction == "mean" else 1)


# From log-probabilities


@op(on="", promote=only_float, name="nll_loss", extras=["safe", "share"])
def nll_op(xp, x, target, weight, /, ignore_index, reduction):
    """-x[target]."""
    _check(x, target)
    safe, valid = _classes(xp, target, x.shape[1], ignore_index)
    share, _ = _shares(xp, x, safe, weight, valid, reduction)
    loss = -x[_at(xp, safe)]
    if valid is not None:
        loss = xp.where(valid, loss, 0)
    loss *= share
    return _total(xp, loss, reduction), safe, _of_valid(xp, share, valid)


@nll_op.gradient("x")
def _(ns, g, safe, share, x_shape):
    return -ns.place(share * g, safe, tuple(x_shape))


nll_op.explains(_explain)


@function(on="F")
def nll_loss(
    input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
    reduction="mean",
):  # fmt: skip
    """-input[target]: input (N, C, ...) are log-probabilities, target (N, ...) class numbers.

    Mirrors ``torch.nn.functional.nll_loss``.

    >>> nn.functional.nll_loss(fb.tensor([[-0.5, -1.5]]), fb.tensor([1]))
    tensor(1.5000)
    """
    reduction = chosen(size_average, reduce, reduction)
    if input.ndim == 1:
        out = nll_op(input.unsqueeze(0), _only_one(target), weight, ignore_index, reduction)
        return out.reshape(()) if reduction == "none" else out
    return nll_op(input, target, weight, ignore_index, reduction)
