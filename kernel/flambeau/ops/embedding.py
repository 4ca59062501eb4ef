"""Embedding: rows of a table looked up by number."""

from __future__ import annotations

from ..autograd.grad_mode import no_grad
from ..kernels.places import largest
from .apply import apply
from .gather import add_rows
from .registry import function, op


@op(on="", name="embedding", extras=["often"])
def embedding_op(xp, x, weight, /, padding_idx, scale_grad_by_freq):
    """weight[x]: indices of any shape give rows (..., D) of the table (V, D)."""
    if x.dtype.kind not in "iu" or x.dtype.itemsize < 4:
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; but got {x.dtype.name} instead"
        )
    if weight.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, its shape is {weight.shape}")
    if x.size and largest(x) >= weight.shape[0]:
        raise IndexError("index out of range in self")
    often = None
    if scale_grad_by_freq:  # how many times the index of each place is there
        often = xp.bincount(x.ravel(), minlength=len(weight))[x][..., None].astype(weight.dtype)
    return weight.take(x, 0), often


@op(on="")
def embedding_back(xp, y, x, /, count, padding_idx):
    """Each row of y added to the row of the table that it was taken from."""
    out = add_rows(xp, count, x.reshape(-1), y.reshape(x.size, y.shape[-1]))
    if padding_idx is not None:
        out[padding_idx] = 0
    return out


@embedding_op.gradient("weight")
def _(ns, g, x, weight_shape, often, padding_idx):
    return ns.embedding_back(g if often is None else g / often, x, weight_shape[0], padding_idx)


@embedding_back.gradient("y")
def _(ns, g, x, padding_idx):
    rows = ns.embedding(x, g, padding_idx, False)
    return rows if padding_idx is None else ns.where((x == padding_idx)[..., None], 0.0, rows)


@embedding_op.explains
def _(x, weight, *settings):
    if not x.dtype.name.startswith(("int", "uint")):
        return (
            f"indices must be int64 or int32, these hold {x.dtype.name} (shape {tuple(x.shape)})"
        ), "x.long() makes indices of them."
    if weight.ndim != 2:
        return None
    count = weight.shape[0]
    wrong = (x.array < 0) | (x.array >= count)
    if not wrong.any():
        return None
    first = int(wrong.ravel().argmax())
    value = int(x.array.ravel()[first])
    hint = f"nn.Embedding({value + 1}, {weight.shape[1]}) would fit." if value >= count else ""
    return (
        f"index out of range in self: index {value} (at position {first} of shape "
        f"{tuple(x.shape)}), the table has {count} rows (shape {tuple(weight.shape)}), numbered 0 "
        f"to {count - 1}"
    ), hint


@function(on="F")
def embedding(
    input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False,
    sparse=False,
):  # fmt: skip
    """The rows of ``weight`` that the indices name. Mirrors ``torch.nn.functional.embedding``.

    ``padding_idx`` names a row that gets no gradient, ``max_norm`` shortens in place the rows used
    that are longer; gradients are dense, whatever ``sparse`` says.

    >>> table = fb.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
    >>> nn.functional.embedding(fb.tensor([2, 1]), table)
    tensor([[3., 4.],
            [1., 2.]])
    """
    if padding_idx is not None:
        count = weight.array.shape[0]
        if not -count <= padding_idx < count:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= count
    if max_norm is not None:
        shorten(weight, input, max_norm, norm_type)
    return apply(embedding_op, (input, weight), (padding_idx, scale_grad_by_freq))


@no_grad()
def shorten(weight, input, max_norm, norm_type):
    """Rows of the table that are used and longer than ``max_norm`` become that long, in place."""
    lengths = weight.norm(norm_type, 1, keepdim=True)
    factors = (max_norm / (lengths + 1e-7)).clamp(max=1.0)
    used = embedding_back(lengths[input] * 0 + 1, input, weight.shape[0], None) > 0
    weight.mul_(factors * used + ~used)
