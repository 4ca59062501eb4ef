"""Convolution, dropout, embedding, softmax and others by PyTorch's inner names."""

from __future__ import annotations

from math import prod

from ..autograd.grad_mode import no_grad
from .attention import masked_softmax
from .bag import bags
from .dropout import alpha_dropout_op, dropout_op, run
from .embedding import embedding_op, shorten
from .registry import OPS, function
from .softmax import log_softmax, softmax

# Convolution


def _spread(values, n):
    values = tuple(values) if isinstance(values, (list, tuple)) else (values,)
    return values * n if len(values) == 1 else values


@function(on="fb")
def convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    """`conv1d` to `conv3d`, or what is ``transposed`` of it, by the dimensions of the weight."""
    n = weight.ndim - 2
    if n not in (1, 2, 3):
        raise RuntimeError(f"convolution: weight must have 3 to 5 dimensions, not {weight.ndim}")
    stride, padding, dilation = (_spread(v, n) for v in (stride, padding, dilation))
    if transposed:
        more = (stride, padding, _spread(output_padding, n), groups, dilation)
        return OPS[f"conv_transpose{n}d"](input, weight, bias, *more)
    return OPS[f"conv{n}d"](input, weight, bias, stride, padding, dilation, groups)


@function(on="fb F")
def conv_tbc(input, weight, bias, pad=0):
    """Convolution of (time, batch, channels) with a weight of (kernel, channels, filters)."""
    if input.ndim != 3 or weight.ndim != 3 or bias.ndim != 1:
        raise RuntimeError(
            "conv_tbc: input and weight must have 3 dimensions and bias 1, got shapes "
            f"{tuple(input.shape)}, {tuple(weight.shape)} and {tuple(bias.shape)}"
        )
    x, kernel = input.permute(1, 2, 0), weight.permute(2, 1, 0)
    return OPS["conv1d"](x, kernel, bias, 1, pad).permute(2, 0, 1)


# Dropout


def _define(name, operation, of_features):
    def run_it(input, p, train, inplace):
        if not 0 <= p <= 1:
            raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p}")
        if of_features and input.ndim < 2:
            raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
        return run(operation, input, p, train, inplace, 2 if of_features else None)

    def drop(input, p, train):
        return run_it(input, p, train, False)

    def twin(input, p, train):
        return run_it(input, p, train, True)

    drop.__doc__ = f"`nn.functional.{name}`."
    twin.__doc__ = f"In-place version of ``{name}``: writes into the tensor, returns it."
    function(drop, on="fb", name=name)
    function(twin, on="fb", name=f"{name}_")


for _features in (False, True):
    _prefix = "feature_" if _features else ""
    _define(f"{_prefix}dropout", dropout_op, _features)
    _define(f"{_prefix}alpha_dropout", alpha_dropout_op, _features)


@function(on="fb")
def native_dropout(input, p, train):
    """Dropout, and which entries stayed."""
    ones = input.detach().new_ones(input.shape)
    if train is False or p == 0:
        return input.clone(), ones.bool()
    kept = dropout_op(ones, p) != 0
    return native_dropout_backward(input, kept, 1 / (1 - p) if p < 1 else 0.0), kept


@function(on="fb")
def native_dropout_backward(grad_output, mask, scale):
    """grad_output · mask · scale."""
    return grad_output * mask * scale


# Embedding


@function(on="fb")
def embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    """`nn.functional.embedding` with the table first; a ``padding_idx`` of -1 is none."""
    padding = None if padding_idx < 0 else padding_idx
    return embedding_op(indices, weight, padding, scale_grad_by_freq)


@function(on="fb")
@no_grad()
def embedding_renorm_(input, indices, max_norm, norm_type):
    """Shortens in place the rows named whose norm is above ``max_norm``."""
    shorten(input, indices, max_norm, norm_type)
    return input


@function(on="fb")
def embedding_bag(
    weight, indices, offsets, scale_grad_by_freq=False, mode=0, sparse=False,
    per_sample_weights=None, include_last_offset=False, padding_idx=None,
):  # fmt: skip
    """`nn.functional.embedding_bag`, its mode by number (0: sum, 1: mean, 2: max).

    Also each index's bag, the bags' sizes, and where each maximum comes from.
    """
    return bags(
        indices, weight, offsets, scale_grad_by_freq, ("sum", "mean", "max")[mode],
        per_sample_weights, include_last_offset, padding_idx,
    )  # fmt: skip


# Softmax


@function(on="fb")
def _safe_softmax(input, dim, dtype=None):
    """Softmax; 0 where all entries are -inf."""
    x = input if dtype is None else input.to(dtype)
    x = x if x.is_floating_point() else x.float()
    if x.ndim == 0:
        return masked_softmax(x.reshape(1), x.reshape(1) > float("-inf")).reshape(())
    last = x.transpose(dim, -1)
    return masked_softmax(last, last > float("-inf")).transpose(dim, -1)


@function(on="fb")
def _softmax(input, dim, half_to_float):
    """`softmax`."""
    return softmax(input.float() if half_to_float else input, dim)


@function(on="fb")
def _log_softmax(input, dim, half_to_float):
    """`log_softmax`."""
    return log_softmax(input.float() if half_to_float else input, dim)


@function(on="fb")
def _softmax_backward_data(grad_output, output, dim, input_dtype):
    """The gradient of softmax: output · (g - Σ g · output)."""
    g = output * (grad_output - (grad_output * output).sum(dim, keepdim=True))
    return g.to(input_dtype)


@function(on="fb")
def _log_softmax_backward_data(grad_output, output, dim, input_dtype):
    """The gradient of log_softmax: g - exp(output) · Σ g."""
    g = grad_output - output.exp() * grad_output.sum(dim, keepdim=True)
    return g.to(input_dtype)


# Pooling


@function(on="fb")
def max_pool2d_with_indices_backward(
    grad_output, input, kernel_size, stride, padding, dilation, ceil_mode, indices
):
    """Each window's gradient handed to the entry that ``indices`` name."""
    lead, image = tuple(input.shape[:-2]), prod(input.shape[-2:])
    flat = (*lead, prod(indices.shape[-2:]))
    zeros = grad_output.detach().new_zeros((*lead, image))
    return zeros.scatter_add(-1, indices.reshape(flat), grad_output.reshape(flat)).reshape(
        input.shape
    )
