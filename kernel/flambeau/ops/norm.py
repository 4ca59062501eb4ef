"""Normalisation: mean 0 and variance 1 over some dimensions, then a learnt scale and shift.

Each is one node. Its rule works from the input and the statistics of the forward; those depend
on the input, so under ``create_graph`` they are computed again where the tape can see it.
"""

from __future__ import annotations

from math import prod

from ..errors import BadValue
from ..kernels import dense, fast
from ..kernels import normed as loops
from .promote import only_float
from .registry import function, op


def _statistics(xp, x, axes, eps):
    """Mean, 1 / sqrt(variance + eps), and the centred x. Two passes: stable in float32."""
    mean = xp.mean(x, axis=axes, keepdims=True)
    centred = x - mean
    variance = xp.mean(centred * centred, axis=axes, keepdims=True)
    return mean, variance, 1 / xp.sqrt(variance + x.dtype.type(eps)), centred


def _again(ns, x, mean, rstd, axes, eps):
    """The statistics that the forward saved, in the graph where there is one."""
    if not ns.taped:
        return mean, rstd
    mean = ns.mean(x, axes, True)
    centred = x - mean
    return mean, ns.rsqrt(ns.mean(centred * centred, axes, True) + eps)


def _normal(ns, g, normed, rstd, axes):
    """The gradient of (x - mean) · rstd with respect to x."""
    return rstd * (g - ns.mean(g, axes, True) - normed * ns.mean(g * normed, axes, True))


def _scaled(normed, weight, bias):
    if weight is not None:
        normed *= weight
    if bias is not None:
        normed += bias
    return normed


# Over the batch


def _per_channel(ndim):
    """The axes that a channel's statistics run over, and the shape of a number for each channel."""
    return (0, *range(2, ndim)), (1, -1, *(1,) * (ndim - 2))


def _shaped(v, shape):
    return None if v is None else v.reshape(shape)


def _check_channels(x, **given):
    if x.ndim < 2:
        raise IndexError(f"expected at least 2 dimensions (N, C, ...), got shape {x.shape}")
    for name, v in given.items():
        if v is not None and v.shape != (x.shape[1],):
            raise RuntimeError(
                f"{name} should contain {x.shape[1]} elements, one for each channel of the input "
                f"{x.shape}, not {v.size}"
            )
    _check_types(x, **given)


@op(
    on="",
    promote=only_float,
    extras=["mean", "rstd"],
    name="batch_norm",
    backward="NativeBatchNormBackward0",
)
def batch_norm_op(xp, x, weight, bias, running_mean, running_var, /, momentum, eps):
    """Normalises each channel over the batch, and moves the running statistics towards it."""
    _check_channels(x, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var)
    count = x.size // x.shape[1] if x.shape[1] else 0
    if count == 1:
        raise BadValue(
            f"Expected more than 1 value per channel when training, got input size {list(x.shape)}"
        )
    axes, shape = _per_channel(x.ndim)
    quick = fast(x) and fast_channels(x.shape)
    if quick:
        out, mean, variance, rstd = loops.batch_norm(x, weight, bias, eps)
    else:
        mean, variance, rstd, out = _statistics(xp, x, axes, eps)
    if running_mean is not None:
        running_mean += running_mean.dtype.type(momentum) * (mean.ravel() - running_mean)
    if running_var is not None:
        unbiased = variance.ravel() * (count / max(1, count - 1))
        running_var += running_var.dtype.type(momentum) * (unbiased - running_var)
    if not quick:
        out *= rstd
        out = _scaled(out, _shaped(weight, shape), _shaped(bias, shape))
    return out, mean, rstd


def fast_channels(shape):
    """Whether compiled loops are good at channels of such a shape: short lines they are not."""
    inner = prod(shape[2:])
    return inner == 1 or inner >= 8


@batch_norm_op.gradient("x", "weight", "bias")
def _(ns, g, x, weight, mean, rstd, eps, needs):
    if fast(x) and fast_channels(x.shape):
        return loops.batch_norm_back(dense(g), x, weight, mean, rstd, needs)
    axes, shape = _per_channel(x.ndim)
    mean, rstd = _again(ns, x, mean, rstd, axes, eps)
    normed = (x - mean) * rstd
    total, along = ns.sum(g, axes, True), ns.sum(g * normed, axes, True)
    flat = (x.shape[1],)
    gx = None
    if needs[0]:
        count = prod(x.shape) // x.shape[1]
        gx = g - total * (1 / count) - normed * (along * (1 / count))
        gx = gx * (rstd if weight is None else rstd * ns.reshape(weight, shape))
    return gx, ns.reshape(along, flat), ns.reshape(total, flat)


