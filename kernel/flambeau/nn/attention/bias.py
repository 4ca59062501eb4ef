"""Masks for attention that know what they are: causal ones; ``torch.nn.attention.bias``."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from ...device import device as device_kind
from ...ops.creation import ones
from ...subclasses import disabled_torch_function
from ...tensor import Tensor, wrap_as

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(IntEnum):
    """From which corner the diagonal runs below which attention may look."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(Tensor):
    """A causal mask of ``seq_len_q x seq_len_kv``: True where attention may look.

    It is passed as ``attn_mask`` of ``scaled_dot_product_attention``.
    """

    variant: CausalVariant
    seq_len_q: int
    seq_len_kv: int

    __torch_function__ = disabled_torch_function  # type: ignore[assignment]

    def __new__(cls, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> Any:
        """The mask of one variant."""
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant is a CausalVariant, not {variant!r}")
        shift = seq_len_kv - seq_len_q if variant is CausalVariant.LOWER_RIGHT else 0
        allowed: Any = ones(seq_len_q, seq_len_kv, dtype=None)
        made = wrap_as(cls, allowed.tril(shift).bool().array)
        made.variant, made.seq_len_q, made.seq_len_kv = variant, seq_len_q, seq_len_kv
        return made

    def _materialize(self, device: device_kind | str | None = None) -> Tensor:
        """The mask as a plain tensor of True and False."""
        plain: Any = self.detach()
        return plain if device is None else plain.to(device)


def causal_upper_left(*size: int) -> CausalBias:
    """The mask of ``tril()``: query i looks at keys 0 to i."""
    if len(size) != 2:
        raise AssertionError("causal_upper_left only supports 2D tensors: give two sizes")
    return CausalBias(CausalVariant.UPPER_LEFT, *size)


def causal_lower_right(*size: int) -> CausalBias:
    """The last query looks at every key, the one before at all but the last."""
    if len(size) != 2:
        raise AssertionError("causal_lower_right only supports 2D tensors: give two sizes")
    return CausalBias(CausalVariant.LOWER_RIGHT, *size)
