"""What distributions of a chance share, which is given as ``probs`` or as ``logits``."""

from __future__ import annotations

from typing import Any

from .utils import broadcast_all, exactly_one, lazy_property, logits_to_probs, probs_to_logits


class OneChance:
    """``probs`` and ``logits``, log odds: one is given, the other is made when asked for."""

    _param: Any

    def _set_chance(self, probs: Any, logits: Any) -> None:
        exactly_one(probs, logits)
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        self._param = vars(self)["logits" if probs is None else "probs"]

    def _set_counted(self, total_count: Any, probs: Any, logits: Any) -> None:
        """The same with a number of trials beside it."""
        exactly_one(probs, logits)
        count, param = broadcast_all(total_count, logits if probs is None else probs)
        self._set_chance(*((None, param) if probs is None else (param, None)))
        self.total_count = count.to(param.dtype)

    @lazy_property
    def logits(self) -> Any:
        """The log odds log(p / (1 - p))."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Any:
        """The chances."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter given."""
        return self._param.shape

    def _new(self, *args: Any, **kwargs: Any) -> Any:
        return self._param.new_empty(*args, **kwargs)