@op(on="", promote=only_float, backward="NativeBatchNormBackward0")
def batch_norm_eval(xp, x, weight, bias, running_mean, running_var, /, eps):
    """Normalises each channel with the running statistics."""
    _check_channels(x, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var)
    _, shape = _per_channel(x.ndim)
    scale = 1 / xp.sqrt(running_var + running_var.dtype.type(eps))
    if weight is not None:
        scale *= weight
    shift = -running_mean * scale
    if bias is not None:
        shift += bias
    if fast(x, scale, shift) and x.size >= 8 * x.shape[0] * x.shape[1]:
        return loops.scaled(x, scale, shift)
    return (x * scale.reshape(shape) + shift.reshape(shape)).astype(x.dtype, copy=False)


@batch_norm_eval.gradient("x", "weight", "bias")
def _(ns, g, x, weight, running_mean, running_var, eps, needs):
    axes, shape = _per_channel(x.ndim)
    rstd = ns.rsqrt(running_var + eps)
    scale = rstd if weight is None else rstd * weight
    gx = g * ns.reshape(scale, shape) if needs[0] else None
    gw = None
    if needs[1]:
        centred = x - ns.reshape(running_mean, shape)
        gw = ns.sum(g * centred, axes, False) * rstd
    return gx, gw, ns.sum(g, axes, False) if needs[2] else None


def _batch_norm_problem(x, weight, bias, running_mean, running_var, *settings):
    a = tuple(x.shape)
    if len(a) < 2:
        return f"input has shape {a}, expected at least (N, C)", "x.unsqueeze(0) adds a batch of 1."
    of = next((v for v in (weight, running_mean, bias, running_var) if v is not None), None)
    if of is not None and of.numel() != a[1]:
        kind = {2: "1d", 3: "1d", 4: "2d"}.get(len(a), "3d")
        return (
            f"input has {a[1]} channels (shape {a}), weight and running statistics are for "
            f"{of.numel()}"
        ), f"nn.BatchNorm{kind}({a[1]}) would fit."
    if prod(a) == a[1] and len(settings) == 2:
        return (
            f"Expected more than 1 value per channel when training, got input size {list(a)}"
        ), "One value has no variance: use a batch of 2 or more, or model.eval()."
    return None


batch_norm_op.explains(_batch_norm_problem)
batch_norm_eval.explains(_batch_norm_problem)


@function(on="F")
def batch_norm(
    input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
):
    """(x - mean) / sqrt(variance + eps) · weight + bias for each channel (dimension 1).

    In training the statistics are the batch's, and the running ones are moved towards them in
    place by ``momentum``; else they are the running ones. Mirrors
    ``torch.nn.functional.batch_norm``.
    """
    if input.ndim and not input.numel():
        return _of_nothing(input, weight, bias)
    if eps < 0 or (training and eps == 0):
        raise ValueError(f"batch_norm: eps must be positive, but got {eps}")
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "batch_norm: running_mean and running_var must be defined in eval mode"
            )
        return batch_norm_eval(input, weight, bias, running_mean, running_var, eps)
    out = batch_norm_op(input, weight, bias, running_mean, running_var, momentum, eps)
    for t in (running_mean, running_var):
        if t is not None and t._counter is not None:
            t._counter[0] += 1
    return out


def _of_nothing(input, weight, bias):
    """An empty batch as it is, with what it depends on."""
    out = input.clone()
    out = out if weight is None or not weight.numel() else out * weight[0]
    return out if bias is None or not bias.numel() else out + bias[0]


@function(on="F")
def instance_norm(
    input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True,
    momentum=0.1, eps=1e-5,
):  # fmt: skip
    """Batch norm of each sample on its own. Mirrors ``torch.nn.functional.instance_norm``."""
    if use_input_stats and prod(input.shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {input.shape}"
        )
    n, c = input.shape[:2]
    repeated = [
        None if t is None else t.repeat(n) for t in (weight, bias, running_mean, running_var)
    ]
    weight, bias, means, variances = repeated
    flat = input.reshape(1, n * c, *input.shape[2:])
    out = batch_norm(flat, means, variances, weight, bias, use_input_stats, momentum, eps)
    if use_input_stats:
        for kept, t in ((running_mean, means), (running_var, variances)):
            if kept is not None:
                kept.detach().copy_(t.detach().reshape(n, c).mean(0))
    return out.reshape(input.shape)


# Within a sample


@op(
    on="",
    promote=only_float,
    extras=["mean", "rstd"],
    name="layer_norm",
    backward="NativeLayerNormBackward0",
)
def layer_norm_op(xp, x, weight, bias, /, normalized_shape, eps):
    """Normalises over the last dimensions."""
    _check_last(x, weight, bias, normalized_shape)
    if fast(x):
        return loops.layer_norm(x, weight, bias, prod(normalized_shape), eps)
    axes = tuple(range(-len(normalized_shape), 0))
    mean, _, rstd, out = _statistics(xp, x, axes, eps)
    out *= rstd
    return _scaled(out, weight, bias), mean, rstd


