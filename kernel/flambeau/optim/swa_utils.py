"""Averages of a model's weights over training; mirrors ``torch.optim.swa_utils``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

from ..autograd.grad_mode import no_grad
from ..nn.module import Module
from ..nn.norm import _BatchNorm, _InstanceNorm
from ..ops.creation import tensor
from ..tensor import Tensor
from .lr_scheduler import LRScheduler
from .lr_scheduler.base import one_each
from .optimizer import Optimizer

Average = Callable[[Any, Any, Any], Any]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """decay · average + (1 - decay) · current, for one tensor: an exponential moving average."""
    _check_decay(decay)
    return lambda average, current, count: decay * average + (1 - decay) * current


def get_swa_avg_fn() -> Average:
    """average + (current - average) / (count + 1), for one tensor: the mean of all so far."""
    return lambda average, current, count: average + (current - average) / (count + 1)


def get_ema_multi_avg_fn(decay: float = 0.999) -> Average:
    """As `get_ema_avg_fn`, for lists of tensors, which it changes in place."""
    _check_decay(decay)
    return _in_place(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> Average:
    """As `get_swa_avg_fn`, for lists of tensors, which it changes in place."""
    return _in_place(get_swa_avg_fn())


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


def _in_place(function: Average) -> Average:
    def update(averages: Any, currents: Any, count: Any) -> None:
        with no_grad():
            for average, current in zip(averages, currents, strict=True):
                average.copy_(function(average, current, count))

    return update


class AveragedModel(Module):
    """A copy of a model whose weights are averages over calls of ``update_parameters``.

    Of equal weights, or as ``avg_fn`` (tensor by tensor) or ``multi_avg_fn`` (lists of them) say.
    Buffers are copied, or averaged too (``use_buffers``). The first call copies all.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> averaged = fb.optim.swa_utils.AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = nn.init.constant_(model.weight, value)
    ...     averaged.update_parameters(model)
    >>> averaged.module.weight.item()
    3.0
    """

    n_averaged: Tensor
    module: Module

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Average | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn, self.multi_avg_fn = avg_fn, multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model gives."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Takes the model as it is now into the averages."""
        with no_grad():
            averages, currents = self._tensors(self.module), self._tensors(model)
            currents = [c.to(a.device) for a, c in zip(averages, currents, strict=True)]
            if self.n_averaged.item() == 0:
                for average, current in zip(averages, currents, strict=True):
                    average.copy_(current)
            elif averages:
                self._average(averages, currents)
            if not self.use_buffers:
                for mine, other in zip(self.module.buffers(), model.buffers(), strict=True):
                    mine.detach().copy_(other.detach())
            self.n_averaged.add_(1)

    def _tensors(self, model: Module) -> list[Tensor]:
        buffers = model.buffers() if self.use_buffers else ()
        return [t.detach() for t in chain(model.parameters(), buffers)]

    def _average(self, averages: list[Tensor], currents: list[Tensor]) -> None:
        """Those of one dtype at a time, as PyTorch gives them to ``multi_avg_fn``."""
        update = self.multi_avg_fn or _in_place(self.avg_fn or get_swa_avg_fn())
        groups: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
        for average, current in zip(averages, currents, strict=True):
            of_kind = groups.setdefault((average.device, average.dtype), ([], []))
            of_kind[0].append(average)
            of_kind[1].append(current)
        for (device, _), lists in groups.items():
            update(*lists, self.n_averaged.to(device))


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Computes the statistics of all batch norms anew, in one pass over the data.

    Needed after weights were averaged, for which no batch norm has seen any data. Of batches that
    are lists or tuples, the first element is the model's input.

    >>> model = nn.BatchNorm1d(1)
    >>> update_bn([fb.tensor([[1.0], [3.0]])], model)
    >>> model.running_mean
    tensor([2.])
    """
    found = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    norms = {m: m.momentum for m in found if not isinstance(m, _InstanceNorm)}
    if not norms:
        return
    was_training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean of all batches, none more than another
    with no_grad():
        for batch in loader:
            x = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(x if device is None else x.to(device))
    for norm, momentum in norms.items():
        norm.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the rates now to ``swa_lr`` within ``anneal_epochs`` steps, and no further.

    Straight ("linear") or along a cosine ("cos"); made for the part of training that is averaged.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = one_each("swa_lr", optimizer, swa_lr)
        for rate, group in zip(rates, optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """How much of the way is done: 0 at the start, 1 from ``anneal_epochs`` on."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[Any]:
        """The rates of this step, from those of the last: where these began, and on from there."""
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            goal, rate = group["swa_lr"], group["lr"]
            start = goal if before == 1 else (rate - before * goal) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates
