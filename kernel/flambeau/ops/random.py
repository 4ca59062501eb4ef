"""Random tensors."""

from __future__ import annotations

import numpy as np

from ..device import CPU, cupy, module_of, usable
from ..dtypes import FLOATING
from ..meta import laid
from ..random import generator_for, watchers
from ..tensor import Tensor, wrap
from .creation import (
    finish,
    like_of,
    numpy_type,
    shape_of,
    sized,
    unlaid,
    usual_kind,
    usual_size,
    usual_tensor,
)
from .registry import function, in_front
from .shape import broadcast_shapes

_DRAWN = (np.dtype(np.float32), np.dtype(np.float64))


def draw(kind, shape, dtype, where, generator):
    """Floats straight in their type where the generator can, else in float32.

    Of complex numbers both parts are drawn, normal ones so that the variance of the whole is 1.
    """
    if where.type == "meta":
        return laid(shape, dtype)
    stream = generator_for(where, generator)
    if dtype not in FLOATING:
        raise NotImplementedError(f"random floats cannot be made in {dtype.name}")
    if dtype.kind == "c":
        part = np.dtype("float32" if dtype == "complex64" else "float64")
        parts = draw(kind, (*shape, 2), part, where, generator).view(dtype)[..., 0]
        return parts * part.type(0.5**0.5) if kind == "standard_normal" else parts
    inner = dtype if dtype in _DRAWN else np.float32
    drawn = getattr(stream, kind)(size=shape, dtype=inner)
    return drawn if shape else module_of(drawn).asarray(drawn)


def _made(kind, size, dtype, device, generator, requires_grad):
    where, dtype = usable(device), numpy_type(dtype)
    array = draw(kind, shape_of(size), dtype, where, generator)
    return finish(array.astype(dtype, copy=False), where, requires_grad)


@function(on="fb")
@unlaid
@sized
def rand(
    *size,
    generator=None,
    dtype=None,
    device=None,
    requires_grad=False,
):
    """Numbers uniformly distributed in [0, 1).

    >>> x = fb.rand(1000)
    >>> x.min() >= 0, x.max() < 1
    (tensor(True), tensor(True))
    """
    return _made("random", size, dtype, device, generator, requires_grad)


@in_front(rand)
def _(*size, dtype=None, requires_grad=False, **options):
    shape, kind = usual_size(size), usual_kind(dtype)
    if options or not shape or kind not in _DRAWN or watchers:
        return rand(*size, dtype=dtype, requires_grad=requires_grad, **options)
    return usual_tensor(generator_for(CPU).random(shape, kind), requires_grad)


@function(on="fb")
@unlaid
@sized
def randn(
    *size,
    generator=None,
    dtype=None,
    device=None,
    requires_grad=False,
):
    """Numbers normally distributed with mean 0 and standard deviation 1.

    >>> fb.randn(2, 3).shape
    torch.Size([2, 3])
    """
    return _made("standard_normal", size, dtype, device, generator, requires_grad)


@in_front(randn)
def _(*size, dtype=None, requires_grad=False, **options):
    shape, kind = usual_size(size), usual_kind(dtype)
    if options or not shape or kind not in _DRAWN or watchers:
        return randn(*size, dtype=dtype, requires_grad=requires_grad, **options)
    return usual_tensor(generator_for(CPU).standard_normal(shape, kind), requires_grad)


@function(on="fb")
@unlaid
def randint(
    *args,
    low=0,
    high=None,
    size=None,
    generator=None,
    dtype=None,
    device=None,
    requires_grad=False,
):
    """Integers uniformly distributed from ``low`` up to, not including, ``high``.

    >>> fb.randint(1, 7, (1000,)).unique()
    tensor([1, 2, 3, 4, 5, 6])
    """
    *bounds, size = (*args, size) if size is not None else args or (None,)
    if len(bounds) == 2:
        low, high = bounds
    elif bounds:
        (high,) = bounds
    if high is None or not isinstance(size, (list, tuple)):
        raise TypeError("randint(low=0, high, size): high and size are needed")
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got {low} >= {high}")
    where = usable(device)
    dtype = numpy_type(dtype, np.dtype("int64"))
    _check_range(low, high, dtype)
    array = generator_for(where, generator).integers(int(low), int(high), size=shape_of((size,)))
    return finish(array.astype(dtype, copy=False), where, requires_grad)


def _check_range(low, high, dtype):
    if dtype in FLOATING:
        return
    least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    for name, value in (("from", low), ("to - 1", high - 1)):
        if not least <= value <= most:
            raise RuntimeError(f"{name} is out of bounds for {dtype.name}: {value}")


@function(on="fb")
@unlaid
def randperm(n, *, generator=None, dtype=None, device=None, requires_grad=False):
    """The integers from 0 to n - 1 in random order.

    >>> fb.randperm(5).sort().values
    tensor([0, 1, 2, 3, 4])
    """
    where = usable(device)
    (n,) = shape_of((n,))
    stream = generator_for(where, generator)
    if where.type == "cpu":
        order = stream.permutation(n)
    else:
        order = cupy().argsort(stream.random(size=n, dtype=np.float64))
    order = order.astype(numpy_type(dtype, np.dtype("int64")), copy=False)
    return finish(order, where, requires_grad)


@function(on="fb")
@unlaid
def rand_like(input, *, generator=None, dtype=None, device=None, requires_grad=False):
    """Uniform numbers in [0, 1) in the shape, type and place of another tensor.

    >>> fb.rand_like(fb.ones(2, 3, dtype=fb.float64)).dtype
    torch.float64
    """
    like = like_of(input, dtype, device)
    return rand(input.array.shape, generator=generator, requires_grad=requires_grad, **like)


