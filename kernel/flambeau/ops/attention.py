"""Attention: a mean of values, weighted by how well keys answer queries."""

from __future__ import annotations

from math import sqrt

from ..kernels import attention as blocks
from .promote import only_float
from .registry import OPS, function, op


@op(on="", promote=only_float)
def masked_softmax(xp, x, mask, /, causal=False):
    """Softmax over the last dimension of scores, after a mask; all 0 where nothing is let through.

    ``mask`` is boolean (True lets through) or is added; ``causal`` lets query i see keys 0 to i.
    """
    low = x.dtype.type("-inf")
    if mask is not None:
        x = (
            xp.where(mask, x, low)
            if mask.dtype.kind == "b"
            else x + mask.astype(x.dtype, copy=False)
        )
    if causal:
        x = xp.where(xp.tri(*x.shape[-2:], dtype=bool), x, low)
    if not x.size:
        return x.copy()
    top = xp.max(x, axis=-1, keepdims=True)
    hidden = mask is not None or causal
    if hidden:
        top = xp.where(top == low, x.dtype.type(0), top)
    out = xp.exp(x - top)
    total = xp.sum(out, axis=-1, keepdims=True)
    out /= xp.where(total == 0, x.dtype.type(1), total) if hidden else total
    return out


@masked_softmax.gradient("x", "mask")
def _(ns, g, out, needs):
    slope = out * (g - ns.sum(g * out, -1, True))
    return slope, slope if needs[1] else None


@op(
    on="",
    promote=only_float,
    extras=["sums"],
    backward="ScaledDotProductFlashAttentionForCpuBackward0",
)
def attend(xp, query, key, value, mask, /, scale, causal):
    """softmax(query @ keyᵀ · scale) @ value, of the same batch and heads, in one pass.

    Where compiled loops serve, the weights are not kept but made again in the backward.
    """
    if blocks.serves(query, key, value, scale):
        four = map(blocks.in_four, (query, key, value))
        out, sums = blocks.forward(*four, blocks.additive(mask, query, key), scale, causal)
        return _in_shape(out, (*query.shape[:-1], value.shape[-1])), sums
    scores = xp.matmul(query * scale, xp.swapaxes(key, -2, -1))
    return xp.matmul(masked_softmax.forward(xp, scores, mask, causal), value), None


def _in_shape(array, shape):
    return array if array.shape == shape else array.reshape(shape)


@attend.gradient("query", "key", "value")
def _(ns, g, query, key, value, mask, sums, scale, causal):
    if not ns.taped and sums is not None:
        four = map(blocks.in_four, (g, query, key, value))
        mask = blocks.additive(mask, query, key)
        found = blocks.backward(*four, mask, sums, scale, causal)
        shapes = (query.shape, key.shape, value.shape)
        return tuple(_in_shape(d, shape) for d, shape in zip(found, shapes, strict=True))
    weights = ns.masked_softmax((query * scale) @ ns.transpose(key, -2, -1), mask, causal)
    slope = g @ ns.transpose(value, -2, -1)
    slope = weights * (slope - ns.sum(weights * slope, -1, True)) * scale
    return (
        slope @ key,
        ns.transpose(slope, -2, -1) @ query,
        ns.transpose(weights, -2, -1) @ g,
    )


def _check(query, key, value, mask):
    kinds = [t.dtype for t in (query, key, value)]
    if len(set(kinds)) > 1:
        raise RuntimeError(
            "scaled_dot_product_attention: Expected query, key, and value to have the same dtype, "
            f"but they have {', '.join(map(str, kinds))}"
        )
    if mask is not None and mask.dtype.name not in ("bool", "float32", kinds[0].name):
        raise RuntimeError(
            "scaled_dot_product_attention: Expected attn_mask dtype to be bool or float or to "
            f"match query dtype, but got {mask.dtype} and {kinds[0]}"
        )
    shapes = [tuple(t.shape) for t in (query, key, value)]
    if min(len(s) for s in shapes) < 2:
        raise RuntimeError(f"query, key and value need at least 2 dimensions, shapes are {shapes}")
    if shapes[0][-1] != shapes[1][-1]:
        raise RuntimeError(
            f"scaled_dot_product_attention: query {shapes[0]} and key {shapes[1]} must have the "
            "same size in the last dimension"
        )
    if shapes[1][-2] != shapes[2][-2]:
        raise RuntimeError(
            f"scaled_dot_product_attention: key {shapes[1]} and value {shapes[2]} must have the "
            "same length (dimension -2)"
        )


def _plain_mask(mask, shape):
    """Whether a mask wants no gradient and makes the scores of that shape no larger."""
    if mask is None:
        return True
    sizes = tuple(mask.shape)
    fits = len(sizes) <= len(shape) and all(
        a in (1, b) for a, b in zip(sizes[::-1], shape[::-1], strict=False)
    )
    return fits and not mask.requires_grad


def _for_each_head(t, heads):
    """Each head of a key or value for as many of the query's as share it."""
    if heads % t.shape[-3]:
        raise RuntimeError(
            "scaled_dot_product_attention: Number of heads in key and value must divide the number "
            f"of heads in query, {heads}; there are {t.shape[-3]}"
        )
    return t.repeat_interleave(heads // t.shape[-3], -3)


@function(on="F")
def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, *, scale=None,
    enable_gqa=False,
):  # fmt: skip
    """softmax(query @ keyᵀ · scale + mask) @ value: (..., L, E), (..., S, E), (..., S, V).

    ``scale`` is 1 / √E by default; ``enable_gqa`` lets several heads of the query share one of the
    key and the value. Mirrors ``torch.nn.functional.scaled_dot_product_attention``.

    >>> q, k, v = fb.ones(2, 3, 8), fb.ones(2, 5, 8), fb.ones(2, 5, 4)
    >>> nn.functional.scaled_dot_product_attention(q, k, v).shape
    torch.Size([2, 3, 4])
    """
    _check(query, key, value, attn_mask)
    if is_causal and attn_mask is not None and (query.ndim != 4 or dropout_p > 0):
        raise RuntimeError(
            "scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
        )
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if enable_gqa:
        key, value = (_for_each_head(t, query.shape[-3]) for t in (key, value))
    scale = 1 / sqrt(query.shape[-1]) if scale is None else scale
    alike = query.shape[:-2] == key.shape[:-2] == value.shape[:-2]
    if alike and dropout_p == 0 and _plain_mask(attn_mask, (*query.shape[:-1], key.shape[-2])):
        return attend(query, key, value, attn_mask, scale, is_causal)
    scores = (query * scale) @ key.transpose(-2, -1)
    weights = masked_softmax(scores, attn_mask, is_causal)
    if dropout_p > 0:
        weights = OPS["dropout"](weights, dropout_p)
    return weights @ value