def _check_last(x, weight, bias, shape, same_types=True):
    if not shape or tuple(x.shape[-len(shape) :]) != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape "
            f"{['*', *shape]}, but got input of size {list(x.shape)}"
        )
    for name, v in (("weight", weight), ("bias", bias)):
        if v is not None and v.shape != shape:
            raise RuntimeError(f"expected {name} to be of shape {shape}, but got {v.shape}")
    if same_types:
        _check_types(x, weight=weight, bias=bias)


def _check_types(x, **given):
    for name, v in given.items():
        if v is not None and v.dtype != x.dtype:
            raise RuntimeError(
                f"mixed dtype: expected {name} to have {x.dtype.name} as the input has, "
                f"got {v.dtype.name}"
            )


@layer_norm_op.gradient("x", "weight", "bias")
def _(ns, g, x, weight, mean, rstd, normalized_shape, eps, needs):
    if fast(x):
        gx, gw, gb = loops.layer_norm_back(dense(g), x, weight, mean, rstd, needs)
        return gx, *(v if v is None else v.reshape(normalized_shape) for v in (gw, gb))
    axes = tuple(range(-len(normalized_shape), 0))
    mean, rstd = _again(ns, x, mean, rstd, axes, eps)
    normed = (x - mean) * rstd
    gx = _normal(ns, g if weight is None else g * weight, normed, rstd, axes) if needs[0] else None
    return gx, g * normed if needs[1] else None, g


@layer_norm_op.explains
def _(x, weight, bias, normalized_shape, eps):
    a, n = tuple(x.shape), len(normalized_shape)
    if a[-n:] == tuple(normalized_shape):
        return None
    last = a[-n:] if n > 1 else a[-1] if a else a
    return (
        f"input has shape {a}, whose last {n if n > 1 else ''} dimension{'s' * (n > 1)} should be "
        f"{tuple(normalized_shape)}".replace("last  ", "last ")
    ), f"nn.LayerNorm({last}) would fit."


def _as_shape(normalized_shape):
    if isinstance(normalized_shape, int):
        raise TypeError(
            f"normalized_shape must be a tuple of ints, not int; ({normalized_shape},) would fit"
        )
    return tuple(normalized_shape)


@function(on="F")
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """(x - mean) / sqrt(variance + eps) · weight + bias over the last dimensions.

    ``normalized_shape`` are their sizes. Mirrors ``torch.nn.functional.layer_norm``.
    """
    return layer_norm_op(input, weight, bias, _as_shape(normalized_shape), eps)


@op(
    on="",
    promote=only_float,
    extras=["mean", "rstd"],
    name="group_norm",
    backward="NativeGroupNormBackward0",
)
def group_norm_op(xp, x, weight, bias, /, num_groups, eps):
    """Normalises over the channels of a group and all positions."""
    _check_channels(x, weight=weight, bias=bias)
    if x.shape[1] % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {list(x.shape)} and num_groups={num_groups}"
        )
    groups = x.reshape(x.shape[0], num_groups, prod(x.shape[1:]) // num_groups)
    mean, _, rstd, out = _statistics(xp, groups, (2,), eps)
    out *= rstd
    _, shape = _per_channel(x.ndim)
    return _scaled(out.reshape(x.shape), _shaped(weight, shape), _shaped(bias, shape)), mean, rstd


@group_norm_op.gradient("x", "weight", "bias")
def _(ns, g, x, weight, mean, rstd, num_groups, eps, needs):
    axes, shape = _per_channel(x.ndim)
    split = (x.shape[0], num_groups, prod(x.shape[1:]) // num_groups)
    groups = ns.reshape(x, split)
    mean, rstd = _again(ns, groups, mean, rstd, (2,), eps)
    normed = (groups - mean) * rstd
    gx = gw = None
    if needs[0]:
        gy = g if weight is None else g * ns.reshape(weight, shape)
        gx = ns.reshape(_normal(ns, ns.reshape(gy, split), normed, rstd, (2,)), tuple(x.shape))
    if needs[1]:
        gw = ns.sum(g * ns.reshape(normed, tuple(x.shape)), axes, False)
    return gx, gw, ns.sum(g, axes, False) if needs[2] else None


@function(on="F")
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """(x - mean) / sqrt(variance + eps) for each group of channels, · weight + bias per channel.

    Mirrors ``torch.nn.functional.group_norm``.
    """
    if input.ndim < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {input.ndim}"
        )
    if input.numel() == num_groups:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size "
            f"{list(input.shape)}"
        )
    return group_norm_op(input, weight, bias, num_groups, eps)
