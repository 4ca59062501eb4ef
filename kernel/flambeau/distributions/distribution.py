"""The base of all distributions."""

from __future__ import annotations

import warnings
from typing import Any

import flambeau as fb

from ..tensor import Size, Tensor
from . import constraints
from .utils import lazy_property

__all__ = ["Distribution"]


class Distribution:
    """A probability distribution, or a batch of them.

    ``event_shape`` is the shape of one sample, ``batch_shape`` that of the parameters of many
    distributions side by side: ``sample(s)`` has the shape ``s + batch_shape + event_shape`` and
    ``log_prob`` of that ``s + batch_shape``. Mirrors ``torch.distributions.Distribution``.

    >>> p = fb.distributions.Dirichlet(fb.ones(4, 3))
    >>> p.batch_shape, p.event_shape, p.sample((2,)).shape
    (torch.Size([4]), torch.Size([3]), torch.Size([2, 4, 3]))
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__
    _unexpanded: tuple[str, ...] = ()  # tensors that `expand` leaves as they are

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Says whether parameters and values are checked where ``validate_args`` is not given."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args expects True or False, not {value!r}")
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Any = Size(),  # noqa: B008
        event_shape: Any = Size(),  # noqa: B008
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._validate_parameters()

    def _validate_parameters(self) -> None:
        try:
            known = self.arg_constraints
        except NotImplementedError:
            warnings.warn(
                f"{type(self)} does not define `arg_constraints`. Please set "
                "`arg_constraints = {}` or initialize the distribution with "
                "`validate_args=False` to turn off validation.",
                stacklevel=4,
            )
            return
        for name, constraint in known.items():
            made = name in vars(self) or not isinstance(
                getattr(type(self), name, None), lazy_property
            )
            if constraints.is_dependent(constraint) or not made:
                continue
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape "
                    f"{tuple(value.shape)}) of distribution {self!r} to satisfy the constraint "
                    f"{constraint!r}, but found invalid values:\n{value}"
                )

    # Shapes

    @property
    def batch_shape(self) -> Size:
        """The shape of the parameters of the distributions side by side."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one sample."""
        return self._event_shape

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        """The shape of samples."""
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution with another, larger batch shape; parameters share their memory."""
        own = next(k for k in type(self).__mro__ if k.__module__.startswith(__package__ or ""))
        if own is Distribution:
            raise NotImplementedError(f"{type(self).__name__} does not define expand")
        new = self._get_checked_instance(own, _instance)
        shape, known = Size(batch_shape), len(self._batch_shape)
        for name, value in vars(self).items():
            if name not in self._unexpanded:
                if isinstance(value, Tensor) and value.shape[:known] == self._batch_shape:
                    value = value.expand((*shape, *value.shape[known:]))
                elif isinstance(value, Distribution):
                    value = value.expand((*shape, *value.batch_shape[known:]))
            setattr(new, name, value)
        new._batch_shape = shape
        return new

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """An object to be filled by `expand`."""
        if _instance is None and type(self).__init__ is not cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ "
                "method must also define a custom .expand() method."
            )
        return type(self).__new__(type(self)) if _instance is None else _instance

    # What a distribution says of itself

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What each parameter must satisfy."""
        raise NotImplementedError

    @property
    def support(self) -> Any:
        """The constraint that all samples satisfy."""
        raise NotImplementedError

    @property
    def mean(self) -> Any:
        """The expected value."""
        raise NotImplementedError

    @property
    def mode(self) -> Any:
        """The most likely value."""
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self) -> Any:
        """The expected squared distance from the mean."""
        raise NotImplementedError

    @property
    def stddev(self) -> Any:
        """The square root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = Size()) -> Any:  # noqa: B008
        """Samples, without gradients."""
        with fb.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = Size()) -> Any:  # noqa: B008
        """Samples that pass gradients to the parameters."""
        raise NotImplementedError

    def sample_n(self, n: int) -> Any:
        """``sample((n,))``, by its old name."""
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.",
            FutureWarning,
            stacklevel=2,
        )
        return self.sample(Size((n,)))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density, or of the chance, at a value."""
        raise NotImplementedError

    def cdf(self, value: Any) -> Any:
        """The chance of a sample up to a value."""
        raise NotImplementedError

    def icdf(self, value: Any) -> Any:
        """The inverse of `cdf`."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Any:
        """All values that samples can take, along dimension 0."""
        raise NotImplementedError

    def entropy(self) -> Any:
        """The expected value of -log_prob."""
        raise NotImplementedError

    def perplexity(self) -> Any:
        """e to the power of the entropy."""
        return fb.exp(self.entropy())

    # Checks

    def _check(self, value: Any) -> None:
        """Looks at a value where that is wanted."""
        if self._validate_args:
            self._validate_sample(value)

    def _validate_sample(self, value: Any) -> None:
        """ValueError for a value that cannot be a sample."""
        if not isinstance(value, Tensor):
            raise ValueError(
                f"The value argument to log_prob must be a Tensor, not {type(value).__name__}"
            )
        event, shape = self._event_shape, value.shape
        if shape[len(shape) - len(event) :] != event:
            raise ValueError(
                "The right-most size of value must match event_shape: "
                f"{tuple(shape)} vs {tuple(event)}."
            )
        expected = (*self._batch_shape, *event)
        for got, wanted in zip(reversed(shape), reversed(expected), strict=False):
            if got != wanted and 1 not in (got, wanted):
                raise ValueError(
                    "Value is not broadcastable with batch_shape+event_shape: "
                    f"{tuple(shape)} vs {expected}."
                )
        self._validate_support(value)

    def _validate_support(self, value: Any) -> None:
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{type(self)} does not define `support` to enable sample validation. Please "
                "initialize the distribution with `validate_args=False` to turn off validation.",
                stacklevel=5,
            )
            return
        if not support.check(value).all():
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) "
                f"to be within the support ({support!r}) of the distribution {self!r}, "
                f"but found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        given = {name: vars(self)[name] for name in self.arg_constraints if name in vars(self)}
        told = (f"{k}: {v if v.numel() == 1 else v.size()}" for k, v in given.items())
        return f"{type(self).__name__}({', '.join(told)})"
