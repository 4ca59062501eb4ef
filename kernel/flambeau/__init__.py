"""Flambeau: deep learning with PyTorch's interface, whose running network can be seen.

>>> import flambeau as torch
>>> x = torch.ones(3, requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 2., 2.])
"""

import math as _math
from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from . import collector as _collector  # first, as it pauses while the others are imported

# isort: split
from . import autograd, dtypes, random
from .as_functions import (
    detach,
    detach_,
    from_file,
    frombuffer,
    get_device,
    index_put_,
    is_distributed,
    is_inference,
    is_storage,
    set_anomaly_enabled,
)
from .autograd.function import Function as _Function
from .autograd.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .device import device, get_default_device, set_default_device
from .dtypes import dtype, get_default_dtype, set_default_dtype
from .errors import OutOfMemoryError
from .layouts import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from .left_out import explain_all as _explain_all
from .left_out import missing as _missing
from .limits import finfo, iinfo
from .naming import get_device_module, typename
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
from .record import mark, record
from .size import Size
from .subclasses import DisableTorchFunction, DisableTorchFunctionSubclass
from .switches import (
    are_deterministic_algorithms_enabled,
    get_deterministic_debug_mode,
    get_float32_matmul_precision,
    get_num_interop_threads,
    get_num_threads,
    is_deterministic_algorithms_warn_only_enabled,
    is_warn_always_enabled,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    set_flush_denormal,
    set_num_interop_threads,
    set_num_threads,
    set_warn_always,
    use_deterministic_algorithms,
)
from .tensor import Tensor

__version__ = "0.1.0"

autograd.Function = _Function  # type: ignore[attr-defined]  # it stands on the ops
globals().update(dtypes.PUBLIC)
globals().update(_SPACES["fb"])
globals().update(_LEGACY)
inf, nan, pi, e, newaxis = _math.inf, _math.nan, _math.pi, _math.e, None
has_lapack, has_spectral, has_mkl, has_openmp = True, True, False, False  # NumPy has the first two


# These stand on all that is above.
from .amp.autocast_mode import (  # noqa: E402
    OLD_NAMES as _OLD_NAMES,
)
from .amp.autocast_mode import (  # noqa: E402
    autocast,
    clear_autocast_cache,
    get_autocast_dtype,
    is_autocast_cache_enabled,
    is_autocast_enabled,
    set_autocast_cache_enabled,
    set_autocast_dtype,
    set_autocast_enabled,
)
from .autograd.gradcheck import gradcheck as _gradcheck  # noqa: E402
from .compiler import compile  # noqa: E402
from .cpu import memory as _memory  # noqa: E402
from .interop import from_dlpack, from_torch, to_dlpack, to_torch  # noqa: E402

globals().update(_OLD_NAMES)
autograd.gradcheck = _gradcheck  # type: ignore[assignment]  # not the file of that name

if _TYPE_CHECKING:
    from . import (
        accelerator,
        amp,
        backends,
        cpu,
        cuda,
        fft,
        linalg,
        masked,
        nn,
        optim,
        serialization,
        signal,
        special,
        types,
        utils,
    )
    from .amp import GradScaler
    from .autograd.anomaly_mode import is_anomaly_check_nan_enabled, is_anomaly_enabled
    from .func import vmap
    from .record import Trace
    from .record import load as load_trace
    from .serialization import load, save

# What not every program needs is imported when it is first touched: packages, and names in them.
_LATER = frozenset(
    (
        "_C", "accelerator", "amp", "backends", "compiler", "cpu", "cuda", "distributed",
        "distributions", "fft", "func", "functional", "futures", "jit", "linalg", "masked",
        "multiprocessing", "nn", "optim", "overrides", "profiler", "return_types",
        "serialization", "signal", "special", "storage", "testing", "types", "utils", "version",
    )
)  # fmt: skip
_OUT_OF = {
    "Future": "futures.Future",
    "GradScaler": "amp.GradScaler",
    "Trace": "record.Trace",
    "is_anomaly_check_nan_enabled": "autograd.anomaly_mode.is_anomaly_check_nan_enabled",
    "is_anomaly_enabled": "autograd.anomaly_mode.is_anomaly_enabled",
    "load": "serialization.load",
    "load_trace": "record.load",
    "save": "serialization.save",
    "vmap": "func.vmap",
}


def live(**options: _Any) -> _Any:
    """Follows everything that runs from now on, in a live view and in JupyterLab's side panel.

    ``display=False`` shows no view in the notebook. Calling it again shows the same recording.
    """
    from .door import view

    return view().live(**options)


def __getattr__(name: str) -> _Any:
    """What is imported when it is first touched; ``view`` is the package of the views."""
    if name == "view":
        from .door import view

        return view()
    if name in _LATER:
        return _import_module(f".{name}", __name__)
    if name in _OUT_OF:
        room, _, thing = _OUT_OF[name].rpartition(".")
        found = globals()[name] = getattr(_import_module(f".{room}", __name__), thing)
        return found
    if name == "__all__":  # for `from flambeau import *`
        return [n for n in __dir__() if not n.startswith("_")]
    raise _missing("module 'flambeau'", name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER, *_OUT_OF})


_explain_all(__name__)
_memory.set_up()
_collector.settle()
