"""Matrices: norms, solutions, factors; mirrors ``torch.linalg``.

They are the operations of `flambeau.ops`, shown here by their PyTorch names.

>>> import flambeau as fb
>>> A = fb.tensor([[2.0, 1.0], [1.0, 2.0]])
>>> fb.linalg.det(A), fb.linalg.eigvalsh(A).round()
(tensor(3.), tensor([1., 3.]))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .left_out import explain_all
from .ops import SPACES
from .ops.linalg import LinAlgError

globals().update(SPACES["linalg"])
__all__ = ["LinAlgError", *sorted(SPACES["linalg"])]

if TYPE_CHECKING:  # what is gathered above is not to be seen by reading

    def __getattr__(name: str) -> Any: ...


explain_all(__name__)
