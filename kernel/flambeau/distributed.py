"""Several processes: left out for now, so that programs which ask hear that there is one.

Mirrors ``torch.distributed`` of a PyTorch that was built without it.
"""

from __future__ import annotations

from .left_out import explains

__all__ = ["is_available", "is_initialized"]

__getattr__ = explains(__name__)


def is_available() -> bool:
    """Whether programs can be spread over processes: no."""
    return False


def is_initialized() -> bool:
    """Whether this process is one of a group: no."""
    return False
