"""Fourier transforms; mirrors ``torch.fft``.

They are the operations of `flambeau.ops`, shown here by their PyTorch names.

>>> import flambeau as fb
>>> fb.fft.fft(fb.tensor([1.0, 0.0, -1.0, 0.0])).abs()
tensor([0., 2., 0., 2.])
>>> fb.fft.rfft(fb.ones(8)).shape, fb.fft.irfft(fb.fft.rfft(fb.ones(8))).shape
(torch.Size([5]), torch.Size([8]))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .left_out import explain_all
from .ops import SPACES

globals().update(SPACES["fft"])
__all__ = sorted(SPACES["fft"])

if TYPE_CHECKING:  # what is gathered above is not to be seen by reading

    def __getattr__(name: str) -> Any: ...


explain_all(__name__)
