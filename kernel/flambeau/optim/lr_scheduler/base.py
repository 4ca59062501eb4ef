"""`LRScheduler`, which every schedule stands on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import FunctionType
from typing import Any

from ...tensor import Tensor
from ..optimizer import Optimizer

_TOO_EARLY = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, "
    "you should call them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`. "
    "Failure to do this will result in PyTorch skipping the first value of the learning rate "
    "schedule."
)
EPOCH_DEPRECATION_WARNING = (
    "scheduler.step(epoch): the epoch is deprecated in PyTorch; without it, step() counts by itself"
)


def values_of(optimizer: Optimizer, key: str) -> list[Any]:
    """An option of all groups; tensors are copied, so that they do not change with the option."""
    found = [group[key] for group in optimizer.param_groups]
    return [value.clone() if isinstance(value, Tensor) else value for value in found]


def set_value(group: dict[str, Any], key: str, value: Any) -> None:
    """Sets an option of a group; one that is a tensor keeps its place in memory."""
    if isinstance(group.get(key), Tensor):
        group[key].array[...] = float(value)
    else:
        group[key] = value


def one_each(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """An argument for each group, from one for all or a list; ValueError for a wrong length."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has "
            f"{len(value)} values, param_groups has {count}."
        )
    return list(value)


def check_optimizer(optimizer: Any) -> None:
    """TypeError for anything else."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def kept_of(function: Any) -> dict[str, Any] | None:
    """What of a function goes into a state dict: the attributes of an object that is callable."""
    return None if isinstance(function, FunctionType) else dict(function.__dict__)


class LRScheduler:
    """Base of schedules: ``get_lr`` gives the rates of this epoch, one for each group.

    It is computed from the rates now, so that several schedules can act on one optimizer; a
    ``_get_closed_form_lr``, where there is one, computes them from the number of the epoch alone.
    Mirrors ``torch.optim.lr_scheduler.LRScheduler``.
    """

    _is_initial = False
    _get_lr_called_within_step = False
    last_epoch: int
    _last_lr: list[Any]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                lr = group["lr"]
                group.setdefault("initial_lr", lr.clone() if isinstance(lr, Tensor) else lr)
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming "
                    "scheduler with last_epoch >= 0: load the optimizer's state_dict first"
                )
        self.base_lrs = values_of(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def _rates(self) -> list[Any]:
        return values_of(self.optimizer, "lr")

    def get_lr(self) -> list[Any]:
        """The rates of this epoch."""
        raise NotImplementedError(f"{type(self).__name__} must define get_lr")

    def get_last_lr(self) -> list[Any]:
        """The rates that the last step set."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Goes on to the next epoch; call it after ``optimizer.step()``."""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(_TOO_EARLY, UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_DEPRECATION_WARNING, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        if epoch is None:
            self.last_epoch += 1
            self._set(self._asked(self.get_lr))
        else:
            self.last_epoch = epoch
            self._set(self._asked(getattr(self, "_get_closed_form_lr", self.get_lr)))

    def _asked(self, get: Callable[[], list[Any]]) -> list[Any]:
        """What it gives; schedules written for PyTorch warn when no step asked them."""
        self._get_lr_called_within_step = True
        try:
            return get()
        finally:
            self._get_lr_called_within_step = False

    def _set(self, rates: list[Any]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_value(group, "lr", rate)
        self._last_lr = self._rates()

    def state_dict(self) -> dict[str, Any]:
        """All that it knows, but for the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self.__dict__.update(state_dict)
