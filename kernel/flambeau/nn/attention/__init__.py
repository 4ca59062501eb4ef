"""Which kernels attention may use, and masks that say what they are; ``torch.nn.attention``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum, IntEnum

from ...backends.cuda import sdp_kernel
from . import bias

__all__ = ["SDPBackend", "bias", "sdpa_kernel"]


class SDPBackend(IntEnum):
    """The ways in which PyTorch computes attention; all give the same numbers."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    __str__ = Enum.__str__


# In the order of the arguments of `backends.cuda.sdp_kernel`.
_SWITCHED = ("FLASH_ATTENTION", "MATH", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION")
_allowed = [[SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]]


def _cur_sdpa_kernel_backends() -> list[SDPBackend]:
    return list(_allowed[-1])


@contextmanager
def sdpa_kernel(
    backends: list[SDPBackend] | SDPBackend, set_priority: bool = False
) -> Iterator[None]:
    """A context that names the kernels which attention may use.

    Attention is computed in one way here, which is MATH's; the others are accepted.
    """
    chosen = [backends] if isinstance(backends, SDPBackend) else backends
    if not isinstance(chosen, Iterable) or not all(isinstance(b, SDPBackend) for b in chosen):
        raise AssertionError(f"sdpa_kernel takes a SDPBackend or a list of them, not {backends!r}")
    _allowed.append(list(dict.fromkeys(chosen)))
    try:
        with sdp_kernel(*(SDPBackend[way] in chosen for way in _SWITCHED)):
            yield
    finally:
        _allowed.pop()
