"""Reducing runs of neighbouring entries, each to one."""

from __future__ import annotations

from math import inf, nan

from ..device import module_of
from ..tensor import Tensor, wrap
from .registry import OPS, function
from .scatter import reduce_at
from .shape import at_dim

# The reduction, what it is called among the scatters, and what it gives of nothing.
_KINDS = {
    "sum": ("sum", 0.0), "mean": ("sum", 0.0), "prod": ("prod", 1.0),
    "max": ("amax", -inf), "min": ("amin", inf),
}  # fmt: skip


def _checked_lengths(data, lengths, offsets, axis, unsafe):
    """How long each segment is, as an array with one row for each entry of the axes before."""
    if data.ndim < 1:
        raise RuntimeError("segment_reduce(): Expected data.dim() >= 1")
    given = offsets if lengths is None else lengths
    if given is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    if axis != given.ndim - 1:
        raise RuntimeError(
            "segment_reduce(): Expected axis to be the last dimension of lengths but got "
            f"{axis} for lengths of shape {tuple(given.shape)}"
        )
    if lengths is None:
        xp = module_of(offsets.array)
        return xp.diff(offsets.array, axis=-1)
    if not unsafe:
        if lengths.numel() and int(lengths.array.min()) < 0:
            raise RuntimeError("lengths contains negative value!")
        if (lengths.array.sum(-1) != data.shape[axis]).any():
            raise RuntimeError(
                "segment_reduce(): Expected all rows of lengths along axis to sum to data.size("
                f"lengths.dim()-1) = {data.shape[axis]} when !unsafe."
            )
    return lengths.array


def _segments_of(xp, lengths):
    """For each entry in turn: where in ``lengths`` its segment stands, as an index."""
    flat = xp.repeat(xp.arange(lengths.size), lengths.reshape(-1).tolist())
    return xp.unravel_index(flat, lengths.shape)


def _entries_of(xp, lengths, axis):
    """The index of each entry that lies in a segment."""
    rows = lengths.reshape(-1, lengths.shape[-1]).sum(-1).tolist()
    inner = xp.concatenate([xp.arange(n) for n in rows] or [xp.arange(0)])
    if not axis:
        return (inner,)
    outer = xp.repeat(xp.arange(len(rows)), rows)
    return (*xp.unravel_index(outer, lengths.shape[:-1]), inner)


@function(on="fb")
def segment_reduce(
    data, reduce, *, lengths=None, indices=None, offsets=None, axis=0, unsafe=False, initial=None
):
    """Each run of ``lengths`` entries along ``axis`` reduced to its sum, mean, max, min or prod.

    ``offsets`` may say where the runs begin and end instead; ``initial`` is what each starts from.
    """
    if reduce not in _KINDS:
        raise RuntimeError(f"segment_reduce: reduce is one of {', '.join(_KINDS)}, got {reduce!r}")
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    axis = at_dim(axis, data.ndim)
    sizes = _checked_lengths(data, lengths, offsets, axis, unsafe)
    xp, (how, nothing) = module_of(data.array), _KINDS[reduce]
    rest = data.shape[axis + 1 :]
    start = nothing if initial is None else initial
    out: Tensor = wrap(xp.full((*sizes.shape, *rest), start, data.array.dtype))
    if sizes.size:
        entries = OPS["index"](data, _entries_of(xp, sizes, axis))
        out = reduce_at(out, entries, _segments_of(xp, sizes), how, True)
    if reduce != "mean":
        return out
    counts = sizes.reshape(*sizes.shape, *(1,) * len(rest)).astype(data.array.dtype)
    empty = nan if initial is None else start
    return OPS["where"](wrap(counts == 0), empty, out / wrap(xp.maximum(counts, 1)))
