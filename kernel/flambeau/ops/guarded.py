"""Indexing guarded by a mask: where it does not hold, an index may point anywhere."""

from __future__ import annotations

from typing import Any

from ..device import module_of
from ..tensor import Tensor, wrap
from .registry import OPS, function


def _inside(input: Tensor, mask: Tensor, indices: Any) -> tuple[Any, ...]:
    """The indices with those that point out of the input brought to its edge."""
    if mask.array.dtype.kind != "b":
        raise RuntimeError(f"tensors used as masks must be bool tensors, not {mask.dtype.name}")
    xp, at = module_of(input.array), []
    for i, index in enumerate(indices):
        if index is None:
            at.append(slice(None))
            continue
        if index.array.dtype.name not in ("int64", "int32"):
            raise RuntimeError("tensors used as indices must be long or int tensors")
        n = input.shape[i]
        at.append(xp.clip(index.array, -n, n - 1))
    return tuple(at)


@function(on="fb")
def _unsafe_masked_index(self, mask, indices, fill):
    """self[indices], and ``fill`` where the mask does not hold."""
    at = _inside(self, mask, indices)
    if not self.numel():
        shape = tuple(mask.shape) or tuple(self.shape)
        return self.new_full(shape, fill)
    return OPS["index"](self, at).masked_fill(wrap(~mask.array), fill)


@function(on="fb")
def _unsafe_masked_index_put_accumulate(self, mask, indices, values):
    """A copy with ``values`` added at the indices where the mask holds."""
    at = _inside(self, mask, indices)
    if not self.numel():
        return self.clone()
    return OPS["index_put"](self, values.masked_fill(wrap(~mask.array), 0), at, True)
