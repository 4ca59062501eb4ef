"""Connectionist temporal classification (Graves et al. 2006)."""

from __future__ import annotations

import numpy as np

from ..device import module_of
from ..tensor import wrap
from .join import cat
from .join import stack as stacked
from .loss import check_reduction
from .registry import OPS, function

_NEVER = -1e30  # the logarithm of a probability that is zero; finite, so that gradients stay so


def _log_sum(paths):
    """log Σ exp over several tensors."""
    together = stacked(paths, 0)
    return OPS["logsumexp"](together, 0)


def _labels(targets, lengths, blank):
    """Each target with blanks around its labels, (N, 2S + 1); and where a blank may be skipped."""
    longest = max([*lengths, 0])
    labels = np.full((len(lengths), 2 * longest + 1), blank, "int64")
    start, flat = 0, targets.array.get() if hasattr(targets.array, "get") else targets.array
    for i, n in enumerate(lengths):
        own = flat[i, :n] if flat.ndim == 2 else flat[start : start + n]
        labels[i, 1 : 2 * n : 2] = own
        start += n
    skips = np.zeros(labels.shape, bool)
    skips[:, 2:] = (labels[:, 2:] != blank) & (labels[:, 2:] != labels[:, :-2])
    return labels, skips


def _checked(log_probs, targets, input_lengths, target_lengths, blank):
    steps, batch, classes = log_probs.shape
    times, lengths = ([int(n) for n in given] for given in (input_lengths, target_lengths))
    if len(times) != batch or len(lengths) != batch:
        raise RuntimeError("input_lengths and target_lengths must be of size batch_size")
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    if max(times) > steps:
        raise RuntimeError(f"Expected input_lengths to have value at most {steps}, got {times}")
    if targets.ndim == 2 and (targets.shape[0] != batch or targets.shape[1] < max(lengths)):
        raise RuntimeError(
            f"targets have shape {tuple(targets.shape)}, expected ({batch}, {max(lengths)} or more)"
        )
    return times, lengths


def _losses(log_probs, targets, times, lengths, blank):
    """-log of the probability of each target: the sum over all its alignments."""
    xp = module_of(log_probs.array)
    labels, skips = _labels(targets, lengths, blank)
    batch, width = labels.shape
    at = wrap(xp.asarray(np.broadcast_to(labels, (log_probs.shape[0], batch, width)).copy()))
    scores = log_probs.gather(2, at)  # (T, N, 2S + 1)
    no_skip = wrap(xp.asarray(~skips))
    first = xp.asarray(np.broadcast_to(np.arange(width) > 1, labels.shape).copy())
    alpha = scores[0].masked_fill(wrap(first), _NEVER)
    never = alpha.detach().new_full((batch, 2), _NEVER)
    for t in range(1, max(times)):
        one = cat([never[:, :1], alpha[:, :-1]], 1)
        two = cat([never, alpha], 1)[:, :width].masked_fill(no_skip, _NEVER)
        new = _log_sum([alpha, one, two]) + scores[t]
        running = wrap(xp.asarray(np.array([[n > t] for n in times])))
        alpha = OPS["where"](running, new, alpha)
    ends = xp.asarray(np.array([[2 * n, max(2 * n - 1, 0)] for n in lengths]))
    final = alpha.gather(1, wrap(ends))
    only = wrap(xp.asarray(np.array([n == 0 for n in lengths])))
    return -OPS["where"](only, final[:, 0], _log_sum([final[:, 0], final[:, 1]]))


def _of_softmax(log_probs, times):
    """Zero, with the gradient exp(log_probs): PyTorch's gradient holds it.

    It takes log_probs for what log_softmax gave, and its gradient for that of the logits.
    """
    xp, steps = module_of(log_probs.array), log_probs.shape[0]
    running = wrap(xp.asarray(np.array([[t < n for n in times] for t in range(steps)])))
    total = (log_probs.exp().sum(2) * running).sum(0)
    return total - total.detach()


@function(on="F")
def ctc_loss(
    log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean",
    zero_infinity=False,
):  # fmt: skip
    """-log of the probability that the labels are read, in order, at any pace.

    ``log_probs`` (T, N, C); ``targets`` (N, S) or all in a row. Class ``blank`` means "nothing
    new". Mirrors ``torch.nn.functional.ctc_loss``.

    >>> log_probs = fb.zeros(5, 1, 3).log_softmax(2)
    >>> nn.functional.ctc_loss(log_probs, fb.tensor([[1, 2]]), (5,), (2,))
    tensor(0.9689)
    """
    check_reduction(reduction)
    single = log_probs.ndim == 2
    if single:
        log_probs, targets = log_probs.unsqueeze(1), targets.reshape(1, -1)
        input_lengths, target_lengths = (
            [int(n)] if not hasattr(n, "__len__") or not getattr(n, "ndim", 1) else n
            for n in (input_lengths, target_lengths)
        )
    times, lengths = _checked(log_probs, targets, input_lengths, target_lengths, blank)
    values = _losses(log_probs, targets, times, lengths, blank)
    values = values + _of_softmax(log_probs, times)
    impossible = values > -_NEVER / 2
    values = values.masked_fill(impossible, 0.0 if zero_infinity else float("inf"))
    if reduction == "mean":
        return (values / values.detach().new_tensor([max(n, 1) for n in lengths])).mean()
    if reduction == "sum":
        return values.sum()
    return values.squeeze(0) if single else values
