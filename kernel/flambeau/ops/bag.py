"""Rows of a table summed up in bags, and two small functions of networks."""

from __future__ import annotations

import numpy as np

from ..device import module_of
from ..tensor import wrap
from .embedding import embedding, shorten
from .join import stack as stacked
from .random import rand_like
from .registry import function
from .softmax import softmax


def _edges(input, offsets, include_last_offset):
    """Where each bag begins and ends among the indices, all in a row."""
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None")
        n = input.shape[1]
        return [(i * n, (i + 1) * n) for i in range(input.shape[0])]
    if input.ndim != 1:
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}"
        )
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.ndim != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    starts = [int(i) for i in offsets]
    if starts and starts[0] != 0:
        raise RuntimeError("offsets[0] has to be 0, i.e., the first sequence has to start at 0")
    ends = [*starts[1:], input.shape[0]][: len(starts)]
    if include_last_offset:
        starts, ends = starts[:-1], [*starts[1:]]
    if starts and max(starts) > input.shape[0]:
        raise RuntimeError(f"offsets go up to {max(starts)}, there are {input.shape[0]} indices")
    return list(zip(starts, ends, strict=True))


def _largest(rows, edges, kept):
    """The largest of each column in each bag, zeros for an empty one; and where they are."""
    found, places = [], []
    xp = module_of(rows.array)
    for start, end in edges:
        at = np.arange(start, end)[kept[start:end]]
        if len(at):
            top = rows.index_select(0, wrap(xp.asarray(at))).max(0)
            found.append(top.values)
            places.append(wrap(xp.asarray(at))[top.indices])
        else:
            found.append(rows.detach().new_zeros(rows.shape[1:]))
            places.append(None)
    return stacked(found) if found else rows[:0], places


def _check_rows(indices, count, padding_idx):
    if padding_idx is not None and not -count <= padding_idx < count:
        raise RuntimeError(
            f"padding_idx must be within the number of embeddings, {-count} through {count - 1}, "
            f"but got {padding_idx}"
        )
    if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < count:
        raise RuntimeError(
            f"the input has indices from {int(indices.min())} to {int(indices.max())}, which are "
            f"not all in the valid range [0, {count})"
        )


def _check(input, mode, per_sample_weights, scaled, sparse):
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and (scaled or sparse):
        raise ValueError(
            "max mode does not support scaling the gradient by the frequency, or sparse weights"
        )
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            f"embedding_bag: per_sample_weights was not None. per_sample_weights is only supported "
            f"for mode='sum' (got mode='{mode}')."
        )
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({list(per_sample_weights.shape)}) is not None, "
            f"then it must have the same shape as the input ({list(input.shape)})"
        )


@function(on="F")
def embedding_bag(
    input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False,
    mode="mean", sparse=False, per_sample_weights=None, include_last_offset=False,
    padding_idx=None,
):  # fmt: skip
    """The rows of each bag of indices: their sum, mean or maximum.

    Bags are the rows of a 2D ``input``; in a 1D one they begin at ``offsets``. Mirrors
    ``torch.nn.functional.embedding_bag``.

    >>> table = fb.tensor([[1.0], [2.0], [4.0]])
    >>> nn.functional.embedding_bag(fb.tensor([0, 1, 2]), table, fb.tensor([0, 2]), mode="sum")
    tensor([[3.],
            [4.]])
    """
    _check(input, mode, per_sample_weights, scale_grad_by_freq, sparse)
    if max_norm is not None:
        shorten(weight, input, max_norm, norm_type)
    rest = (per_sample_weights, include_last_offset, padding_idx)
    return bags(input, weight, offsets, scale_grad_by_freq, mode, *rest)[0]


def bags(
    input, weight, offsets, scale_grad_by_freq, mode, per_sample_weights, include_last_offset,
    padding_idx,
):  # fmt: skip
    """What each bag gives, each index's bag, the bags' sizes, and where maxima come from.

    The last three are PyTorch's, which leaves them empty or 0 where it sums up without them.
    """
    edges = _edges(input, offsets, include_last_offset)
    flat = input.reshape(-1)
    _check_rows(flat, weight.shape[0], padding_idx)
    padding = None if padding_idx is None else padding_idx % weight.shape[0]
    rows = embedding(flat, weight, padding, None, 2, scale_grad_by_freq and mode != "max")
    indices = flat.array.get() if hasattr(flat.array, "get") else flat.array
    kept = np.ones(len(indices), bool) if padding is None else indices != padding
    sizes = np.array([kept[start:end].sum() for start, end in edges], "int64")
    of_index = np.repeat(np.arange(len(edges)), [end - start for start, end in edges])
    if mode == "max":
        out, places = _largest(rows, edges, kept)
        return out, *_wrapped(rows, of_index, sizes), _named(flat, places, rows)
    if mode == "sum":
        if padding is None and weight.array.dtype.itemsize < 8:
            of_index = of_index[:0]
        sizes = np.zeros_like(sizes)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)
    out = _summed(rows, edges, kept, mode)
    return out, *_wrapped(rows, of_index, sizes, sizes.copy())


def _wrapped(rows, *arrays):
    xp = module_of(rows.array)
    return [wrap(xp.asarray(a.astype("int64"))) for a in arrays]


def _named(flat, places, rows):
    """The index that each maximum belongs to; 0 in an empty bag."""
    none = flat.detach().new_zeros(rows.shape[1:])
    found = [none if at is None else flat[at] for at in places]
    return stacked(found) if found else none.reshape(0, *rows.shape[1:])


def _summed(rows, edges, kept, mode):
    """Sums of the rows of each bag, by one product with a matrix of ones (or of shares)."""
    shares = np.zeros((len(edges), rows.shape[0]), rows.array.dtype)
    for i, (start, end) in enumerate(edges):
        shares[i, start:end] = kept[start:end]
    if mode == "mean":
        shares /= np.maximum(shares.sum(1, keepdims=True), 1)
    return wrap(module_of(rows.array).asarray(shares)) @ rows


@function(on="fb F")
def bilinear(input1, input2, weight, bias=None):
    """x1ᵀ W x2 + b, one matrix for each output feature."""
    first = input1.unsqueeze(-2).unsqueeze(-2) @ weight  # (..., out, 1, in2)
    out = (first @ input2.unsqueeze(-2).unsqueeze(-1)).squeeze(-1).squeeze(-1)
    return out if bias is None else out + bias


@function(on="F")
def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    """softmax((logits + Gumbel noise) / tau); ``hard`` gives one-hot, with the gradient of soft.

    Mirrors ``torch.nn.functional.gumbel_softmax``.

    >>> nn.functional.gumbel_softmax(fb.zeros(5, 3), hard=True).sum(1)
    tensor([1., 1., 1., 1., 1.])
    """
    noise = -(-rand_like(logits).clamp(1e-30).log()).log()
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    at = soft.max(dim, keepdim=True)[1]
    one_hot = soft.detach().new_zeros(soft.shape).scatter(dim, at, 1.0)
    return one_hot - soft.detach() + soft