@function(on="fb")
@unlaid
def randn_like(input, *, generator=None, dtype=None, device=None, requires_grad=False):
    """Normal numbers in the shape, type and place of another tensor.

    >>> fb.randn_like(fb.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    like = like_of(input, dtype, device)
    return randn(input.array.shape, generator=generator, requires_grad=requires_grad, **like)


@function(on="fb")
@unlaid
def randint_like(input, low=0, high=None, *, dtype=None, device=None, requires_grad=False):
    """Integers from ``low`` up to ``high`` in the shape, type and place of another tensor."""
    low, high = (0, low) if high is None else (low, high)
    like = like_of(input, dtype, device)
    return randint(low, high, input.array.shape, requires_grad=requires_grad, **like)


@function(on="fb")
@unlaid
def normal(
    mean=0.0, std=1.0, size=None, *, generator=None, dtype=None, device=None, requires_grad=False
):
    """Normal numbers of a mean and a standard deviation, which may be tensors.

    >>> fb.normal(fb.tensor([0.0, 100.0]), 1.0) > 50
    tensor([False,  True])
    """
    like = next((v for v in (mean, std) if isinstance(v, Tensor)), None)
    if (std.array.size and std.array.min() if isinstance(std, Tensor) else std) < 0:
        raise RuntimeError(f"normal expects all elements of std >= 0.0, but found {std}")
    if like is None:
        made = randn(size, generator=generator, dtype=dtype, device=device) * std + mean
    else:
        shape = broadcast_shapes(*(v.shape for v in (mean, std) if isinstance(v, Tensor)))
        made = randn(shape, generator=generator, dtype=like.dtype, device=like.device) * std + mean
    made = made.detach()
    return made.requires_grad_() if requires_grad else made


def check_chance(p):
    """RuntimeError if p is no probability."""
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")


@function
def bernoulli(input, p=None, *, generator=None):
    """1 with the probability that stands in the input (or ``p`` everywhere), else 0.

    >>> fb.bernoulli(fb.tensor([0.0, 1.0, 1.0]))
    tensor([0., 1., 1.])
    """
    if p is not None:
        check_chance(p)
    elif input.array.dtype not in FLOATING:
        raise NotImplementedError(
            f"a probability is a float, not {input.dtype.name}; use x.float()"
        )
    chance = input.array if p is None else float(p)
    if p is None and input.array.size and not bool(((chance >= 0) & (chance <= 1)).all()):
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
    drawn = draw("random", input.array.shape, np.dtype("float64"), input.device, generator)
    return wrap(module_of(drawn).asarray(drawn < chance).astype(input.array.dtype))


@function(on="fb")
def poisson(input, generator=None):
    """How often something happens that happens so often (the input) on average."""
    rates = input.array
    if rates.dtype not in FLOATING or rates.dtype.kind == "c":
        raise NotImplementedError(f"a rate is a float, not {input.dtype.name}; use x.float()")
    if bool((rates < 0).any()):
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    drawn = generator_for(input.device, generator).poisson(rates.astype("float64"))
    return wrap(module_of(rates).asarray(drawn).astype(rates.dtype))


@function(on="fb")
def binomial(count, prob, generator=None):
    """How many of ``count`` tries succeed, each with chance ``prob``."""
    for name, t in (("count", count), ("prob", prob)):
        if t.array.dtype not in FLOATING:
            raise ValueError(f"binomial only supports floating-point {name}, got {t.dtype.name}")
    xp = module_of(count.array)
    n = xp.maximum(xp.floor(count.array), 0).astype("int64")
    chance = xp.clip(prob.array.astype("float64"), 0, 1)
    drawn = generator_for(count.device, generator).binomial(n, chance)
    return wrap(xp.asarray(drawn).astype(count.array.dtype))


def _check_weights(xp, weights, num_samples, replacement):
    if weights.dtype not in FLOATING:
        raise RuntimeError(f"multinomial only supports floating-point weights, not {weights.dtype}")
    if num_samples <= 0:
        raise RuntimeError(f"cannot sample n_sample <= 0 samples, got {num_samples}")
    if weights.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if not bool((weights >= 0).all()) or not bool(xp.isfinite(weights).all()):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not bool((weights.sum(-1) > 0).all()):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    if not replacement and num_samples > weights.shape[-1]:
        raise RuntimeError(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement"
        )


@function
def multinomial(input, num_samples, replacement=False, *, generator=None):
    """Draws class numbers, with the rows of the input as their weights.

    >>> fb.multinomial(fb.tensor([[0.0, 1.0], [1.0, 0.0]]), 3, replacement=True)
    tensor([[1, 1, 1],
            [0, 0, 0]])
    """
    weights = input.array
    xp = module_of(weights)
    _check_weights(xp, weights, num_samples, replacement)
    stream = generator_for(input.device, generator)
    if replacement:
        upto = xp.cumsum(weights.astype("float64"), -1)
        drawn = stream.random(size=(*weights.shape[:-1], num_samples), dtype=np.float64)
        rows = zip(upto.reshape(-1, upto.shape[-1]), drawn.reshape(-1, num_samples), strict=True)
        found = xp.stack([xp.searchsorted(u, d * u[-1], side="right") for u, d in rows])
        found = xp.minimum(found, weights.shape[-1] - 1).reshape(drawn.shape)
    else:
        # The k smallest of exponential waiting times with these rates are such a draw.
        waits = -xp.log1p(-stream.random(size=weights.shape, dtype=np.float64)) / weights
        found = xp.argsort(waits, axis=-1)[..., :num_samples]
    return wrap(found.astype("int64"))
