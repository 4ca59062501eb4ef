"""Flambeau: deep learning with PyTorch's interface, whose running network can be seen.

>>> import flambeau as torch
>>> x = torch.ones(3, requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 2., 2.])
"""

from typing import Any as _Any

from . import autograd, dtypes
from .autograd.function import Function as _Function
from .autograd.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .device import device
from .dtypes import dtype, get_default_dtype, set_default_dtype
from .ops import SPACES as _SPACES
from .record import Trace, mark, record
from .record import load as load_trace
from .tensor import Size, Tensor

__version__ = "0.1.0"

autograd.Function = _Function
globals().update(dtypes.PUBLIC)
globals().update(_SPACES["fb"])


def live(**options: _Any) -> _Any:
    """Follows everything that runs from now on, in a live view and in JupyterLab's side panel.

    ``display=False`` shows no view in the notebook. Calling it again shows the same recording.
    """
    from .door import view

    return view().live(**options)


def __getattr__(name: str) -> _Any:
    """``flambeau.view``: the package of views, found when it is first touched."""
    if name == "view":
        from .door import view

        return view()
    raise AttributeError(f"module 'flambeau' has no attribute {name!r}")
