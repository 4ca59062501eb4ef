"""Cross-entropy and negative log-likelihood of classes."""

from __future__ import annotations

from math import prod

import numpy as np

from ..errors import BadValue
from ..kernels import classes as loops
from ..kernels import fast, spread
from .loss import check_reduction, chosen
from .promote import only_float
from .reduce import total
from .registry import function, op
from .softmax import log_softmax

# One entry of each row


def _at(xp, target):
    """The index of one entry for each target: the class is dimension 1."""
    if target.ndim == 1:
        return xp.arange(len(target)), target
    rows, *others = xp.ogrid[tuple(slice(n) for n in target.shape)]
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
    # As unsigned numbers those below 0 are large, so that one look finds both kinds.
    outside = (target.view("u8") if target.dtype is _INDICES[0] else target).max() >= count
    if not outside and not 0 <= ignore_index < count:
        return target, None
    valid = target != ignore_index
    target = xp.where(valid, target, 0)
    if target.min() < 0 or target.max() >= count:
        found = target[(target < 0) | (target >= count)].ravel()[0]
        raise IndexError(f"Target {int(found)} is out of bounds.")
    return target, valid


def _shares(xp, x, target, weight, valid, reduction):
    """What each row counts: its class's weight, over their sum for a mean; 0 if ignored.

    One number where all count the same; and the sum.
    """
    check_reduction(reduction)
    if weight is None and valid is None:
        count = (target.size or np.nan) if reduction == "mean" else 1
        return x.dtype.type(1 / count), count
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
    if reduction == "none":
        return loss
    return total(loss, None, False) if loss.size or reduction == "sum" else loss.dtype.type(np.nan)


# From the logits


@op(
    on="",
    promote=only_float,
    name="cross_entropy",
    backward="NllLossBackward0",
    extras=["probs", "norms", "safe", "share", "rest", "even"],
)
def cross_entropy_op(xp, x, target, weight, /, ignore_index, reduction, smoothing):
    """-log softmax(x)[target], from the logits in one pass.

    With smoothing, ``share`` of a row is for its target, and ``rest`` is for all classes ``even``
    times.
    """
    _check(x, target)
    safe, valid = _classes(xp, target, x.shape[1], ignore_index)
    share, total = _shares(xp, x, safe, weight, valid, reduction)
    even = rest = None
    if smoothing:
        even = xp.full(x.shape[1], smoothing / x.shape[1], x.dtype)
        even = even if weight is None else even * weight
        rest = xp.full(target.shape, 1 / total, x.dtype)
    loss, leaning, probs, norms = _surprise(xp, x, safe, even)
    if valid is not None:
        loss = xp.where(valid, loss, 0)
    loss *= share
    share, rest = _of_valid(xp, share, valid), rest if rest is None else _of_valid(xp, rest, valid)
    if smoothing:
        share = share * x.dtype.type(1 - smoothing)
        spread = rest * leaning
        loss = loss * x.dtype.type(1 - smoothing) + _of_valid(xp, spread, valid)
    return _total(xp, loss, reduction), probs, norms, safe, share, rest, even


def _surprise(xp, x, target, even):
    """-log p of the targets; Σ even · -log p; and the probabilities p, or what tells them."""
    leaning = None
    if fast(x):
        x, target = x.reshape(*x.shape[:2], -1), np.ascontiguousarray(target)
        places = target.reshape(len(x), -1)
        tops, logs, loss = np.empty((3, *places.shape), np.float32)
        spread(loops.norms, x.size, (x, tops, logs))
        loops.surprise(x, places, tops, logs, loss)
        if even is not None:
            leaning = np.empty(places.shape, np.float32)
            loops.leaning(x, tops, even, leaning)
            leaning = (logs * even.sum() - leaning).reshape(target.shape)
        return loss.reshape(target.shape), leaning, None, np.stack((tops, logs))
    shifted = x - x.max(1, keepdims=True)
    probs = xp.exp(shifted)
    mass = total(probs, 1, True)
    probs /= mass
    log = xp.log(mass)
    if even is not None:
        leaning = ((log - shifted) * _shaped(even, x.ndim)).sum(1)
    return log[:, 0] - shifted[_at(xp, target)], leaning, probs, None


def _shaped(even, ndim):
    return even.reshape(-1, *(1,) * (ndim - 2))


def _column(v):
    """A number for each row, or one for all, beside (n, classes, ...)."""
    return v[:, None] if getattr(v, "ndim", 0) else v


@cross_entropy_op.gradient("x")
def _(ns, g, x, probs, norms, safe, share, rest, even, reduction):
    if norms is not None and not ns.taped:
        return _slope(g, x, norms, safe, share, rest, even)
    if ns.taped:  # saved ones are numbers to the tape
        probs = ns.softmax(x, 1)
    slope = probs * _column(share)
    if even is not None:
        each = ns.reshape(even, (-1, *(1,) * (x.ndim - 2)))
        slope = slope + _column(rest) * (probs * ns.sum(even) - each)
    slope = slope - ns.place(share, safe, tuple(x.shape))
    return slope * (g[:, None] if reduction == "none" else g)


def _slope(g, x, norms, safe, share, rest, even):
    """The same in one loop."""
    out, flat = np.empty(x.shape, np.float32), (len(x), *x.shape[1:2], prod(x.shape[2:]))
    tops, logs = norms
    share = np.ascontiguousarray(np.broadcast_to(share * g, safe.shape)).reshape(tops.shape)
    rest = np.zeros_like(share) if rest is None else (rest * g).reshape(tops.shape)
    even = np.empty(0, np.float32) if even is None else even
    places = np.ascontiguousarray(safe).reshape(tops.shape)
    rows = (x.reshape(flat), places, tops, logs, share, rest)
    run = lambda x, places, tops, logs, share, rest, gx: loops.slope(  # noqa: E731
        x, places, tops, logs, share, rest, even, gx
    )
    spread(run, x.size, (*rows, out.reshape(flat)))
    return out


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
    return ns.place(-(share * g), safe, tuple(x_shape))


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
