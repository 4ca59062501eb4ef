"""Special functions; mirrors ``torch.special``.

They are the operations of `flambeau.ops`, shown here by their PyTorch names.

>>> import flambeau as fb
>>> fb.special.expit(fb.tensor([0.0])), fb.special.xlogy(fb.tensor([0.0]), 0.0)
(tensor([0.5000]), tensor([0.]))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .left_out import explain_all
from .ops import SPACES

globals().update(SPACES["special"])
__all__ = sorted(SPACES["special"])

if TYPE_CHECKING:  # what is gathered above is not to be seen by reading

    def __getattr__(name: str) -> Any: ...


explain_all(__name__)
