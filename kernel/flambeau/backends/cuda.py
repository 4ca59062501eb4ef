"""Switches of CUDA's libraries; mirrors ``torch.backends.cuda``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from ..device import cuda_count

matmul = SimpleNamespace(
    allow_tf32=False,
    allow_fp16_reduced_precision_reduction=True,
    allow_bf16_reduced_precision_reduction=True,
    allow_fp16_accumulation=False,
)
_kernels = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}


def is_built() -> bool:
    """Whether there is a CUDA device that CuPy can use."""
    return cuda_count() > 0


def _switch(kind: str) -> tuple[Callable[[], bool], Callable[[bool], None]]:
    def is_on() -> bool:
        return _kernels[kind]

    def turn(enabled: bool) -> None:
        _kernels[kind] = bool(enabled)

    is_on.__doc__ = f"What ``enable_{kind}_sdp`` was last told."
    turn.__doc__ = "Accepted: there is one way to compute attention."
    return is_on, turn


flash_sdp_enabled, enable_flash_sdp = _switch("flash")
mem_efficient_sdp_enabled, enable_mem_efficient_sdp = _switch("mem_efficient")
math_sdp_enabled, enable_math_sdp = _switch("math")
cudnn_sdp_enabled, enable_cudnn_sdp = _switch("cudnn")


@contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[None]:
    """Inside, these ways to compute attention are allowed; accepted, there is one."""
    before: dict[str, Any] = dict(_kernels)
    _kernels.update(
        flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn
    )
    try:
        yield
    finally:
        _kernels.update(before)
