"""`GradScaler`: keeps gradients in float16 from vanishing, by multiplying the loss."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..autograd.rules import OPS
from ..device import cuda_count, module_of
from ..device import device as Device
from ..tensor import Tensor

_READY, _UNSCALED, _STEPPED = "ready", "unscaled", "stepped"


class GradScaler:
    """Multiplies the loss before its backward, and divides the gradients before the step.

    ``scaler.scale(loss).backward(); scaler.step(optimizer); scaler.update()``. A step whose
    gradients hold inf or NaN is skipped, and the scale is multiplied by ``backoff_factor``; after
    ``growth_interval`` steps without any it is multiplied by ``growth_factor``.
    Mirrors ``torch.amp.GradScaler``.

    >>> scaler = fb.amp.GradScaler("cpu", init_scale=8.0)
    >>> scaler.scale(fb.tensor(2.0))
    tensor(16.)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device, self._enabled = Device(device).type, enabled
        if enabled and self._device == "cuda" and not cuda_count():
            warnings.warn(
                "GradScaler is enabled, but CUDA is not available. Disabling.", stacklevel=2
            )
            self._enabled = False
        if self._enabled and growth_factor <= 1.0:
            raise AssertionError(f"The growth factor must be > 1.0, it is {growth_factor}.")
        if self._enabled and backoff_factor >= 1.0:
            raise AssertionError(f"The backoff factor must be < 1.0, it is {backoff_factor}.")
        self._init_scale, self._growth_interval = init_scale, growth_interval
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._scale: float | None = None  # known from the first `scale` on
        self._growth_tracker = 0
        self._stages: dict[int, str] = {}  # of each optimizer since the last update
        self._found_inf: dict[int, bool] = {}

    def scale(self, outputs: Any) -> Any:
        """The outputs (a tensor, or any nesting of them) times the scale."""
        if not self._enabled:
            return outputs
        if self._scale is None:
            self._scale = float(self._init_scale)
        if isinstance(outputs, Tensor):
            return OPS["mul"](outputs, self._scale)
        if isinstance(outputs, (list, tuple)):
            scaled = [self.scale(one) for one in outputs]
            return type(outputs)(*scaled) if hasattr(outputs, "_fields") else type(outputs)(scaled)
        if hasattr(outputs, "__iter__") and not isinstance(outputs, (str, bytes, dict)):
            return map(self.scale, outputs)
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer: Any) -> None:
        """Divides the gradients of an optimizer's parameters by the scale, to be clipped say."""
        if not self._enabled:
            return
        scale, stage = self._known("unscale_"), self._stages.get(id(optimizer), _READY)
        if stage is _UNSCALED:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if stage is _STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        grads = [p.grad for group in optimizer.param_groups for p in group["params"]]
        found = [_divide(g.array, scale) for g in grads if g is not None]
        if found:
            self._found_inf[id(optimizer)] = any(found)
        self._stages[id(optimizer)] = _UNSCALED

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Divides the gradients if `unscale_` has not, and steps unless they hold inf or NaN."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._known("step")
        stage = self._stages.get(id(optimizer), _READY)
        if stage is _STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if stage is _READY:
            self.unscale_(optimizer)
        if id(optimizer) not in self._found_inf:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        self._stages[id(optimizer)] = _STEPPED
        return None if self._found_inf[id(optimizer)] else optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Makes the scale smaller after inf or NaN, larger after enough steps without; or sets it.

        Call it once in an iteration, after the steps of all optimizers.
        """
        if not self._enabled:
            return
        scale = self._known("update")
        if new_scale is not None:
            self._scale = float(new_scale)
        else:
            if not self._found_inf:
                raise AssertionError("No inf checks were recorded prior to update.")
            self._follow(scale, any(self._found_inf.values()))
        self._stages.clear()
        self._found_inf.clear()

    def _follow(self, scale: float, found_inf: bool) -> None:
        if found_inf:
            self._scale, self._growth_tracker = scale * self._backoff_factor, 0
            return
        self._growth_tracker += 1
        if self._growth_tracker == self._growth_interval:
            grown = float(np.float32(scale * self._growth_factor))
            self._scale, self._growth_tracker = (grown if math.isfinite(grown) else scale), 0

    def _known(self, name: str) -> float:
        if self._scale is None:
            raise AssertionError(
                f"Attempted {name} but _scale is None. This may indicate your script did not use "
                "scaler.scale(loss or outputs) earlier in the iteration."
            )
        return self._scale

    # Its numbers

    def get_scale(self) -> float:
        """The scale; 1.0 where it is disabled."""
        if not self._enabled:
            return 1.0
        return float(self._init_scale) if self._scale is None else self._scale

    def get_growth_factor(self) -> float:
        """What the scale is multiplied by to grow."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Sets what the scale is multiplied by to grow."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied by after inf or NaN."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Sets what the scale is multiplied by after inf or NaN."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """How many steps without inf or NaN make the scale grow."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Sets how many steps without inf or NaN make the scale grow."""
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes; empty where it is disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from a state."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled "
                "instance of GradScaler."
            )
        self._init_scale = self._scale = state_dict["scale"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]


def _divide(gradient: Any, scale: float) -> bool:
    """Divides a gradient in place; whether it held inf or NaN."""
    if gradient.dtype.name == "float16":
        raise ValueError("Attempting to unscale FP16 gradients.")
    xp = module_of(gradient)
    found = not bool(xp.isfinite(gradient).all())
    gradient *= 1.0 / scale
    return found
