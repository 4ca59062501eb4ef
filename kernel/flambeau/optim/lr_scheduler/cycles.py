"""Schedules in which rates rise and fall, and momentum does the opposite."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler, check_optimizer, kept_of, one_each, set_value


class _Cycling(LRScheduler):
    """What both kinds share: where an optimizer keeps its momentum."""

    cycle_momentum: bool
    use_beta1: bool

    def _begin_momentum(self, optimizer: Optimizer, low: Any, high: Any, last_epoch: int) -> None:
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError(
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
            )
        self.use_beta1 = "betas" in optimizer.defaults
        if last_epoch != -1:
            return
        for group, least, most in zip(optimizer.param_groups, low, high, strict=True):
            self._set_momentum(group, most)
            group["max_momentum"], group["base_momentum"] = most, least

    def _set_momentum(self, group: dict[str, Any], value: float) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(_Cycling):
    """Rates that go up from ``base_lr`` to ``max_lr`` and down again, in straight lines.

    How high cycle number n goes: all the way ("triangular"), 1/2ⁿ⁻¹ of it ("triangular2"), or
    gamma^epoch ("exp_range"), or what ``scale_fn`` gives of n or the epoch, as ``scale_mode`` says
    (Smith 2015).

    >>> optimizer = fb.optim.SGD([fb.zeros(1)], lr=1.0)
    >>> schedule = CyclicLR(optimizer, 0.0, 1.0, step_size_up=2)
    >>> for _ in range(5):
    ...     optimizer.step()
    ...     schedule.step()
    ...     print(schedule.get_last_lr()[0], end=" ")
    0.5 1.0 0.5 0.0 0.5
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: Any,
        max_lr: Any,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.8,
        max_momentum: Any = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = one_each("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for lr, group in zip(base_lrs, optimizer.param_groups, strict=True):
                set_value(group, "lr", lr)
        self.max_lrs = one_each("max_lr", optimizer, max_lr)
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up) + float(down)
        self.step_ratio = float(step_size_up) / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        self.scale_mode = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums = one_each("base_momentum", optimizer, base_momentum)
            self.max_momentums = one_each("max_momentum", optimizer, max_momentum)
            low, high = self.base_momentums, self.max_momentums
            self._begin_momentum(optimizer, low, high, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """How high a cycle goes, of its whole height."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "exp_range":
            return self.gamma**x
        return 1.0 if self.mode == "triangular" else 1 / 2.0 ** (x - 1)

    def get_lr(self) -> list[Any]:
        """The rates of this epoch; sets the momentum as well."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        up = x <= self.step_ratio
        height = x / self.step_ratio if up else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            ends = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.optimizer.param_groups, ends, strict=True):
                self._set_momentum(group, high - (high - low) * height)
        rates = zip(self.base_lrs, self.max_lrs, strict=True)
        return [low + (high - low) * height for low, high in rates]

    def state_dict(self) -> dict[str, Any]:
        """All but the optimizer and a plain ``scale_fn``; of a callable object, its attributes."""
        f = self._scale_fn_custom
        kept = None if f is None else kept_of(f)
        return {**super().state_dict(), "_scale_fn_custom": kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        given = dict(state_dict)
        kept = given.pop("_scale_fn_custom")
        if kept is not None and self._scale_fn_custom is not None:
            self._scale_fn_custom.__dict__.update(kept)
        super().load_state_dict(given)


class OneCycleLR(_Cycling):
    """Once up to ``max_lr`` and down again, over ``total_steps`` steps (Smith & Topin 2017).

    From max_lr / div_factor up during the first ``pct_start`` of the steps, then down to
    1 / final_div_factor of where it began; ``three_phase`` comes down as fast as it went up, and
    only then goes below. Straight ("linear") or along cosines ("cos"). Step it after each batch.

    >>> optimizer = fb.optim.SGD([fb.zeros(1)], lr=1.0)
    >>> schedule = OneCycleLR(optimizer, 1.0, total_steps=5, pct_start=0.4)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     schedule.step()
    ...     print(round(schedule.get_last_lr()[0], 2), end=" ")
    1.0 0.75 0.25 0.0
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Any,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.85,
        max_momentum: Any = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        self.total_steps = _steps(total_steps, epochs, steps_per_epoch)
        _check_anneal(pct_start, anneal_strategy)
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        tops = one_each("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, top in zip(optimizer.param_groups, tops, strict=True):
                group["initial_lr"], group["max_lr"] = top / div_factor, top
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            high = one_each("max_momentum", optimizer, max_momentum)
            low = one_each("base_momentum", optimizer, base_momentum)
            self._begin_momentum(optimizer, low, high, last_epoch)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The rates of this step; sets the momentum as well."""
        now, start = self.last_epoch, 0.0
        if now > self.total_steps:
            raise ValueError(
                f"Tried to step {now} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        for phase in self._schedule_phases:
            if now <= phase["end_step"] or phase is self._schedule_phases[-1]:
                break
            start = phase["end_step"]
        share = (now - start) / (phase["end_step"] - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group, phase, "lr", share))
            if self.cycle_momentum:
                self._set_momentum(group, self._between(group, phase, "momentum", share))
        return rates

    def _between(self, group: dict[str, Any], phase: Any, what: str, share: float) -> Any:
        start, end = group[phase[f"start_{what}"]], group[phase[f"end_{what}"]]
        if self._anneal_func_type == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)


def _steps(total: Any, epochs: Any, per_epoch: Any) -> int:
    """The number of steps, given as such or by epochs."""
    if total is None and (epochs is None or per_epoch is None):
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    given = {"epochs": epochs, "steps_per_epoch": per_epoch}
    for name, value in ({"total_steps": total} if total is not None else given).items():
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {value}")
    return epochs * per_epoch if total is None else total


def _check_anneal(pct_start: Any, strategy: str) -> None:
    if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
        raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
    if strategy not in ("cos", "linear"):
        raise ValueError(
            f"anneal_strategy must be one of 'cos' or 'linear', instead got {strategy}"
        )


def _phases(total: int, share: float, three: bool) -> list[dict[str, Any]]:
    """Each phase's last step, and the options of a group that hold its ends."""
    ends: list[tuple[float, str, str]] = [(share * total - 1, "initial_lr", "max_lr")]
    if three:
        ends.append((2 * share * total - 2, "max_lr", "initial_lr"))
    ends.append((total - 1, ends[-1][2], "min_lr"))
    opposite = {"initial_lr": "max_momentum", "max_lr": "base_momentum", "min_lr": "max_momentum"}
    return [
        {
            "end_step": end,
            "start_lr": start,
            "end_lr": goal,
            "start_momentum": opposite[start],
            "end_momentum": opposite[goal],
        }
        for end, start, goal in ends
    ]
