"""Normalisation by PyTorch's inner names: other orders of arguments, and the statistics as well."""

from __future__ import annotations

from math import prod

from .norm import batch_norm as batch_normed
from .norm import group_norm_op
from .norm import instance_norm as instance_normed
from .norm import layer_norm as layer_normed
from .registry import FUNCTIONS, function


@function(on="fb")
def batch_norm(
    input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled
):
    """`nn.functional.batch_norm` with its arguments in another order."""
    return batch_normed(input, running_mean, running_var, weight, bias, training, momentum, eps)


@function(on="fb")
def instance_norm(
    input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, cudnn_enabled
):
    """`nn.functional.instance_norm` with its arguments in another order."""
    return instance_normed(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )


@function(on="fb")
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5, cudnn_enable=True):
    """`nn.functional.layer_norm`."""
    return layer_normed(input, normalized_shape, weight, bias, eps)


@function(on="fb")
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5, cudnn_enabled=True):
    """`nn.functional.group_norm`."""
    return group_norm_op(input, weight, bias, num_groups, eps)


def _statistics(x, dims, eps, keepdim=False):
    """The mean and 1 / sqrt(variance + eps)."""
    mean = x.mean(dims, keepdim=True)
    centred = x - mean
    rstd = ((centred * centred).mean(dims, keepdim=True) + eps).rsqrt()
    return [t if keepdim else t.squeeze(dims) for t in (mean, rstd)]


@function(on="fb")
def native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps):
    """Batch norm, and the batch's means and 1 / √(variance + eps): empty where not training."""
    out = batch_normed(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if not training:
        return out, input.detach().new_empty((0,)), input.detach().new_empty((0,))
    dims = (0, *range(2, input.ndim))
    return out, *_statistics(input.detach(), dims, eps)


@function(on="fb")
def _native_batch_norm_legit(input, weight, bias, *more, **named):
    """`native_batch_norm`; the running statistics may be left out."""
    rest = ("training", "momentum", "eps")
    if len(more) + len(named) > 3:
        rest = ("running_mean", "running_var", *rest)
    given = dict.fromkeys(("running_mean", "running_var")) | dict(zip(rest, more, strict=False))
    return native_batch_norm(input, weight, bias, **(given | named))


@function(on="fb")
def _native_batch_norm_legit_no_training(
    input, weight, bias, running_mean, running_var, momentum, eps
):
    """`native_batch_norm` with the running statistics."""
    return native_batch_norm(input, weight, bias, running_mean, running_var, False, momentum, eps)


@function(on="fb")
def _batch_norm_with_update(input, weight, bias, running_mean, running_var, momentum, eps):
    """`native_batch_norm` in training; a fourth result, PyTorch's reserve, is empty."""
    found = native_batch_norm(input, weight, bias, running_mean, running_var, True, momentum, eps)
    return *found, FUNCTIONS["empty"](0, dtype=FUNCTIONS["zeros"](0).byte().dtype)


@function(on="fb")
def native_layer_norm(input, normalized_shape, weight, bias, eps):
    """Layer norm, and the means and 1 / √(variance + eps)."""
    out = layer_normed(input, normalized_shape, weight, bias, eps)
    dims = tuple(range(-len(normalized_shape), 0))
    return out, *_statistics(input.detach(), dims, eps, True)


@function(on="fb")
def native_group_norm(input, weight, bias, N, C, HxW, group, eps):  # noqa: N803  (PyTorch's names)
    """Group norm, and the means and 1 / √(variance + eps) of each group: (N, groups)."""
    shape = (N, C, HxW)
    if input.numel() != prod(shape):
        raise RuntimeError(f"native_group_norm: {tuple(input.shape)} is not made of {shape}")
    out = group_norm_op(input.reshape(shape), weight, bias, group, eps).reshape(input.shape)
    groups = input.reshape(N, group, C // group * HxW)
    return out, *_statistics(groups, (2,), eps)


# Norms of weights


@function(on="fb")
def norm_except_dim(v, pow=2, dim=0):
    """The norms over all dimensions but ``dim``, whose number of dimensions stays; -1: of all."""
    if dim == -1:
        return v.norm(pow)
    if not 0 <= dim < v.ndim:
        raise RuntimeError(f"norm_except_dim: dim {dim} is none of a tensor {tuple(v.shape)}")
    others = tuple(i for i in range(v.ndim) if i != dim)
    return v.norm(pow, others, keepdim=True) if others else v.abs()


@function(on="fb")
def _weight_norm(v, g, dim=0):
    """v · g / ‖v‖, with the norm over all dimensions but ``dim``."""
    return v * (g / norm_except_dim(v, 2, dim))


@function(on="fb")
def _weight_norm_interface(v, g, dim=0):
    """`_weight_norm`, and the norms."""
    length = norm_except_dim(v, 2, dim)
    return v * (g / length), length.detach()
