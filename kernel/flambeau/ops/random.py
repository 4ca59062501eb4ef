"""Random tensors."""

from __future__ import annotations

import numpy as np

from ..autograd.grad_mode import is_grad_enabled
from ..device import cupy, module_of, usable
from ..dtypes import FLOATING
from ..meta import laid
from ..random import generator_for
from ..tensor import Tensor, wrap
from .creation import finish, like_of, numpy_type, shape_of, sized
from .index import copy_
from .registry import function

_DRAWN = (np.float32, np.float64)


def _draw(kind, shape, dtype, where, generator):
    """Floats straight in their type where the generator can, else in float32."""
    if where.type == "meta":
        return laid(shape, dtype)
    stream = generator_for(where, generator)
    if dtype not in FLOATING:
        raise RuntimeError(f"random floats cannot be made in {dtype.name}")
    inner = dtype.type if dtype.type in _DRAWN else np.float32
    return getattr(stream, kind)(size=shape, dtype=inner)


def _made(kind, size, dtype, device, generator, requires_grad):
    where, dtype = usable(device), numpy_type(dtype)
    array = _draw(kind, shape_of(size), dtype, where, generator)
    return finish(array.astype(dtype, copy=False), where, requires_grad)


@function(on="fb")
@sized
def rand(
    *size,
    generator=None,
    dtype=None,
    device=None,
    requires_grad=False,
    layout=None,
    pin_memory=False,
):
    """Numbers uniformly distributed in [0, 1)."""
    return _made("random", size, dtype, device, generator, requires_grad)


@function(on="fb")
@sized
def randn(
    *size,
    generator=None,
    dtype=None,
    device=None,
    requires_grad=False,
    layout=None,
    pin_memory=False,
):
    """Numbers normally distributed with mean 0 and standard deviation 1."""
    return _made("standard_normal", size, dtype, device, generator, requires_grad)


@function(on="fb")
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
    """Integers uniformly distributed from ``low`` up to, not including, ``high``."""
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
    array = generator_for(where, generator).integers(int(low), int(high), size=shape_of((size,)))
    dtype = numpy_type(dtype, np.dtype("int64"))
    return finish(array.astype(dtype, copy=False), where, requires_grad)


@function(on="fb")
def randperm(n, *, generator=None, dtype=None, device=None, requires_grad=False):
    """The integers from 0 to n - 1 in random order."""
    where = usable(device)
    (n,) = shape_of((n,))
    stream = generator_for(where, generator)
    if where.type == "cpu":
        order = stream.permutation(n)
    else:
        order = cupy().argsort(stream.random(size=n, dtype=np.float64))
    return finish(order.astype(numpy_type(dtype, np.dtype("int64")), copy=False), where)


@function(on="fb")
def rand_like(
    input, *, generator=None, dtype=None, device=None, requires_grad=False, memory_format=None
):
    """Uniform numbers in [0, 1) in the shape, type and place of another tensor."""
    like = like_of(input, dtype, device)
    return rand(input.array.shape, generator=generator, requires_grad=requires_grad, **like)


@function(on="fb")
def randn_like(
    input, *, generator=None, dtype=None, device=None, requires_grad=False, memory_format=None
):
    """Normal numbers in the shape, type and place of another tensor."""
    like = like_of(input, dtype, device)
    return randn(input.array.shape, generator=generator, requires_grad=requires_grad, **like)


@function(on="fb")
def randint_like(input, low, high=None, *, dtype=None, device=None, requires_grad=False):
    """Integers from ``low`` up to ``high`` in the shape, type and place of another tensor."""
    low, high = (0, low) if high is None else (low, high)
    return randint(low, high, input.array.shape, **like_of(input, dtype, device))


@function(on="fb")
def normal(
    mean=0.0, std=1.0, size=None, *, generator=None, dtype=None, device=None, requires_grad=False
):
    """Normal numbers of a mean and a standard deviation, which may be tensors."""
    like = next((v for v in (mean, std) if isinstance(v, Tensor)), None)
    if (std.array.size and std.array.min() if isinstance(std, Tensor) else std) < 0:
        raise RuntimeError(f"normal expects all elements of std >= 0.0, but found {std}")
    if like is None:
        made = randn(size, generator=generator, dtype=dtype, device=device) * std + mean
    else:
        shape = np.broadcast_shapes(*(tuple(getattr(v, "shape", ())) for v in (mean, std)))
        made = randn(shape, generator=generator, dtype=like.dtype, device=like.device) * std + mean
    made = made.detach()
    return made.requires_grad_() if requires_grad else made


@function
def bernoulli(input, p=None, *, generator=None):
    """1 with the probability that stands in the input (or ``p`` everywhere), else 0."""
    chance = input.array if p is None else float(p)
    if p is None and input.array.size and not bool(((chance >= 0) & (chance <= 1)).all()):
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
    drawn = _draw("random", input.array.shape, np.dtype("float64"), input.device, generator)
    return wrap((drawn < chance).astype(input.array.dtype))


def _check_weights(xp, weights, num_samples, replacement):
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
    """Draws class numbers, with the rows of the input as their weights."""
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


# Written into a tensor


def _write(self, values):
    """Fills a tensor; an operation of the graph only where a gradient is concerned."""
    if self.requires_grad and is_grad_enabled():
        return copy_(self, wrap(values.astype(self.array.dtype, copy=False)))
    self.array[...] = values
    if self._counter is not None:
        self._counter[0] += 1
    return self


@function(on="Tensor")
def uniform_(self, from_=0.0, to=1.0, *, generator=None, **bounds):
    """Overwrites with numbers uniformly distributed between ``from`` and ``to``."""
    low, high = bounds.pop("from", from_), to
    if bounds:
        raise TypeError(f"uniform_() got an unexpected keyword argument {min(bounds)!r}")
    if low > high:
        raise RuntimeError(f"uniform_ expects from <= to, but found from={low} > to={high}")
    drawn = _draw("random", self.array.shape, self.array.dtype, self.device, generator)
    return _write(self, drawn * (high - low) + low)


@function(on="Tensor")
def normal_(self, mean=0.0, std=1.0, *, generator=None):
    """Overwrites with normal numbers of a mean and a standard deviation."""
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    drawn = _draw("standard_normal", self.array.shape, self.array.dtype, self.device, generator)
    return _write(self, drawn * std + mean)


@function(on="Tensor")
def bernoulli_(self, p=0.5, *, generator=None):
    """Overwrites with 1 (probability p) and 0."""
    chance = p.array if isinstance(p, Tensor) else p
    drawn = _draw("random", self.array.shape, np.dtype("float64"), self.device, generator)
    return _write(self, drawn < chance)


@function(on="Tensor")
def exponential_(self, lambd=1.0, *, generator=None):
    """Overwrites with exponentially distributed numbers of rate ``lambd``."""
    drawn = _draw("random", self.array.shape, np.dtype("float64"), self.device, generator)
    return _write(self, -module_of(drawn).log1p(-drawn) / lambd)


@function(on="Tensor")
def random_(self, low=0, high=None, *, generator=None):
    """Overwrites with integers from ``low`` up to ``high``; ``random_(n)`` counts from 0."""
    dtype = self.array.dtype
    if high is None and low:
        low, high = 0, low
    if high is None:
        exact = {"float16": 2**11, "bfloat16": 2**8, "float32": 2**24, "float64": 2**53, "bool": 1}
        high = exact.get(dtype.name) or np.iinfo(dtype).max
        high += dtype.name in exact
    drawn = generator_for(self.device, generator).integers(low, high, size=self.array.shape)
    return _write(self, drawn)
