"""Flambeau: deep learning with PyTorch's interface, whose running network can be seen.

>>> import flambeau as torch
>>> x = torch.ones(3, requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 2., 2.])
"""

import math as _math
from typing import Any as _Any

from . import autograd, dtypes, random
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
from .left_out import missing as _missing
from .limits import finfo, iinfo
from .ops import SPACES as _SPACES
from .ops.legacy import LEGACY as _LEGACY
from .printing import set_printoptions
from .random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from .record import Trace, mark, record
from .record import load as load_trace
from .tensor import Size, Tensor

__version__ = "0.1.0"

autograd.Function = _Function  # type: ignore[attr-defined]  # it stands on the ops
globals().update(dtypes.PUBLIC)
globals().update(_SPACES["fb"])
globals().update(_LEGACY)
inf, nan, pi, e, newaxis = _math.inf, _math.nan, _math.pi, _math.e, None
# Accepted wherever PyTorch takes them; memory is always laid out in rows and dense.
strided, contiguous_format, preserve_format, channels_last = (
    "strided", "contiguous_format", "preserve_format", "channels_last",
)  # fmt: skip


# These stand on all that is above.
from . import (  # noqa: E402
    backends,
    cuda,
    fft,
    linalg,
    nn,
    optim,
    serialization,
    special,
    utils,
)
from .backends import (  # noqa: E402
    are_deterministic_algorithms_enabled,
    get_float32_matmul_precision,
    get_num_threads,
    set_float32_matmul_precision,
    set_num_threads,
    use_deterministic_algorithms,
)
from .interop import from_dlpack, from_torch, to_dlpack, to_torch  # noqa: E402
from .serialization import load, save  # noqa: E402


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
    raise _missing("module 'flambeau'", name)
