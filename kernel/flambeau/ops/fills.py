"""Random numbers written into a tensor, by distribution."""

from __future__ import annotations

from math import isfinite

import numpy as np

from ..autograd.grad_mode import is_grad_enabled
from ..device import module_of
from ..dtypes import FLOATING
from ..random import generator_for
from ..tensor import Tensor, wrap
from .random import check_chance, draw
from .registry import function
from .write import copy_


def _write(self, values):
    """Fills a tensor; an operation of the graph only where a gradient is concerned."""
    if self.requires_grad and is_grad_enabled():
        return copy_(self, wrap(values.astype(self.array.dtype, copy=False)))
    self.array[...] = values
    if self._counter is not None:
        self._counter[0] += 1
    return self


def _chances(self, generator):
    """Numbers in [0, 1) in double precision, and their array module."""
    shape, where = self.array.shape, self.device
    drawn = draw("random", shape, np.dtype("float64"), where, generator)
    return module_of(drawn), drawn


def _continuous(name, self, kind=RuntimeError):
    dtype = self.array.dtype
    if dtype not in FLOATING or dtype.kind == "c":
        raise kind(
            f"{name}_: the distribution is continuous, dtype must be a floating point type, "
            f"not {dtype.name}"
        )


def _positive(name, what, value):
    if not value > 0:
        raise RuntimeError(f"{name}_ expects {what} > 0.0, but found {what}={value}")


@function(on="Tensor")
def uniform_(self, from_=0.0, to=1.0, *, generator=None, **bounds):
    """Overwrites with numbers uniformly distributed between ``from`` and ``to``.

    >>> x = fb.empty(1000).uniform_(-1, 1)
    >>> x.min() >= -1, x.max() <= 1
    (tensor(True), tensor(True))
    """
    low, high = bounds.pop("from", from_), to
    if bounds:
        raise TypeError(f"uniform_() got an unexpected keyword argument {min(bounds)!r}")
    if not (isfinite(low) and isfinite(high)):
        raise RuntimeError(f"uniform_: from={low} or to={high} is out of bounds")
    if low > high:
        raise RuntimeError(f"uniform_ expects from <= to, but found from={low} > to={high}")
    drawn = draw("random", self.array.shape, self.array.dtype, self.device, generator)
    return _write(self, drawn * (high - low) + low)


@function(on="Tensor")
def normal_(self, mean=0.0, std=1.0, *, generator=None):
    """Overwrites with normal numbers of a mean and a standard deviation.

    >>> fb.empty(2, 3).normal_(mean=10, std=0.1).round()
    tensor([[10., 10., 10.],
            [10., 10., 10.]])
    """
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    drawn = draw("standard_normal", self.array.shape, self.array.dtype, self.device, generator)
    return _write(self, drawn * std + mean)


@function(on="Tensor")
def log_normal_(self, mean=1.0, std=2.0, *, generator=None):
    """Overwrites with numbers whose logarithm is normal, with this mean and standard deviation."""
    _continuous("log_normal", self, NotImplementedError)
    _positive("log_normal", "std", std)
    drawn = draw("standard_normal", self.array.shape, self.array.dtype, self.device, generator)
    return _write(self, module_of(drawn).exp(drawn * std + mean))


@function(on="Tensor")
def cauchy_(self, median=0.0, sigma=1.0, *, generator=None):
    """Overwrites with numbers of Cauchy's distribution: median + sigma · tan(an even angle)."""
    _continuous("cauchy", self)
    _positive("cauchy", "sigma", sigma)
    xp, drawn = _chances(self, generator)
    return _write(self, median + sigma * xp.tan(np.pi * (drawn - 0.5)))


@function(on="Tensor")
def exponential_(self, lambd=1.0, *, generator=None):
    """Overwrites with exponentially distributed numbers of rate ``lambd``."""
    _continuous("exponential", self)
    _positive("exponential", "lambda", lambd)
    xp, drawn = _chances(self, generator)
    return _write(self, -xp.log1p(-drawn) / lambd)


@function(on="Tensor")
def geometric_(self, p, *, generator=None):
    """Overwrites with how many tries it takes until something of chance ``p`` happens, from 1."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    if self.array.dtype.kind in "bc":
        raise NotImplementedError(f"geometric_ cannot fill a tensor of {self.dtype.name}")
    xp, drawn = _chances(self, generator)
    return _write(self, xp.floor(xp.log1p(-drawn) / np.log1p(-p)) + 1)


@function(on="Tensor")
def bernoulli_(self, p=0.5, *, generator=None):
    """Overwrites with 1 (probability p) and 0."""
    if not isinstance(p, Tensor):
        check_chance(p)
    chance = p.array if isinstance(p, Tensor) else p
    _, drawn = _chances(self, generator)
    return _write(self, drawn < chance)


@function(on="Tensor")
def random_(self, from_=0, to=None, *, generator=None, **bounds):
    """Overwrites with integers from ``from`` up to ``to``; ``random_(n)`` counts from 0.

    >>> fb.empty(1000).random_(3).unique()
    tensor([0., 1., 2.])
    """
    dtype = self.array.dtype
    if dtype.kind == "c":
        raise NotImplementedError("random_ fills no complex tensors; uniform_ and normal_ do")
    named = "from" in bounds
    low, high = bounds.pop("from", from_), to
    if bounds:
        raise TypeError(f"random_() got an unexpected keyword argument {min(bounds)!r}")
    if high is None and low and not named:
        low, high = 0, low
    exact = {"float16": 2**11, "bfloat16": 2**8, "float32": 2**24, "float64": 2**53, "bool": 1}
    most = exact.get(dtype.name) or int(np.iinfo(dtype).max)
    if high is None:
        high = most + (dtype.name in exact)
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    if dtype not in FLOATING and high - 1 > most:
        raise RuntimeError(f"to - 1 is out of bounds for {dtype.name}: {high} - 1 > {most}")
    drawn = generator_for(self.device, generator).integers(low, high, size=self.array.shape)
    return _write(self, drawn)
