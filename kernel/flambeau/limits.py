"""Limits of types: `finfo` of floating-point types, `iinfo` of integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import dtypes


def _checked(owner: str, type: Any) -> dtypes.dtype:
    if not isinstance(type, dtypes.dtype):
        raise TypeError(
            f"{owner}(): argument 'type' (position 1) must be torch.dtype, "
            f"not {type.__class__.__name__}"
        )
    return type


class finfo:  # noqa: N801  (PyTorch's name)
    """Limits of a floating-point type: ``eps``, ``max``, ``min``, ``tiny``, ``bits``.

    Of a complex type, the limits of its parts; the default type where none is given.

    >>> fb.finfo(fb.float16).max
    65504.0
    """

    def __init__(self, type: Any = None) -> None:
        kind = _checked("finfo", dtypes.get_default_dtype() if type is None else type).to_real()
        if not kind.is_floating_point:
            raise TypeError(
                f"torch.finfo() requires a floating point input type, not {kind!r}; "
                "use torch.iinfo for integers"
            )
        if kind is dtypes.bfloat16:
            import ml_dtypes

            found: Any = ml_dtypes.finfo(kind.numpy)
        else:
            found = np.finfo(kind.numpy)
        self.eps, self.max, self.min = (float(getattr(found, n)) for n in ("eps", "max", "min"))
        self.tiny = self.smallest_normal = float(found.tiny)
        # The largest power of ten that tells neighbours apart: eps is 0.0078, so two digits.
        self.resolution = 10.0 ** -int(-np.log10(self.eps))
        self.bits, self.dtype = 8 * kind.itemsize, kind.name

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        parts = ", ".join(f"{n}={getattr(self, n):g}" for n in names)
        return f"finfo({parts}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(("finfo", self.dtype))


class iinfo:  # noqa: N801  (PyTorch's name)
    """Limits of an integer type: ``max``, ``min``, ``bits``.

    >>> fb.iinfo(fb.uint8).max
    255
    """

    def __init__(self, type: Any) -> None:
        kind = _checked("iinfo", type)
        if kind.is_floating_point or kind.is_complex:
            raise TypeError(
                f"torch.iinfo() requires an integer input type, not {kind!r}; "
                "use torch.finfo for floats"
            )
        if kind is dtypes.bool_:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        found = np.iinfo(kind.numpy)
        self.max, self.min, self.bits = int(found.max), int(found.min), int(found.bits)
        self.dtype = kind.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(("iinfo", self.dtype))
