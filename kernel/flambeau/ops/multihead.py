"""Attention by several heads side by side, each on its own projection (Vaswani et al. 2017)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..dtypes import is_float
from .attention import scaled_dot_product_attention
from .join import cat
from .pad import pad
from .registry import OPS, function
from .softmax import softmax


def _additive(mask: Any, name: str, like: Any) -> Any:
    """A mask that is added to the scores: -inf where a bool mask says True."""
    if mask is None:
        return None
    if not (mask.array.dtype.kind == "b" or is_float(mask.array.dtype)):
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if mask.array.dtype.kind == "b":
        return like.new_zeros(tuple(mask.shape)).masked_fill(mask, -math.inf)
    return mask.to(like.dtype)


def check(query: Any, key: Any, value: Any, embed_dim: int) -> bool:
    """Raises what PyTorch raises where the three do not fit; whether they came without a batch."""
    if query.dim() not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {query.dim()}-D "
            "query tensor"
        )
    if key.dim() != query.dim() or value.dim() != query.dim():
        raise AssertionError(
            f"For {query.dim()}-D query, expected key and value to be {query.dim()}-D, but "
            f"found {key.dim()}-D and {value.dim()}-D tensors respectively"
        )
    if query.shape[-1] != embed_dim:
        raise AssertionError(
            f"was expecting embedding dimension of {embed_dim}, but got {query.shape[-1]}"
        )
    if key.shape[:-1] != value.shape[:-1]:
        raise AssertionError(
            f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
        )
    return bool(query.dim() == 2)


def batch_first(query: Any, key: Any, value: Any) -> tuple[Any, Any, Any]:
    """The three with the batch as first dimension; the same tensors stay the same."""
    q = query.transpose(0, 1)
    k = q if key is query else key.transpose(0, 1)
    return q, k, q if value is query else k if value is key else value.transpose(0, 1)


class Heads(NamedTuple):
    """What the heads have learnt. All that they are given and give has the batch first."""

    num_heads: int
    in_proj_weight: Any  # (3E, E); None where the three projections are separate
    separate: Any  # the projections of query, key and value
    in_proj_bias: Any
    bias_k: Any = None
    bias_v: Any = None
    add_zero_attn: bool = False
    dropout: float = 0.0

    def attend(
        self, query: Any, key: Any, value: Any, attn_mask: Any = None, padding: Any = None,
        need_weights: bool = True, static: Any = (None, None), is_causal: bool = False,
    ) -> tuple[Any, Any]:  # fmt: skip
        """What the heads have read, side by side (N, L, E), and the weights (N, H, L, S).

        ``is_causal`` says that the mask is causal: it is not read where that is all there is.
        """
        q, k, v = self._project(query, key, value)  # (N, L, E), (N, S, E), (N, S, E)
        before = k.shape[1]
        k, v = self._with_bias(k, v)
        added = k.shape[1] - before
        q, k, v = self._split(q), self._split(k, static[0]), self._split(v, static[1])
        if self.add_zero_attn:
            k, v = (cat([t, t.new_zeros((*t.shape[:2], 1, t.shape[3]))], 2) for t in (k, v))
            added += 1
        causal = is_causal and padding is None and not need_weights
        mask = None if causal else self._mask(q, k, attn_mask, padding, added)
        return self._weighted(q, k, v, mask, need_weights, causal)

    def _project(self, query: Any, key: Any, value: Any) -> Any:
        linear = OPS["linear"]
        if self.separate is None and query is key is value:
            return linear(query, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        weights = self.in_proj_weight.chunk(3) if self.separate is None else self.separate
        biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        given = zip((query, key, value), weights, biases, strict=True)
        return [linear(x, w, b) for x, w, b in given]

    def _with_bias(self, k: Any, v: Any) -> tuple[Any, Any]:
        """The learned key and value added at the end."""
        if self.bias_k is None:
            return k, v
        n, _, e = k.shape
        return (
            cat([k, self.bias_k.expand(n, 1, e)], 1),
            cat([v, self.bias_v.expand(n, 1, e)], 1),
        )

    def _split(self, x: Any, static: Any = None) -> Any:
        """(N, L, E) as (N, H, L, D); ``static`` (N·H, L, D) stands in its place."""
        n, length, e = x.shape
        h, d = self.num_heads, e // self.num_heads
        if static is None:
            return x.reshape(n, length, h, d).transpose(1, 2)
        if static.shape[0] != n * h or static.shape[2] != d:
            raise AssertionError(
                f"expecting a static key or value of ({n * h}, S, {d}), but got "
                f"{tuple(static.shape)}"
            )
        return static.reshape(n, h, static.shape[1], d)

    def _mask(self, q: Any, k: Any, attn_mask: Any, padding: Any, added: int) -> Any:
        """Both masks as one that is added to the scores (N, H, L, S), or None."""
        n, heads, rows, _ = q.shape
        columns = k.shape[2] - added
        if attn_mask is not None:
            shape, flat = tuple(attn_mask.shape), (n * heads, rows, columns)
            if len(shape) not in (2, 3):
                raise AssertionError(
                    "For batched (3-D) `query`, expected `attn_mask` to be `None`, 2-D or 3-D but "
                    f"found {len(shape)}-D tensor instead"
                )
            if shape != (flat[1:] if len(shape) == 2 else flat):
                raise RuntimeError(
                    f"The shape of the {len(shape)}D attn_mask is {shape}, but should be "
                    f"{flat[1:] if len(shape) == 2 else flat}."
                )
            attn_mask = _additive(attn_mask, "attn_mask", q)
            if len(shape) == 3:
                attn_mask = attn_mask.reshape(n, heads, rows, columns)
        if padding is not None:
            if tuple(padding.shape) != (n, columns):
                raise AssertionError(
                    f"expecting key_padding_mask shape of {(n, columns)}, but got "
                    f"{tuple(padding.shape)}"
                )
            padding = _additive(padding, "key_padding_mask", q).reshape(n, 1, 1, columns)
            attn_mask = padding if attn_mask is None else attn_mask + padding
        return pad(attn_mask, (0, added)) if added and attn_mask is not None else attn_mask

    def _weighted(self, q: Any, k: Any, v: Any, mask: Any, need_weights: bool, causal: bool) -> Any:
        weights = None
        if need_weights:
            scores = (q * math.sqrt(1.0 / q.shape[-1])) @ k.transpose(-2, -1)
            weights = softmax(scores if mask is None else scores + mask, -1)
            weights = OPS["dropout"](weights, self.dropout) if self.dropout > 0 else weights
            out = weights @ v
        else:
            out = scaled_dot_product_attention(q, k, v, mask, self.dropout, causal)
        n, h, rows, d = out.shape
        return out.transpose(1, 2).reshape(n, rows, h * d), weights


def _projections(in_proj_weight: Any, separate: Any, use_separate: bool) -> Any:
    if use_separate and any(w is None for w in separate):
        missing = next(n for n, w in zip("qkv", separate, strict=True) if w is None)
        raise AssertionError(f"use_separate_proj_weight is True but {missing}_proj_weight is None")
    if not use_separate and in_proj_weight is None:
        raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
    return separate if use_separate else None


@function(on="F")
def multi_head_attention_forward(
    query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k,
    bias_v, add_zero_attn, dropout_p, out_proj_weight, out_proj_bias, training=True,
    key_padding_mask=None, need_weights=True, attn_mask=None, use_separate_proj_weight=False,
    q_proj_weight=None, k_proj_weight=None, v_proj_weight=None, static_k=None, static_v=None,
    average_attn_weights=True, is_causal=False,
):  # fmt: skip
    """What `nn.MultiheadAttention` computes, of inputs (L, N, E) or (L, E) and all its weights.

    Mirrors ``torch.nn.functional.multi_head_attention_forward``.
    """
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    if (bias_k is None) != (bias_v is None):
        raise AssertionError("bias_k and bias_v are both set, or both None")
    single = check(query, key, value, embed_dim_to_check)
    if embed_dim_to_check % num_heads:
        raise AssertionError(f"embed_dim {embed_dim_to_check} not divisible by {num_heads} heads")
    separate = (q_proj_weight, k_proj_weight, v_proj_weight)
    heads = Heads(
        num_heads, in_proj_weight, _projections(in_proj_weight, separate, use_separate_proj_weight),
        in_proj_bias, bias_k, bias_v, add_zero_attn, dropout_p if training else 0.0,
    )  # fmt: skip
    given = _with_batch(query, key, value, key_padding_mask, single)
    static = (static_k, static_v)
    out, weights = heads.attend(*given[:3], attn_mask, given[3], need_weights, static, is_causal)
    out = OPS["linear"](out, out_proj_weight, out_proj_bias).transpose(0, 1)
    if weights is not None and average_attn_weights:
        weights = weights.mean(1)
    if single:
        return out.squeeze(1), None if weights is None else weights.squeeze(0)
    return out, weights


def _with_batch(query: Any, key: Any, value: Any, padding: Any, single: bool) -> tuple[Any, ...]:
    if not single:
        return *batch_first(query, key, value), padding
    q = query.unsqueeze(0)
    k = q if key is query else key.unsqueeze(0)
    v = q if value is query else k if value is key else value.unsqueeze(0)
    return q, k, v, None if padding is None else padding.unsqueeze(0)
