"""Types for annotations; mirrors ``torch.types``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO

from .autograd.graph import GradientEdge
from .device import device as _device_kind
from .dtypes import dtype as _dtype_kind
from .layouts import layout as _layout_kind
from .left_out import explain_all
from .size import Size
from .storage import UntypedStorage
from .tensor import Tensor

__all__ = ["Device", "FileLike", "Number", "Storage"]

Number = int | float | bool
_Number = (int, float, bool)
Device = _device_kind | str | int | None
FileLike = str | os.PathLike[str] | IO[bytes]
BoolLikeType, IntLikeType, FloatLikeType = bool, int, float
_int, _float, _bool, _complex, _str, _bytes = int, float, bool, complex, str, bytes
_device, _dtype, _layout = _device_kind, _dtype_kind, _layout_kind
_size = Size | list[int] | tuple[int, ...]
_TensorOrTensors = Tensor | Sequence[Tensor]
_TensorOrTensorsOrGradEdge = Tensor | Sequence[Tensor] | GradientEdge | Sequence[GradientEdge]
_TensorOrOptionalTensors = Tensor | Sequence[Tensor | None]
Storage = UntypedStorage

explain_all(__name__)
